"""`review posts`: one word for what came of a whole post, or how many of its deliveries."""

from __future__ import annotations

import pytest

from social_scheduler.cli.review import _stands
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.lifecycle import PostState as P
from social_scheduler.services.views import Listed
from social_scheduler.store.reading import PostLine
from tests.services.desk import MONDAY


@pytest.mark.parametrize(
    ("post", "deliveries", "told"),
    [
        (P.IN_REVIEW, [D.SCHEDULED] * 2, "in review"),
        (P.APPROVED, [D.SCHEDULED, D.LEASED], "approved"),
        (P.APPROVED, [D.PUBLISHED] * 2, "published"),
        (P.APPROVED, [D.PUBLISHED] * 2 + [D.SCHEDULED] * 2, "2 of 4 published"),
        (P.APPROVED, [D.PUBLISHED, D.FAILED], "1 of 2 published, 1 of 2 failed"),
        (P.CHANGES_REQUESTED, [D.PUBLISHED, D.SCHEDULED], "changes requested, 1 of 2 published"),
        (P.IN_REVIEW, [D.MISSED], "in review, 1 of 1 missed"),
        (P.WITHDRAWN, [D.CANCELLED] * 2, "withdrawn"),
        (P.WITHDRAWN, [D.PUBLISHED, D.CANCELLED], "withdrawn, 1 of 2 published"),
    ],
)
def test_a_post_stands_as_its_review_and_its_deliveries_do(
    post: P, deliveries: list[D], told: str
) -> None:
    line = PostLine(
        1, "week/opening", "The week", "news", post, 1, MONDAY, MONDAY, "UTC", "", "amal", (1,)
    )
    listed = Listed(line, tuple((f"wire-{n}", "en", d) for n, d in enumerate(deliveries)))

    assert _stands(listed) == told
