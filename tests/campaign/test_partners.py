"""The address book: read strictly, and every mistake in it named at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from social_scheduler.campaign.checks_partners import check_partners
from social_scheduler.campaign.load import load_partners, load_partners_bytes
from social_scheduler.campaign.partners import NOBODY, Partner, Partners

NETWORKS = ("x", "bluesky", "mastodon", "telegram")
FILES = sorted((Path(__file__).parent / "broken_partners").glob("*.yaml"))
HEAD = re.compile(r"# at (\d+):(\d+)\n# problem: (.*)\n# remedy: (.*)\n")
SAMPLE = Path(__file__).parents[2] / "campaigns" / "partners.yaml"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_mistake_is_named_at_its_place_with_a_remedy(file: Path) -> None:
    source = file.read_bytes()
    head = HEAD.match(source.decode())
    assert head is not None
    found = check_partners(load_partners_bytes(source, file, file.name), NETWORKS)
    assert found, "nothing was found"
    first = found[0]
    assert (first.file, first.line, first.column) == (file.name, int(head[1]), int(head[2]))
    assert head[3] in first.problem
    assert head[4] in first.remedy
    assert len({(f.line, f.column) for f in found}) == 1


def test_the_sample_has_no_mistake() -> None:
    assert check_partners(load_partners(SAMPLE), NETWORKS) == []


def test_a_folder_without_an_address_book_knows_nobody(tmp_path: Path) -> None:
    loaded = load_partners(tmp_path / "partners.yaml")
    assert (loaded.value, check_partners(loaded, NETWORKS)) == (NOBODY, [])


@pytest.mark.parametrize(
    ("platform", "language", "called"),
    [
        ("x", "en", "@NATO"),
        ("mastodon", "ar", "@nato@social.example"),
        ("telegram", "en", "the Alliance"),
        ("telegram", "en-GB", "the Alliance"),
        ("telegram", "fr", None),
    ],
)
def test_a_partner_is_called_by_its_handle_there_else_by_its_name(
    platform: str, language: str, called: str | None
) -> None:
    partner = Partner(
        name={"en": "the Alliance"}, handles={"x": "NATO", "mastodon": "nato@social.example"}
    )
    assert partner.called(platform, language) == called


def test_a_handle_of_a_network_with_no_shape_of_its_own_must_still_be_a_mention() -> None:
    book = Partners.model_validate({"partners": {"a": {"handles": {"other": "a b"[:1] + "é"}}}})
    source = "partners: {a: {handles: {other: aé}}}".encode()
    assert book.partners["a"].called("other", "en") == "@aé"
    (found,) = check_partners(load_partners_bytes(source, SAMPLE, "p.yaml"), ("other",))
    assert "cannot be a handle" in found.problem
