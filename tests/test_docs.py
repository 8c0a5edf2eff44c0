"""The documentation is true: generated pages are current, nothing is left out, examples work."""

from __future__ import annotations

import re
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from social_scheduler import platforms
from social_scheduler.campaign.checks import Rules, check_campaign, check_policy
from social_scheduler.campaign.checks_partners import check_partners
from social_scheduler.campaign.load import Loaded, load_campaign_bytes, load_partners_bytes
from social_scheduler.campaign.reader import read
from social_scheduler.campaign.schema import Accounts
from social_scheduler.campaign.words import spec_of
from social_scheduler.cli import EXIT_CODES, docs
from social_scheduler.cli.docs_commands import commands
from social_scheduler.cli.docs_files import SECTIONS
from social_scheduler.config import Settings
from social_scheduler.lifecycle import RULES, Thing
from social_scheduler.media import inspect
from social_scheduler.policy import DEFAULT_POLICY, Policy

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "campaigns/README.md"])
REFERENCE = ROOT / "docs/reference"
A_PICTURE = ROOT / "campaigns/partner-spotlight/media/loom.png"
WRITTEN = datetime(2026, 11, 20, tzinfo=UTC)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
COMMANDS = {command.name: command for command in commands()}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, with the line of its first line."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, m.start()) + 2, m[1], m[2]) for m in FENCE.finditer(text)
    ]


ALL = [block for page in PAGES for block in blocks(page)]
YAML = [
    pytest.param(block, id=f"{block.page.name}:{block.line}")
    for block in ALL
    if block.language == "yaml"
]


def words(page: Path) -> str:
    """What a page says in prose: without fenced and indented blocks."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def accounts_for(block: Block) -> Accounts:
    """The accounts.yaml of the same page, or that of the samples."""
    there = [b.text for b in blocks(block.page) if "\naccounts:" in f"\n{b.text}"]
    text = there[0].encode() if there else (ROOT / "campaigns/accounts.yaml").read_bytes()
    return Accounts.model_validate(read(text, "accounts.yaml", spec_of(Accounts)).data)


def lines_typed() -> list[tuple[str, str]]:
    """Every line of the program that a page tells people to type: (place, line)."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            typed = re.match(r"^(?:    |\$ )(social-scheduler .*)$", line)
            inline = re.findall(r"`(social-scheduler [^`]*)`", line)
            for one in [*([typed[1]] if typed else []), *inline]:
                found.append((f"{page.relative_to(ROOT)}:{number}", one.split("  #")[0]))
    return found


def test_generated_pages_are_current() -> None:
    """`python3 dev.py docs` would change nothing."""
    assert docs.differing(ROOT) == []


def test_check_says_which_page_differs(tmp_path: Path) -> None:
    """A missing page differs, and so does one that was changed by hand."""
    for path, text in docs.pages().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert docs.differing(tmp_path) == []
    (tmp_path / "docs/lifecycle.md").write_text("changed by hand", encoding="utf-8")
    (tmp_path / "docs/reference/settings.md").unlink()
    assert docs.differing(tmp_path) == [
        Path("docs/lifecycle.md"),
        Path("docs/reference/settings.md"),
    ]


def test_every_command_option_and_exit_code_is_documented() -> None:
    """Every command has its section, with all that it takes."""
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## social-scheduler (.*)\n((?:(?!^## ).*\n)*)", page, re.M))
    assert set(sections) == set(COMMANDS)
    common = page.split("## Exit codes")[0]
    for name, command in COMMANDS.items():
        for option in command.options:
            assert f"`{option}" in sections[name] + common, f"{name} {option}"
        for parameter in command.parameters:
            assert parameter.help, f"{name}: {parameter.name} is not explained"
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page


def test_every_setting_and_variable_is_documented() -> None:
    """Also those that only the code mentions."""
    settings = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert f"| `{name}` | `SOCIAL_SCHEDULER_{name.upper()}` |" in settings
        assert field.description
    everything = settings + (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for file in (ROOT / "src").rglob("*.py"):
        for variable in re.findall(r"\bSOCIAL_SCHEDULER_[A-Z_]*[A-Z]\b", file.read_text("utf-8")):
            assert f"`{variable}`" in everything, f"{file.name}: {variable}"


def test_every_field_of_the_files_is_explained() -> None:
    """No field of a campaign, of accounts.yaml or policy.yaml is without words."""
    for _, _, model in SECTIONS:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


def test_every_step_is_in_the_lifecycle_page() -> None:
    """In the table of its thing, and in its diagram."""
    page = (ROOT / "docs/lifecycle.md").read_text(encoding="utf-8")
    sections = dict(zip(Thing, page.split("\n## ")[1:], strict=True))
    for rule in RULES:
        assert f"| `{rule.step}` |" in sections[rule.thing]
        diagram = sections[rule.thing].split("```")[1]
        for source in rule.sources:
            assert re.search(rf"{source} --> {rule.target}: .*\b{rule.step}\b", diagram)


@pytest.mark.parametrize("block", YAML)
def test_yaml_examples_are_taken_without_a_word(block: Block, tmp_path: Path) -> None:
    """Campaigns pass every check; accounts and policies have the right shape."""
    source, path = block.text.encode(), tmp_path / "campaign.yaml"
    if "\nrules:" in f"\n{block.text}":
        tree = read(source, block.page.name, spec_of(Policy))
        model = Policy.model_validate(tree.data)
        assert check_policy(Loaded(path, tree, model, list(tree.findings)), None) == []
    elif "\npartners:" in f"\n{block.text}":
        loaded = load_partners_bytes(source, path, block.page.name)
        assert check_partners(loaded, platforms.limits()) == []
    elif "\naccounts:" in f"\n{block.text}":
        assert read(source, block.page.name, spec_of(Accounts)).findings == []
        assert accounts_for(block).accounts
    else:
        for name in re.findall(r": (media/\S+)", block.text):
            (tmp_path / "media").mkdir(exist_ok=True)
            known = next((ROOT / "campaigns").glob(f"*/{name}"), A_PICTURE)
            shutil.copy(known, tmp_path / name)
        rules = Rules(
            accounts=accounts_for(block),
            limits=platforms.limits(),
            policy=DEFAULT_POLICY,
            now=WRITTEN,
            inspect=inspect,
            people=frozenset({"amal"}),
        )
        found = check_campaign(load_campaign_bytes(source, path, block.page.name), rules)
        assert [str(finding) for finding in found] == []


def test_commands_on_the_pages_exist() -> None:
    """Whatever a page tells people to type is a command, with options that it takes."""
    typed = lines_typed()
    assert len(typed) > 40
    for place, line in typed:
        said = shlex.split(line.replace("…", "x"))[1:]
        known = max(
            (name for name in COMMANDS if said[: name.count(" ") + 1] == name.split()),
            key=len,
            default=None,
        )
        if known is None:
            group = " ".join(said[:1])
            assert group in {"-h", "COMMAND"} or group in {n.split()[0] for n in COMMANDS}, (
                f"{place}: {line}"
            )
            continue
        options = {word.split("=")[0] for word in said if word.startswith("-")}
        assert options <= COMMANDS[known].options, f"{place}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files are there, and so are the headings that are linked to."""
    for target in LINK.findall(words(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in _anchors(file), target


def _anchors(page: Path) -> set[str]:
    """As forges make them from headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def test_every_page_can_be_reached_from_the_readme() -> None:
    """By links alone."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in LINK.findall(words(page)):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.exists():
                waiting.append(file)
    assert {p for p in PAGES if p.is_relative_to(ROOT / "docs")} <= reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_keep_to_the_glossary(page: Path) -> None:
    """No other words for our things, and no folders that only their writer has."""
    text = page.read_text(encoding="utf-8")
    other = re.findall(r"\b(?:tweets?|toots?|channels?|integrations?|providers?)\b", text, re.I)
    if "Telegram" in text:  # an account there is called so, by everybody
        other = [word for word in other if not word.lower().startswith("channel")]
    assert other == []
    assert re.findall(r"(?<![\w.])/(?:work|root|tmp)/\S*", text) == []


def test_the_readme_opens_with_the_two_commands() -> None:
    """On the first screen, before anything else."""
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:14]
    assert any("python3 dev.py demo" in line for line in first)
    assert any("python3 dev.py test" in line for line in first)
