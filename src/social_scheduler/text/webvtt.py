"""Reads WebVTT captions strictly, and writes them anew with nothing but what viewers read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from social_scheduler.errors import InvalidInput
from social_scheduler.text.counting import HEAPED_MARKS, MOST_MARKS, nfc
from social_scheduler.text.reading import deceits

MAX_BYTES: Final = 20_000
"""Of the file as written anew: as much as the strictest network takes."""
MAX_SOURCE_BYTES: Final = 200_000

_TIME = r"(?:([0-9]{2,3}):)?([0-5][0-9]):([0-5][0-9])\.([0-9]{3})"
_TIMING = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t]+(\S.*))?")
_SETTING = re.compile(
    r"align:(start|center|end|left|right)"
    r"|(position|size):[0-9]{1,3}(\.[0-9]{1,3})?%(,(line-left|center|line-right))?"
    r"|line:-?[0-9]{1,3}(\.[0-9]{1,3})?%?(,(start|center|end))?"
    r"|vertical:(rl|lr)"
)
_TAG = re.compile(r"<(/?)(i|b|u|lang|v)(?:[ \t]+([^<>&]{1,80}))?>")
_ENTITY = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm);")


class CaptionsError(InvalidInput):
    """Captions that will not be published as they are: where, why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What stands on the picture from one millisecond to another, and where."""

    begin: int
    end: int
    text: str
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Captions:
    """The cues of a film in their order."""

    cues: tuple[Cue, ...]

    @property
    def ends(self) -> int:
        """The millisecond after which nothing is shown."""
        return max(cue.end for cue in self.cues)

    def written(self) -> bytes:
        """The file that is published: equal captions have equal bytes."""
        blocks = ["WEBVTT"]
        for cue in self.cues:
            timing = f"{_clock(cue.begin)} --> {_clock(cue.end)}"
            blocks.append(f"{f'{timing} {cue.settings}'.rstrip()}\n{cue.text}")
        return ("\n\n".join(blocks) + "\n").encode()


def read(data: bytes) -> Captions:
    """The captions in a file. Comments and names of cues are left out; raises CaptionsError."""
    lines = _lines(data)
    if not re.fullmatch(r"WEBVTT([ \t].*)?", lines[0]):
        raise CaptionsError("the first line is not WEBVTT", "export the captions as WebVTT (.vtt)")
    if len(lines) > 1 and lines[1]:
        raise _wrong(2, "something stands right below WEBVTT", "leave this line empty")
    cues: list[Cue] = []
    for number, block in _blocks(lines):
        if re.match(r"NOTE([ \t]|$)", block[0]):
            continue
        if re.match(r"(STYLE|REGION)[ \t]*$", block[0]):
            raise _wrong(number, "captions are published without styles", "take this block out")
        cue = _cue(number, block)
        if cues and cue.begin < cues[-1].begin:
            raise _wrong(number, "this cue begins before the one above it", "put them in order")
        cues.append(cue)
    if not cues:
        raise CaptionsError("there are no captions in it", "export it again, or leave it out")
    captions = Captions(tuple(cues))
    size = len(captions.written())
    if size > MAX_BYTES:
        raise CaptionsError(
            f"the captions have {size:,} bytes, more than {MAX_BYTES:,}", "shorten them"
        )
    return captions


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_SOURCE_BYTES:
        raise CaptionsError(
            f"the file has {len(data):,} bytes, more than {MAX_SOURCE_BYTES:,}", "shorten it"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong(line, "this is not UTF-8", "save the file with UTF-8 encoding") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if heaped := HEAPED_MARKS.search(text):
        line = text.count("\n", 0, heaped.start()) + 1
        raise _wrong(line, f"more than {MOST_MARKS} marks stand on one letter", "delete them")
    return nfc(text).split("\n")


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """The blocks between empty lines, each with the number of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    fresh = True
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            fresh = True
            continue
        if fresh:
            blocks.append((number, []))
            fresh = False
        blocks[-1][1].append(line)
    return blocks


def _cue(number: int, block: list[str]) -> Cue:
    if "-->" not in block[0] and len(block) > 1:
        number, block = number + 1, block[1:]  # the cue's name, which nobody sees
    found = _TIMING.fullmatch(block[0].rstrip())
    if found is None:
        raise _wrong(
            number, "this is no time of a cue", "write 00:00:01.000 --> 00:00:03.500, then words"
        )
    begin, end = _milliseconds(found.groups()[:4]), _milliseconds(found.groups()[4:8])
    if end <= begin:
        raise _wrong(number, "this cue ends before it begins", "correct its times")
    settings = (found[9] or "").split()
    for setting in settings:
        if not _SETTING.fullmatch(setting):
            raise _wrong(number, f"{setting!r} is no setting of a cue", "leave it out")
    words = block[1:]
    if not words:
        raise _wrong(number, "this cue has no words", "write them below, or take it out")
    for offset, line in enumerate(words, start=1):
        _require_plain(number + offset, line)
    _require_closed(number, "\n".join(words))
    return Cue(begin, end, "\n".join(line.strip() for line in words), " ".join(settings))


def _require_plain(number: int, line: str) -> None:
    """No markup but the few tags that captions have, and nothing that hides from its reader."""
    bare = _ENTITY.sub("", _TAG.sub("", line))
    if "-->" in line:
        raise _wrong(number, "a time stands among the words", "put an empty line above it")
    if "<" in bare:
        raise _wrong(number, "< begins no tag of captions", "write &lt; or take the tag out")
    if "&" in bare:
        raise _wrong(number, "& stands alone", "write &amp; for it")
    for deceit in deceits(line):
        problem = f"a hidden character ({deceit.code_point}) stands here: {deceit.reason}"
        raise _wrong(number, problem, "delete it")


def _require_closed(number: int, text: str) -> None:
    opened: list[str] = []
    for closing, name, about in (m.groups() for m in _TAG.finditer(text)):
        if closing and (not opened or opened.pop() != name or about):
            raise _wrong(number, f"</{name}> closes nothing", "take it out")
        if not closing:
            if bool(about) is not (name in ("lang", "v")):
                raise _wrong(number, f"<{name}> is not written so", "take it out")
            opened.append(name)
    if opened and opened != ["v"]:  # a cue of one speaker need not close it
        raise _wrong(number, f"<{opened[-1]}> is never closed", f"write </{opened[-1]}> behind it")


def _milliseconds(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def _wrong(line: int, problem: str, remedy: str) -> CaptionsError:
    return CaptionsError(f"line {line}: {problem}", remedy)
