"""Pictures of a report, one pixel a pixel (the page enlarges them): same faces, blur ladder, prior samples."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from eval.blur.measures import gaussian_blur
from eval.evidence.measuring import Measured

LADDER = (0.0, 0.5, 1.0, 2.0)  # px of blur that a reader compares with
STRIP_WIDTH, GRID_WIDTH = 1024, 512  # CSS pixels that a strip and a grid may fill


@dataclass(frozen=True)
class Picture:
    """A PNG and what the page says of it; `zoom` is the whole number of screen pixels it gives each pixel."""

    file: str
    png: bytes = field(repr=False)
    width: int
    height: int
    zoom: int
    title: str
    alt: str
    detail: str = ""
    run: str | None = None
    sigma: float | None = None  # px of blur, of a rung of the ladder
    more: "Picture | None" = None

    def entry(self) -> dict:
        """What report.json says of the picture."""
        values = {key: value for key, value in vars(self).items() if key != "png"}
        return {**values, "more": self.more.entry() if self.more else None}


def same_faces(
    originals: Tensor, reconstructions: Sequence[Measured], titles: dict[str, str], details: dict[str, str]
) -> list[Picture]:
    """A row of held-out images over a row of each run's reconstructions of them; [] when no run reconstructs."""
    if not reconstructions:
        return []
    count = row_length(originals)
    rows = [tiled("original.png", originals[:count], count, STRIP_WIDTH, "Original", f"{count} held-out images")]
    for measured in reconstructions:
        run = measured.run
        alt = f"The same {count} images, reconstructed by {titles[run]}"
        row = tiled(f"reconstructions-{run}.png", measured.excerpt[:count], count, STRIP_WIDTH, titles[run], alt)
        rows.append(replace(row, run=run, detail=details[measured.source.id]))
    return rows


def ladder(originals: Tensor) -> list[Picture]:
    """Rows of the same held-out images under known blurs."""
    count = row_length(originals)
    rungs = []
    for sigma in LADDER:
        images = gaussian_blur(originals[:count], sigma) if sigma else originals[:count]
        title = f"{sigma:g} px" if sigma else "0 px, as they are"
        alt = f"{count} held-out images blurred by {sigma:g} pixels"
        rungs.append(replace(tiled(f"blurred-{sigma:g}.png", images, count, STRIP_WIDTH, title, alt), sigma=sigma))
    return rungs


def sample_grids(samples: Sequence[Measured], titles: dict[str, str], details: dict[str, str]) -> list[Picture]:
    """A grid of each run's first prior samples, enlarged, and where that leaves some out, all 64 behind it."""
    grids = []
    for measured in samples:
        run, images = measured.run, measured.excerpt
        columns = max(4, min(8, GRID_WIDTH // 2 // images.shape[-1]))
        shown = images[: columns * (8 if columns == 8 else 6)]
        alt = f"{len(shown)} prior samples of {titles[run]}"
        grid = tiled(f"samples-{run}.png", shown, columns, GRID_WIDTH, titles[run], alt)
        if len(shown) < len(images):
            words = f"{len(images)} prior samples"
            more = tiled(f"samples-{run}-{len(images)}.png", images, 8, GRID_WIDTH, words, f"{words} of {titles[run]}")
            grid = replace(grid, more=more)
        grids.append(replace(grid, run=run, detail=details[measured.source.id]))
    return grids


def files(pictures: Sequence[Picture]) -> dict[str, bytes]:
    """The PNG files of pictures and of what lies behind them, by name."""
    every = [*pictures, *(picture.more for picture in pictures if picture.more)]
    return {picture.file: picture.png for picture in every}


def row_length(images: Tensor) -> int:
    """How many images of (N, C, S, S) a strip shows."""
    return min(max(4, min(10, STRIP_WIDTH // 2 // images.shape[-1])), len(images))


def tiled(file: str, images: Tensor, columns: int, fill: int, title: str, alt: str) -> Picture:
    """Lay uint8 (N, C, H, W) images out without gaps, `columns` in a row, to be enlarged up to `fill` CSS pixels."""
    grid = make_grid(images, nrow=columns, padding=0, pad_value=255)
    height, width = grid.shape[-2:]
    png = io.BytesIO()
    to_pil_image(grid).save(png, "PNG", optimize=True)
    return Picture(file, png.getvalue(), width, height, max(1, fill // width), title, alt)
