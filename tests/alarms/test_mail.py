"""Mails: encrypted and verified or not at all, one a notice, and readable on a telephone."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from social_scheduler.alarms import Over
from social_scheduler.alarms.mail import Mail
from social_scheduler.errors import WorkspaceError
from tests.alarms.notices import DEAD, LATE, NOON, notice
from tests.alarms.servers import PostOffice, post_office, trust

DUTY = ("duty@example.org", "night@example.org")


def mail(office: PostOffice, **values: object) -> Mail:
    """To that server, as the settings would have it."""
    given = {"sender": "watch@example.org", "to": DUTY, "trust": trust(), **values}
    return Mail("localhost", office.port, **given)  # type: ignore[arg-type]


def test_a_mail_travels_encrypted_and_says_what_is_wrong_and_what_to_do() -> None:
    with post_office() as office:
        assert mail(office).ring(notice(LATE, DEAD), NOON) == ""

    [sent] = office.mails
    assert office.encrypted == [True]
    assert sent["To"] == "duty@example.org, night@example.org"
    assert sent["Subject"] == (
        "[LIVE newsroom] ALARM: week/opening to x-en: "
        "was due 2027-01-11 11:57 UTC and is not published (and 1 more)"
    )
    assert sent["Message-ID"] == "<watch-1@example.org>"
    text = sent.get_content()
    for told in (LATE.what, LATE.why, LATE.remedy, DEAD.what, "A hold stands: dima holds"):
        assert told in text


def test_the_end_of_an_alarm_is_mailed_too() -> None:
    with post_office() as office:
        mail(office).ring(notice(over=(Over(LATE, "it is published"),)), NOON)

    assert office.mails[0]["Subject"].startswith("[LIVE newsroom] over: week/opening to x-en")
    assert "it is published" in office.mails[0].get_content()


def test_a_storm_is_one_mail_that_counts_what_it_does_not_name() -> None:
    many = [replace(LATE, cause=f"late/{n}") for n in range(120)]
    with post_office() as office:
        mail(office).ring(notice(*many), NOON)

    assert len(office.mails) == 1
    assert "and 70 more alarms" in office.mails[0].get_content()


def test_signing_in_happens_inside_the_encryption() -> None:
    with post_office() as office:
        mail(office, user="watch", password="open sesame").ring(notice(LATE), NOON)

    assert base64.b64decode(office.signed_in[0]) == b"\0watch\0open sesame"
    assert office.encrypted == [True]


def test_a_server_that_offers_no_encryption_gets_neither_mail_nor_password() -> None:
    with post_office(offers_tls=False) as office:
        told = mail(office, user="watch", password="open sesame").ring(notice(LATE), NOON)

    assert "STARTTLS" in told
    assert "sesame" not in told
    assert (office.mails, office.signed_in) == ([], [])


def test_a_server_with_a_certificate_nobody_trusts_gets_nothing() -> None:
    with post_office() as office:
        told = mail(office, trust=None, user="watch", password="open sesame")
        assert "CERTIFICATE" in told.ring(notice(LATE), NOON)

    assert (office.mails, office.signed_in) == ([], [])


def test_a_server_that_is_not_there_is_a_failure() -> None:
    with post_office() as office:
        pass
    assert "ConnectionRefusedError" in mail(office).ring(notice(LATE), NOON)


def test_one_wrong_address_does_not_make_the_others_get_it_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with post_office(refuses="night") as office:
        assert mail(office).ring(notice(LATE), NOON) == ""

    assert len(office.mails) == 1
    assert "refuses alarms for night@example.org" in caplog.text


def test_nobody_to_take_it_is_a_failure() -> None:
    with post_office(refuses="example.org") as office:
        assert "SMTPRecipientsRefused" in mail(office).ring(notice(LATE), NOON)


def test_this_machines_own_server_may_be_spoken_to_plainly_and_no_other() -> None:
    with post_office(offers_tls=False) as office:
        assert mail(office, security="none").ring(notice(LATE), NOON) == ""
    assert office.encrypted == [False]

    with pytest.raises(WorkspaceError, match="unencrypted"):
        Mail("mail.example.org", 25, sender="a@example.org", to=DUTY, security="none")
