"""The shape of campaign files, accounts.yaml and policy.yaml.

Every scalar arrives as the text that was typed (reader.py keeps `no` and `17:30` as they are).
Field descriptions become the reference page and the JSON Schema that editors use.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from social_scheduler.message import Limits


class _Words:
    """Marks text that will be published: it must be quoted or a `|` block in the file."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Only text will do here, also for editors (json_schema.py takes the mark away)."""
        schema: dict[str, Any] = handler(core_schema)
        return schema | {"words": True}


WORDS = _Words()

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Words = Annotated[str, StringConstraints(min_length=1), WORDS]
YesNo = Literal["yes", "no"]

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DAY = "(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MOMENT = rf"^({_DATE}|{_DAY}) +[0-9]{{1,2}}:[0-9]{{2}}( +[A-Za-z][A-Za-z0-9_+/-]*)?$"
Moment = Annotated[
    str, StringConstraints(min_length=1), Field(json_schema_extra={"pattern": _MOMENT})
]
Day = Annotated[str, Field(json_schema_extra={"pattern": f"^{_DATE}$"})]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kind(StrEnum):
    """What a campaign is; policy.yaml says by kind how many people must approve."""

    SPOTLIGHT = "spotlight"
    STORY = "story"
    QUOTE = "quote"
    NEWS = "news"
    EXPLAINER = "explainer"
    MEETING = "meeting"
    DIGEST = "digest"
    CORRECTION = "correction"
    CONDOLENCE = "condolence"
    CRISIS = "crisis"


class Media(_Strict):
    """A picture or film: one file for all languages, or one by language, and its description."""

    file: str | dict[Language, str] = Field(
        description="Path of the picture or film, from this file's folder; or a path by language."
    )
    alt: dict[Language, Words] = Field(
        description="What it shows, by language, for people who cannot see it. Required."
    )
    captions: dict[Language, str] | None = Field(
        None,
        description="For a film: the path of its WebVTT file by language, for people who cannot "
        "hear it.",
    )


class CardWords(_Strict):
    """The box under a link, for networks where it is ours to make (Bluesky)."""

    title: Words = Field(description="Its headline.")
    description: Words | None = Field(None, description="A sentence under it.")
    picture: Name | None = Field(None, description="A picture from `media` at the top.")


class Wording(_Strict):
    """What is said: of a post, or of its variant for one account or platform."""

    text: dict[Language, Words] | None = Field(
        None, description="The words, by language. `{link}` stands for the post's link."
    )
    thread: dict[Language, Annotated[list[Words], Field(min_length=1, max_length=25)]] | None = (
        Field(
            None,
            description="Instead of text: by language, the parts of a thread in order. "
            "Every language has the same number of parts.",
        )
    )
    split: YesNo | None = Field(
        None,
        description="`yes`: a text that is too long for a network becomes a numbered thread there, "
        "divided between sentences.",
    )
    link: str | dict[Language, str] | None = Field(
        None,
        description="An https address, or one by language. Placed where `{link}` stands, "
        "else on a last line of its own.",
    )
    media: list[Name] | None = Field(
        None,
        description="Names from `media` at the top, in order; with the first part of a thread.",
    )
    media_by_part: dict[int, list[Name]] | None = Field(
        None, description="For threads: part number (from 1) and the media shown with it."
    )
    card: dict[Language, CardWords] | None = Field(
        None, description="The box under the link by language, where it is ours to make (Bluesky)."
    )
    warning: dict[Language, Words] | None = Field(
        None, description="Words in front of the post, which a reader opens first (Mastodon)."
    )
    visibility: Literal["public", "unlisted", "followers"] | None = Field(
        None, description="Who sees it, and whether it is listed (Mastodon)."
    )
    replies: Literal["everyone", "following", "mentioned"] | None = Field(
        None, description="Who may reply (X, Bluesky)."
    )
    silent: YesNo | None = Field(None, description="`yes`: phones make no sound (Telegram).")
    preview: YesNo | None = Field(None, description="`no`: no box for a link (Telegram).")
    quote: str | None = Field(
        None, description="The address of a post that it quotes, on the network it goes to."
    )


class Post(Wording):
    """One thing to say, in all its languages and places."""

    id: Name = Field(description="Names the post within its campaign, for ever.")
    repost: str | None = Field(
        None,
        description="Instead of words: the address of somebody's post that is repeated as it is.",
    )
    at: Moment = Field(
        description="When: `2027-01-11 10:30`, or `Monday 10:30` with `week_of`; "
        "a zone name may follow."
    )
    to: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="Accounts or groups from accounts.yaml, instead of the campaign's."
    )
    tags: list[str] = Field([], description="Added to the campaign's tags; holds can name a tag.")
    variants: dict[Name, Wording] = Field(
        {}, description="Other wording for one account or platform; account beats platform."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = [self.text, self.thread, self.repost]
        if sum(each is not None for each in said) != 1:
            raise ValueError("a post has either `text` or `thread` (or `repost`)")
        return self


class Campaign(_Strict):
    """One campaign file."""

    campaign: Name = Field(description="Names the campaign, for ever; never the file's path.")
    kind: Kind = Field(description="What kind of campaign it is.")
    title: Words = Field(description="For colleagues; never published.")
    owner: Name = Field(description="The person who answers the reviewer's questions.")
    timezone: str = Field(description="IANA name, such as Asia/Baghdad; every time is local to it.")
    to: Annotated[list[Name], Field(min_length=1)] = Field(
        description="Accounts or groups from accounts.yaml."
    )
    week_of: Day | None = Field(
        None, description="A Monday, `2027-01-11`; lets posts say `Tuesday 10:30`."
    )
    event: Moment | None = Field(
        None, description="When the event is; for times before and after it (not yet)."
    )
    embargo: Moment | None = Field(
        None, description="Nothing goes out before; may name its own zone."
    )
    expires: Moment | None = Field(None, description="Nothing goes out after; likewise.")
    late: str = Field(
        "10 minutes",
        pattern=r"^[1-9][0-9]{0,3} (minute|minutes|hour|hours)$",
        description="How late a post may still go out; after that a person decides.",
    )
    release: Literal["together", "apart"] = Field(
        "together",
        description="`together`: no language of a post goes out until every one may.",
    )
    tags: list[str] = Field([], description="For holds and reports.")
    consent: str | None = Field(
        None, description="For stories about people: a reference to the consent, never a name."
    )
    media: dict[Name, Media] = Field({}, description="The pictures, by name.")
    posts: Annotated[list[Post], Field(min_length=1, max_length=2000)] = Field(
        description="What is said, and when."
    )


class AccountEntry(_Strict):
    """One account in accounts.yaml. Keys and tokens are never written here."""

    name: Name = Field(description="What campaigns call it.")
    platform: Name = Field(description="The network's module, such as x.")
    handle: str = Field(
        min_length=1, max_length=200, description="As the network shows it, without @."
    )
    language: Language = Field(description="The one language it speaks.")
    groups: list[Name] = Field([], description="Groups it belongs to.")
    server: str | None = Field(
        None,
        pattern=r"^https://[^/\s?#@]+$",
        description="The address of its server, for networks that have many (Mastodon, Bluesky); "
        "a rehearsal workspace speaks to its sandbox instead.",
    )
    text_limit: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="How long its texts may be, where the network grants it more (X Premium).",
    )
    may_thread: YesNo = Field(
        "no", description="Whether the network lets this account reply to itself."
    )
    spacing: str = Field(
        "0 seconds",
        pattern=r"^(0|[1-9][0-9]{0,3}) (second|seconds|minute|minutes|hour|hours)$",
        description="The least time between two posts of this account, such as `2 minutes`; "
        "put in force by `accounts connect`.",
    )

    def limits(self, of_network: Limits, told: Mapping[str, int]) -> Limits:
        """What this account may say: its network's limits, and its own (message.TOLD)."""
        return of_network.told(self.own_limits(told))

    def own_limits(self, told: Mapping[str, int]) -> dict[str, int]:
        """What the network said of it, and what is written here."""
        return {**told, **({"text": self.text_limit} if self.text_limit else {})}


class Accounts(_Strict):
    """accounts.yaml"""

    accounts: Annotated[list[AccountEntry], Field(min_length=1)]

    def named(self, names: list[str]) -> list[AccountEntry]:
        """The accounts meant by account or group names, in the file's order, each once."""
        wanted = set(names)
        return [a for a in self.accounts if a.name in wanted or wanted & set(a.groups)]

    @property
    def names(self) -> set[str]:
        """Every name a campaign's `to` may use."""
        return {a.name for a in self.accounts} | {g for a in self.accounts for g in a.groups}
