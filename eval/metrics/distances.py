"""Distances of feature vectors as torchmetrics metrics: the numbers of `python -m eval.distances`."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from eval.distances import plain
from eval.distances.columns import Features
from eval.distances.extraction import MOST_KEPT, extract
from eval.distances.frechet import frechet
from eval.distances.kid import kernel_distance, kernel_of
from eval.distances.moments import Moments, merged
from eval.distances.neighbours import NEIGHBOURS, filling, neighbourhoods
from eval.features import choice
from eval.features.choice import Extractor
from eval.images.streams import of_tensor
from eval.metrics.inputs import Images, NumberMetric, quantised
from eval.sources.held_out import shuffled
from vaegan.errors import UserError


class FeatureMetric(NumberMetric):
    """What the distances share: real images, and the extractor that sees them and the loop's.

    reference: real images, (N, C, H, W) like those of `update`, or what the command's --reference takes.
    features: as the command's --features, or an extractor. normalize: images are floats in [0, 1]; else uint8.
    `protocol` names the extractor, its weights and resize, and the reference's count: it belongs beside every number.
    """

    def __init__(
        self,
        reference: Images,
        features: str | Extractor = choice.AUTO,
        normalize: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.normalize, self._placed = normalize, torch.device("cpu")
        real = _real(reference, normalize)
        chosen = choice.choose(features, lambda: plain.example(real))[0] if isinstance(features, str) else features
        # In a tuple it is no submodule: a model that is set to train, or saved, would else train and save it too.
        self._held: tuple[Extractor] = (chosen,)
        order = shuffled(real.test.count, seed)
        self.real: Features = extract(
            real.test.count, lambda first, last: real.test.images(order[first:last].tolist()), self.extractor
        )
        self.protocol = f"{self.extractor.name}, against {self.real.count:,} images of {real.name}"

    @property
    def extractor(self) -> Extractor:
        return self._held[0]

    def _features(self, images: Tensor) -> Tensor:
        """Feature vectors (N, d) of a batch, float32, on the metric's device."""
        if self._placed != self.device:
            self._held, self._placed = (self.extractor.to(self.device),), self.device
        return self.extractor.features(quantised(images, self.normalize)).float().to(self.device)


class FrechetDistance(FeatureMetric):
    """Fréchet distance between Gaussians fitted to features, squared: 0 is best. Called FID only with the published
    Inception. The state is a count, a sum and a (d, d) scatter about the reference's mean, in float64, whatever N."""

    higher_is_better = False
    count: Tensor
    total: Tensor
    scatter: Tensor

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        d = self.extractor.num_features
        self.moments = merged(self.real.blocks)
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(d, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("scatter", torch.zeros(d, d, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, images: Tensor) -> None:
        """Add a batch (N, C, H, W)."""
        # About a fixed point near their mean sums lose no digits, and add up over batches and processes.
        vectors = self._features(images).double() - self.moments.mean.to(self.device)
        self.count += len(vectors)
        self.total += vectors.sum(dim=0)
        self.scatter += vectors.T @ vectors

    def compute(self) -> Tensor:
        """The distance of all images so far, float64. Raises UserError for fewer than two."""
        count = int(self.count)
        if count < 2:
            raise UserError(f"a Fréchet distance needs at least 2 images, not {count}")
        mean = self.total / count
        scatter = self.scatter - count * torch.outer(mean, mean)
        return self._number(frechet(Moments(count, mean.cpu() + self.moments.mean, scatter.cpu()), self.moments))


class _Vectors(FeatureMetric):
    """Distances that need the vectors themselves: the state is float32 (N, d); the first MOST_KEPT are used."""

    vectors: list[Tensor]
    least = 3

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.add_state("vectors", default=[], dist_reduce_fx="cat")

    def update(self, images: Tensor) -> None:
        """Add a batch (N, C, H, W)."""
        self.vectors.append(self._features(images))

    def _all(self) -> Tensor:
        vectors = dim_zero_cat(self.vectors).cpu()[:MOST_KEPT] if len(self.vectors) else torch.empty(0)
        if len(vectors) < self.least:
            raise UserError(f"this distance needs at least {self.least} images, not {len(vectors)}")
        return vectors


class KernelDistance(_Vectors):
    """Kernel distance: unbiased squared MMD, cubic kernel, over all pairs; 0 for images of the same kind, below 0 by
    chance. Called KID only with the published Inception; the command shows it times 1,000.

    interval: `compute` returns {"value", "low", "high"} with a 95 % interval instead of the value alone.
    """

    higher_is_better = False

    def __init__(self, *args: Any, interval: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.interval, self.kernel = interval, kernel_of(self.real.vectors)

    def compute(self) -> Tensor | dict[str, Tensor]:
        """The distance of all images so far, float64. Raises UserError for fewer than three."""
        distance = kernel_distance(kernel_of(self._all()), self.kernel)
        if not self.interval:
            return self._number(distance.value)
        return {name: self._number(getattr(distance, name)) for name in ("value", "low", "high")}


class DensityCoverage(_Vectors):
    """Density and coverage (Naeem et al. 2020), precision and recall (Kynkaanniemi et al. 2019), as a dict of four."""

    higher_is_better = True
    least = NEIGHBOURS + 1

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.near = neighbourhoods(self.real.vectors)

    def compute(self) -> dict[str, Tensor]:
        """{"density", "coverage", "precision", "recall"} of all images so far. Raises UserError for fewer than six."""
        filled = filling(neighbourhoods(self._all()), self.near)
        return {name: self._number(value) for name, value in vars(filled).items()}


def _real(reference: Images, normalize: bool) -> plain.Real:
    if isinstance(reference, Tensor):
        return plain.Real("a tensor", of_tensor("the reference", quantised(reference.cpu(), normalize)), None)
    return plain.real_images(str(reference), None, Path("data"), (0, 0))
