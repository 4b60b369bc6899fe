"""What a step shows: text, tables, charts, pictures and sounds, each with a widget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from rich.style import Style
from rich.text import Text as RichText
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Collapsible, DataTable, Markdown, Sparkline, Static

from ....core.words import say
from ...guide.view import Audio, Block, Chart, Copyable, Image, Table, Text

SEVERITY_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


class PlayAudio(Message):
    """The user wants to hear a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class CopyText(Message):
    """The user wants to take a text elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class TextBlock(Vertical):
    """A paragraph."""

    def __init__(self, block: Text) -> None:
        super().__init__(classes=f"block tone-{block.tone}")
        self.block = block

    def compose(self) -> ComposeResult:
        yield Markdown(self.block.body)

    def show(self, block: Text) -> None:
        if block.tone != self.block.tone:
            self.set_classes(f"block tone-{block.tone}")
        if block.body != self.block.body:
            self.query_one(Markdown).update(block.body)
        self.block = block


class TableBlock(Vertical):
    """A table; the whole of the row under the cursor is spelled out below it."""

    def __init__(self, block: Table) -> None:
        super().__init__(classes="block")
        self.block = block

    def compose(self) -> ComposeResult:
        if self.block.folded:
            with Collapsible(title=self.block.title):
                yield from self._table()
        else:
            yield Static(self.block.title, classes="block-title", markup=False)
            yield from self._table()

    def _table(self) -> ComposeResult:
        yield Static(self.block.empty, classes="table-empty", markup=False)
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Static(classes="table-detail", markup=False)

    def on_mount(self) -> None:
        self._fill()

    def show(self, block: Table) -> None:
        if block != self.block:
            folded, self.block = self.block.folded, block
            if folded != block.folded:
                self.refresh(recompose=True)
                self.call_after_refresh(self._fill)
                return
            if folded:
                self.query_one(Collapsible).title = block.title
            else:
                self.query_one(".block-title", Static).update(block.title)
            self._fill()

    def _fill(self) -> None:
        table = self.query_one(DataTable)
        row = table.cursor_row
        table.clear(columns=True)
        table.add_columns(*self.block.columns)
        for cells in self.block.rows:
            table.add_row(*(self._cell(i, cell) for i, cell in enumerate(cells)))
        empty = not self.block.rows
        table.display = not empty
        self.query_one(".table-empty").display = empty
        self.query_one(".table-detail").display = not empty
        if not empty:
            table.move_cursor(row=min(row, len(self.block.rows) - 1))

    def _cell(self, column: int, cell: str) -> RichText:
        if column != self.block.severity_column or cell not in SEVERITY_STYLES:
            return RichText(cell)
        return RichText(say(f"face.severity.{cell}"), SEVERITY_STYLES[cell])

    @on(DataTable.RowHighlighted)
    def _detail(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        if 0 <= event.cursor_row < len(self.block.rows):
            row = (self._cell(i, cell) for i, cell in enumerate(self.block.rows[event.cursor_row]))
            cells = zip(self.block.columns, row, strict=False)
            text = " · ".join(f"{name}: {cell}" for name, cell in cells if cell)
            self.query_one(".table-detail", Static).update(text)


class ChartBlock(Vertical):
    """Curves as sparklines, each with its first, lowest and last value."""

    def __init__(self, block: Chart) -> None:
        super().__init__(classes="block")
        self.block = block

    def compose(self) -> ComposeResult:
        yield Static(self.block.title, classes="block-title", markup=False)
        for name, points in self.block.series.items():
            yield Static(_caption(name, points, self.block.x_label), markup=False)
            yield Sparkline([y for _, y in points], summary_function=_mean, classes="curve")

    def show(self, block: Chart) -> None:
        if block == self.block:
            return
        same = tuple(block.series) == tuple(self.block.series)
        self.block = block
        if not same:
            self.refresh(recompose=True)
            return
        captions = list(self.query(Static))[1:]
        for caption, curve, (name, points) in zip(
            captions, self.query(Sparkline), block.series.items(), strict=True
        ):
            caption.update(_caption(name, points, block.x_label))
            curve.data = [y for _, y in points]


def _mean(values: object) -> float:
    numbers = list(values)  # type: ignore[call-overload]
    return sum(numbers) / len(numbers) if numbers else 0.0


def _caption(name: str, points: tuple[tuple[float, float], ...], x_label: str) -> str:
    if not points:
        return say("tui.nothing-yet", name=name)
    ys = [y for _, y in points]
    return say(
        "tui.curve",
        name=name,
        first=f"{ys[0]:.4g}",
        last=f"{ys[-1]:.4g}",
        x_label=x_label,
        x=f"{points[-1][0]:g}",
        least=f"{min(ys):.4g}",
    )


class ImageBlock(Vertical):
    """A picture in half blocks, two pixels per character."""

    def __init__(self, block: Image) -> None:
        super().__init__(classes="block")
        self.block = block
        self._drawn: tuple[Path, float, int] | None = None

    def compose(self) -> ComposeResult:
        yield Static(classes="picture")
        yield Static(f"{self.block.caption}  {self.block.path}".strip(), markup=False)

    def on_resize(self) -> None:
        self._draw()

    def show(self, block: Image) -> None:
        if block != self.block:
            self.block = block
            caption = f"{block.caption}  {block.path}".strip()
            list(self.query(Static))[-1].update(caption)
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if width < 4:
            return
        try:
            version = (self.block.path, self.block.path.stat().st_mtime, width)
        except OSError:
            self.query_one(".picture", Static).update(say("tui.picture-gone"))
            return
        if version != self._drawn:
            self._drawn = version
            self._load(self.block.path, width)

    @work(thread=True, exclusive=True)
    def _load(self, path: Path, width: int) -> None:
        try:
            picture = half_blocks(path, width, max_rows=24)
        except (OSError, ValueError) as error:
            picture = RichText(say("tui.picture-broken", reason=str(error)))
        if self.is_mounted and self.app.is_running:
            self.app.call_from_thread(self.query_one(".picture", Static).update, picture)


def half_blocks(path: Path, width: int, *, max_rows: int) -> RichText:
    """A picture as text: each character ``▀`` shows two pixels, one above the other.

    Args:
        path: any picture that Pillow reads.
        width: characters per line.
        max_rows: lines at most; a wider picture gets fewer.

    Raises:
        OSError: the file cannot be read as a picture.
    """
    from PIL import Image as Pillow

    with Pillow.open(path) as source:
        rows = max(1, min(max_rows, round(width * source.height / source.width / 2)))
        size = (width, rows * 2)
        small = source.convert("RGB").resize(size, Pillow.Resampling.BOX)
    text = RichText()
    for row in range(rows):
        for column in range(width):
            upper, lower = small.getpixel((column, 2 * row)), small.getpixel((column, 2 * row + 1))
            text.append("▀", Style(color=_hex(upper), bgcolor=_hex(lower)))
        text.append("\n")
    text.no_wrap = True
    return text


def _hex(pixel: object) -> str:
    red, green, blue = cast(tuple[int, int, int], pixel)
    return f"#{red:02x}{green:02x}{blue:02x}"


class AudioBlock(Horizontal):
    """A sound: a button that plays it on this machine, and where the file is."""

    def __init__(self, block: Audio) -> None:
        super().__init__(classes="block audio")
        self.block = block

    def compose(self) -> ComposeResult:
        yield Button(say("tui.play"), classes="play", compact=True)
        yield Static(self._text(), markup=False)

    def show(self, block: Audio) -> None:
        if block != self.block:
            self.block = block
            self.query_one(Static).update(self._text())
            self.query_one(Button).label = say("tui.play")

    def _text(self) -> str:
        return f"{self.block.caption}\n{self.block.path}".strip()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(PlayAudio(self.block.path))


class CopyBlock(Vertical):
    """A text to hand on: shown when opened, copied with a button."""

    def __init__(self, block: Copyable) -> None:
        super().__init__(classes="block")
        self.block = block

    def compose(self) -> ComposeResult:
        with Collapsible(title=self.block.title):
            yield Button(say("tui.copy"), classes="copy", compact=True)
            yield Static(self.block.text, markup=False)

    def show(self, block: Copyable) -> None:
        if block != self.block:
            self.block = block
            self.refresh(recompose=True)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(CopyText(self.block.text))


_WIDGETS: dict[type[Block], Callable[[Any], Widget]] = {
    Text: TextBlock,
    Table: TableBlock,
    Chart: ChartBlock,
    Image: ImageBlock,
    Audio: AudioBlock,
    Copyable: CopyBlock,
}


def block_widget(block: Block) -> Widget:
    """The widget that shows a block."""
    return _WIDGETS[type(block)](block)
