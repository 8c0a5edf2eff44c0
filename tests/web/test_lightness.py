"""Pages are small, few queries make them, and the sheet and catalogues are whole."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hatch_build
import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from sqlalchemy import event

from social_scheduler.web import words
from social_scheduler.web.i18n import LOCALES, translations
from tests.web.newsroom import DIGEST, MARKET, OPENING, Newsroom

WEB = Path(words.__file__).parent
PAGES = (
    "/",
    "/posts",
    "/posts?when=past",
    "/published",
    "/inbox",
    "/holds",
    "/holds/new",
    f"/posts/{OPENING}",
    f"/posts/{MARKET}",
    f"/posts/{DIGEST}",
    f"/posts/{OPENING}/withdraw",
)
PHYSICAL = re.compile(
    r"(?:margin|padding|border|inset)-(?:left|right|top|bottom)|"
    r"(?<![-\w])(?:left|right|top|bottom|width|height|float)\s*:|"
    r"text-align:\s*(?:left|right)|(?:min|max)-(?:width|height)\s*:(?![^(]*\))"
)


@contextmanager
def queries(room: Newsroom) -> Iterator[list[str]]:
    """Every statement the database is asked while the block runs, but for BEGIN."""
    found: list[str] = []

    def note(*arguments: object) -> None:
        statement = str(arguments[2])
        if not statement.startswith("BEGIN"):
            found.append(statement)

    engine = room.context.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light(standing: Newsroom, path: str) -> None:
    """At most ten queries and 100 kB, in the longest of the languages too."""
    rana = standing.signed_in("rana")
    for locale in LOCALES:
        rana.cookies.set("lang", locale)
        with queries(standing) as asked:
            answer = rana.get(path)
        assert answer.status_code == 200
        assert len(asked) <= 10, asked
        assert len(answer.content) <= 100_000


def test_more_posts_do_not_mean_more_queries(newsroom: Newsroom) -> None:
    """One post in review costs as much as twelve."""
    rana = newsroom.signed_in("rana")

    def cost() -> int:
        with queries(newsroom) as asked:
            rana.get("/")
        return len(asked)

    many = cost()
    newsroom.clock.at = newsroom.clock.at.replace(month=2, day=10)
    rana = newsroom.signed_in("rana")
    assert rana.get("/").text.count('class="item"') == 1
    assert cost() == many


def test_the_sheet_knows_no_left_or_right() -> None:
    """Logical properties only, so that one sheet serves both directions."""
    sheet = (WEB / "static" / "desk.css").read_text()
    sheet = re.sub(r"@media[^{]*|env\([^)]*\)", "", sheet)
    assert PHYSICAL.findall(sheet) == []
    assert PHYSICAL.findall("a { margin-left: 4px; width: 3px }")


def test_no_text_is_smaller_than_14_pixels() -> None:
    """And sizes come from the four steps."""
    sizes = re.findall(r"font(?:-size)?:\s*(\d+)px", (WEB / "static" / "desk.css").read_text())
    assert {int(s) for s in sizes} <= {14, 16, 20, 28}


def test_htmx_is_the_pinned_one(standing: Newsroom) -> None:
    """The build hook put it there; pages load it by its digest."""
    client = standing.browser()
    content = client.get("/static/vendor/htmx.min.js").content
    assert hashlib.sha256(content).hexdigest() == hatch_build.HTMX_SHA256
    page = client.get("/sign-in").text
    assert re.search(r'<script defer src="/static/vendor/htmx\.min\.js\?v=[0-9a-f]{12}">', page)


def said() -> set[str]:
    """Every text of the templates and modules that is to be translated, by its first form."""
    found = extract_from_dir(
        WEB,
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}},
        {**DEFAULT_KEYWORDS, "N_": None},
    )
    return {m if isinstance(m, str) else m[0] for _, _, m, _, _ in found}


@pytest.mark.parametrize("locale", sorted(set(LOCALES) - {"en"}))
def test_the_catalogue_is_whole(locale: str) -> None:
    """Nothing untranslated, nothing left over, every plural form and every placeholder there."""
    with (WEB / "locale" / locale / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        catalogue = read_po(stream, locale=locale, abort_invalid=True)
    known = {}
    for message in catalogue:
        if message.id:
            known[message.id if isinstance(message.id, str) else message.id[0]] = message
    assert said() - set(known) == set()
    assert set(known) - said() == set()
    for message in known.values():
        assert not message.fuzzy
        forms = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        assert all(forms), message.id
        if not isinstance(message.id, str):
            assert len(forms) == catalogue.num_plurals
        else:
            names = re.findall(r"%\(\w+\)s", message.id)
            assert sorted(re.findall(r"%\(\w+\)s", forms[0])) == sorted(names)
    assert not list(catalogue.check())
    write_mo(io.BytesIO(), catalogue)


def test_every_state_has_a_word_and_a_shape() -> None:
    """And no shape is named that is not drawn."""
    marks = (WEB / "templates" / "marks.html").read_text()
    drawn = set(re.findall(r'<symbol id="m-([a-z-]+)"', marks))
    used = {shape for shape, _ in words.STATES.values()}
    assert used <= drawn
    for template in (WEB / "templates").glob("*.html"):
        assert set(re.findall(r'mark\("([a-z-]+)"\)', template.read_text())) <= drawn


def test_a_desk_without_compiled_catalogues_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """It works all the same."""
    translations.cache_clear()
    monkeypatch.setattr("social_scheduler.web.i18n.files", lambda _: Path("/nonexistent"))
    assert translations("ar").gettext("Approve") == "Approve"
    translations.cache_clear()


def test_the_language_is_that_of_the_browser_until_one_is_chosen(standing: Newsroom) -> None:
    """Arabic is right to left; the choice is kept."""
    client = standing.browser(**{"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
    assert '<html lang="fr" dir="ltr">' in client.get("/sign-in").text
    assert '<html lang="ar" dir="rtl">' in client.get("/sign-in?lang=ar").text
    assert '<html lang="ar" dir="rtl">' in client.get("/sign-in").text
    assert '<html lang="ar" dir="rtl">' in client.get("/sign-in?lang=xx").text
