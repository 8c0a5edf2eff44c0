"""Settings: environment over `settings.toml` in the workspace over defaults. Never a secret."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from social_scheduler.errors import WorkspaceError

SETTINGS_FILE = "settings.toml"


class Settings(BaseSettings):
    """Every setting. In the environment each is SOCIAL_SCHEDULER_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="SOCIAL_SCHEDULER_", extra="forbid", frozen=True)
    _file: ClassVar[Path] = Path(SETTINGS_FILE)

    database_url: str = Field(
        "", description="The database; empty: SQLite in the workspace (social-scheduler.db)."
    )
    sandbox_url: str = Field(
        "http://127.0.0.1:8640", description="Where a rehearsal workspace's sandbox is."
    )
    web_host: str = Field("127.0.0.1", description="The address the web desk listens on.")
    web_port: int = Field(8600, ge=0, le=65535, description="Its port.")
    web_origin: str = Field(
        "",
        description="The https address people type, when a proxy stands in front of the desk.",
    )
    connect_timeout: float = Field(5.0, gt=0, le=60, description="Seconds to reach a network.")
    read_timeout: float = Field(30.0, gt=0, le=300, description="Seconds to wait for its answer.")
    calls_at_once: int = Field(64, ge=1, le=512, description="Accounts spoken through at once.")
    burst_account_minute: int = Field(
        20,
        ge=0,
        description="More posts than this on one account within a minute trip a hold; 0: no limit.",
    )
    burst_account_hour: int = Field(100, ge=0, description="The same, within an hour.")
    burst_minute: int = Field(
        200, ge=0, description="More posts than this on all accounts within a minute trip a hold."
    )
    burst_hour: int = Field(2000, ge=0, description="The same, within an hour.")
    watch_mail_to: tuple[str, ...] = Field(
        (), description="Who is mailed when something is wrong; empty: nobody."
    )
    watch_mail_from: str = Field("", description="The sender of these mails.")
    watch_mail_server: str = Field("", description="The mail server that takes them.")
    watch_mail_port: int = Field(587, ge=1, le=65535, description="Its port.")
    watch_mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the connection is encrypted: starttls, tls; none only to this machine.",
    )
    watch_mail_user: str = Field(
        "",
        description="The name to sign in with there; empty: without. The password stands in "
        "vault/watch-mail-password.",
    )
    watch_webhook_url: str = Field(
        "",
        description="Where alarms are posted to, signed with the secret in "
        "vault/watch-webhook-secret; empty: nowhere.",
    )
    settle_seconds: tuple[float, ...] = Field(
        (),
        description="Rehearsals only: how many seconds after a call whose answer was lost to look "
        "for it, each time; empty: as the network needs.",
    )

    @property
    def origin(self) -> str:
        """The address of the desk in people's browsers."""
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return self.web_origin.rstrip("/") or f"http://{host}:{self.web_port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the workspace's file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls._file)


def load_settings(workspace: Path) -> Settings:
    """The settings that hold in a workspace."""

    class Here(Settings):
        _file: ClassVar[Path] = workspace / SETTINGS_FILE

    try:
        return Here()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise WorkspaceError(
            f"The setting {name} cannot be used: {first['msg']}.",
            f"Correct {workspace / SETTINGS_FILE} or SOCIAL_SCHEDULER_{name.upper()}.",
        ) from None
    except ValueError as problem:
        raise WorkspaceError(
            f"{workspace / SETTINGS_FILE} cannot be read: {problem}.", "Correct the file."
        ) from None
