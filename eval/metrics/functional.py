"""The metrics as functions of tensors that are all there: uint8 (N, C, H, W), or floats in [0, 1] with `normalize`."""

from typing import Any

from torch import Tensor

from eval.metrics.blur import EquivalentBlur
from eval.metrics.distances import DensityCoverage, FrechetDistance, KernelDistance
from eval.metrics.inputs import Images

BATCH = 250  # images


def equivalent_blur(
    images: Tensor, reference: Images, originals: Tensor | None = None, **options: Any
) -> Tensor | dict[str, Tensor]:
    """Equivalent blur of `images` in px; with `originals`, the images before, content cancels. See EquivalentBlur."""
    metric = EquivalentBlur(reference, paired=originals is not None, **options)
    if originals is None:
        return _over(metric, images)
    return _over(metric, images, originals)


def frechet_distance(images: Tensor, reference: Images, **options: Any) -> Tensor:
    """Fréchet distance of `images` to real ones. See FrechetDistance."""
    return _over(FrechetDistance(reference, **options), images)


def kernel_distance(images: Tensor, reference: Images, **options: Any) -> Tensor | dict[str, Tensor]:
    """Kernel distance of `images` to real ones. See KernelDistance."""
    return _over(KernelDistance(reference, **options), images)


def density_coverage(images: Tensor, reference: Images, **options: Any) -> dict[str, Tensor]:
    """Density, coverage, precision and recall of `images`. See DensityCoverage."""
    return _over(DensityCoverage(reference, **options), images)


def _over(metric: Any, *tensors: Tensor) -> Any:
    for batch in zip(*(tensor.split(BATCH) for tensor in tensors), strict=True):
        metric.update(*batch)
    return metric.compute()
