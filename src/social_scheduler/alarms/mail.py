"""Tells people: one mail a notice, over an encrypted and verified connection."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from social_scheduler.alarms import Notice
from social_scheduler.alarms.words import clipped, subject, text
from social_scheduler.errors import WorkspaceError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECONDS = 10.0

log = logging.getLogger(__name__)


class Mail:
    """One mail server. `security` is `starttls`, `tls`, or `none` (this machine's own server)."""

    name = "mail"

    def __init__(
        self,
        server: str,
        port: int,
        *,
        sender: str,
        to: Sequence[str],
        security: str = "starttls",
        user: str = "",
        password: str = "",
        timeout: float = SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        if security == "none" and server not in LOOPBACK:
            raise WorkspaceError(
                f"Mail to {server} would travel unencrypted.",
                "Set watch_mail_security to starttls or tls; none is for this machine's server.",
            )
        if not server or not sender:
            raise WorkspaceError(
                "Mail needs a server and a sender.", "Set watch_mail_server and watch_mail_from."
            )
        self._server, self._port, self._security = server, port, security
        self._sender, self._to = sender, tuple(to)
        self._user, self._password = user, password
        self._timeout, self._trust = timeout, trust

    def __repr__(self) -> str:
        return f"Mail({self._server})"

    def ring(self, notice: Notice, now: datetime) -> str:
        """Send it; answers why it was not taken, or nothing."""
        try:
            message = self._message(notice, now)
            with self._connected() as smtp:
                if self._user:
                    smtp.login(self._user, self._password)
                refused = smtp.send_message(message, self._sender, self._to)
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            return clipped(f"{self._server} cannot be told: {type(problem).__name__}: {problem}")
        if refused:  # others have it, and it would come to them twice if it were sent again
            log.warning("%s refuses alarms for %s", self._server, ", ".join(refused))
        return ""

    def _message(self, notice: Notice, now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Subject"] = subject(notice)
        message["Date"] = format_datetime(now)
        domain = self._sender.rpartition("@")[2].strip("> ") or "localhost"
        message["Message-ID"] = f"<{notice.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text(notice))
        return message

    def _connected(self) -> smtplib.SMTP:
        trust = self._trust or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._server, self._port, timeout=self._timeout, context=trust)
        smtp = smtplib.SMTP(self._server, self._port, timeout=self._timeout)
        if self._security == "none":
            return smtp
        try:
            smtp.starttls(context=trust)  # refused when the server does not offer it
        except BaseException:
            smtp.close()
            raise
        return smtp
