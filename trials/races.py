"""Workers against one another, against their own leases, and against people who change their minds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from social_scheduler.errors import SchedulerError
from social_scheduler.planning import PlannedPost
from trials import evidence
from trials.catalogue import POSTGRESQL, SQLITE, Run, trial
from trials.oracle import Finding
from trials.processes import wait_until
from trials.stage import Stage, now

EVERY = timedelta(milliseconds=60)
"""Between two posts that come due."""
HANDS = 4
"""Calls that each of many workers makes at once."""
ANSWER = 0.05
"""Seconds that the network takes to answer each of them."""


@trial("people hold everything, one account or one language while posts come due, and release it")
def holds_race(run: Run) -> None:
    """From its commit on no call begins; what lapsed is a person's to decide."""

    def act(stage: Stage, posts: list[PlannedPost]) -> None:
        what = run.rng.choice((("everything", ""), ("account", "x-en1"), ("language", "ar")))
        number, held = stage.hold(*what)
        time.sleep(run.rng.uniform(0.1, 0.8))
        stage.release(number, held)

    _race(run, act)


@trial("posts withdrawn in the moment they are due: cancelled or too late, never neither")
def withdrawals_race(run: Run) -> None:
    """Withdrawn and cancelled means that it is never said."""

    def act(stage: Stage, posts: list[PlannedPost]) -> None:
        for post in _about_due(posts):
            _allowed(stage.withdraw, _name(post))

    _race(run, act)


@trial("words edited in the moment they are due: the old words or nothing, until approved anew")
def edits_race(run: Run) -> None:
    """The new words go out only when they are approved, the old ones not after the edit."""

    def act(stage: Stage, posts: list[PlannedPost]) -> None:
        due = {_name(p) for p in _about_due(posts)}
        campaign = posts[0].campaign
        for number, post in enumerate(posts):
            if _name(post) in due:
                account = post.messages[0].speaker
                posts[number] = stage.plan(
                    "text",
                    post.key,
                    campaign,
                    due=post.window.due_at,
                    language=account.language,
                )
        changed = [p for p in posts if _name(p) in due]
        if _allowed(stage.queue, posts) and run.rng.random() < 0.5:
            for post in changed:
                _allowed(stage.approve, [post])

    _race(run, act)


@trial("posts approved at the very last moment, or just after")
def approvals_race(run: Run) -> None:
    """Nothing before its approval."""

    def act(stage: Stage, posts: list[PlannedPost]) -> None:
        for post in _about_due(posts):
            _allowed(stage.approve, [post])

    _race(run, act, approved=False)


@trial("a worker stopped (SIGSTOP) at a random moment, past its windows and leases, and resumed")
def stopped_and_resumed(run: Run) -> None:
    """Resumed it must not say what it had in mind when its moment has passed."""
    with run.stage(accounts=2) as stage:
        for number in range(2 if run.short else 10):
            run.say(f"stop {number + 1}")
            campaign = stage.new_campaign()
            begin = now() + timedelta(seconds=0.6)
            posts = [
                stage.plan(
                    "text",
                    f"p{n}",
                    campaign,
                    due=begin + EVERY * n,
                    late=timedelta(seconds=run.rng.choice((1, 2, 60))),
                    account=n % 2 + 1,
                )
                for n in range(10)
            ]
            stage.ready(posts)
            stage.network.no_faults()
            stage.network.fault("slow", seconds=run.rng.uniform(0.0, 0.2))
            worker = stage.worker()
            worker.wait_for("recovered")
            time.sleep(max(0.0, (begin - now()).total_seconds()) + run.rng.uniform(0, 0.5))
            with worker.standing_still():
                run.result.runs += 1
                time.sleep(run.rng.uniform(1.1, 3.5))
            time.sleep(0.5)
            worker.kill()
            run.result.killed(worker.where())
        stage.work()
        run.result.judged(stage.verdict())


@trial("a second worker on SQLite must not start", [SQLITE])
def second_worker(run: Run) -> None:
    """One worker, by a lock that ends with the process."""
    with run.stage() as stage:
        first = stage.worker()
        first.wait_for("recovered")
        second = stage.worker("--until-idle")
        if second.wait().code == 0:
            run.result.findings.append(Finding("unexplained", "a second worker ran on SQLite"))
        first.kill()
        run.result.killed(first.where())
        stage.ready([stage.plan("text", "p", stage.new_campaign(), due=now() + EVERY * 8)])
        stage.work()
        run.result.runs += 1
        run.result.judged(stage.verdict())


@trial("two workers race for the same posts, and are killed in turn", [POSTGRESQL])
def two_workers(run: Run) -> None:
    """Claims, leases and fences between two machines."""
    _workers(run, 2, posts=120 if run.short else 1000)


@trial("ten workers race for the same posts, and are killed in turn", [POSTGRESQL])
def ten_workers(run: Run) -> None:
    """The same, crowded."""
    _workers(run, 10, posts=100 if run.short else 10_000)


def _workers(run: Run, count: int, posts: int) -> None:
    """Each has few hands, so that all have something to say; each is killed about twice."""
    names = ["worker", *(f"worker-{n}" for n in range(2, count + 1))]
    accounts = 4 * count
    with run.stage(accounts=accounts, calls=HANDS) as stage:
        for name in names[1:]:
            stage.enrol(name)
        _crowd(run, stage, posts, accounts)
        stage.network.fault("slow", seconds=ANSWER)
        begun = time.monotonic()
        workers = {name: stage.worker(name=name) for name in names}
        kills = 2 if run.short else 2 * count
        for number in range(kills):
            share = posts * (number + 1) // (kills + 2)
            _wait_for(lambda share=share: _published(stage) >= share, f"{share} are published")  # type: ignore[misc]
            name = names[number % count]
            workers[name].wait_for("calling", patience=10)
            time.sleep(run.rng.uniform(0, ANSWER))
            workers[name].kill()
            run.result.killed(workers[name].where())
            workers[name] = stage.worker(name=name)
            run.say(f"kill {number + 1}/{kills}")
        _wait_for(stage.settled, "every post was settled")
        taken = time.monotonic() - begun
        for worker in workers.values():
            worker.kill()
        stage.work(name=names[0])
        each = evidence.published_by(stage.database)
        run.result.runs += 1
        run.result.unconfirmed += evidence.steps_taken(stage.database, "lose")
        run.result.notes.append(
            f"{posts} posts in {taken:.0f} s; published by each worker: "
            + ", ".join(str(each[name]) for name in names)
        )
        run.result.judged(stage.verdict())
        if not run.short and not all(each[name] for name in names):
            run.result.failure = "a worker published nothing: they did not race"


def _published(stage: Stage) -> int:
    return evidence.states(stage.database)["published"]


def _wait_for(happened: Callable[[], bool], what: str) -> None:
    """As `wait_until`, asking less often: ten workers need the machine."""
    wait_until(happened, what, patience=1800, every=0.3)


def _crowd(run: Run, stage: Stage, posts: int, accounts: int) -> None:
    each = 500
    for begin in range(0, posts, each):
        campaign = stage.new_campaign()
        due = now() + timedelta(seconds=2)
        stage.ready(
            [
                stage.plan(
                    "text",
                    f"p{n}",
                    campaign,
                    due=due,
                    account=n % accounts + 1,
                    language=run.rng.choice(("en", "ar", "fr")),
                )
                for n in range(begin, min(begin + each, posts))
            ]
        )


def _race(
    run: Run, act: Callable[[Stage, list[PlannedPost]], None], *, approved: bool = True
) -> None:
    """A worker publishes a post each 60 ms, and meanwhile somebody acts at random moments."""
    with run.stage(accounts=1) as stage:
        for number in range(1 if run.short else 4):
            run.say(f"round {number + 1}")
            stage.network.no_faults()
            stage.network.fault("slow", seconds=run.rng.uniform(0.0, 0.15))
            campaign = stage.new_campaign()
            begin = now() + timedelta(seconds=1.2)
            posts = [
                stage.plan(
                    "text",
                    f"p{n}",
                    campaign,
                    due=begin + EVERY * n,
                    late=timedelta(seconds=30),
                    language=run.rng.choice(("en", "ar", "fr")),
                )
                for n in range(40)
            ]
            stage.queue(posts)
            if approved:
                stage.approve(posts)
            worker = stage.worker()
            end = posts[-1].window.due_at
            while now() < end:
                act(stage, posts)
                run.result.runs += 1
                time.sleep(run.rng.uniform(0.0, 0.2))
            time.sleep(0.5)
            worker.kill()
            run.result.killed(worker.where())
        stage.work()
        run.result.judged(stage.verdict())


def _about_due(posts: list[PlannedPost]) -> list[PlannedPost]:
    moment = now()
    near = timedelta(milliseconds=120)
    return [p for p in posts if moment - near < p.window.due_at < moment + near]


def _name(post: PlannedPost) -> str:
    return f"{post.campaign}/{post.key}"


def _allowed(act: Callable[..., object], *arguments: object) -> bool:
    """Whether the program let it happen; too late is an answer, too."""
    try:
        act(*arguments)
    except SchedulerError:
        return False
    return True
