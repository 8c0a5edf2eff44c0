"""Draws every picture and film of the sample campaigns, the same to the pixel each time.

    python campaigns/draw.py [FOLDER]

They are ours from the first line to the last: no photograph, no face, no font, no flag, no tune.
Scenes are drawn in units of the finished picture (1200 by 675) at three times its size, then
reduced, which gives smooth edges. The file is long because there are many pictures: one function
for each, in the order of `pictures()`. The films, which need PyAV, come last.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageOps

WIDTH, HEIGHT, FINE = 1200, 675, 3

NIGHT, INK, TEAL, WATER = "#14213d", "#22304f", "#1f6f78", "#4fa3a5"
CREAM, SAND, CLAY, WOOD, DARK_WOOD = "#fbf3e4", "#ead7b5", "#c98b5e", "#8a5a3b", "#5f3c28"
RED, DEEP_RED, OCHRE, LEAF, DARK_LEAF = "#c1372f", "#8f2623", "#e2a336", "#6b9a4b", "#41683a"
PEOPLE = [INK, TEAL, "#5b6b8c", DEEP_RED, "#3d4a3f", "#7c5c7e", "#2c5d63", CLAY]
SKIN = ["#e8bd97", "#c98f65", "#9a6542", "#f0cfae", "#7d4e33"]

FILM_SIZE, FILM_RATE, FILM_SECONDS, SOUND_RATE = (640, 360), 12, 10, 48_000
STALLS = (40, 332, 624, 916)
"""Where the stalls of the market begin."""
SHUTTER_TOP, SHUTTER_FOOT = 238, 612

Points = Iterable[tuple[float, float]]


class Canvas:
    """A picture in the making; all lengths are pixels of the finished picture."""

    def __init__(self, top: str, bottom: str) -> None:
        fade = Image.linear_gradient("L").resize((WIDTH * FINE, HEIGHT * FINE))
        self.image = ImageOps.colorize(fade, top, bottom)
        # "RGBA" on an RGB picture blends colours such as "#ffffff40".
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def box(self, x: float, y: float, w: float, h: float, fill: str, round_by: float = 0) -> None:
        """A rectangle, its corners rounded by `round_by`."""
        area = (x * FINE, y * FINE, (x + w) * FINE - 1, (y + h) * FINE - 1)
        self._draw.rounded_rectangle(area, round_by * FINE, fill)

    def disc(self, x: float, y: float, r: float, fill: str, ry: float | None = None) -> None:
        """A disc round (x, y), or an ellipse with `ry`."""
        ry = r if ry is None else ry
        area = ((x - r) * FINE, (y - ry) * FINE, (x + r) * FINE, (y + ry) * FINE)
        self._draw.ellipse(area, fill)

    def shape(self, points: Points, fill: str) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * FINE, y * FINE) for x, y in points], fill)

    def line(self, points: Points, fill: str, width: float) -> None:
        """A line with round joints and ends."""
        fine = [(x * FINE, y * FINE) for x, y in points]
        self._draw.line(fine, fill, round(width * FINE), joint="curve")
        r = width * FINE / 2
        if width >= 3 and len(fill) == 7:  # ends would show twice in a blended colour
            for x, y in (fine[0], fine[-1]):
                self._draw.ellipse((x - r, y - r, x + r, y + r), fill)

    def arch(self, x: float, y: float, w: float, h: float, fill: str) -> None:
        """A doorway: a rectangle with a half round on top, `h` high in all."""
        self.disc(x + w / 2, y + w / 2, w / 2, fill)
        self.box(x, y + w / 2, w, h - w / 2, fill)

    def finished(self) -> Image.Image:
        """The picture at its own size."""
        return self.image.reduce(FINE)


def curve(x0: float, x1: float, height: Callable[[float], float]) -> list[tuple[float, float]]:
    """Points of y = height(x), close enough to look smooth."""
    return [(x, height(x)) for x in (x0 + (x1 - x0) * i / 90 for i in range(91))]


def ring(x: float, y: float, r: float, count: int, turn: float = 0) -> list[tuple[float, float]]:
    """`count` points evenly round (x, y)."""
    angles = [math.tau * i / count + turn for i in range(count)]
    return [(x + r * math.cos(a), y + r * math.sin(a)) for a in angles]


def half_ring(x: float, y: float, inner: float, outer: float) -> list[tuple[float, float]]:
    """The upper half of a ring round (x, y)."""
    return [
        (x + r * math.cos(math.pi * i / 60), y - r * math.sin(math.pi * i / 60))
        for r, steps in ((inner, range(61)), (outer, range(60, -1, -1)))
        for i in steps
    ]


def dice(seed: int) -> Random:
    """Scatter that falls the same way every time."""
    return Random(seed)  # noqa: S311 - decoration, not a secret


def wool(c: Canvas, x: float, y: float, r: float, fill: str, shade: str) -> None:
    """A ball of wool."""
    c.disc(x, y, r, fill)
    for k in (-0.55, -0.2, 0.15, 0.5):
        bow = [
            (x + r * 0.8 * t, y + r * (k + 0.35 * t * t - 0.12)) for t in (-0.9, -0.4, 0, 0.4, 0.9)
        ]
        c.line(bow, shade, 2.5)


def loom() -> Canvas:
    """A tall loom in a sunlit room, a red rug half woven."""
    c = Canvas("#f4e4c8", "#ecd2a6")
    c.box(0, 560, WIDTH, 115, "#a8734c")
    for x in range(-60, 1260, 150):
        c.line([(600 + (x - 600) * 0.82, 560), (600 + (x - 600) * 1.25, 675)], "#8a5a3b60", 3)
    c.shape([(264, 130), (264, 396), (760, 675), (1010, 675)], "#fff6d833")
    c.arch(88, 96, 190, 300, WOOD)
    c.arch(102, 110, 162, 286, "#bfe0e2")
    c.shape(
        [*curve(102, 264, lambda x: 350 - 26 * math.sin((x - 80) / 50)), (264, 396), (102, 396)],
        LEAF,
    )
    c.box(178, 110, 7, 286, WOOD)
    c.box(102, 240, 162, 7, WOOD)
    c.box(76, 392, 214, 16, DARK_WOOD, 4)
    c.box(420, 70, 26, 540, DARK_WOOD, 6)
    c.box(834, 70, 26, 540, DARK_WOOD, 6)
    c.box(390, 604, 86, 20, DARK_WOOD, 6)
    c.box(804, 604, 86, 20, DARK_WOOD, 6)
    for i in range(64):
        c.line([(455 + i * 5.9, 118), (455 + i * 5.9, 560)], "#fffaf0" if i % 2 else SAND, 2)
    c.box(450, 352, 380, 196, RED)
    for y, fill in ((364, CREAM), (374, INK), (520, INK), (530, CREAM)):
        c.box(450, y, 380, 6, fill)
    for i in range(5):
        x = 488 + i * 76
        for r, fill in ((34, CREAM), (27, DEEP_RED), (18, OCHRE), (8, INK)):
            c.shape([(x - r, 449), (x, 449 - r * 1.5), (x + r, 449), (x, 449 + r * 1.5)], fill)
        if i < 4:
            c.shape([(x + 30, 398), (x + 46, 398), (x + 38, 414)], OCHRE)
            c.shape([(x + 30, 500), (x + 46, 500), (x + 38, 484)], OCHRE)
    c.box(404, 92, 472, 30, WOOD, 12)
    c.box(404, 546, 472, 30, WOOD, 12)
    c.box(436, 262, 408, 14, WOOD, 6)
    c.box(560, 328, 104, 18, DARK_WOOD, 9)
    c.line([(664, 337), (740, 346), (828, 352)], RED, 3)
    c.box(930, 128, 210, 12, DARK_WOOD, 6)
    for x, fill, shade in ((952, RED, DEEP_RED), (1012, OCHRE, CLAY), (1072, TEAL, INK)):
        c.box(x, 132, 42, 176, fill, 20)
        for k in (10, 21, 32):
            c.line([(x + k, 150), (x + k, 292)], shade, 2)
        c.box(x - 2, 196, 46, 12, CREAM, 5)
    wool(c, 988, 520, 44, RED, DEEP_RED)
    wool(c, 1066, 512, 50, DEEP_RED, RED)
    wool(c, 1030, 478, 40, OCHRE, CLAY)
    c.shape([(920, 528), (1140, 528), (1116, 628), (944, 628)], CLAY)
    for y in (546, 570, 594):
        c.line([(924 + (y - 528) / 4, y), (1136 - (y - 528) / 4, y)], WOOD, 4)
    return c


def palm(c: Canvas, x: float, y: float, h: float) -> None:
    """A date palm standing at (x, y)."""
    c.line([(x, y), (x + h * 0.05, y - h * 0.5), (x + h * 0.02, y - h)], DARK_WOOD, h * 0.07)
    top_x, top_y = x + h * 0.02, y - h
    for out, drop in ((0.5, 0.3), (0.56, 0.1), (0.46, -0.1), (0.24, -0.22)):
        for side in (-1, 1):
            tip_x, lift = top_x + side * out * h, 0.16 + out * 0.14
            steps = [k / 16 for k in range(17)]
            above = [(t, drop * t * t - 2 * lift * t * (1 - t)) for t in steps]
            below = [(t, drop * t * t - 0.9 * lift * t * (1 - t)) for t in reversed(steps)]
            leaf = [(top_x + (tip_x - top_x) * t, top_y + h * v) for t, v in above + below]
            c.shape(leaf, DARK_LEAF if side * drop < 0 else "#35562f")
    c.disc(top_x, top_y + h * 0.02, h * 0.05, CLAY)


def canal() -> Canvas:
    """Water running again from a pump house into green fields."""
    c = Canvas("#f7d9a0", "#fbeeda")
    c.disc(905, 170, 58, "#fff7e0")
    c.shape(
        [
            *curve(0, WIDTH, lambda x: 262 - 46 * math.sin(x / 150) - 24 * math.sin(x / 57)),
            (1200, 420),
            (0, 420),
        ],
        "#c9b199",
    )
    c.shape(
        [*curve(0, WIDTH, lambda x: 306 - 22 * math.sin(x / 110 + 2)), (1200, 420), (0, 420)],
        "#b39a78",
    )
    c.box(0, 340, WIDTH, 335, LEAF)
    rows = [LEAF, "#86b15b", "#5c8b43", "#a3b95f"]
    edges = [-1500, -1080, -700, -380, -110, 110, 400, 760, 1180, 1700, 2300, 2900]
    for i, (a, b) in enumerate(pairwise(edges)):
        flat = [(600 + a * 0.16, 340), (600 + b * 0.16, 340), (600 + b, 675), (600 + a, 675)]
        c.shape(flat, rows[i % 4])
    for a in range(-1500, 2900, 70):
        if abs(a) > 150:
            c.line([(600 + a * 0.16, 342), (600 + a, 675)], "#41683a38", 2)
    c.shape([(575, 340), (625, 340), (800, 675), (400, 675)], SAND)
    c.shape([(582, 340), (618, 340), (760, 675), (440, 675)], WATER)
    for y, shift in (
        (362, -0.4),
        (384, 0.5),
        (446, 0.35),
        (478, -0.5),
        (530, 0.1),
        (574, -0.35),
        (612, 0.5),
        (652, -0.1),
    ):
        half = (y - 340) * 0.42
        c.line(
            [(600 + half * (shift - 0.3), y), (600 + half * (shift + 0.3), y)],
            "#d9f0ee90",
            1.5 + (y - 340) / 110,
        )
    for x, y, h in ((120, 392, 170), (205, 372, 128), (1010, 380, 150), (1098, 400, 190)):
        palm(c, x, y, h)
    c.box(300, 268, 190, 136, CREAM)
    c.box(288, 254, 214, 20, CLAY, 3)
    c.box(440, 274, 50, 130, "#e6d8bf")
    c.arch(336, 318, 46, 86, TEAL)
    c.box(402, 306, 28, 28, INK, 3)
    c.box(490, 356, 84, 20, INK, 6)
    c.box(556, 356, 20, 30, INK, 5)
    for k, fill in ((0, "#f4fbfa"), (5, "#cfeae9"), (10, "#f4fbfa")):
        c.shape([(558 + k, 384), (564 + k, 384), (572 + k * 1.6, 424), (562 + k * 1.6, 424)], fill)
    for r in (24, 15):
        c.disc(578, 425, r, "#e8f7f590", r * 0.26)
    return c


def river_town(c: Canvas) -> None:
    """Houses along a far bank, and the water before them."""
    random = dice(7)
    x = -20.0
    while x < WIDTH:
        w, h = random.randint(50, 96), random.randint(92, 172)
        c.box(x, 372 - h, w, h + 40, random.choice(["#d8c2a0", "#cbb08a", "#e2d0b2"]))
        for k in range(int(w // 26)):
            c.arch(x + 10 + k * 26, 388 - h, 11, 22, "#9c8265")
        x += w + random.choice([0, 0, 14])
    c.box(936, 118, 24, 260, "#e8d8bc")
    c.box(928, 160, 40, 9, "#c4a983", 3)
    c.disc(948, 118, 15, TEAL, 20)
    c.disc(240, 214, 44, TEAL)
    c.box(192, 214, 96, 160, "#e8d8bc")
    c.box(0, 400, WIDTH, 275, "#5aa0a8")
    c.box(0, 400, WIDTH, 12, "#41858f")
    for i in range(46):
        x, y = random.randint(-40, 1160), random.randint(440, 668)
        c.line([(x, y), (x + 34 + (y - 430) / 3, y)], "#d9f0ee55" if i % 3 else "#2f6f7a55", 3)


def bridge() -> Canvas:
    """A stone bridge whose broken middle is spanned again in steel."""
    c = Canvas("#bcd9de", "#f6e7cd")
    c.disc(560, 120, 46, "#fffaf0")
    river_town(c)
    middles = [600 + side * (268 + k * 190) for side in (-1, 1) for k in range(3)]
    for x in middles:
        c.box(x - 95, 318, 190, 236, "#a98d6b")
    for x in middles:
        c.disc(x, 470, 66, "#5aa0a8")
        c.box(x - 66, 470, 132, 86, "#5aa0a8")
        c.shape(half_ring(x, 470, 66, 76), "#8c7152")
    for side in (-1, 1):
        c.box(600 + side * 190 - 30, 306, 60, 262, "#94795a", 4)
    c.box(0, 306, 440, 22, "#8c7152")
    c.box(760, 306, 440, 22, "#8c7152")
    for y, half in ((596, 176), (614, 150), (630, 164), (648, 108)):
        c.line([(600 - half, y), (600 + half * 0.8, y)], "#c1372f66", 6)
    c.box(404, 300, 392, 20, RED, 3)
    bars = [(420, 302), (490, 222), (710, 222), (780, 302)]
    c.line(bars, RED, 11)
    for a, b in (
        ((490, 222), (545, 302)),
        ((545, 302), (600, 222)),
        ((600, 222), (655, 302)),
        ((655, 302), (710, 222)),
    ):
        c.line([a, b], RED, 8)
        c.line([(a[0], 302), (a[0], 222)], DEEP_RED, 4)
        c.line([(b[0], 302), (b[0], 222)], DEEP_RED, 4)
    for x in (*range(8, 400, 28), *range(808, 1200, 28)):
        c.box(x, 282, 6, 26, "#8c7152")
    c.box(0, 276, 404, 8, "#8c7152")
    c.box(796, 276, 404, 8, "#8c7152")
    return c


def stall(c: Canvas, x: float, colour: str, goods: list[str], random: Random) -> None:
    """A market stall 250 wide with a striped awning and three crates."""
    c.box(x + 6, 300, 10, 310, DARK_WOOD)
    c.box(x + 234, 300, 10, 310, DARK_WOOD)
    c.box(x + 4, 330, 242, 150, "#3a2a2a70")
    c.box(x - 2, 478, 254, 22, CLAY, 4)
    c.box(x + 8, 500, 234, 110, WOOD)
    for k in range(1, 6):
        c.line([(x + 8 + k * 39, 504), (x + 8 + k * 39, 608)], DARK_WOOD, 2)
    for k, fill in enumerate(goods):
        left = x + 14 + k * 76
        for row in range(3):
            for j in range(5 - row):
                wobble = random.randint(-1, 1)
                c.disc(left + 11 + row * 6 + j * 12, 452 - row * 11 + wobble, 8, fill)
                c.disc(left + 9 + row * 6 + j * 12, 449 - row * 11 + wobble, 2.2, "#ffffff70")
        c.box(left, 452, 70, 28, SAND, 3)
        c.line([(left + 2, 466), (left + 68, 466)], CLAY, 2)
    for k in range(8):
        fill = colour if k % 2 == 0 else CREAM
        a, b = x - 18 + k * 35.75, x - 18 + (k + 1) * 35.75
        top_a, top_b = x + 10 + k * 28.75, x + 10 + (k + 1) * 28.75
        c.shape([(top_a, 250), (top_b, 250), (b, 330), (a, 330)], fill)
        c.disc((a + b) / 2, 330, 17.9, fill)
    c.box(x + 6, 244, 238, 10, DARK_WOOD, 4)


def market() -> Canvas:
    """A market street in the evening, every stall open."""
    c = Canvas("#2b3a67", "#f0a868")
    random = dice(3)
    for left, w, y, fill in (
        (-20, 250, 96, "#8a6a5c"),
        (230, 200, 150, "#a07a62"),
        (430, 330, 70, "#7f6156"),
        (760, 210, 130, "#a07a62"),
        (970, 260, 84, "#8a6a5c"),
    ):
        c.box(left, y, w, 560, fill)
        c.box(left - 4, y - 8, w + 8, 12, "#5f4740", 3)
        for k in range(w // 66):
            lit = random.random() < 0.6
            c.arch(left + 24 + k * 66, y + 34, 30, 56, "#f7cf7c" if lit else "#4a3a3f")
    c.box(0, 600, WIDTH, 75, "#6b5148")
    for k in range(0, WIDTH, 80):
        c.line([(k + 40, 606), (600 + (k - 560) * 1.2, 675)], "#55403980", 3)
    for left, colour, goods in (
        (40, RED, [OCHRE, RED, LEAF]),
        (332, TEAL, [LEAF, "#d9702f", "#7c3f58"]),
        (624, OCHRE, [RED, "#f0d35c", OCHRE]),
        (916, "#7c3f58", ["#d9702f", LEAF, RED]),
    ):
        stall(c, left, colour, goods, random)
    string = curve(-10, 1210, lambda x: 168 + 34 * math.cos(math.tau * x / 400))
    c.line(string, "#2a2026", 2)
    for lamp_x, lamp_y in string[2::5]:
        c.disc(lamp_x, lamp_y + 9, 18, "#ffe6a033")
        c.disc(lamp_x, lamp_y + 9, 7, "#ffe9a8")
    return c


def pencil(c: Canvas, x: float, y: float, angle: float, colour: str) -> None:
    """A coloured pencil 170 long whose tip is at (x, y)."""
    ux, uy = math.cos(angle), math.sin(angle)

    def at(along: float, across: float) -> tuple[float, float]:
        return x + ux * along - uy * across, y + uy * along + ux * across

    c.shape([at(26, -9), at(170, -9), at(170, 9), at(26, 9)], colour)
    c.shape([at(26, -3), at(170, -3), at(170, 3), at(26, 3)], "#ffffff40")
    c.shape([at(0, 0), at(26, -9), at(26, 9)], SAND)
    c.shape([at(0, 0), at(10, -3.4), at(10, 3.4)], colour)


def desk() -> Canvas:
    """A school desk with a child's drawing of a house, a tree and a kite."""
    c = Canvas("#d9e6dd", "#c7d8cd")
    c.box(150, 34, 900, 214, WOOD, 8)
    c.box(164, 48, 872, 186, "#2f4f46", 4)
    for i, w in enumerate((300, 220, 260)):
        c.line([(210, 92 + i * 44), (210 + w, 92 + i * 44)], "#e8efe8", 4)
    for i, (x, y) in enumerate(ring(850, 140, 56, 12)):
        c.line([(850 + (x - 850) * 0.62, 140 + (y - 140) * 0.62), (x, y)], "#e8efe8", 3 + i % 2)
    c.disc(850, 140, 28, "#f2d98a")
    c.box(560, 226, 90, 10, CREAM, 3)
    c.shape([(120, 330), (1080, 330), (1260, 675), (-60, 675)], CLAY)
    c.shape([(120, 330), (1080, 330), (1086, 342), (114, 342)], "#dba377")
    for a in (0.2, 0.42, 0.66, 0.86):
        c.line([(120 + 960 * a, 342), (-60 + 1320 * a, 675)], "#8a5a3b45", 3)
    c.shape([(352, 372), (884, 352), (940, 660), (318, 668)], "#7a4e3155")
    c.shape([(340, 362), (872, 346), (926, 648), (304, 658)], "#fffdf6")
    c.shape([(352, 560), (914, 552), (922, 638), (316, 648)], "#9cc47a")
    c.box(448, 474, 150, 116, "#f3c98b", 2)
    c.shape([(430, 478), (523, 402), (616, 478)], RED)
    c.box(504, 530, 38, 60, TEAL, 3)
    for x in (464, 556):
        c.box(x, 500, 28, 28, "#8ec3cf", 2)
    c.box(692, 500, 20, 92, WOOD, 4)
    for x, y in ((676, 492), (728, 494), (702, 462), (672, 464), (732, 466)):
        c.disc(x, y, 31, LEAF)
    for x, y in ((668, 476), (712, 452), (738, 490), (694, 500)):
        c.disc(x, y, 6.5, RED)
    for x, y in ring(396, 424, 42, 10):
        c.line([(396, 424), (x, y)], OCHRE, 5)
    c.disc(396, 424, 25, OCHRE)
    c.shape([(812, 376), (848, 402), (826, 446), (790, 412)], "#7c5c9e")
    c.line([(812, 376), (826, 446)], CREAM, 3)
    c.line([(790, 412), (848, 402)], CREAM, 3)
    c.line([(826, 446), (812, 470), (830, 492), (808, 520), (820, 552)], INK, 3)
    for x, y in ((812, 470), (830, 492), (808, 520)):
        c.shape([(x - 11, y - 7), (x + 11, y + 7), (x + 11, y - 7), (x - 11, y + 7)], OCHRE)
    pencil(c, 962, 452, 0.5, RED)
    pencil(c, 985, 520, 0.35, OCHRE)
    pencil(c, 968, 596, 0.12, TEAL)
    pencil(c, 252, 520, 2.55, LEAF)
    return c


def podium(c: Canvas, x: float) -> None:
    """A lectern with two microphones, its middle at x."""
    c.disc(x, 648, 190, "#0b132b80", 16)
    c.shape([(x - 118, 402), (x + 118, 402), (x + 92, 640), (x - 92, 640)], "#b07a4f")
    c.shape([(x - 118, 402), (x - 60, 402), (x - 46, 640), (x - 92, 640)], "#9a6842")
    c.shape([(x - 146, 372), (x + 146, 372), (x + 126, 410), (x - 126, 410)], "#d39a68")
    c.box(x - 112, 632, 224, 18, DARK_WOOD, 4)
    for k in (-26, 26):
        c.line([(x + k * 0.5, 374), (x + k * 0.6, 330), (x + k * 1.1, 284)], "#cdd6e4", 6)
        c.box(x + k * 1.1 - 11, 236, 22, 54, "#5d7295", 11)
        c.box(x + k * 1.1 - 11, 268, 22, 7, "#cdd6e4")
    for px, py in ring(x, 512, 40, 12):
        c.disc(px, py, 6, OCHRE)
    c.disc(x, 512, 22, OCHRE)


def comma(c: Canvas, x: float, y: float, flip: bool) -> None:
    """One half of an English quotation mark; `flip` gives the opening one."""
    s = -1 if flip else 1
    c.disc(x, y, 30, OCHRE)
    tail = [(30, 0), (29, 24), (16, 52), (-12, 76), (-22, 62), (-4, 44), (4, 26), (0, 0)]
    c.shape([(x + s * a, y + s * b) for a, b in tail], OCHRE)


def chevron(c: Canvas, x: float, y: float, way: int) -> None:
    """One half of a guillemet, pointing left (-1) or right (1)."""
    c.line([(x - way * 18, y - 44), (x + way * 18, y), (x - way * 18, y + 44)], OCHRE, 17)


def quote(marks: str) -> Canvas:
    """An empty lectern beside a card of words in quotation marks, English or French ones."""
    c = Canvas(NIGHT, "#24456b")
    for r in (430, 330, 230):
        c.disc(300, 360, r, "#ffffff0c")
    c.box(0, 640, WIDTH, 35, "#0b132b")
    podium(c, 300)
    for i, w in enumerate((470, 520, 430, 300)):
        c.box(592, 248 + i * 58, w, 20, "#dfe7f2" if i < 3 else WATER, 10)
    if marks == "en":
        for x in (612, 684):
            comma(c, x, 172, flip=True)
        for x in (1032, 1104):
            comma(c, x, 520, flip=False)
    else:
        for x in (612, 660):
            chevron(c, x, 156, -1)
        for x in (1056, 1104):
            chevron(c, x, 540, 1)
    return c


def table() -> Canvas:
    """From above: one round table, seventy-two seats."""
    c = Canvas("#1b3a4b", "#16303f")
    x, y = 600, 337.5
    for r, fill in ((640, "#1d4052"), (500, "#204659"), (370, "#244e62")):
        c.disc(x, y, r, fill)
    for i, (sx, sy) in enumerate(ring(x, y, 304, 72)):
        c.disc(sx + 2, sy + 3, 10.5, "#0b1d2680")
        c.disc(sx, sy, 10.5, (RED, OCHRE, WATER, CREAM, CLAY, "#8fae6a")[i % 6])
    c.disc(x + 4, y + 7, 284, "#0b1d2660")
    c.disc(x, y, 284, "#b57f52")
    c.disc(x, y, 279, "#c99365")
    c.disc(x, y, 222, "#a8734c")
    c.disc(x, y, 216, "#25566a")
    for px, py in ring(x, y, 250, 72):
        c.disc(px, py, 7.5, "#fffdf6")
    for px, py in ring(x, y, 262, 72, math.tau / 144):
        c.disc(px, py, 3, "#e8f4f4")
    for r, count, fill in ((186, 24, "#2f6c80"), (138, 24, WATER)):
        points = [
            p
            for a, b in zip(
                ring(x, y, r, count), ring(x, y, r * 0.8, count, math.tau / count / 2), strict=True
            )
            for p in (a, b)
        ]
        c.shape(points, fill)
    c.disc(x, y, 84, "#1b3a4b")
    for px, py in ring(x, y, 58, 12):
        c.disc(px, py, 9, OCHRE)
    c.disc(x, y, 30, OCHRE)
    return c


def figure(c: Canvas, x: float, y: float, random: Random) -> None:
    """One person in a group picture, without a face."""
    coat, skin = random.choice(PEOPLE), random.choice(SKIN)
    head_cover = random.random()
    c.box(x - 33, y + 36, 66, 130, coat, 24)
    if head_cover < 0.2:
        scarf = random.choice([CREAM, OCHRE, WATER, "#d8a7a0"])
        c.disc(x, y, 25, scarf, 28)
        c.shape([(x - 22, y + 10), (x + 22, y + 10), (x + 29, y + 48), (x - 29, y + 48)], scarf)
        c.disc(x, y + 3, 16, skin, 19)
        return
    c.box(x - 9, y + 14, 18, 30, skin, 6)
    c.shape([(x - 13, y + 37), (x + 13, y + 37), (x, y + 66)], CREAM)
    c.shape(
        [(x - 4, y + 42), (x + 4, y + 42), (x + 3, y + 62), (x - 3, y + 62)],
        random.choice([RED, TEAL, NIGHT, OCHRE]),
    )
    hair = random.choice(["#2b211d", "#4a3426", "#8f8a86", "#1a1613"])
    if head_cover < 0.45:
        c.box(x - 24, y - 24, 48, 62, hair, 22)
    c.disc(x, y - 4, 22, hair, 25)
    c.disc(x, y + 3, 19, skin, 22)


def family() -> Canvas:
    """The family picture: four rows of delegates on steps, banners behind."""
    c = Canvas("#dfe6ee", "#c3cedb")
    for i in range(16):
        x = 14 + i * 74
        c.box(x, 30, 5, 600, "#98a3b3")
        c.shape(
            [(x + 5, 36), (x + 58, 44), (x + 52, 172), (x + 5, 150)],
            (TEAL, OCHRE, INK, CLAY, WATER)[i % 5],
        )
        c.disc(x + 30, 96, 12, "#ffffffb0")
    random = dice(21)
    for row, (count, y) in enumerate(((12, 206), (13, 296), (14, 386), (15, 476))):
        start = 600 - (count - 1) * 37
        shade = ("#a9b5c4", "#98a5b6", "#8795a8", "#76859a")[row]
        c.box(start - 56, y + 96, (count - 1) * 74 + 112, 200, shade)
        for k in range(count):
            figure(c, start + k * 74 + random.randint(-4, 4), y + random.randint(-7, 7), random)
    c.box(0, 628, WIDTH, 47, "#5b6a80")
    c.box(0, 628, WIDTH, 5, "#4b5a70")
    return c


def routes() -> Canvas:
    """A pattern like a map: many dots, lines that meet in one place."""
    c = Canvas("#10243e", "#173a52")
    goal = (690.0, 330.0)
    for gx in range(24, WIDTH, 24):
        for gy in range(24, HEIGHT, 24):
            land = (
                math.sin(gx / 131 + 0.6) + math.cos(gy / 93 - 0.4) + math.sin((gx + 1.7 * gy) / 170)
            )
            if land > 0.15:
                c.disc(gx, gy, 5.5, "#2c5f7d" if land < 0.9 else "#3a7a96")
    random = dice(11)
    for i in range(30):
        angle = math.tau * i / 30 + random.uniform(-0.08, 0.08)
        reach = random.uniform(0.42, 0.95)
        x, y = goal[0] + 560 * reach * math.cos(angle), goal[1] + 318 * reach * math.sin(angle)
        x = max(40.0, min(1160.0, x))
        bend = random.choice((-1, 1)) * random.uniform(20, 60)
        mx, my = (
            (x + goal[0]) / 2 - bend * math.sin(angle),
            (y + goal[1]) / 2 + bend * math.cos(angle),
        )
        path = [
            (
                (1 - t) ** 2 * x + 2 * t * (1 - t) * mx + t * t * goal[0],
                (1 - t) ** 2 * y + 2 * t * (1 - t) * my + t * t * goal[1],
            )
            for t in (k / 24 for k in range(25))
        ]
        c.line(path, "#f4dcae", 2)
        c.disc(x, y, 9, (OCHRE, WATER, "#e07a5f", CREAM)[i % 4])
    for r, fill in ((62, "#e2a33640"), (40, "#e2a33670"), (24, OCHRE), (10, NIGHT)):
        c.disc(*goal, r, fill)
    return c


def digest() -> Canvas:
    """Five cards side by side, one for each piece of news."""
    c = Canvas("#f3ead9", "#e6d5b8")
    colours = [TEAL, RED, OCHRE, INK, LEAF]
    for i, fill in enumerate(colours):
        x, y = 62 + i * 220, 118 + (i % 2) * 44
        c.box(x + 7, y + 11, 196, 400, "#8a5a3b40", 16)
        c.box(x, y, 196, 400, "#fffdf8", 16)
        c.box(x, y, 196, 176, fill, 16)
        c.box(x, y + 150, 196, 30, fill)
        for k, w in enumerate((150, 120)):
            c.box(x + 22, y + 204 + k * 30, w, 16, INK, 8)
        for k, w in enumerate((152, 140, 148, 84)):
            c.box(x + 22, y + 274 + k * 26, w, 9, "#cfc3ae", 4)
    c.shape([(98, 262), (128, 200), (152, 236), (172, 206), (222, 262)], CREAM)  # hills
    c.disc(206, 168, 16, "#f2d98a")
    c.box(330, 236, 100, 66, CREAM, 3)  # a school
    c.shape([(318, 240), (380, 196), (442, 240)], CREAM)
    c.box(368, 262, 24, 40, RED, 3)
    for x in (342, 400):
        c.box(x, 254, 18, 18, RED, 2)
    c.shape(
        [*curve(520, 680, lambda x: 210 + 10 * math.sin(x / 12)), (680, 262), (520, 262)], CREAM
    )  # water
    for x in (560, 600, 640):
        c.shape([(x, 142), (x + 13, 172), (x, 184), (x - 13, 172)], CREAM)
        c.disc(x, 174, 13, CREAM)
    for k, h in enumerate((36, 62, 50, 92)):  # a reading that rises
        c.box(758 + k * 34, 298 - h, 22, h, CREAM, 4)
    c.line([(1040, 262), (1040, 190)], CREAM, 8)  # a sapling
    for side in (-1, 1):
        c.shape(
            [
                (1040, 226),
                (1040 + side * 20, 186),
                (1040 + side * 56, 178),
                (1040 + side * 42, 214),
            ],
            CREAM,
        )
    c.disc(1040, 172, 18, CREAM, 26)
    c.box(62, 596, 1076, 6, CLAY, 3)
    return c


def pictures() -> dict[str, Image.Image]:
    """Every picture, by its path from this folder."""
    french = quote("fr").finished()
    return {
        "partner-spotlight/media/loom.png": loom().finished(),
        "partner-spotlight/media/canal.png": canal().finished(),
        "partner-spotlight/media/bridge.png": bridge().finished(),
        "life-after-daesh/media/market.jpg": market().finished(),
        "life-after-daesh/media/desk.png": desk().finished(),
        "minister-quote/media/quote-en.png": quote("en").finished(),
        "minister-quote/media/quote-fr.png": french,
        # Arabic reads from the right: the French card, seen in a mirror, is exactly right.
        "minister-quote/media/quote-ar.png": ImageOps.mirror(french),
        "ministerial-meeting/media/routes.png": routes().finished(),
        "ministerial-meeting/media/table.png": table().finished(),
        "ministerial-meeting/media/family.jpg": family().finished(),
        "weekly-digest/media/cards.png": digest().finished(),
    }


def shuttered(street: Canvas) -> Canvas:
    """The market street with every stall behind a wooden shutter."""
    for x in STALLS:
        left, width = x - 20, 290
        street.box(left, SHUTTER_TOP, width, SHUTTER_FOOT - SHUTTER_TOP, WOOD, 3)
        for y in range(SHUTTER_TOP + 8, SHUTTER_FOOT - 10, 22):
            street.box(left + 6, y, width - 12, 16, "#7d5136" if y // 22 % 2 else "#93623f", 2)
        street.box(left, SHUTTER_TOP - 14, width, 18, DARK_WOOD, 4)
        street.disc(x + 125, SHUTTER_FOOT - 22, 7, "#d8c2a0")
    return street


OPENINGS = {"en": (0, 1, 2, 3), "ar": (3, 2, 1, 0), "fr": (1, 2, 0, 3)}
"""In which order the stalls open in the film of each language: as its readers look, or from within."""
BEGINS = (2.2, 4.8, 5.7, 6.6)
"""When they do, in seconds."""


@cache
def street() -> tuple[Image.Image, Image.Image]:
    """The market street open and closed, as small as the film."""
    drawn = (market(), shuttered(market()))
    opened, closed = (c.finished().resize(FILM_SIZE, Image.Resampling.LANCZOS) for c in drawn)
    return opened, closed


def street_film(order: tuple[int, ...]) -> Iterator[Image.Image]:
    """A street at dusk whose shutters go up one after the other, and its light with them."""
    opened, closed = street()
    night = Image.new("RGB", FILM_SIZE, NIGHT)
    scale = FILM_SIZE[0] / WIDTH
    top, foot = round((SHUTTER_TOP + 4) * scale), round(SHUTTER_FOOT * scale)
    for number in range(FILM_SECONDS * FILM_RATE):
        at, up = number / FILM_RATE, 0.0
        frame = closed.copy()
        for begins, stall_number in zip(BEGINS, order, strict=True):
            share = min(1.0, max(0.0, (at - begins) / 0.8))
            share = share * share * (3 - 2 * share)  # slowly at both ends
            up += share / len(order)
            left = STALLS[stall_number] - 20
            edge = foot - round((foot - top + 10) * share)
            box = (round(left * scale), edge, round((left + 290) * scale), foot)
            if share > 0:
                frame.paste(opened.crop(box), box[:2])
        yield Image.blend(night, frame, 0.45 + 0.55 * up)


@cache
def bells(seconds: float) -> list[array[float]]:
    """A bell for each shutter, higher every time; pieces of 1024 samples."""
    pieces = []
    notes = [
        (begins, 523.25 * step) for begins, step in zip(BEGINS, (1, 1.25, 1.5, 2), strict=True)
    ]
    for first in range(0, round(seconds * SOUND_RATE), 1024):
        piece = array("f", bytes(4 * 1024))
        for begins, hertz in notes:
            for k in range(1024):
                t = (first + k) / SOUND_RATE - begins
                if 0 <= t < 2.5:
                    swing = math.sin(math.tau * hertz * t) + 0.4 * math.sin(
                        math.tau * hertz * 2.76 * t
                    )
                    piece[k] += 0.16 * swing * math.exp(-2.6 * t)
        pieces.append(piece)
    return pieces


def films() -> dict[str, tuple[int, ...]]:
    """Every film by its path from this folder, and the order in which its stalls open."""
    return {f"life-after-daesh/media/street-{name}.mp4": OPENINGS[name] for name in OPENINGS}


def save_film(order: tuple[int, ...], file: Path) -> None:
    """Write one film, without any metadata: H.264 with AAC."""
    import av

    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(file), "w", format="mp4", container_options=options) as made:
        picture = made.add_stream(
            "libx264", rate=FILM_RATE, options={"crf": "24", "preset": "slow"}
        )
        sound: av.AudioStream = made.add_stream(
            "aac", rate=SOUND_RATE, options={"flags": "+bitexact"}
        )
        picture.width, picture.height = FILM_SIZE
        picture.pix_fmt = "yuv420p"
        picture.codec_context.thread_count = 1
        sound.layout, sound.bit_rate = "mono", 40_000
        for number, image in enumerate(street_film(order)):
            frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame.pts = number
            made.mux(picture.encode(frame.reformat(format="yuv420p")))
        made.mux(picture.encode(None))
        for number, piece in enumerate(bells(FILM_SECONDS)):
            heard = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            heard.sample_rate, heard.pts = SOUND_RATE, number * 1024
            heard.time_base = Fraction(1, SOUND_RATE)
            heard.planes[0].update(piece.tobytes())
            made.mux(sound.encode(heard))
        made.mux(sound.encode(None))


def save(image: Image.Image, file: Path) -> None:
    """Write one picture, without any metadata, as its suffix says."""
    if file.suffix == ".jpg":
        image.save(file, quality=86, optimize=True, progressive=True)
    else:
        image.save(file, optimize=True)


def draw(folder: Path) -> list[Path]:
    """Write every picture and film below `folder`; returns the files."""
    files = []
    for name, image in pictures().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        save(image, file)
        files.append(file)
    for name, order in films().items():
        save_film(order, folder / name)
        files.append(folder / name)
    return files


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent):
        print(f"{written.stat().st_size // 1024:5} kB  {written}")
