"""Metric classes for anybody's loop, with torchmetrics' conventions; their numbers are those of the commands.

    from eval.metrics import EquivalentBlur

    blur = EquivalentBlur("photographs/", normalize=True)
    for images in batches:  # float in [0, 1], (N, C, H, W)
        blur.update(images)
    blur.compute()  # pixels of Gaussian blur that would make the photographs as smooth

The same on tensors that are all there: `eval.metrics.functional`.
"""

from eval.metrics.blur import EquivalentBlur
from eval.metrics.distances import DensityCoverage, FrechetDistance, KernelDistance

__all__ = ["DensityCoverage", "EquivalentBlur", "FrechetDistance", "KernelDistance"]
