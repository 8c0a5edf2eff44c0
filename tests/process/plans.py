"""What the team wants to say in these tests, and how it reads on the network."""

from __future__ import annotations

from tests.process.team import Plan

WORDS = "The bridge at Qara is open. 300 lorries crossed it today.\n\n{link} #LifeafterDaesh"
SAID = WORDS.format(link="https://example.org/qara")
ARABIC = "فُتح جسر قارة من جديد، وعبرته اليوم 300 شاحنة. #LifeafterDaesh"
ALT = "A drawing of a bridge over a wide river, with a row of lorries on it."
PARTS = [
    "1/4 The bridge at Qara took eleven months.",
    "2/4 Sixty masons from the town built it, and forty of them had never built one.",
    "3/4 The first to cross was a school bus.",
    "4/4 On Friday there will be a market on both banks. #LifeafterDaesh",
]
PICTURED = "This is what it looks like from the northern bank."

_TEXT = {"id": "open", "link": "https://example.org/qara", "text": {"en": WORDS}}
_PICTURED = {"id": "bank", "media": ["bridge"], "text": {"en": PICTURED}}
_THREAD = {"id": "story", "thread": {"en": PARTS}}
_MEDIA = {"bridge": {"file": "bridge.png", "alt": {"en": ALT}}}

TEXT = Plan([_TEXT])
PICTURE = Plan([_PICTURED], media=_MEDIA)
THREAD = Plan([_THREAD])
QUOTE = Plan([_TEXT], kind="quote")
PAIR = Plan([{"id": "open", "text": {"en": SAID, "ar": ARABIC}}], to=["all-x"])
EVERYTHING = Plan([_TEXT, _PICTURED, _THREAD], media=_MEDIA)
ALL_SAID = [SAID, PICTURED, *PARTS]
