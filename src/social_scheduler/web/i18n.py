"""The desk's languages: which one a person reads, and its catalogue."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from babel import negotiate_locale
from starlette.requests import Request

from social_scheduler.web.session import Cookies

LOCALES = {"en": "English", "fr": "Français", "ar": "العربية"}
"""Each by its own name, as people look for it."""
RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "ckb", "ku", "ps", "sd", "ug", "he"})


def is_locale(value: str) -> bool:
    """Whether the desk speaks it."""
    return value in LOCALES


def direction(language: str) -> str:
    """How a language is written: `rtl` or `ltr`."""
    return "rtl" if language.split("-")[0] in RIGHT_TO_LEFT else "ltr"


def chosen_locale(request: Request, cookies: Cookies) -> str:
    """What was asked for just now, or before, or what the browser says; else English."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(cookies.name("lang"))):
        if wanted and is_locale(wanted):
            return wanted
    header = request.headers.get("accept-language", "")
    accepted = [part.split(";")[0].strip() for part in header.split(",")][:20]
    try:
        found = negotiate_locale([a for a in accepted if a], list(LOCALES), sep="-")
    except ValueError:
        found = None
    return found or "en"


@cache
def translations(locale: str) -> NullTranslations:
    """The compiled catalogue; English as written in the templates when there is none."""
    compiled = files("social_scheduler.web") / "locale" / locale / "LC_MESSAGES" / "messages.mo"
    if not compiled.is_file():
        return NullTranslations()
    with compiled.open("rb") as stream:
        return GNUTranslations(stream)
