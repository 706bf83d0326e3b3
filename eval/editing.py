"""What an edit of codes changes, as a judge of attributes sees it: the wanted attribute, and the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]  # uint8 (N, C, S, S) -> (N, A), 0 or 1


@dataclass(frozen=True)
class Faces:
    """Held-out faces: their codes (N, D), true attributes (N, A), and those a judge sees in their reconstructions."""

    z: Tensor
    labels: Tensor
    seen: Tensor

    def with_value(self, attribute: int, value: int) -> Tensor:
        """Return the indices of the faces that truly have, or lack, an attribute."""
        return (self.labels[:, attribute] == value).nonzero()[:, 0]

    def drawn(self, attribute: int, value: int) -> float:
        """Return the % of faces having, or lacking, an attribute whose reconstruction shows so."""
        return percent(self.seen[self.with_value(attribute, value), attribute] == value)


@dataclass(frozen=True)
class Effect:
    """What one vector does: % of faces changed by adding and by removing, and points that the others move."""

    added: float
    removed: float
    moved: dict[int, float]  # by attribute; adding and removing apart, the larger

    @property
    def changed(self) -> float:
        """The worse direction."""
        return min(self.added, self.removed)

    @property
    def worst(self) -> float:
        """The other attribute that moves most, in points."""
        return max(self.moved.values(), default=0.0)

    @property
    def mean(self) -> float:
        """How far the others move on average, in points."""
        return sum(self.moved.values()) / max(1, len(self.moved))


def faces(model, judge: Judge, images: Tensor, labels: Tensor) -> Faces:
    """Encode images (N, C, S, S) and judge their reconstructions."""
    z, _ = model.encode(images)
    return Faces(z, labels, judge(model.decode(z)))


def effect(model, judge: Judge, shown: Faces, attribute: int, step: Tensor, exempt: set[int]) -> Effect:
    """Add `step` (D,) to faces without the attribute and subtract it from faces with it, and judge the images.

    The others are all attributes but this one and `exempt`.
    """
    others = [i for i in range(shown.labels.shape[1]) if i != attribute and i not in exempt]
    changed, moved = {}, {}
    for value, sign in ((0, 1.0), (1, -1.0)):
        rows = shown.with_value(attribute, value)
        before, after = shown.seen[rows], judge(model.decode(shown.z[rows] + sign * step))
        began = before[:, attribute] == value
        changed[value] = percent(after[began, attribute] != value)
        moved[value] = 100 * (after.float().mean(0) - before.float().mean(0)).abs()
    most = torch.maximum(moved[0], moved[1])
    return Effect(changed[0], changed[1], {i: most[i].item() for i in others})


def percent(holds: Tensor) -> float:
    """Return the share of true values in %; NaN of none."""
    return 100 * holds.float().mean().item()


def never_together(labels: Tensor) -> list[set[int]]:
    """Return, for each attribute of labels (N, A), those that no image has together with it."""
    together = labels.float().T @ labels.float()
    return [set((row == 0).nonzero()[:, 0].tolist()) - {i} for i, row in enumerate(together)]


def tries(
    vectors: dict[str, Tensor], amounts: tuple[float, ...], attribute: int
) -> Iterator[tuple[str, float, Tensor]]:
    """Yield (method, amount, step (D,)) of every vector at every amount."""
    for method, table in vectors.items():
        for amount in amounts:
            yield method, amount, amount * table[attribute]
