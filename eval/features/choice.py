"""Which feature extractor a number is made with: the data set's own, the FID Inception, or one that --features names.

`python -m eval.features train mnist` makes a shipped one anew (eval/features/training.py).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from eval.features import fidelity, imagenet, inception, rotations
from eval.features.network import SHIPPED, FeatureNetwork, load
from vaegan import data
from vaegan.data import ImageSet
from vaegan.errors import UsageError, nearest

AUTO, OWN, INCEPTION, IMAGENET = "auto", "own", "inception", "imagenet"
NAMED: dict[str, Callable[[], "Extractor"]] = {
    IMAGENET: imagenet.load,
    INCEPTION: inception.published,
    **{name: partial(fidelity.load, name) for name in fidelity.REGISTRY},
}
INCEPTION_SUFFIXES = (".pth", ".pt")
FALLBACK = {1: "mnist", 3: "synthfaces"}  # channels -> the shipped network for a named data set that has none


class Extractor(Protocol):
    """uint8 (N, C, H, W) in, float32 features (N, num_features) out."""

    @property
    def num_features(self) -> int:
        """Numbers an image."""

    @property
    def is_fid(self) -> bool:
        """True of the published Inception alone: no other Frechet distance is called FID."""

    @property
    def name(self) -> str:
        """The network, its weights and its resize rule."""

    def identity(self) -> dict[str, str]:
        """The same in full: `extractor`, `sha256`, `resize`."""

    def features(self, images: Tensor, batch_size: int = ...) -> Tensor:
        """Raises UserError for images that are not uint8 or that the network cannot take."""

    def to(self, device: torch.device | str) -> "Extractor":
        """The same on a device, to which it takes its images itself."""


def choose(spec: str, images: ImageSet | Callable[[], ImageSet]) -> tuple[Extractor, bool]:
    """The extractor that --features names for these images (any split), and whether it was made for their data set.

    spec: "auto", the data set's own shipped one, else ImageNet's where that extra is installed, else `network_for`;
    "own", `network_for` whatever is installed; a key of NAMED; a .safetensors FILE with its card beside it; a .pth FILE
    with weights of the Inception architecture.
    Raises UsageError for anything else, UserError when the file is absent, damaged or another network's.
    """
    if spec in (AUTO, OWN):
        images = _called(images)
        own = spec == OWN or for_dataset(images.name) is not None or not imagenet.available()
        return network_for(images) if own else (imagenet.load(), False)
    if spec in NAMED:
        return NAMED[spec](), False
    file = Path(spec).expanduser()
    if file.suffix in INCEPTION_SUFFIXES:
        return inception.load(file), False
    if file.suffix != ".safetensors":
        raise UsageError(
            f"--features {spec!r} is none of {', '.join((AUTO, OWN, *NAMED))}, a .safetensors or a .pth file"
            f"{nearest(spec, (AUTO, OWN, *NAMED))}"
        )
    network = load(file)
    return network, network.card.data == _called(images).name


def network_for(images: ImageSet | Callable[[], ImageSet]) -> tuple[FeatureNetwork, bool]:
    """A network of this project for a data set, of which `images` is any split, and whether it was made for it.

    The shipped one where there is one; for a user's own data (folder:, npz:) one trained on rotations of the training
    images, which takes about a minute the first time; else a shipped one of as many channels. Unlike Inception these
    have `maps`, which health and content need.
    """
    images = _called(images)
    shipped = for_dataset(images.name)
    if shipped:
        return shipped, True
    if images.name.partition(":")[0] not in data.PREFIXES:
        return load(_shipped()[FALLBACK[images.channels]]), False
    if images.split != "train":
        images = data.load(images.name, "train", image_size=images.image_size)
    return rotations.network_of(images), True


def for_dataset(name: str) -> FeatureNetwork | None:
    """Return the shipped network of the data set `name`, or None when there is none."""
    shipped = _shipped()
    return load(shipped[name]) if name in shipped else None


def _shipped() -> dict[str, Path]:
    return {file.stem: file for file in SHIPPED.glob("*.safetensors")}


def _called(images: ImageSet | Callable[[], ImageSet]) -> ImageSet:
    return images if isinstance(images, ImageSet) else images()
