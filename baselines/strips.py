"""A figure of image strips: a block a network, originals over what it recalls, and beside them what it invents."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

STYLE: "dict[RcKeyType, Any]" = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8}
CELL = 0.82  # inches an image


@dataclass(frozen=True)
class Row:
    """A block of the figure; images are uint8 (N, C, S, S), `invented` has a caption for each."""

    title: str
    text: str
    originals: Tensor
    recalled: Tensor
    invented: dict[str, Tensor]


def figure_png(rows: list[Row], most: int, unseen: int) -> bytes:
    """Draw rows of at most `most` stored images and `unseen` invented ones as a PNG."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(CELL * (most + unseen + 2), len(rows) * (2 * CELL + 0.75)), facecolor="white")
        blocks = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
        for block, row in zip(blocks, rows, strict=True):
            draw(block, row, most, unseen)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        return png.getvalue()


def draw(block: SubFigure, row: Row, most: int, unseen: int) -> None:
    """Draw one block."""
    block.text(0.01, 0.96, row.title, va="top", weight="bold", size=10)
    block.text(0.01, 0.87, row.text, va="top", color="#555555")
    grid = block.add_gridspec(
        2, most + unseen + 2, left=0.01, right=0.99, bottom=0.02, top=0.70, wspace=0.06, hspace=0.06,
        width_ratios=[0.9, *[1] * most, 0.35, *[1] * unseen],
    )  # fmt: skip
    for i, (words, images) in enumerate((("original", row.originals), ("recalled", row.recalled))):
        label(block.add_subplot(grid[i, 0]), words)
        for j, image in enumerate(images):
            show(block.add_subplot(grid[i, 1 + j]), image, f"{j + 1}" if i == 0 and len(images) > 1 else "")
    for j, (caption, image) in enumerate(row.invented.items()):
        show(block.add_subplot(grid[1, most + 2 + j]), image, caption.strip())
    label(block.add_subplot(grid[0, most + 2 :]), "unseen codes", va="bottom", y=0.25)


def label(axes: Axes, words: str, va: str = "center", y: float = 0.5) -> None:
    """Write words where an image would be."""
    axes.axis("off")
    axes.text(0, y, words, va=va, ha="left", color="#555555")


def show(axes: Axes, image: Tensor, caption: str) -> None:
    """Show one uint8 image (C, S, S), pixel by pixel."""
    axes.axis("off")
    axes.imshow(image.permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(caption, size=7, pad=2, color="#555555")
