"""Renders pages: the templates, and what stands on every page (band, alarms, who is signed in)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from babel import Locale
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from social_scheduler.app import Opened
from social_scheduler.errors import NotSignedIn, SchedulerError
from social_scheduler.services.actor import Actor, Right
from social_scheduler.services.hold import list_holds
from social_scheduler.services.inbox import alarm_counts
from social_scheduler.services.views import said_of, said_of_post
from social_scheduler.store import holds as hold_store
from social_scheduler.store.tables import Hold
from social_scheduler.web import words
from social_scheduler.web.i18n import LOCALES, direction, translations
from social_scheduler.web.saying import breakable, first_words
from social_scheduler.web.session import Asked, Cookies, form_token, pack, unpack
from social_scheduler.web.times import Moment, moment

STATIC = ("desk.css", "desk.js", "mark.svg", "vendor/htmx.min.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One of our own files as it is served."""

    content: bytes
    version: str


class Desk:
    """What every page is made with."""

    def __init__(self, opened: Opened) -> None:
        self.context = opened.context
        self.settings = opened.settings
        self.cookies = Cookies.of(opened.settings)
        self.log = logging.getLogger("social_scheduler.web")
        self.assets = dict(_assets())
        self._environments = {locale: self._environment(locale) for locale in LOCALES}

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page for somebody who may read."""
        asked = asked_of(request)
        actor = actor_of(request)
        html = self._render(
            template,
            asked=asked,
            actor=actor,
            holds=list_holds(self.context, actor),
            alarms=alarm_counts(self.context, actor),
            **self._common(request),
            **values,
        )
        answer = self._answer(request, html, status)
        if status == 409:  # what was shown is no longer so: the whole page anew, not one form
            answer.headers["HX-Retarget"] = answer.headers["HX-Reselect"] = "#main"
            answer.headers["HX-Reswap"] = "outerHTML"
        return answer

    def sign_in_page(
        self,
        request: Request,
        status: int = 200,
        *,
        problem: SchedulerError | None = None,
        name: str = "",
        wanted: str = "/",
    ) -> Response:
        """The form to sign in with; keeps what was typed in a form that came too late."""
        asked = asked_of(request)
        cookie = self.cookies
        typed = [asked.one(field) for field in ("reason", "url") if asked.one(field)]
        html = self._render(
            "sign_in.html",
            asked=asked,
            problem=problem if asked.signed_in_before or request.url.path == "/sign-in" else None,
            name=name,
            wanted=wanted,
            typed=typed,
            **(self._common(request) | {"here": "/sign-in"}),
        )
        answer = self._answer(request, html, status)
        if request.cookies.get(cookie.name("visit")) != asked.secret:
            cookie.put(answer, "visit", asked.secret)
        return answer

    def problem(self, request: Request, problem: SchedulerError) -> Response:
        """A page that says what is wrong and what to do; never more."""
        asked = asked_of(request)
        if isinstance(problem, NotSignedIn):
            return self.sign_in_page(request, 401, problem=problem)
        values = {"problem": problem, "title_of": words.TITLES.get(problem.status)}
        status = problem.status
        if asked.actor and Right.READ in asked.actor.rights and status < 500:
            try:
                return self.page(request, "problem.html", status, **values)
            except SchedulerError as worse:
                values["problem"], status = worse, worse.status
        common = self._common(request)
        html = self._render("problem_bare.html", asked=asked, **common, **values)
        return self._answer(request, html, status)

    def go(self, request: Request, path: str, **message: str) -> Response:
        """After a form: on to another page, with a message for it."""
        if request.headers.get("hx-request"):
            answer = Response(status_code=204, headers={"HX-Redirect": path})
        else:
            answer = RedirectResponse(path, 303)
        if message:
            self.cookies.put(answer, "told", pack(message), max_age=60)
        return answer

    def _common(self, request: Request) -> dict[str, Any]:
        asked = asked_of(request)
        return {
            "kind": self.context.kind,
            "locale": asked.locale,
            "direction": direction(asked.locale),
            "token": form_token(asked.secret),
            "here": request.url.path if request.method == "GET" else "/",
            "told": {"code": "", "post": "", "account": "", "next": ""}
            | unpack(request.cookies.get(self.cookies.name("told"))),
        }

    def _answer(self, request: Request, html: str, status: int) -> Response:
        answer = HTMLResponse(html, status)
        if request.cookies.get(self.cookies.name("told")):
            self.cookies.drop(answer, "told")
        return answer

    def _render(self, template: str, **values: Any) -> str:
        return self._environments[values["locale"]].get_template(template).render(**values)

    def _environment(self, locale: str) -> Environment:
        environment = Environment(
            loader=PackageLoader("social_scheduler.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        catalogue = translations(locale)
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        names = Locale(locale).languages

        def when(instant: Any, zone: str = "UTC") -> Moment:
            return moment(instant, self.context.now(), locale, zone)

        def state_word(state: str) -> str:
            return catalogue.gettext(words.STATES.get(state, ("draft", state))[1])

        environment.globals |= {
            "LOCALES": LOCALES,
            "words": words,
            "assets": {name: asset.version for name, asset in self.assets.items()},
            "when": when,
            "state_word": state_word,
            "direction_of": direction,
            "language_name": lambda code: names.get(code, code),
            "first_words": first_words,
            "breakable": breakable,
            "mine_first_by_language": lambda groups: sorted(
                groups, key=lambda g: g.language.split("-")[0] != locale
            ),
            "mine_first": lambda codes: sorted(codes, key=lambda c: c.split("-")[0] != locale),
            "said": lambda text: catalogue.gettext(text) if text else "",
            "is_known": lambda text: locale == "en" or catalogue.gettext(text) != text,
            "hold_matches": hold_matches,
            "said_of": said_of,
            "said_of_post": said_of_post,
        }
        return environment


def hold_matches(hold: Hold, view: Any, message: Any) -> bool:
    """Whether a hold stops this message of this post."""
    campaign, _, key = view.line.reference.partition("/")
    return hold_store.matches(
        hold,
        campaign=campaign,
        key=key,
        account=message.account,
        language=message.language,
        kind=view.line.kind,
        tags=view.tags,
    )


def desk_of(request: Request) -> Desk:
    """The desk that a request came to."""
    desk: Desk = request.app.state.desk
    return desk


def asked_of(request: Request) -> Asked:
    """What the gate found out."""
    asked: Asked = request.state.asked
    return asked


def actor_of(request: Request) -> Actor:
    """Who asks; NotSignedIn when nobody does."""
    actor = asked_of(request).actor
    if actor is None:
        raise NotSignedIn("This page is for people who are signed in.", "Sign in.")
    return actor


def _assets() -> list[tuple[str, Asset]]:
    found = []
    for name in STATIC:
        file = files("social_scheduler.web") / "static" / name
        if file.is_file():  # without its build hook a source tree has no htmx; pages do without
            content = file.read_bytes()
            found.append((name, Asset(content, hashlib.sha256(content).hexdigest()[:12])))
    return found
