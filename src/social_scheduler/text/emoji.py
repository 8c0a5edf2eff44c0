"""The emoji made of several code points that X counts as one.

The rules X publishes know the sequences of Unicode's Emoji 12. A newer sequence counts part by
part, here as there: a text that is short enough by this count is short enough for X.
"""

from __future__ import annotations

import re
from typing import Final

_TONES = "🏻🏼🏽🏾🏿"
_TONE = f"[{_TONES}]"
_EMOJI_STYLE = "\ufe0f"
_JOINER = "\u200d"

_TAKE_A_TONE = (
    "☝⛹✊✋✌✍🎅🏂🏃🏄🏇🏊🏋🏌👂👃👆👇👈👉👊👋👌👍👎👏👐👦👧👨👩👫👬👭👮👰👱👲👳👴👵👶👷👸"
    "👼💁💂💃💅💆💇💪🕴🕵🕺🖐🖕🖖🙅🙆🙇🙋🙌🙍🙎🙏🚣🚴🚵🚶🛀🛌🤏🤘🤙🤚🤛🤜🤞🤟🤦🤰🤱🤲🤳🤴🤵🤶"
    "🤷🤸🤹🤽🤾🦵🦶🦸🦹🦻🧍🧎🧏🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝"
)
_TAKE_A_STYLE = (
    "©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⏏⏭⏮⏯⏱⏲⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾☀☁☂☃☄☎☑☔☕"
    "☘☝☠☢☣☦☪☮☯☸☹☺♀♂♈♉♊♋♌♍♎♏♐♑♒♓♟♠♣♥♦♨♻♾♿⚒⚓⚔⚕⚖⚗⚙⚛⚜"
    "⚠⚡⚪⚫⚰⚱⚽⚾⛄⛅⛈⛏⛑⛓⛔⛩⛪⛰⛱⛲⛳⛴⛵⛷⛸⛹⛺⛽✂✈✉✌✍✏✒✔✖✝✡✳✴❄❇❗"
    "❣❤➡⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙🀄🅰🅱🅾🅿🈂🈚🈯🈷🌡🌤🌥🌦🌧🌨🌩🌪🌫🌬🌶🍽🎖🎗🎙🎚🎛🎞🎟"
    "🏋🏌🏍🏎🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏳🏵🏷🐿👁📽🕉🕊🕯🕰🕳🕴🕵🕶🕷🕸🕹🖇🖊🖋🖌🖍🖐🖥🖨🖱🖲🖼"
    "🗂🗃🗄🗑🗒🗓🗜🗝🗞🗡🗣🗨🗯🗳🗺🛋🛍🛎🛏🛠🛡🛢🛣🛤🛥🛩🛰🛳"
)
_TAKE_A_GENDER = (
    "⛹🏃🏄🏊🏋🏌👮👱👳👷💁💂💆💇🕵🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤷🤸🤹🤽🤾🦸🦹🧍🧎🧏🧖🧗🧘🧙🧚🧛🧜🧝"
)
_OCCUPATIONS = "🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦰🦱🦲🦳🦼🦽"

# Flags: the first letter, then each letter that makes a region with it.
_REGIONS = (
    "A:CDEFGILMOQRSTUWXZ B:ABDEFGHIJLMNOQRSTVWYZ C:ACDFGHIKLMNOPRUVWXYZ D:EGJKMOZ E:ACEGHRSTU "
    "F:IJKMOR G:ABDEFGHILMNPQRSTUWY H:KMNRTU I:CDELMNOQRST J:EMOP K:EGHIMNPRWYZ L:ABCIKRSTUVY "
    "M:ACDEFGHKLMNOPQRSTUVWXYZ N:ACEFGILOPRUZ O:M P:AEFGHKLMNRSTWY Q:A R:EOSUW "
    "S:ABCDEGHIJKLMNORSTVXYZ T:ACDFGHJKLMNORTVWZ U:AGMNSYZ V:ACEGINU W:FS X:K Y:ET Z:AMW"
)


def _indicator(letters: str) -> str:
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in letters)


def _tagged(subdivision: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in subdivision) + "\U000e007f"


SUBDIVISION_FLAGS: Final[str] = "🏴(?:%s)" % "|".join(map(_tagged, ("gbeng", "gbsct", "gbwls")))  # noqa: UP031


def _hand_in_hand() -> str:
    """Emoji 12 knows two people hand in hand in some of the pairs of their tones only."""
    pairs = []
    for n, tone in enumerate(_TONES):
        others = _TONES.replace(tone, "")
        pairs += [f"👩{tone}+🤝+👨[{others}]", f"🧑{tone}+🤝+🧑[{_TONES[: n + 1]}]"]
        if n:
            pairs += [f"👨{tone}+🤝+👨[{_TONES[:n]}]", f"👩{tone}+🤝+👩[{_TONES[:n]}]"]
    return "|".join(pairs)


_SEQUENCES = (
    # Joined: families, couples, people at work, gendered people, and the rest. Longest first.
    "(?:👨+👨|[👨👩]+👩|[👨👩])+(?:👧+[👦👧]|👦+👦|[👦👧])",
    "(?:👨+❤S?+(?:💋+)?👨|👩+❤S?+(?:💋+)?[👨👩])",
    f"(?:{_hand_in_hand()}|🧑+🤝+🧑)",
    f"[👨👩]T?+(?:[{_OCCUPATIONS}]|[⚕⚖✈]S?)",
    f"(?:[⛹🏋🏌🕵]S|[{_TAKE_A_GENDER}]T?|[👯🤼🧞🧟])+[♀♂]S?",
    "(?:🏴+☠S?|🏳S?+🌈|👁S?+🗨S?|🐕+🦺)",
)


def _compiled() -> re.Pattern[str]:
    # Looking ahead for a joiner first spares most emoji the list of what may be joined.
    joined = f"(?=.(?:S|T)?+)(?:{'|'.join(_SEQUENCES)})".replace("+", _JOINER)
    joined = joined.replace("S", _EMOJI_STYLE).replace("T", _TONE)
    flags = "|".join(
        f"{_indicator(first)}[{_indicator(others)}]"
        for first, others in (region.split(":") for region in _REGIONS.split())
    )
    return re.compile(
        f"{joined}|[{_TAKE_A_TONE}]{_TONE}|[{_TAKE_A_STYLE}]{_EMOJI_STYLE}|{flags}"
        f"|[#*0-9]{_EMOJI_STYLE}?\u20e3|{SUBDIVISION_FLAGS}"
    )


SEQUENCES: Final[re.Pattern[str]] = _compiled()
"""Matches an emoji of two or more code points; one of a single code point needs no rule."""
