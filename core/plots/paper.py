"""What all pictures have in common: paper, colours, letters, and how they become files.

Item and phoneme names may be in any script. A font that has them is looked for among those that
are installed; if there is none, the picture is drawn all the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import atomic_path
from ..errors import SingwizError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 110

INK = "#1f2933"
FAINT = "#9aa5b1"
GRID = "#e4e7eb"
BLUE = "#2b6cb0"
LIGHT_BLUE = "#a8c8e8"
RED = "#c53030"
"""Colours that differ in lightness, too, so that they also do without colour."""

_BASE_FONT = "DejaVu Sans"
"""Comes with matplotlib; it lacks the scripts of East and South Asia."""
_WIDE_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Source Han Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Microsoft YaHei",
    "SimHei",
    "Malgun Gothic",
    "IPAGothic",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
"""Fonts with Chinese, Japanese or Korean letters that systems bring along, best first."""
_KOREAN_FONTS = ("Noto Sans CJK KR", "Malgun Gothic", "Apple SD Gothic Neo")
_THAI_FONTS = ("Noto Sans Thai", "Leelawadee UI", "Thonburi", "Garuda", "Loma")
_IN_BASE = (("\u0000", "\u0dff"), ("\u1d00", "\u2bff"))
"""Latin, Greek, Cyrillic, the phonetic alphabet; punctuation and signs."""


def new_figure(width: float, height: float) -> Figure:
    """An empty sheet.

    Args:
        width, height: inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    figure.set_facecolor("white")
    return figure


def tidy(axes: Axes, *, grid: str = "") -> None:
    """Take away what carries no information.

    Args:
        axes: to change.
        grid: ``x``, ``y``, ``both`` or nothing.
    """
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def heading(axes: Axes, title: str, *, note: str = "") -> None:
    """A title, and below it a paler remark. The right corner stays free for a face's buttons."""
    axes.set_title(
        title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=22 if note else 9
    )
    if note:
        axes.annotate(
            note,
            (0.0, 1.0),
            (0, 9),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=9,
            color="#52606d",
        )


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure atomically, as JPEG if the name says so, else as PNG.

    Returns:
        ``path``.

    Raises:
        SingwizError: the file cannot be written.
    """
    choose_fonts(figure)
    try:
        with atomic_path(path) as temporary, warnings.catch_warnings():
            # A letter that no font has is drawn as a box; the picture is still useful.
            warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
            kind = "jpg" if path.suffix == ".jpg" else "png"
            figure.savefig(temporary, format=kind, dpi=DOTS_PER_INCH)
    except OSError as error:
        raise SingwizError(
            "picture-not-written",
            f"The picture could not be written: {error.strerror or error}.",
            hint="Choose a folder that belongs to you, with free space.",
            where=str(path),
        ) from error
    return path


def file_stem(name: str) -> str:
    """A name as part of a file name that every system takes."""
    kept = "".join("_" if sign in '<>:"/\\|?*' or ord(sign) < 32 else sign for sign in name)
    kept = kept.strip(" .")
    while len(kept.encode("utf-8", "replace")) > 120:
        kept = kept[:-1]
    return kept or "unnamed"


def choose_fonts(figure: Figure) -> None:
    """Give every text of a figure fonts that have its letters, and take it as it is."""
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    for text in texts:
        # A name may contain dollar signs; it is no formula.
        text.set_parse_math(False)
    fonts = fonts_for(text.get_text() for text in texts)
    if fonts != (_BASE_FONT,):
        for text in texts:
            text.set_fontfamily(fonts)


def fonts_for(texts: Iterable[str]) -> tuple[str, ...]:
    """The installed fonts that are needed to write these texts, in the order to try them."""
    signs = {
        sign
        for sign in set("".join(texts))
        if not any(first <= sign <= last for first, last in _IN_BASE)
    }
    if not signs:
        return (_BASE_FONT,)
    wanted: tuple[str, ...] = _WIDE_FONTS
    if any("\uac00" <= sign <= "\ud7a3" for sign in signs):
        wanted = (*_KOREAN_FONTS, *wanted)
    if any("\u0e00" <= sign <= "\u0e7f" for sign in signs):
        wanted = (*_THAI_FONTS, *wanted)
    installed = [name for name in dict.fromkeys(wanted) if name in _installed()]
    return (_BASE_FONT, *installed[:2])


@lru_cache(maxsize=1)
def _installed() -> frozenset[str]:
    from matplotlib.font_manager import fontManager

    return frozenset(font.name for font in fontManager.ttflist)
