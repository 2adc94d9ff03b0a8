"""The bundled NanumGothic, which has Hangul, for pictures and for pages that ask for nothing else."""

from __future__ import annotations

import base64
import io
from functools import cache
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import ImageFont

FONTS = Path(__file__).parent / "bundle" / "fonts"


@cache
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """NanumGothic in a weight ("" or "Bold"): Hangul, kana, common Hanja, Latin, Greek and Cyrillic."""
    return ImageFont.truetype(FONTS / f"NanumGothic{weight}.ttf", size)


def font_face(text: str) -> str:
    """CSS for the bundled font with the letters of a text alone, inside the page."""
    options = subset.Options(flavor="woff", layout_features=["*"], name_IDs=[], notdef_outline=True)
    options.drop_tables += ["TSI0", "TSI1", "TSI2", "TSI3", "TSI5"]  # the font's sources for its hints
    with TTFont(FONTS / "NanumGothic.ttf") as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text=text + "…0123456789")
        cutter.subset(font)
        font.flavor, file = "woff", io.BytesIO()
        font.save(file)
    encoded = base64.b64encode(file.getvalue()).decode("ascii")
    return f"@font-face {{ font-family: webcast; src: url(data:font/woff;base64,{encoded}); }}"
