"""The real images that blur is read against: measured once, one random half for calibrating, the other the floor."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eval.blur import instrument
from eval.blur.instrument import ALL_ROWS, CONTRAST, Instrument
from eval.blur.measures import Measure
from eval.images.streams import Stream
from eval.readings.looks import Advance, Look, check_look, look
from vaegan.errors import UsageError

MOST_COPIES = 0.05  # of the reference's images in both halves, above which its floor is a floor of copies


@dataclass(frozen=True)
class Real:
    """The reference once it was measured, its images in the order of its random halves."""

    stream: Stream
    order: np.ndarray = field(repr=False)  # row of the stream behind each value
    look: Look = field(repr=False)
    measures: Mapping[str, Measure] = field(repr=False)

    @property
    def half(self) -> int:
        """Images of the first half; the others are the floor."""
        return self.stream.count // 2

    @property
    def ladder_count(self) -> int:
        return instrument.ladder_count(self.half, *self.stream.size)

    @functools.cached_property
    def instrument(self) -> Instrument:
        """Calibrated on the first half, or with few images on both; it costs as much as measuring thousands of them."""
        ends = np.cumsum([0, *instrument.calibrating(self.stream.count)])
        parts = [self.look.part(slice(a, b), "").values for a, b in zip(ends, ends[1:], strict=False)]
        ladders = [self.stream.images(self.order[start : start + self.ladder_count]) for start in ends[:-1]]
        return instrument.calibrated(parts, ladders, self.measures)

    def values_of(self, rows: np.ndarray, name: str) -> np.ndarray:
        """What images `rows` of the stream measured."""
        return self.look.values[name][np.argsort(self.order)[rows]]


def measured(
    reference: Stream, seed: int = 0, advance: Advance = lambda n: None, measures: Mapping[str, Measure] = ALL_ROWS
) -> Real:
    """Measure the reference. Raises UsageError where it has too few images, its halves share some, or all are flat."""
    order = instrument.shuffled_halves(reference.count, seed)
    own = look(reference, order, advance, {**measures, CONTRAST.name: CONTRAST})
    check_look(own, own)
    real = Real(reference, order, own, measures)
    shared = int(np.isin(own.digests[real.half :], own.digests[: real.half]).sum())
    if shared > MOST_COPIES * (reference.count - real.half):
        raise UsageError(
            f"{reference.title}: {shared:,} of the {reference.count - real.half:,} images of one half are in the other "
            "half too; a floor of copies is no floor, remove the copies"
        )
    return real
