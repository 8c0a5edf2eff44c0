"""A worker dies between the calls of a post that three accounts are to say together."""

from __future__ import annotations

from datetime import timedelta

from social_scheduler.services import inbox
from trials import evidence
from trials.catalogue import Run, trial
from trials.oracle import Finding
from trials.processes import SIGKILLED
from trials.stage import LANGUAGES, Stage, now

MOMENTS = ("answered", "outcome journalled", "outcome committed")
"""Of the first of three calls: it is live, and the others are under way or not yet made."""
HANDS = (1, 2, 4)
"""Calls at once: with one, the others are not made yet; with four, they are all under way."""
TOLD = 1000
"""Entries of the inbox that are read; more than there can be."""


@trial("killed between the calls of a post said together, after the first of three was answered")
def between_together(run: Run) -> None:
    """Nothing doubled; what is not live on every account stands in the inbox, as partly published."""
    rounds = [(hands, moment) for hands in HANDS for moment in MOMENTS * 3]
    if run.short:
        rounds = [(1, "answered"), (4, "answered")]
    whole = partly = 0
    for hands in HANDS:
        moments = [moment for several, moment in rounds if several == hands]
        if not moments:
            continue
        with run.stage(calls=hands) as stage:
            for moment in moments:
                run.say(f"{hands} at once, killed at “{moment}” of the first")
                live = _one(run, stage, moment)
                whole += live == len(LANGUAGES)
                partly += 0 < live < len(LANGUAGES)
            run.result.unconfirmed += evidence.steps_taken(stage.database, "lose")
            run.result.judged(stage.verdict())
    run.result.notes.append(
        f"{partly} were partly published, and somebody was told; "
        f"{whole} were found to be live on all three accounts"
    )
    if not partly:
        run.result.failure = "nothing was ever partly published: this run proves nothing"


def _one(run: Run, stage: Stage, moment: str) -> int:
    """One post; answers on how many accounts it was live before a person did anything."""
    first = run.rng.choice(LANGUAGES)
    for language in LANGUAGES:
        if language != first:
            handle = stage.speakers[f"x-{language}1"].handle
            stage.network.fault("slow", account=handle, seconds=1.5)
    campaign = stage.new_campaign()
    stage.ready([stage.plan("together", "a", campaign, due=now() + timedelta(seconds=0.4))])
    worker = stage.worker("--until-idle", "--crash-at", f"{moment}:1")
    if worker.wait().code != SIGKILLED:
        run.result.failure = f"a worker did not come to the moment “{moment}”"
    run.result.killed(worker.where())
    run.result.runs += 1
    stage.network.no_faults()
    stage.work()
    reference = f"{campaign}/a"
    said = [d for d in evidence.final_state(stage.database) if d.post == reference]
    live = {d.account for d in said if d.state == "published"}
    unclear = {d.account for d in said} - live
    if not live:
        run.result.findings.append(Finding("lost", f"{reference}: what was answered is not live"))
    if unclear and not _told(stage, reference, unclear):
        run.result.findings.append(Finding("lost", f"{reference}: nobody is told of {unclear}"))
    if run.rng.random() < 0.5:
        for account in sorted(unclear):
            stage.send_again(reference, account)
        stage.work()
    return len(live)


def _told(stage: Stage, reference: str, unclear: set[str]) -> bool:
    """Whether dana's inbox shows each of them, under a post that is partly published."""
    with stage.opened() as opened:
        blocks = inbox.entries(opened.context, stage.actor("dana"), limit=TOLD)
    ours = [block for block in blocks if block.post.reference == reference]
    shown = {entry.line.account for block in ours for entry in block.entries}
    return unclear <= shown and any(block.partly_published for block in ours)
