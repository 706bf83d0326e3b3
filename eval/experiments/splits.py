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
)
from eval.blur.measures import PRIMARY, Measure

APPLIED = (0.0, 0.5, 0.8, 1.2, 2.0, 4.0)  # px


@dataclass(frozen=True)
class Splits:
    """Of `trials` splits, by applied px: how many intervals held it, and the px by which the worst reading of pairs was
    off; and how many unblurred halves raised a flag of any audit."""

    images: int
    trials: int
    held: dict[float, int]
    off: dict[float, float]
    flagged: int

    def __str__(self) -> str:
        held = ", ".join(f"{sigma:g} px {count}" for sigma, count in self.held.items())
        off = ", ".join(f"{sigma:g} px {error:.3f}" for sigma, error in self.off.items())
        halves = f"{self.images - self.images // 2} images read against {self.images // 2}"
        return (
            f"{self.trials} splits, {halves}: intervals that hold {held}; paired readings off by at most {off}; "
            f"unblurred halves flagged {self.flagged}"
        )


def tried(images: Tensor, trials: int = 100, seed: int = 0, rows: Mapping[str, Measure] = ALL_ROWS) -> Splits:
    """Split uint8 (N, C, H, W), N >= 16, `trials` times; audits are those among `rows`, which must have PRIMARY."""
    rungs = list(side_by_side([partial(measured, images, rows, sigma) for sigma in SIGMAS]))
    ladder = {name: np.stack([rung[name] for rung in rungs], axis=1) for name in rows}
    blurred = {sigma: measured(images, {PRIMARY: rows[PRIMARY]}, sigma)[PRIMARY] for sigma in APPLIED}
    generator, held, off, flagged = (
        np.random.default_rng(seed),
        dict.fromkeys(APPLIED, 0),
        dict.fromkeys(APPLIED, 0.0),
        0,
    )
    for _ in range(trials):
        reference, other = np.array_split(generator.permutation(len(images)), 2)
        by = instrument(ladder, reference, rows, images.shape[2] * images.shape[3])
        for sigma in APPLIED:
            interval = by.read(PRIMARY, blurred[sigma][other]).interval
            held[sigma] += interval.low <= sigma <= interval.high
            paired = by.value(PRIMARY, blurred[sigma][other], blurred[0.0][other])
            off[sigma] = max(off[sigma], abs(paired - sigma))
        flagged += bool(flags(by, {name: of_all[other, REAL] for name, of_all in ladder.items()}))
    return Splits(len(images), trials, held, off, flagged)


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
    sigma = by.value(PRIMARY, values[PRIMARY])
    return [name for name in values if name in AUDITS and by.flagged(name, values[name], sigma)]
