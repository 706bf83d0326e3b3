"""Equivalent blur as a torchmetrics metric: the number of `python -m eval.blur`."""

from typing import Any

import numpy as np
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat, rank_zero_warn

from eval.blur.measures import MEASURES, PRIMARY
from eval.metrics.inputs import Images, NumberMetric, quantised, reference_stream
from eval.readings.looks import check_size
from eval.readings.reference import measured
from eval.uncertainty.verdicts import too_few
from vaegan.errors import UsageError, UserError, nearest


class EquivalentBlur(NumberMetric):
    """Pixels of Gaussian blur that make real images as smooth as these: 0 as sharp as real, negative sharper.

    reference: real images, (N, C, H, W) like those of `update`, or a folder, npz:FILE or data set by name.
    paired: `update` is given the original of every image too, so that content cancels.
    interval: `compute` returns {"sigma_eq", "low", "high"} with a 95 % interval instead of the value alone.
    normalize: images are floats in [0, 1]; else uint8.
    The state is one float64 an image (two where paired), not the image; the value does not depend on batches, their
    order or the number of processes. Beyond the calibrated range it is inf or -inf. Measured on the CPU. Too
    few images for a measurement, of either side, are a warning.
    """

    higher_is_better = False
    values: list[Tensor]
    originals: list[Tensor]

    def __init__(
        self,
        reference: Images,
        paired: bool = False,
        measure: str = PRIMARY,
        interval: bool = False,
        normalize: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if measure not in MEASURES:
            raise UsageError(f"measure {measure!r} is none of {', '.join(MEASURES)}{nearest(measure, MEASURES)}")
        self.paired, self.measure, self.interval, self.normalize = paired, measure, interval, normalize
        real = measured(reference_stream(reference, normalize), seed, measures={measure: MEASURES[measure]})
        self.instrument, self.size = real.instrument, real.stream.size
        _warn(real.stream.count, f"of {real.stream.title}")
        self.add_state("values", default=[], dist_reduce_fx="cat")
        self.add_state("originals", default=[], dist_reduce_fx="cat")

    def update(self, images: Tensor, originals: Tensor | None = None) -> None:
        """Measure a batch (N, C, H, W) of the reference's size; `originals`, as many, with `paired` alone."""
        if self.paired != (originals is not None):
            raise UserError("paired=True takes update(images, originals), paired=False update(images)")
        if originals is not None and len(originals) != len(images):
            raise UserError(f"{len(images)} images and {len(originals)} originals are no pairs")
        self.values.append(self._measured(images))
        if originals is not None:
            self.originals.append(self._measured(originals))

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The equivalent blur in px of all images so far, float64; with `interval` and its ends."""
        values = _joined(self.values)
        behind = _joined(self.originals) if self.paired else None
        _warn(len(values), "given to EquivalentBlur")
        if not self.interval:
            return self._number(self.instrument.value(self.measure, values, behind))
        reading = self.instrument.read(self.measure, values, behind).interval
        return {
            "sigma_eq": self._number(reading.value),
            "low": self._number(reading.low),
            "high": self._number(reading.high),
        }

    def _measured(self, images: Tensor) -> Tensor:
        images = quantised(images, self.normalize).cpu()
        height, width = images.shape[-2:]
        check_size((height, width), self.size, ("the batch", "the reference"))
        return MEASURES[self.measure].function(images).to(self.device)


def _warn(images: int, whose: str) -> None:
    for reason in too_few(images, whose):
        rank_zero_warn(reason, UserWarning)


def _joined(values: list[Tensor] | Tensor) -> np.ndarray:
    if isinstance(values, list) and not values:
        raise UserError("no images yet: call update before compute")
    return dim_zero_cat(values).cpu().double().numpy()
