"""What a conditional model is told: an image's labels, as numbers beside its code.

Binary attributes (N, A) become -1 and 1, classes (N,) a one-hot row; every network concatenates them to the input of a
dense layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vaegan.data import ImageSet
from vaegan.errors import UsageError, UserError, impossible, nearest

DIMENSIONS = {"attributes": 2, "classes": 1}  # of the labels of an image set
MOST_KEPT = 10_000  # training labels that a checkpoint keeps to draw from: 0.2 MB of 18 attributes


@dataclass(frozen=True)
class Conditions:
    """What a model was told in training: a name for each number, and labels of training images to draw from.

    names: () for an unconditional model.
    labels: (N, A) uint8 attributes or (N,) int64 classes; None for an unconditional model.
    """

    names: tuple[str, ...] = ()
    labels: Tensor | None = field(default=None, repr=False)

    @property
    def kept(self) -> Tensor:
        """The labels. Raises UserError for an unconditional model."""
        if self.labels is None:
            raise UserError("this run is unconditional and takes no attributes: train one with --condition attributes")
        return self.labels

    def draw(self, n: int, seed: int) -> Tensor:
        """Return the labels of n training images, drawn with replacement; the first k do not depend on n."""
        rows = np.random.default_rng((seed, 2)).integers(len(self.kept), size=n)
        return self.kept[torch.from_numpy(rows)]

    def numbers(self, labels: Tensor) -> Tensor:
        """Return what networks take for labels (N, A) or (N,): float32 (N, len(names))."""
        if labels.ndim == 1:
            return F.one_hot(labels.long(), len(self.names)).float()
        return labels.float() * 2 - 1  # centred as pixels and codes are; 0 would leave its weights without a gradient

    def checked(self, attributes: Tensor, n: int) -> Tensor:
        """Return labels for n images; one row of attributes, or one class, serves them all.

        Raises UserError for an unconditional model, another shape, or values that are no label.
        """
        labels, row = torch.as_tensor(attributes).cpu(), self.kept.shape[1:]
        labels = labels.expand(n, *row) if labels.shape == row else labels
        if labels.shape != (n, *row):
            raise UserError(f"attributes of shape {tuple(labels.shape)} do not fit: need {(n, *row)}")
        most = 1 if row else len(self.names) - 1
        if not torch.isin(labels, torch.arange(most + 1)).all():
            raise UserError(f"attributes that are no labels: use whole numbers from 0 to {most}")
        return labels.to(self.kept.dtype)

    def edited(self, labels: Tensor, wanted: Mapping[str, int]) -> Tensor:
        """Return attributes (N, A) with the named ones set to 0 or 1. Raises UsageError for names there are not."""
        if wanted and labels.ndim == 1:
            raise UsageError(f"this run is told classes ({', '.join(self.names)}): give their numbers, not names")
        labels = labels.clone()
        for name, value in wanted.items():
            labels[:, position(name, self.names)] = int(value)
        return labels

    def state(self) -> dict[str, Any] | None:
        """Return what a checkpoint keeps: of many labels every few, because files are often sorted by class."""
        if self.labels is None:
            return None
        every = -(-len(self.labels) // MOST_KEPT)
        return {"names": list(self.names), "labels": self.labels[::every].clone()}


UNCONDITIONAL = Conditions()


def restored(state: object) -> Conditions:
    """Rebuild from `Conditions.state()`. Raises UserError for what it cannot have returned."""
    if state is None:
        return UNCONDITIONAL
    if isinstance(state, dict) and state.keys() == {"names", "labels"}:
        names, labels = state["names"], state["labels"]
        if are_names(names) and plausible(names, labels):
            return Conditions(tuple(names), labels)
    raise UserError("the checkpoint's conditions are no labels with their names: restore it or train the run again")


def are_names(names: object) -> TypeGuard[list[str]]:
    """Whether a checkpoint's names are some."""
    return isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)


def plausible(names: list[str], labels: object) -> bool:
    """Whether a checkpoint's labels could be those of images: attributes, 0 or 1 in a column a name, or classes."""
    if not isinstance(labels, Tensor) or labels.layout != torch.strided or not labels.numel():
        return False
    attributes = labels.ndim == 2 and labels.dtype == torch.uint8 and labels.shape[1] == len(names)
    classes = labels.ndim == 1 and labels.dtype == torch.int64
    return (attributes or classes) and 0 <= int(labels.min()) and int(labels.max()) < (2 if attributes else len(names))


def of_images(kind: str, images: ImageSet) -> Conditions:
    """Return what a model of `images` is told, with the label of every image. Raises UsageError for other labels."""
    if kind == "none":
        return UNCONDITIONAL
    if kind != kind_of(images):
        raise impossible(f"--condition {kind}", f"{images.name} has {described(images)}")
    # A file may name more attributes than it has columns; a class that no image has keeps its place.
    count = images.known_labels.shape[1] if kind == "attributes" else len(images.label_names)
    return Conditions(tuple(images.label_names[:count]), images.labels)


def kind_of(images: ImageSet) -> str:
    """Return which labels an image set has; "none" also where some images have none."""
    if images.labels is None or (images.labels < 0).any():
        return "none"
    return next(kind for kind, dimensions in DIMENSIONS.items() if images.labels.ndim == dimensions)


def described(images: ImageSet) -> str:
    """Say which labels an image set has, and what to do with that."""
    kind = kind_of(images)
    if kind == "none":
        which = "no" if images.labels is None else "incomplete"
        which = f"no usable labels ({images.unusable_labels})" if images.unusable_labels else f"{which} labels"
        return f"{which}: leave the flag out, or use labelled data"
    return f"{kind} ({', '.join(images.label_names)}): use --condition {kind}"


def position(name: str, names: tuple[str, ...]) -> int:
    """Return the place of an attribute. Raises UsageError, listing those there are."""
    if name not in names:
        raise UsageError(f"no attribute {name!r}{nearest(name, names)}; there are {', '.join(names)}")
    return names.index(name)
