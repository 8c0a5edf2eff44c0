"""Check, queue and queue again: 100 files of 100 posts in three languages, to three accounts each.

Prints seconds and peak memory of each command, as its own process, and what X's counting costs.
`--files 10` makes it smaller.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from social_scheduler.text import weighted_length

PASSWORD = "a password for the bench"
LANGUAGES = {
    "en": "Morning number {n}: the market opened at {m}, traders counted {k} stalls, and the "
    "bakers sold out before noon. Read how the street was rebuilt, house by house. #LifeafterDaesh",
    "ar": "الصباح رقم {n}: فتح السوق عند {m} وأحصى التجار {k} بسطة، ونفد الخبز قبل الظهر. "
    "اقرأ كيف أعيد بناء الشارع بيتًا بعد بيت. #LifeafterDaesh",
    "fr": "Matin numéro {n} : le marché a ouvert à {m}, les commerçants ont compté {k} étals, et "
    "les boulangers ont tout vendu avant midi. Lisez comment la rue a été rebâtie. #LifeafterDaesh",
}
AIMS = {"check": 10, "queue": 30, "queue again": 15}


def main() -> None:
    """Make the files, run the commands, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--accounts", type=int, default=3, help="accounts for each language")
    files, accounts = (options := parser.parse_args()).files, options.accounts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(folder)
        bench.prepare(accounts)
        bench.write(files)
        posts = files * 100
        print(
            f"{posts:,} posts × 3 languages × {accounts} accounts "
            f"= {posts * 3 * accounts:,} deliveries in {files} files"
        )
        print(f"{'':14}{'seconds':>9}{'aim':>6}{'peak MB':>9}{'posts/s':>10}")
        for label, arguments in (
            ("check", ["check"]),
            ("queue", ["queue"]),
            ("queue again", ["queue"]),
        ):
            seconds, peak = bench.measure(*arguments)
            aim = AIMS[label] * files / 100
            print(f"{label:14}{seconds:9.1f}{aim:6.0f}{peak:9.0f}{posts / seconds:10.0f}")
    count_texts()


class Bench:
    """One rehearsal workspace in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "XDG_CONFIG_HOME": str(folder / "sign-ins"),
            "SOCIAL_SCHEDULER_WORKSPACE": str(folder),
            "SOCIAL_SCHEDULER_PASSWORD": PASSWORD,
        }

    def prepare(self, accounts: int) -> None:
        """A workspace with people, and accounts connected at a real sandbox."""
        sandbox = subprocess.Popen(
            [sys.executable, "-m", "social_scheduler.sandbox", "--port", "0",
             "--ledger", str(self.folder / "sandbox.db")],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert sandbox.stdout is not None
        address = sandbox.stdout.readline().split()[-1]
        (self.folder / "settings.toml").write_text(f'sandbox_url = "{address}"\n')
        try:
            self.run("init", "--rehearsal")
            (self.folder / "campaigns" / "accounts.yaml").write_text(_accounts(accounts))
            self.run("login", "admin")
            self.run("accounts", "connect", "--all")
            self.run("people", "add", "amal", "--role=author")
            self.run("login", "amal")
        finally:
            sandbox.terminate()
            sandbox.wait()

    def write(self, files: int) -> None:
        """The campaign files."""
        start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=2)
        for f in range(files):
            lines = [f"campaign: bench-{f}", "kind: news", 'title: "Bench"', "owner: amal",
                     "timezone: UTC", "to: [all]", "posts:"]  # fmt: skip
            for p in range(100):
                n = f * 100 + p
                at = start + timedelta(minutes=3 * n)
                lines += [f"  - id: p{p}", f"    at: {at:%Y-%m-%d %H:%M}",
                          f"    link: https://example.org/{n}", "    text:"]  # fmt: skip
                for language, words in LANGUAGES.items():
                    lines += [f"      {language}: |", f"        {words.format(n=n, m=n % 24, k=n)}"]
            (self.folder / "campaigns" / f"bench-{f:03}.yaml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> None:
        """One command that must succeed."""
        subprocess.run(
            [sys.executable, "-m", "social_scheduler", *arguments],
            env=self.environment, check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def measure(self, *arguments: str) -> tuple[float, float]:
        """Seconds and peak megabytes of one command."""
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "social_scheduler", *arguments],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            sys.exit(said)
        return seconds, usage.ru_maxrss / 1024


def _accounts(each: int) -> str:
    lines = ["accounts:"]
    for language in LANGUAGES:
        for n in range(each):
            lines += [f"  - name: x-{language}-{n}", "    platform: x",
                      f"    handle: bench_{language}_{n}", f"    language: {language}",
                      "    groups: [all]"]  # fmt: skip
    return "\n".join(lines) + "\n"


def count_texts() -> None:
    """What counting as X counts costs, beside the reference implementation in the same run."""
    reference = _reference()
    print(f"\n{'X counting':14}{'µs a text':>11}{'reference':>11}{'ratio':>8}")
    for language, words in LANGUAGES.items():
        texts = [f"{words.format(n=n, m=n, k=n)}\nhttps://example.org/{n}" for n in range(2000)]
        ours = _each(weighted_length, texts)
        theirs = _each(reference, texts[:200])
        print(f"{language:14}{ours:11.1f}{theirs:11.1f}{theirs / ours:8.0f}")


def _each(count: Callable[[str], object], texts: list[str]) -> float:
    started = time.perf_counter()
    for text in texts:
        count(text)
    return (time.perf_counter() - started) / len(texts) * 1e6


def _reference() -> Callable[[str], object]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.reference import twitter_text

    parse: Callable[[str], object] = twitter_text().parse_tweet
    return parse


if __name__ == "__main__":
    main()
