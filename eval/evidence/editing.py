"""What an edit of codes changes, as a judge of attributes sees it: the wanted attribute, and the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from vaegan import data
from vaegan.errors import UsageError
from vaegan.generator import Generator

Judge = Callable[[Tensor], Tensor]  # uint8 (N, C, S, S) -> (N, A), 0 or 1
Edit = Callable[[Tensor, int], Tensor]  # faces' numbers and the value that they have -> uint8 images with the other


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
    """What one edit does: % of faces changed by adding and by removing, and what becomes of the others."""

    added: float
    removed: float
    moves: dict[int, tuple[float, float]]  # by attribute: points, up or down, that its share moves by adding, removing

    @property
    def changed(self) -> float:
        """The worse direction."""
        return min(self.added, self.removed)

    @property
    def moved(self) -> dict[int, float]:
        """How far each other attribute moves, in points, in the direction in which it moves more."""
        return {i: max(abs(points) for points in both) for i, both in self.moves.items()}

    @property
    def worst(self) -> float:
        """The other attribute that moves most, in points."""
        return max(self.moved.values(), default=0.0)

    @property
    def mean(self) -> float:
        """How far the others move on average, in points."""
        return sum(self.moved.values()) / max(1, len(self.moves))

    def beyond(self, true: "Effect") -> dict[int, float]:
        """How far each other attribute moves otherwise than under a true edit, in points; the larger direction."""
        pairs = {i: zip(both, true.moves[i], strict=True) for i, both in self.moves.items()}
        return {i: max(abs(points - right) for points, right in both) for i, both in pairs.items()}


def faces(model: Generator, judge: Judge, images: Tensor, labels: Tensor) -> Faces:
    """Encode images (N, C, S, S) and judge their reconstructions."""
    z, _ = model.encode(images)
    return Faces(z, labels, judge(model.decode(z)))


def effect(judge: Judge, shown: Faces, attribute: int, edit: Edit, exempt: set[int]) -> Effect:
    """Give an attribute to faces without it, take it from faces with it, and judge the images.

    The others are all attributes but this one and `exempt`.
    """
    others = [i for i in range(shown.labels.shape[1]) if i != attribute and i not in exempt]
    changed: list[float] = []
    moved: list[Tensor] = []
    for value in (0, 1):
        rows = shown.with_value(attribute, value)
        before, after = shown.seen[rows], judge(edit(rows, value))
        began = before[:, attribute] == value
        changed.append(percent(after[began, attribute] != value))
        moved.append(100 * (after.float().mean(0) - before.float().mean(0)))
    return Effect(changed[0], changed[1], {i: (moved[0][i].item(), moved[1][i].item()) for i in others})


def by_vector(model: Generator, shown: Faces, step: Tensor) -> Edit:
    """Add `step` (D,) to the codes of faces without the attribute, subtract it from those with it."""
    return lambda rows, value: model.decode(shown.z[rows] + (step if value == 0 else -step))


def by_drawing(name: str, numbers: Tensor, labels: Tensor, size: int, attribute: int, exempt: set[int]) -> Edit:
    """Draw the faces anew with the attribute turned over and nothing else: what an edit should be.

    Giving it takes away those that are `exempt`, because they never occur together.
    """

    def edit(rows: Tensor, value: int) -> Tensor:
        wanted = labels[rows].clone()
        wanted[:, attribute] = 1 - value
        if value == 0:
            wanted[:, sorted(exempt)] = 0
        images = data.drawn(name, "test", numbers[rows], size, wanted)
        if images is None:
            raise UsageError(f"the images of {name} cannot be drawn anew: use synthfaces")
        return images

    return edit


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
