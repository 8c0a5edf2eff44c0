"""When X takes more again is believed within reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from social_scheduler.platforms.x.outcomes import Answer, resumes_at
from tests.platforms.x.wires import NOW

EPOCH = int(NOW.timestamp())
MINUTE, HOUR, DAY = 60, 3600, 86400
CAPPED = b'{"type": "https://api.twitter.com/2/problems/usage-capped"}'


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": str(EPOCH + 90)}, b"", 90),
        ({"x-rate-limit-reset": str(EPOCH - 30)}, b"", 1),
        ({"x-rate-limit-reset": "0"}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": "-5"}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": "soon"}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": "١٢٣"}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": "9" * 11}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": "9" * 400}, b"", 15 * MINUTE),
        ({"x-rate-limit-reset": str(EPOCH + 40 * DAY)}, b"", 15 * MINUTE),
        (
            {
                "x-rate-limit-reset": str(EPOCH + MINUTE),
                "x-user-limit-24hour-remaining": "0",
                "x-user-limit-24hour-reset": str(EPOCH + 7 * HOUR),
            },
            b"",
            7 * HOUR,
        ),
        (
            {
                "x-rate-limit-reset": str(EPOCH + MINUTE),
                "x-app-limit-24hour-remaining": "12",
                "x-app-limit-24hour-reset": str(EPOCH + 7 * HOUR),
            },
            b"",
            MINUTE,
        ),
        ({}, CAPPED, DAY),
    ],
)
def test_the_time_is_the_headers_if_it_can_be_right(
    headers: dict[str, str], body: bytes, seconds: int
) -> None:
    assert resumes_at(Answer(429, headers, body), NOW) - NOW == timedelta(seconds=seconds)
