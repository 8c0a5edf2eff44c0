"""Checks who speaks and when: accounts, owner, policy, consent, times, embargo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from social_scheduler.campaign.facts import Facts, Place
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.schema import Kind, Post
from social_scheduler.campaign.times import (
    WEEKDAYS,
    Resolved,
    TimeProblem,
    monday,
    resolve,
    zone_named,
)
from social_scheduler.errors import Finding


def check_accounts(facts: Facts) -> Iterator[Finding]:
    """Every name in a `to` and of a variant is known."""
    campaign, rules = facts.campaign, facts.rules
    places: list[tuple[Place, list[str]]] = [(("to",), campaign.to)]
    places += [(("posts", n, "to"), post.to) for n, post in enumerate(campaign.posts) if post.to]
    for path, names in places:
        for number, name in enumerate(names):
            if name not in rules.accounts.names:
                yield facts.loaded.finding(
                    (*path, number),
                    f"`{name}` is neither an account nor a group of accounts.yaml",
                    did_you_mean(name, rules.accounts.names),
                )
    for post_number, post in enumerate(campaign.posts):
        yield from _check_variants(facts, post_number, post)


def _check_variants(facts: Facts, number: int, post: Post) -> Iterator[Finding]:
    if not post.variants:
        return
    addressed = facts.addressed(post)
    used = {a.name for a in addressed} | {a.platform for a in addressed}
    accounts = facts.rules.accounts.accounts
    known = {a.name for a in accounts} | {a.platform for a in accounts}
    for name in post.variants:
        if name not in used:
            problem = (
                f"no account of this post is `{name}` or on it"
                if name in known
                else f"`{name}` is neither an account nor a network"
            )
            remedy = did_you_mean(name, used) if name not in known else "remove the variant"
            yield facts.loaded.finding(
                ("posts", number, "variants", name), problem, remedy, key=True
            )


def check_people(facts: Facts) -> Iterator[Finding]:
    """The owner is known, the policy has a rule, people in stories have consented."""
    campaign, rules = facts.campaign, facts.rules
    if rules.people is not None and campaign.owner not in rules.people:
        yield facts.loaded.finding(
            ("owner",),
            f"nobody here is called `{campaign.owner}`",
            did_you_mean(campaign.owner, rules.people),
        )
    for account in facts.everyone:
        if rules.policy.required(campaign.kind.value, [account.name], account.language) is None:
            yield facts.loaded.finding(
                ("kind",),
                f"no rule of the policy lets a {campaign.kind.value} go out on {account.name} "
                f"in {account.language}",
                "add a rule to policy.yaml, or leave the account out of `to`",
            )
    if campaign.kind is Kind.STORY and campaign.consent is None:
        pictures = bool(campaign.media)
        yield facts.loaded.finding(
            ("kind",),
            "a story about people has pictures and no `consent`"
            if pictures
            else "a story about people has no `consent`",
            "add `consent: 2026-118`, the reference of the signed form; never a name",
            warning=not pictures,
        )


def check_times(facts: Facts) -> Iterator[Finding]:
    """Every time can be read, is not past for a new post, and keeps embargo and expiry."""
    campaign = facts.campaign
    yield from _check_week(facts)
    try:
        zone_named(campaign.timezone)
    except TimeProblem as problem:
        yield facts.loaded.finding(("timezone",), problem.problem, problem.remedy)
        return
    bounds: dict[str, Resolved] = {}
    for name in ("event", "embargo", "expires"):
        text = getattr(campaign, name)
        if text is not None:
            try:
                bounds[name] = _resolved(facts, text)
            except TimeProblem as problem:
                yield facts.loaded.finding((name,), problem.problem, problem.remedy)
    embargo, expires = bounds.get("embargo"), bounds.get("expires")
    if embargo and expires and embargo.instant >= expires.instant:
        yield facts.loaded.finding(
            ("expires",),
            f"the campaign expires before its embargo ends ({_said(embargo)})",
            "write a later time here, or an earlier embargo",
        )
    for number, post in enumerate(campaign.posts):
        yield from _check_at(facts, number, post, embargo, expires)
    yield from _check_same_minute(facts)
    yield from _check_keys(facts)


def _check_week(facts: Facts) -> Iterator[Finding]:
    campaign = facts.campaign
    if campaign.week_of is None:
        return
    try:
        monday(campaign.week_of)
    except TimeProblem as problem:
        yield facts.loaded.finding(("week_of",), problem.problem, problem.remedy)
        return
    times = [post.at for post in campaign.posts]
    times += [text for text in (campaign.embargo, campaign.expires, campaign.event) if text]
    if not any(text[:1].isalpha() and text.split()[0].title() in WEEKDAYS for text in times):
        yield facts.loaded.finding(
            ("week_of",),
            "no time in this file names a weekday, so `week_of` does nothing",
            "remove the line, or write times such as `Monday 10:30`",
            warning=True,
            key=True,
        )


def _check_at(
    facts: Facts, number: int, post: Post, embargo: Resolved | None, expires: Resolved | None
) -> Iterator[Finding]:
    path = ("posts", number, "at")
    if facts.campaign.week_of is not None and facts.week_of is None and post.at[:1].isalpha():
        return
    try:
        when = _resolved(facts, post.at)
    except TimeProblem as problem:
        yield facts.loaded.finding(path, problem.problem, problem.remedy)
        return
    facts.due[number] = when.instant
    if embargo and when.instant < embargo.instant:
        yield facts.loaded.finding(
            path,
            f"this is before the embargo ends ({_said(embargo)})",
            f"write {_said(embargo)} or later",
        )
    if expires and when.instant >= expires.instant:
        yield facts.loaded.finding(
            path,
            f"this is not before the campaign expires ({_said(expires)})",
            "write an earlier time, or a later `expires`",
        )
    now = facts.rules.now
    if when.instant < now and not facts.rules.known(facts.campaign.campaign, post.id):
        local = now.astimezone(zone_named(when.zone))
        yield facts.loaded.finding(
            path,
            f"{_said(when)} is past: it is {local:%Y-%m-%d %H:%M} there",
            "write a time to come",
        )


def _resolved(facts: Facts, text: str) -> Resolved:
    return resolve(text, timezone=facts.campaign.timezone, week_of=facts.week_of)


def _said(when: Resolved) -> str:
    return f"{when.wall} {when.zone}"


def _check_same_minute(facts: Facts) -> Iterator[Finding]:
    """Two posts of one account in one minute are rarely meant."""
    first: dict[tuple[str, datetime], int] = {}
    for number, post in enumerate(facts.campaign.posts):
        due = facts.due.get(number)
        if due is None:
            continue
        for account in facts.addressed(post):
            other = first.setdefault((account.name, due.astimezone(UTC)), number)
            if other != number:
                yield facts.loaded.finding(
                    ("posts", number, "at"),
                    f"{account.name} also says `{facts.campaign.posts[other].id}` at this minute",
                    "move one of the two by a few minutes",
                    warning=True,
                )
                break


def _check_keys(facts: Facts) -> Iterator[Finding]:
    """What is due after an account's keys have ended waits for somebody to connect it again."""
    told: set[str] = set()
    for number, post in enumerate(facts.campaign.posts):
        due = facts.due.get(number)
        for account in facts.addressed(post) if due else ():
            end = facts.rules.ends.get(account.name)
            if due and end and due >= end and account.name not in told:
                told.add(account.name)
                yield facts.loaded.finding(
                    ("posts", number, "at"),
                    f"the keys of {account.name} end {end:%Y-%m-%d %H:%M} UTC, before this",
                    "an admin connects it again in time: social-scheduler accounts connect "
                    f"{account.name}",
                    warning=True,
                )
