"""Images drawn larger than a model was trained on, by decoders that draw any size (a CPPN).

Data that are drawn themselves (synthfaces) have a truth at that size. For other data the reference is the large drawing
itself, and the question is how much softer the small one is when it is enlarged the usual way.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor
from torch.nn import functional as F

from eval.blur.measures import MEASURES, PRIMARY, grey, smooth
from eval.evidence import pictures, quality
from eval.evidence.pictures import Picture
from eval.features.network import FeatureNetwork
from eval.sources.runs import HeldOut, Run
from eval.uncertainty.estimates import mean_interval
from vaegan import data
from vaegan.generator import told
from vaegan.model import Model
from vaegan.networks import architectures

SIZE = 1024  # px
COUNT = 8  # images whose softness is measured
SMALL = 32  # px; what classifiers were trained on
AT_A_TIME = 8  # large images held at once: 3 MB each, in colour
SHOWN, SHOWN_SIZE = 4, 192  # faces in a report's picture, and their pixels a side
# Blurs of the reference, as shares of a side: two pixels of 1024 to an eighth of the image. A blur costs 0.4 s at 1024.
LADDER = (0.0, *np.geomspace(1 / 512, 1 / 8, 8))


@dataclass(frozen=True)
class Way:
    """One way to a large image, measured: intervals over images, `sharper` how many are sharper than the reference."""

    title: str
    softness: dict  # px of Gaussian blur under which the reference is as soft
    sharper: int
    pixel_error: dict | None  # levels of 255 from the truth; None where there is none
    images: Tensor  # uint8, the first ones

    def entry(self) -> dict:
        """What report.json says of it."""
        return {key: value for key, value in vars(self).items() if key != "images"}


def able(run: Run) -> bool:
    """Whether a run's decoder draws any size and its encoder says what to draw."""
    return run.model.has_encoder and architectures.row(run.config.architecture).any_size


def of_report(runs: Sequence[Run], held_out: HeldOut) -> tuple[dict | None, list[Picture]]:
    """What report.json says of large images, and the pictures beside it; None when no run draws any size."""
    runs = [run for run in runs if able(run)]
    if not runs:
        return None, []
    images = held_out.report[:COUNT]
    rows = held_out.report_rows
    truth = None if rows is None else data.drawn(runs[0].config.dataset, "test", rows[:COUNT], SIZE)
    by_run, shown = [], []
    for run in runs:
        labels = held_out.report_labels if held_out.report_labels is None else held_out.report_labels[:COUNT]
        also = told(run.model, labels)
        ways = compared(run.model, run.model.encode(images, *also)[0], also, SIZE, truth, images)
        strips = [picture(run, place, way) for place, way in enumerate(ways)]
        shown += strips
        entries = {"ways": [way.entry() for way in ways], "pictures": [strip.entry() for strip in strips]}
        by_run.append({"run": run.label, "title": run.title, **entries})
    return {"size": SIZE, "runs": by_run, "protocol": protocol(truth is not None)}, shown


def protocol(has_truth: bool) -> str:
    """How a report's figures of large images were made, in words."""
    against = (
        "the same faces drawn at that size by the data set itself"
        if has_truth
        else "the run's own large drawings, as these data have no larger truth"
    )
    return (
        f"Reconstructions of the first {COUNT} reported images at {SIZE} px, {MEASURES[PRIMARY].title} against that of "
        f"{against}, each blurred by known Gaussians; 95 % intervals over images"
    )


def compared(
    model: Model, z: Tensor, told: Sequence[Tensor], size: int, truth: Tensor | None, originals: Tensor | None = None
) -> list[Way]:
    """Measure each way to large images of the first COUNT codes.

    z: (N, D) codes, `told` what a conditional model is told of them; truth: uint8 (COUNT, C, size, size) or None;
    originals: uint8 (N, C, S, S), the images that were encoded. Without a truth the decoder's own drawing is the
    reference, and has softness 0.
    """
    z, attributes = z[:COUNT], told[0][:COUNT] if told else None
    small, large = model.decode(z, attributes), model.decode(z, attributes, size)
    side = small.shape[-1]
    sets = {f"decoder at {size:,} px": large}
    sets |= {f"decoder at {side} px, {mode}": enlarged(small, size, mode) for mode in ("bilinear", "bicubic")}
    if truth is not None:
        if originals is not None:
            sets[f"original at {side} px, bicubic"] = enlarged(originals[:COUNT], size, "bicubic")
        sets["the truth"] = truth
    reference = large if truth is None else truth
    ladder = energies(reference)
    return [way(title, images, ladder, truth) for title, images in sets.items()]


def way(title: str, images: Tensor, ladder: np.ndarray, truth: Tensor | None) -> Way:
    """Measure one set of large images against the reference's ladder and the truth."""
    sigmas = softness(images, ladder)
    error = None if truth is None else asdict(mean_interval(quality.pixel_error(images, truth)))
    return Way(title, asdict(mean_interval(sigmas.clip(0))), int((sigmas < 0).sum()), error, images[:SHOWN])


def enlarged(images: Tensor, size: int, mode: str) -> Tensor:
    """Enlarge uint8 images the way one would without a CPPN; a pixel's centre stays where it is in the picture."""
    return F.interpolate(images.float(), size=(size, size), mode=mode).clamp(0, 255).round().byte()


def energies(images: Tensor) -> np.ndarray:
    """The blur measure of uint8 (N, C, S, S) under every blur of the ladder, (N, len(LADDER)); nothing is quantised."""
    measure, values = MEASURES[PRIMARY].on_planes, []
    for image in images:
        x = grey(image[None])
        values.append([float(measure(smooth(x, share * x.shape[-1]) if share else x)) for share in LADDER])
    return np.array(values)


def softness(images: Tensor, ladder: np.ndarray) -> np.ndarray:
    """The blur in px under which each reference measures what each of the images (N, C, S, S) does, (N,).

    `ladder` are the references' `energies`. -1 for an image that is sharper than its reference, the last blur for one
    that is softer than all.
    """
    measured = MEASURES[PRIMARY].function(images).numpy()
    sigmas = np.array(LADDER) * images.shape[-1]
    return np.array([_inverted(value, row, sigmas) for value, row in zip(measured, ladder, strict=True)])


def _inverted(value: float, energies: np.ndarray, sigmas: np.ndarray) -> float:
    # Equal up to rounding is no sharper: the reference itself comes here too.
    if value > energies[0] * (1 + 1e-9):
        return -1.0
    falling = np.minimum.accumulate(energies) * (1 - 1e-12 * np.arange(len(energies)))
    position = PchipInterpolator(-np.log(falling), np.sqrt(sigmas))
    return float(position(np.clip(-np.log(value), *-np.log(falling[[0, -1]])))) ** 2


def agreement(model: Model, network: FeatureNetwork, z: Tensor, told: Sequence[Tensor], size: int) -> float:
    """How often a classifier sees in the image at `size` the class, or attributes, of the one drawn at SMALL pixels."""
    attributes = told[0] if told else None
    small, same = network.predict(model.decode(z, attributes, SMALL)), []
    for seen, code, *also in zip(*(t.split(AT_A_TIME) for t in (small, z, *told)), strict=True):
        same.append(network.predict(model.decode(code, also[0] if also else None, size)) == seen)
    return float(torch.cat(same).float().mean())


def picture(run: Run, place: int, way: Way) -> Picture:
    """A row of one way's images, reduced to the page."""
    images = F.interpolate(way.images.float(), size=(SHOWN_SIZE, SHOWN_SIZE), mode="area").round().byte()
    alt = f"{len(images)} images: {way.title}"
    name = f"large-{run.label}-{place}.png"
    return pictures.tiled(name, images, len(images), SHOWN * SHOWN_SIZE, way.title, alt)
