"""How often does an interval of unpaired images hold the blur that is there, and how often is nothing called something?

Real images are split in two at random again and again; one half is the reference of `eval.blur`, the other, blurred by
known sigmas, what it reads. Every image is measured once under every blur: a split only chooses among the values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from torch import Tensor

from eval.blur.audits import AUDITS
from eval.blur.calibration import REAL, SIGMAS, Calibration
from eval.blur.instrument import (
    ALL_ROWS,
    Instrument,
    Values,
    audit_count,
    calibrating,
    ladder_count,
    measured,
    side_by_side,
    stacked,
)
from eval.blur.measures import PRIMARY, Measure

APPLIED = (0.0, 0.5, 0.8, 1.2, 2.0, 4.0)  # px
CLEAN_SHARE, CLEAN_PIXELS = 0.05, 0.03  # the larger of these is what a reading of pairs may be off by


@dataclass(frozen=True)
class Splits:
    """Of `trials` splits, by applied px: how many unpaired intervals held it (`held`), and how many readings of all
    images, paired with the reference that they are, were within 5 % or 0.03 px (`close`). `flagged`: unblurred halves
    that raised an audit's flag."""

    images: int
    trials: int
    held: dict[float, int]
    close: dict[float, int]
    flagged: int

    def __str__(self) -> str:
        held, close = (
            ", ".join(f"{sigma:g} px {count}" for sigma, count in counts.items()) for counts in (self.held, self.close)
        )
        halves = f"{self.images - self.images // 2} images read against {self.images // 2}"
        return (
            f"{self.trials} splits, {halves}: intervals that hold {held}; all {self.images} in pairs, within 5 % or "
            f"0.03 px {close}; unblurred halves flagged {self.flagged}"
        )


def tried(images: Tensor, trials: int = 100, seed: int = 0, rows: Mapping[str, Measure] = ALL_ROWS) -> Splits:
    """Split uint8 (N, C, H, W), N >= 16, `trials` times; audits are those among `rows`, which must have PRIMARY."""
    ladder = stacked(side_by_side([partial(measured, images, rows, sigma) for sigma in SIGMAS]))
    blurred = {sigma: measured(images, {PRIMARY: rows[PRIMARY]}, sigma)[PRIMARY] for sigma in APPLIED}
    generator, held, close, flagged = (
        np.random.default_rng(seed),
        dict.fromkeys(APPLIED, 0),
        dict.fromkeys(APPLIED, 0),
        0,
    )
    for _ in range(trials):
        order, pixels = generator.permutation(len(images)), images.shape[2] * images.shape[3]
        reference, other = np.array_split(order, 2)
        by, pairs = (instrument(ladder, rows_of, rows, pixels) for rows_of in (reference, order))
        for sigma in APPLIED:
            interval = by.read(PRIMARY, blurred[sigma][other]).interval
            held[sigma] += interval.low <= sigma <= interval.high
            close[sigma] += within(pairs.value(PRIMARY, blurred[sigma], blurred[0.0]), sigma)
        flagged += bool(flags(by, {name: of_all[other, REAL] for name, of_all in ladder.items()}))
    return Splits(len(images), trials, held, close, flagged)


def within(reading: float, sigma: float) -> bool:
    """Whether a reading of pairs is as close to the applied blur as is promised."""
    return abs(reading - sigma) <= max(CLEAN_SHARE * sigma, CLEAN_PIXELS)


def instrument(ladder: Values, reference: np.ndarray, rows: Mapping[str, Measure], pixels: int) -> Instrument:
    """What `eval.blur` would calibrate on images `reference` of `ladder`, {row: (N, len(SIGMAS))}."""
    ends, most = np.cumsum([0, *calibrating(len(reference))]), ladder_count(len(reference) // 2, pixels, 1)
    folds = []
    for start, end in pairwise(ends):
        part = {name: of_all[reference[start:end]] for name, of_all in ladder.items()}
        climbed = {name: audit_count(most) if name in AUDITS else most for name in rows}
        folds.append(
            {name: Calibration(row, part[name][:, REAL], part[name][: climbed[name]]) for name, row in rows.items()}
        )
    return Instrument(tuple(folds))


def flags(by: Instrument, values: Values) -> list[str]:
    """The audits that images raise, by what they measured, {row: (N,)}."""
    blur = by.read(PRIMARY, values[PRIMARY]).interval
    return [name for name in values if name in AUDITS and by.flagged(name, values[name], blur.value, blur.low)]
