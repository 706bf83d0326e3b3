"""Sheets of images with readable labels; an image's pixel is a whole number of the sheet's, so that blur is seen."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image
from torch import Tensor

DPI = 100
INK = "#1f2328"
FONT = FontProperties(family="DejaVu Sans", size=9)
LINE = 18  # px of a line of text
GAP = 2  # px between images
SHOWN = 64  # px that a small image is enlarged to, about


def sheet(
    images: Tensor,
    columns: int,
    *,
    rows: Sequence[str] = (),
    heads: Sequence[str] = (),
    marks: Sequence[str] = (),
    title: str = "",
    zoom: int | None = None,
) -> bytes:
    """Return a PNG of uint8 images (N, C, H, W), `columns` in a row, with labels around them.

    `rows` stand left of the rows, `heads` above the columns, `marks` in the upper left corner of each image and `title`
    on top. `zoom` is as for `tiled`.
    """
    grid = tiled(images, columns, zoom)
    down, across = (grid.shape[0] - GAP) // -(-len(images) // columns), (grid.shape[1] - GAP) // columns
    left = max((text_width(text) for text in rows), default=-8) + 8
    top = (LINE + 8) * bool(title) + (LINE + 2) * bool(heads)
    height = grid.shape[0] + top
    width = max(grid.shape[1] + left, text_width(title) + 16)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    figure.figimage(grid, xo=left, yo=0, origin="upper")

    def write(x: float, y: float, text: str, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, text, color=INK, fontproperties=FONT, **style)

    if title:
        write(GAP + 4, LINE / 2 + 4, title, va="center")
    for i, text in enumerate(heads):
        write(left + GAP + (i + 0.5) * across, top - LINE / 2, text, ha="center", va="center")
    for i, text in enumerate(rows):
        write(left - 4, top + GAP + (i + 0.5) * down, text, ha="right", va="center")
    outline = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    for i, text in enumerate(marks):
        row, column = divmod(i, columns)
        write(left + column * across + 4, top + row * down + 3, text, va="top", path_effects=outline)
    return png(figure)


def text_width(text: str) -> int:
    """Return the width of a line of text on a sheet, in pixels; hinting makes it up to a tenth wider than its path."""
    return int(1.1 * TextPath((0, 0), text, prop=FONT).get_extents().width * DPI / 72) + 1 if text else 0


def tiled(images: Tensor, columns: int, zoom: int | None = None, gap: int = GAP) -> np.ndarray:
    """Return uint8 images (N, C, H, W) as one picture (H', W', 3) on white, `columns` in a row.

    Every pixel becomes a square of `zoom` pixels; by default, what brings an image near 64.
    """
    zoom = zoom or max(1, SHOWN // images.shape[-1])
    pixels = images.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy().repeat(zoom, axis=1).repeat(zoom, axis=2)
    height, width = pixels.shape[1] + gap, pixels.shape[2] + gap
    grid = np.full((-(-len(pixels) // columns) * height + gap, columns * width + gap, 3), 255, np.uint8)
    for i, image in enumerate(pixels):
        y, x = gap + i // columns * height, gap + i % columns * width
        grid[y : y + image.shape[0], x : x + image.shape[1]] = image
    return grid


def picture(grid: np.ndarray) -> bytes:
    """Return a PNG of pixels (H, W, 3) uint8."""
    buffer = io.BytesIO()
    Image.fromarray(grid).save(buffer, format="PNG")
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    """Return a PNG of a figure at its own size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi)
    return buffer.getvalue()
