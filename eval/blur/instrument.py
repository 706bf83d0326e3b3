"""The instrument for anybody's images: values an image from a stream, calibrated on real ones, read in pixels.

`python -m eval.blur` and the metric class `eval.metrics.EquivalentBlur` both read through it, so their numbers agree.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from eval.blur import measures
from eval.blur.audits import AUDITS
from eval.blur.calibration import FEWEST_ON_LADDER, LADDER_IMAGES, SIGMAS, Calibration, alarm, flagged
from eval.blur.measures import MEASURES, Measure, of_uint8
from eval.uncertainty.estimates import Estimate
from eval.uncertainty.spread import Scale
from vaegan.errors import UsageError

LADDER_PIXELS = 2**20  # of images blurred at every sigma: 256 of 64x64; blurring them is most of a calibration's cost
ON_AUDIT_LADDER, FEWEST_ON_AUDIT_LADDER = 100, 8  # a flag allows half as much again: its curve need not be as exact
LEAST_REFERENCE, LEAST = 8, 4  # images: half of 8 is the least that an interval over images means anything for
FEW = 400  # reference images below which each half calibrates in turn, so that none is lost
POWER_Z = 1.959964 + 0.841621  # a blur this many standard errors from 0 is found in 80 % of trials, at 95 %
SQUARES = Scale(2)
T = TypeVar("T")
Values = dict[str, np.ndarray]


@of_uint8
def contrast(x: Tensor) -> Tensor:
    """Standard deviation of each image's grey values in [0, 1]; a flat image has 0."""
    return x.std(dim=(1, 2), correction=0)


CONTRAST = Measure("contrast", contrast, "contrast", "grey level", True)
ALL_ROWS: dict[str, Measure] = {**MEASURES, **AUDITS}


@dataclass(frozen=True)
class Instrument:
    """Measures and audits, calibrated on each of `folds`: all but the floor's half, or both halves in turn."""

    folds: tuple[dict[str, Calibration], ...] = field(repr=False)

    def value(self, name: str, values: np.ndarray, originals: np.ndarray | None = None) -> float:
        """Equivalent blur in px of images that measured `values` (N,); with `originals` (N,), of the same images
        before, content cancels. Neither batches nor the order of the images change a digit."""
        values, behind = _in_order(values, originals)
        return _together([row.sigma_eq(values, behind) for row in self._rows(name, values, behind)])

    def read(self, name: str, values: np.ndarray, originals: np.ndarray | None = None) -> Estimate:
        """`value` with its replicates and interval; needs two images."""
        ordered, behind = _in_order(values, originals)
        readings = [row.estimate(ordered, behind) for row in self._rows(name, ordered, behind)]
        if len(readings) == 1:
            return readings[0]
        squares = np.mean([SQUARES.sums(reading.replicates) for reading in readings], axis=0)
        replicates = np.sign(squares) * np.sqrt(np.abs(squares))
        return replace(readings[0], value=_together([reading.value for reading in readings]), replicates=replicates)

    def _rows(self, name: str, values: np.ndarray, originals: np.ndarray | None) -> list[Calibration]:
        """By what images are read: every fold; pairs by all folds' images together, which need not be others."""
        rows = [fold[name] for fold in self.folds]
        if originals is None:
            return rows
        real, ladder = (np.concatenate([getattr(row, part) for row in rows]) for part in ("values", "ladder"))
        return [Calibration(rows[0].measure, real, ladder).of_pairs(values, originals)]

    def smallest(self, name: str, values: np.ndarray, originals: np.ndarray | None = None) -> float:
        """The blur in px that so many images would have shown in 80 % of trials, with 95 % confidence: real images, or
        where there are `originals`, pairs that differ as these do."""
        blurs = [_smallest(fold[name], values, originals) for fold in self.folds]
        if originals is None and len(self.folds) > 1:  # both halves were used: the error of their mean
            blurs = [
                _smallest(fold[name], values, None, sum(len(f[name].values) for f in self.folds)) for fold in self.folds
            ]
        return float(np.mean(blurs))

    def alarm(self, name: str, values: np.ndarray, sigma: float) -> float:
        """How far an audit of images of blur `sigma` px is beyond what is allowed, by the stricter half."""
        return max(alarm(fold[name], values, sigma) for fold in self.folds)

    def flagged(self, name: str, values: np.ndarray, sigma: float, low: float) -> bool:
        """Whether it is beyond that by either half, and not by chance, of a blur that may be as little as `low`."""
        return all(flagged(fold[name], values, sigma, low) for fold in self.folds)

    def pixels(self, name: str, sigma: float) -> str:
        """A blur in px for people; see Calibration.pixels."""
        return self.folds[0][name].pixels(sigma)


def _together(sigmas: Sequence[float]) -> float:
    """The mean of a reading by every fold, in signed px^2 as blurs add up; of one alone the reading itself."""
    if len(sigmas) == 1:
        return sigmas[0]
    with np.errstate(invalid="ignore"):  # beyond opposite ends of the range: unknown
        return SQUARES.shown(float(SQUARES.sums(sigmas).mean()))


def _in_order(values: np.ndarray, originals: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Sorted, so that sums and resamples do not depend on the order; a single image twice, which has the same mean."""
    order = np.lexsort((values,) if originals is None else (originals, values))
    order = np.repeat(order, 2) if len(order) == 1 else order
    return values[order], None if originals is None else originals[order]


def _smallest(row: Calibration, values: np.ndarray, originals: np.ndarray | None, calibrating: int = 0) -> float:
    if originals is None:
        real = row.values
        error = real.std(ddof=1) / real.mean() * math.sqrt(1 / len(values) + 1 / (calibrating or len(real)))
    else:
        change = values / values.mean() - originals / originals.mean()
        error = change.std(ddof=1) / math.sqrt(len(values))
    direction = -1 if row.measure.sharper_is_higher else 1
    return row.sigma_eq(np.full(2, row.values.mean() * math.exp(direction * POWER_Z * error)))


def calibrated(values: Sequence[Values], ladders: Sequence[Tensor], rows: Mapping[str, Measure]) -> Instrument:
    """An instrument of measured real images, a fold each: `values` {row: (N,)}, and the first of them, uint8
    (M, C, H, W), for the ladder. UsageError where real images are flat."""
    folds = []
    for of_fold, images in zip(values, ladders, strict=True):
        rungs = measured_ladder(images, rows)
        folds.append({name: Calibration(row, of_fold[name], rungs[name]) for name, row in rows.items()})
    return Instrument(tuple(folds))


def measured_ladder(images: Tensor, rows: Mapping[str, Measure]) -> Values:
    """Every row of uint8 (M, C, H, W) under every blur of the ladder, {row: (M, len(SIGMAS))}; each blur once."""
    return stacked(side_by_side([partial(_rung, images, sigma, rows) for sigma in SIGMAS]))


def stacked(rungs: Iterable[Values]) -> Values:
    """The values (M,) of a ladder's rungs side by side, (M, len(rungs))."""
    rungs = list(rungs)
    return {name: np.stack([rung[name] for rung in rungs], axis=1) for name in rungs[0]}


def _rung(images: Tensor, sigma: float, rows: Mapping[str, Measure]) -> Values:
    readings, count = {name: row for name, row in rows.items() if name not in AUDITS}, audit_count(len(images))
    first, rest = images[:count], images[count:]
    parts = [measured(first, rows, sigma), *([measured(rest, readings, sigma)] if len(rest) and readings else [])]
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in rows}


def measured(images: Tensor, rows: Mapping[str, Measure], sigma: float = 0.0) -> Values:
    """Every row of uint8 (N, C, H, W) under a blur of `sigma` px, float64 (N,) each."""
    return {name: values.numpy() for name, values in measures.measured(images, rows, sigma).items()}


def joined(parts: Iterable[Values]) -> Values:
    """The values of several batches, one after the other."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def ladder_count(count: int, height: int, width: int) -> int:
    """How many of `count` images go on the ladder."""
    wanted = max(FEWEST_ON_LADDER, LADDER_PIXELS // (height * width))
    return min(count, wanted, LADDER_IMAGES)


def audit_count(count: int) -> int:
    """How many of `count` images on the ladder the audits climb with: half, within limits."""
    return min(ON_AUDIT_LADDER, max(FEWEST_ON_AUDIT_LADDER, count // 2))


def shuffled_halves(count: int, seed: int) -> np.ndarray:
    """Rows of `count` reference images, the first half of which calibrates. UsageError below LEAST_REFERENCE."""
    if count < LEAST_REFERENCE:
        raise UsageError(f"{count} reference image(s) are too few: give {LEAST_REFERENCE} or more")
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).numpy()


def calibrating(count: int) -> tuple[int, ...]:
    """Images of each fold: the first half, or with FEW images both, in turn."""
    half = count // 2
    return (half, count - half) if count < FEW else (half,)


def side_by_side(tasks: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Results of `tasks` in order, computed in as many threads as torch may use, with few of them at once in memory.

    A measure's operations are too small for torch to share out; whole batches are not.
    """
    workers = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers) as pool:
            waiting: list[Future] = []
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > workers:
                    yield waiting.pop(0).result()
            yield from (future.result() for future in waiting)
    finally:
        torch.set_num_threads(workers)
