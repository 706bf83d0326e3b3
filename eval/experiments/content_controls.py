"""Is blur still found where content is matched, and content itself not?

Held-out real images are split at random; one half calibrates. Of the other, all images and the two kinds that look
blurrier and sharper than the rest (a digit, an attribute) are blurred by known sigmas and read plainly, matched, and
paired with their originals, which is what content-free reading would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence.content import Matcher
from eval.features.choice import network_for
from eval.sources.held_out import halves
from eval.uncertainty.estimates import Estimate, Interval
from eval.words import markdown_table, pixels
from vaegan.data import ImageSet
from vaegan.errors import UserError
from vaegan.machine import devices
from vaegan.machine.progress import Bar

APPLIED = (0.0, 0.5, 1.0)  # px
FEWEST = 50  # images of a kind on either side, below which its reading is mostly chance
SHARE, PIXELS = 0.05, 0.03  # the larger of these is what a reading may be off by, beyond its interval


@dataclass(frozen=True)
class Row:
    """Images of one kind under one blur; `unblurred` is the matched reading without its remedy, against calibration
    images as they are."""

    kind: str
    count: int
    applied: float
    plain: Interval
    unblurred: Interval
    matched: Interval
    paired: Interval

    @property
    def ok(self) -> bool:
        """Whether the matched interval comes as close to the paired reading as the instrument promises."""
        allowed = max(SHARE * self.applied, PIXELS)
        return self.matched.low - allowed <= self.paired.value <= self.matched.high + allowed


def report(held_out: ImageSet, images: int, seed: int, device: str = "cpu") -> str:
    """Read every kind under every blur; return the table and how many readings are right."""
    rows = list(readings(held_out, images, seed, device))
    head = f"{held_out.name}, {held_out.images.shape[-1]}x{held_out.images.shape[-2]}"
    return f"{head}\n{table(rows)}\n{sum(row.ok for row in rows)} of {len(rows)} matched readings are right"


def readings(held_out: ImageSet, images: int, seed: int = 0, device: str = "cpu") -> Iterator[Row]:
    """Every kind under every blur; UserError for a data set without labels or with too few images."""
    if held_out.labels is None:
        raise UserError(f"{held_out.name} has no labels: a kind of image cannot be chosen from it")
    calibration, report = halves(held_out, images, seed)
    network = network_for(held_out)[0].to(devices.own(device))
    ruler = calibrate(MEASURES[PRIMARY], held_out.images[calibration])
    matcher = Matcher(ruler, held_out.images[calibration], network)
    kinds = chosen_kinds(members(held_out), calibration, report, ruler.values)
    for kind, rows in Bar(kinds.items(), "read"):
        originals = held_out.images[rows]
        for sigma in APPLIED:
            yield Row(kind, len(rows), sigma, *intervals(matcher, originals, sigma, seed))


def intervals(matcher: Matcher, originals: Tensor, sigma: float, seed: int) -> list[Interval]:
    """Plain, matched without the remedy, matched and paired readings of images blurred by `sigma`."""
    ruler, source = matcher.calibration, gaussian_blur(originals, sigma) if sigma else originals
    values, features = ruler.measure.function(source), matcher.network.features(source)
    estimates: list[Estimate] = [
        ruler.estimate(values, seed=seed),
        ruler.against(values, *matcher.level(features, 0.0, seed), seed),
        matcher.estimate(values, features, seed),
        ruler.estimate(values, ruler.measure.function(originals), seed),
    ]
    return [estimate.interval for estimate in estimates]


def members(held_out: ImageSet) -> dict[str, Tensor]:
    """Which images are of each kind, bool (N,): classes, or what has an attribute."""
    labels = held_out.known_labels
    labels = labels if labels.ndim == 2 else torch.nn.functional.one_hot(labels.long())
    names = held_out.label_names or [str(i) for i in range(labels.shape[1])]
    return {f"only {name}": labels[:, i] == 1 for i, name in enumerate(names)}


def chosen_kinds(kinds: dict[str, Tensor], calibration: Tensor, report: Tensor, values: np.ndarray) -> dict:
    """Indices of all reported images, and of the kinds whose calibration images measure least and most."""
    means = {
        name: values[member[calibration].numpy()].mean()
        for name, member in kinds.items()
        if min(int(member[calibration].sum()), int(member[report].sum())) >= FEWEST
    }
    if not means:
        raise UserError(f"no kind of image has {FEWEST} images in each half: give more with --images")
    ends = dict.fromkeys((min(means, key=means.__getitem__), max(means, key=means.__getitem__)))
    return {"all": report} | {name: report[kinds[name][report]] for name in ends}


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    heads = ["content", "images", "applied, px", "plain", "matched without blurring", "matched", "paired", "ok"]
    lines = []
    for row in rows:
        read = [str(row.plain), str(row.unblurred), str(row.matched), pixels(row.paired.value)]
        lines.append([row.kind, f"{row.count:,}", f"{row.applied:g}", *read, "yes" if row.ok else "NO"])
    return markdown_table(heads, lines)
