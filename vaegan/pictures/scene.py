"""The model and the data that a run's pictures are made of, and what was asked of them."""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from vaegan import data
from vaegan.data import ImageSet
from vaegan.errors import UsageError, nearest
from vaegan.model import Model
from vaegan.pictures.kinds import KINDS, Arguments


@dataclass(frozen=True)
class Scene:
    """A model, what was asked of it, and the data it was trained on, read when a picture needs them."""

    model: Model
    asked: Arguments

    @cached_property
    def n(self) -> int:
        """How many things to draw: as asked, or else the kind's number as far as there are held-out images."""
        kind = KINDS[self.asked.kind]
        usual = kind.n or self.model.latent_dim
        if self.asked.n or not kind.images:
            return self.asked.n or usual
        return max(1, min(usual, len(self.held_out.images) // kind.images))

    def split(self, name: str) -> ImageSet:
        """Return the run's data, "train" or "test"."""
        config = self.model.config
        where = self.asked.data_dir or config.data_dir
        known = self.model.data
        return data.load(config.dataset, name, image_size=config.image_size, data_dir=where, trained_on=known)

    @cached_property
    def held_out(self) -> ImageSet:
        return self.split("test")

    def chosen(self, count: int) -> Tensor:
        """Return the indices of `count` held-out images. Raises UsageError when there are fewer."""
        available = len(self.held_out.images)
        if count > available:
            raise UsageError(f"--n {self.n} needs {count} held-out images: {self.about} has {available}")
        generator = torch.Generator().manual_seed(self.asked.seed)
        return torch.randperm(available, generator=generator)[:count]

    @property
    def about(self) -> str:
        return self.model.config.dataset

    @property
    def zoom(self) -> int | None:
        """Return 1 where the user chose the pixels; else they are enlarged to be seen."""
        return 1 if self.asked.size else None

    def told(self, indices: Tensor) -> Tensor | None:
        """Return what a conditional model is told of held-out images: their labels. Others are told nothing."""
        return self.model.attributes_of(self.held_out, indices)

    def encode(self, indices: Tensor) -> Tensor:
        """Return the posterior means of held-out images."""
        return self.model.encode(self.held_out.images[indices], self.told(indices))[0]

    def decode(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        """Decode codes at the size that was asked for."""
        return self.model.decode(z, told, self.asked.size)

    def beside(self, images: Tensor) -> Tensor:
        """Return originals at the size of what is decoded, so that both fit one sheet."""
        if not self.asked.size:
            return images
        return F.interpolate(images.float(), size=self.asked.size, mode="nearest").byte()


def wanted(scene: Scene, images: ImageSet) -> list[int]:
    """Return the columns of --attributes, all when none is named. Raises UsageError for one the data does not have."""
    if images.labels is None or images.labels.ndim != 2:
        raise UsageError(f"{scene.about} has no attributes: they are labels (N, A), as of synthfaces, celeba or lfw")
    for name in scene.asked.attributes:
        if name not in images.label_names:
            known = images.label_names
            raise UsageError(
                f"{scene.about} has no attribute {name!r}{nearest(name, known)}; it has {', '.join(known)}"
            )
    return [images.label_names.index(name) for name in scene.asked.attributes or images.label_names]
