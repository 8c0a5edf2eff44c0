"""Captions are read strictly and written anew: what viewers read, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.text.webvtt import MAX_BYTES, Captions, CaptionsError, Cue, read

CUE = "00:00:01.000 --> 00:00:02.500"
WHOLE = """\
WEBVTT - a title that nobody sees

NOTE by somebody,
with a remark

the first one
00:01.000 --> 00:02.500 align:start position:10%
<v Amal>The <i>lamps</i> are lit &amp; warm.
Second line.

01:00:00.000 --> 01:00:01.000
السوق مفتوح الليلة، \u200fX\u200f.
"""


def vtt(words: str, timing: str = CUE) -> bytes:
    return f"WEBVTT\n\n{timing}\n{words}\n".encode()


def test_cues_are_read_and_comments_and_names_left_out() -> None:
    captions = read(WHOLE.encode())
    assert captions.cues[0] == Cue(
        1000, 2500, "<v Amal>The <i>lamps</i> are lit &amp; warm.\nSecond line.",
        "align:start position:10%",
    )  # fmt: skip
    assert captions.cues[1].begin == 3_600_000
    assert captions.ends == 3_601_000
    written = captions.written()
    assert b"remark" not in written
    assert b"title" not in written
    assert b"the first one" not in written
    assert read(written) == captions
    assert read(written).written() == written


def test_line_ends_marks_and_composed_letters_come_to_one() -> None:
    plain = read(vtt("é"))
    assert read(b"\xef\xbb\xbf" + vtt("e\u0301").replace(b"\n", b"\r\n")) == plain
    assert read(vtt("é").replace(b"\n", b"\r")) == plain


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the first line is not WEBVTT"),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", "the first line is not WEBVTT"),
        (b"WEBVTTX\n\n", "the first line is not WEBVTT"),
        (b"WEBVTT\nX-TIMESTAMP-MAP=LOCAL\n\n", "line 2: something stands right below WEBVTT"),
        (b"WEBVTT\n\n", "there are no captions in it"),
        (b"WEBVTT\n\nNOTE only this\n", "there are no captions in it"),
        (b"WEBVTT\n\nSTYLE\n::cue {}\n", "line 3: captions are published without styles"),
        (b"WEBVTT\n\nREGION\nid:a\n", "line 3: captions are published without styles"),
        (vtt("Hi", "00:00:00,000 --> 00:00:01,000"), "line 3: this is no time of a cue"),
        (vtt("Hi", "00:00:01.000 -> 00:00:02.000"), "line 4: this is no time of a cue"),
        (vtt("Hi", "00:61.000 --> 00:62.000"), "line 3: this is no time of a cue"),
        (vtt("Hi", "00:02.000 --> 00:01.000"), "line 3: this cue ends before it begins"),
        (vtt("Hi", "00:01.000 --> 00:01.000"), "line 3: this cue ends before it begins"),
        (vtt("Hi", f"{CUE} region:a"), "line 3: 'region:a' is no setting of a cue"),
        (vtt("Hi", f"{CUE} position:calc(1)"), "is no setting of a cue"),
        (vtt("Hi") + b"\n00:00.500 --> 00:01.000\nHi\n", "line 6: this cue begins before"),
        (vtt(""), "line 3: this cue has no words"),
        (vtt("<script>alert(1)</script>"), "line 4: < begins no tag of captions"),
        (vtt("<b onclick=x>a</b>"), "<b> is not written so"),
        (vtt("<img src=x>"), "line 4: < begins no tag of captions"),
        (vtt("a < b"), "line 4: < begins no tag of captions"),
        (vtt("<i>a"), "<i> is never closed"),
        (vtt("a</i>"), "</i> closes nothing"),
        (vtt("<b><i>a</b></i>"), "</b> closes nothing"),
        (vtt("bread & salt"), "line 4: & stands alone"),
        (vtt("&#106;"), "line 4: & stands alone"),
        (vtt(f"one\n{CUE}\ntwo"), "line 5: a time stands among the words"),
        (vtt("abc\u202edef"), "line 4: a hidden character (U+202E)"),
        (vtt("one\na" + "\u0301\u0316" * 40_000), "line 5: more than 30 marks stand on one letter"),
        (vtt("a\x00b"), "line 4: a hidden character (U+0000)"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nab\xff\n", "line 4: this is not UTF-8"),
        (vtt("x" * MAX_BYTES), "bytes, more than 20,000"),
        (b"WEBVTT\n" + b" \n" * 200_000, "bytes, more than 200,000"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, problem: str) -> None:
    with pytest.raises(CaptionsError) as error:
        read(data)
    assert problem in error.value.problem
    assert error.value.remedy


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for tried in (data, b"WEBVTT\n\n" + data, vtt("") + data):
        try:
            captions = read(tried)
        except CaptionsError:
            continue
        assert isinstance(captions, Captions)
        assert read(captions.written()) == captions
