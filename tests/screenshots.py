"""Pictures for the documentation: always taken, kept only when they are asked for."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

KEPT = Path(__file__).parents[1] / "docs" / "screenshots"


def keep(page: Page, name: str, otherwise: Path) -> None:
    """What the page looks like, as `name`.png: in docs/ with SOCIAL_SCHEDULER_SCREENSHOTS=1."""
    folder = KEPT if os.environ.get("SOCIAL_SCHEDULER_SCREENSHOTS") else otherwise
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(page.screenshot())) as shot:
        few = shot.convert("RGB").quantize(255, method=Image.Quantize.MEDIANCUT)
        few.save(folder / f"{name}.png", optimize=True)
    assert (folder / f"{name}.png").stat().st_size > 10_000
