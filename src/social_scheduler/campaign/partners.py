"""The address book: who a partner is on each network, so that a campaign need only name it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from social_scheduler.campaign.schema import Language, Name, Words

Handle = Annotated[str, StringConstraints(pattern=r"^[^\s@]+(@[^\s@]+)?$", max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Partner(_Strict):
    """One partner: its name by language, and its handle on each network where it has one."""

    name: dict[Language, Words] = Field(
        {}, description="What it is called, by language, where it has no handle."
    )
    handles: dict[Name, Handle] = Field(
        {},
        description="By network, as the network shows it, without the first @: `NATO` on X, "
        "`nato@social.example` on Mastodon, `nato.bsky.social` on Bluesky.",
    )
    ids: dict[Name, Id] = Field(
        {},
        description="By network, its own id of that account, where a mention needs it: on Bluesky "
        "the DID, such as `did:plc:…`.",
    )

    @model_validator(mode="after")
    def _can_be_named(self) -> Self:
        if not self.name and not self.handles:
            raise ValueError("this partner has neither a `name` nor `handles`")
        return self

    def called(self, platform: str, language: str) -> str | None:
        """How a text in a language on a network names it: by its handle, else by its name."""
        if platform in self.handles:
            return f"@{self.handles[platform]}"
        return self.name.get(language) or self.name.get(language.partition("-")[0])


class Partners(_Strict):
    """partners.yaml"""

    partners: dict[Name, Partner] = Field({}, description="The partners, by what campaigns write.")


NOBODY = Partners()
"""An address book without entries."""
