"""What eval.blur says of real images whose blur and damage are known, and how many images which precision takes."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.functional import to_pil_image

from eval.blur import damages
from eval.blur.audits import AUDITS
from eval.blur.calibration import Calibration
from eval.blur.instrument import Instrument
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.images.streams import of_tensor
from eval.readings import comparison, reference
from eval.readings.reference import Real
from eval.sources.held_out import drawn
from eval.words import markdown_table, pixels
from vaegan.data import ImageSet

COUNTS = (20, 50, 100, 300, 1000, 5000)  # images of which the precision is shown
BLUR = 1.0  # px, of which the interval is shown
MOST = 10_000  # images a precision is worked out from


def jpeg(images: Tensor, quality: int) -> Tensor:
    """uint8 (N, C, H, W) after JPEG at Pillow's `quality`, chroma at half the size as is usual."""
    return torch.stack([_jpeg(image, quality) for image in images])


def _jpeg(image: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    to_pil_image(image).save(buffer, "jpeg", quality=quality)
    decoded = np.array(Image.open(buffer))
    return torch.from_numpy(decoded).reshape(*image.shape[1:], -1).permute(2, 0, 1)


def cropped(images: Tensor, share: float) -> Tensor:
    """The centre of each image, enlarged to its size: what a tighter crop does."""
    height, width = images.shape[-2:]
    inner = v2.functional.center_crop(images, [round(share * height), round(share * width)])
    return v2.functional.resize(inner, [height, width], antialias=True)


CONDITIONS: tuple[tuple[str, Callable[..., Tensor]], ...] = (
    ("blurred 1 px", lambda x: gaussian_blur(x, BLUR)),
    (f"noise {damages.NOISE_SD:g}", damages.add_noise),
    (f"blurred 1 px + noise {damages.NOISE_SD:g}", lambda x: damages.add_noise(gaussian_blur(x, BLUR))),
    (f"checkerboard {damages.CHECKERBOARD_AMPLITUDE:g}", damages.add_checkerboard),
    (f"contrast x {damages.CONTRAST:g}", damages.lower_contrast),
    *damages.COLOUR_DAMAGES.items(),
    ("JPEG, quality 90", lambda x: jpeg(x, 90)),
    ("JPEG, quality 50", lambda x: jpeg(x, 50)),
    ("centre 4/5, enlarged", lambda x: cropped(x, 0.8)),
)


def report(images: ImageSet, count: int, seed: int) -> str:
    """Both tables in Markdown, and what they were made of."""
    chosen = drawn(images.images, count, seed)
    stream = of_tensor(images.name, drawn(images.images, MOST, seed))
    precise = reference.measured(stream, seed, measures={PRIMARY: MEASURES[PRIMARY]})
    height, width = chosen.shape[-2:]
    title = f"{images.name}, {width}x{height}: {len(chosen):,} images damaged, each against itself before"
    return "\n\n".join([title, damaged(chosen, images.name, seed), precision(precise)])


def damaged(images: Tensor, name: str, seed: int) -> str:
    """What every measure says of damaged images: px of equivalent blur, its raw value beside the undamaged images', and
    the audits that raise their flag."""
    streams = [of_tensor(title, damage(images)) for title, damage in CONDITIONS]
    compared = comparison.compare(streams, of_tensor(name, images), paired=True, seed=seed)
    raw = {name: float(row.function(images).mean()) for name, row in MEASURES.items()}
    lines = []
    for row in compared.rows[1:]:
        cells = [f"{row['blur'][name]['text']}; x {row['blur'][name]['mean'] / raw[name]:.2f}" for name in MEASURES]
        flagged = [AUDITS[name].title for name, audit in row["audits"].items() if audit["flagged"]]
        lines.append([row["title"], *cells, ", ".join(flagged) or "-"])
    heads = [f"{row.title}, px; times the undamaged images'" for row in MEASURES.values()]
    return markdown_table(["real images", *heads, "flags"], lines)


def precision(real: Real) -> str:
    """For each number of images, as many on either side: the smallest blur that is found, half the interval at 1 px,
    and that of pairs under noise too: of a blur alone it is nearly nothing."""
    (fold, *_) = real.instrument.folds
    by, row = Instrument((fold,)), MEASURES[PRIMARY]
    calibrating, other = (real.stream.images(rows) for rows in np.split(real.order, [real.half]))
    originals, blurred = row.function(other).numpy(), row.function(gaussian_blur(other, BLUR)).numpy()
    decoded = row.function(damages.add_noise(gaussian_blur(calibrating, BLUR))).numpy()
    lines: list[Sequence[str]] = []
    for count in (count for count in COUNTS if count <= real.half):
        both = Instrument(({**fold, PRIMARY: _of(fold[PRIMARY], count)},))
        lines.append(
            [
                f"{count:,}",
                pixels(both.smallest(PRIMARY, originals[:count])),
                _half_width(both, blurred[:count], None),
                _half_width(by, decoded[:count], fold[PRIMARY].values[:count]),
            ]
        )
    noisy = f"1 px and noise {damages.NOISE_SD:g}, paired, ±"
    return markdown_table(["images a side", "smallest blur found, px", "1 px, unpaired, ±", noisy], lines)


def _of(calibration: Calibration, count: int) -> Calibration:
    """A calibration as it would be of `count` images."""
    return type(calibration)(calibration.measure, calibration.values[:count], calibration.ladder[:count])


def _half_width(by: Instrument, values: np.ndarray, originals: np.ndarray | None) -> str:
    interval = by.read(PRIMARY, values, originals).interval
    return pixels((interval.high - interval.low) / 2, 3)
