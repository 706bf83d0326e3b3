"""What metric classes are given: images of a loop, and the reference they are read against."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from eval.images.streams import Stream, of_tensor, open_stream
from vaegan.errors import UserError
from vaegan.pixels import to_uint8

Images = Tensor | str | Path


class NumberMetric(Metric):
    """What the metrics share: values are float64 on the metric's device, plots torchmetrics'; none has gradients."""

    is_differentiable = False
    full_state_update = False

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """A figure and its axes of the current value, or of `val`, one value or several (torchmetrics' plot)."""
        return self._plot(val, ax)

    def _number(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64, device=self.device)


def quantised(images: Tensor, normalize: bool) -> Tensor:
    """uint8 (N, C, H, W) of the same; with `normalize`, of floats in [0, 1], clamped, scaled and rounded.

    Raises UserError for another type or shape, and for numbers that are not finite.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] not in (1, 3):
        shape = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise UserError(f"images must be a tensor of shape (N, 1 or 3, H, W), got {shape}")
    if images.is_floating_point() != normalize:
        wanted = "floats in [0, 1] with normalize=True" if images.is_floating_point() else "uint8 with normalize=False"
        raise UserError(f"images are {images.dtype}: give {wanted}")
    if not normalize:
        if images.dtype != torch.uint8:
            raise UserError(f"images must be uint8, got {images.dtype}")
        return images
    if not images.isfinite().all():
        raise UserError("images have values that are not finite numbers")
    return to_uint8(2 * images.detach().float() - 1)


def reference_stream(reference: Images, normalize: bool) -> Stream:
    """The reference as a stream: a tensor as `quantised` takes it, or what the commands' --reference takes."""
    if isinstance(reference, Tensor):
        return of_tensor("the reference", quantised(reference.cpu(), normalize))
    return open_stream(str(reference))
