"""Distances between a set of images and real ones: every column of the table, from features that are there already.

None of these is "the FID" unless the extractor is the published Inception; each number's name says what it was made by.
`python -m eval.distances RUN` measures runs and folders of images (eval/distances/command.py).
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from eval.distances.fingerprint import Fingerprint
from eval.distances.frechet import Curve, curve, singular
from eval.distances.kid import Kernel, KernelDistance, kernel_distance, kernel_of
from eval.distances.moments import Moments, merged
from eval.distances.neighbours import (
    COPY,
    NEIGHBOURS,
    Filling,
    Memorisation,
    Neighbourhoods,
    expected_coverage,
    filling,
    memorisation,
    nearest_distances,
    neighbourhoods,
)
from vaegan.errors import UserError

LEAST = NEIGHBOURS + 1  # images: fewer have no neighbourhood
MOST_COPIES = 0.05  # share of copies above which a set is flagged; by chance it is COPY
LEAST_COVERAGE = 0.5  # of the floor's coverage, below which a set is flagged


@dataclass(frozen=True)
class Features:
    """A set of images as its extractor sees it: the first vectors (N, d), and the moments of all."""

    vectors: Tensor = field(repr=False)
    blocks: Sequence[Moments] = field(repr=False)

    @property
    def count(self) -> int:
        return sum(block.count for block in self.blocks)


@dataclass(frozen=True)
class Reference:
    """Real images prepared for many comparisons; `training` and `held_out` are what memorisation is read against."""

    features: Features
    training: Tensor = field(repr=False)
    kernel: Kernel = field(repr=False)
    near: Neighbourhoods = field(repr=False)
    held_out: Tensor = field(repr=False)  # distances to training images


def reference(features: Features, training: Tensor | None = None, held_out: Tensor | None = None) -> Reference:
    """Prepare a reference: `features` of real held-out images, vectors (T, d) of the training images and of other
    held-out images (H, d). Without training images, copies are looked for among the reference's own, read against how
    near those are to each other. Raises UserError where there are too few."""
    if features.count < LEAST:
        raise UserError(f"distances need at least {LEAST} real images to compare with, not {features.count}")
    near = neighbourhoods(features.vectors)
    if training is None:
        return Reference(features, features.vectors, kernel_of(features.vectors), near, near.nearest)
    others = features.vectors if held_out is None else held_out
    return Reference(features, training, kernel_of(features.vectors), near, nearest_distances(others, training))


class Compared:
    """A set of images beside a reference: what several columns read is computed once, when the first asks for it."""

    def __init__(self, features: Features, reference: Reference):
        self.features, self.reference = features, reference

    @functools.cached_property
    def curve(self) -> Curve:
        return curve(self.features.blocks, self.reference.features.blocks)

    @functools.cached_property
    def kernel(self) -> KernelDistance:
        return kernel_distance(kernel_of(self.features.vectors), self.reference.kernel)

    @functools.cached_property
    def filling(self) -> Filling:
        return filling(neighbourhoods(self.features.vectors), self.reference.near)

    @functools.cached_property
    def memorisation(self) -> Memorisation:
        nearest = nearest_distances(self.features.vectors, self.reference.training)
        return memorisation(nearest, self.reference.held_out)


@dataclass(frozen=True)
class Column:
    """A distance: `value` measures it, `interval` its 95 % interval where it has one. `name` is used with the published
    Inception, `own_name` with any other network."""

    key: str
    own_name: str
    name: str
    note: str  # unit and direction
    digits: int
    value: Callable[[Compared], float | None]
    interval: Callable[[Compared], tuple[float, float]] | None = None


SCALE = 1000  # of the kernel distance, as KID is usually given
COLUMNS = (
    Column("frechet", "Fréchet distance", "FID", "squared; 0 is best", 2, lambda c: c.curve.values[-1]),
    Column("frechet_limit", "Fréchet, N → ∞", "FID, N → ∞", "extrapolated", 2, lambda c: c.curve.limit),
    Column(
        "kernel",
        "Kernel distance × 1000",
        "KID × 1000",
        "squared; 0 is best",
        1,
        lambda c: SCALE * c.kernel.value,
        lambda c: (SCALE * c.kernel.low, SCALE * c.kernel.high),
    ),
    Column("density", "Density", "Density", "real about 1", 2, lambda c: c.filling.density),
    Column("coverage", "Coverage", "Coverage", "0..1", 2, lambda c: c.filling.coverage),
    Column("precision", "Precision", "Precision", "0..1", 2, lambda c: c.filling.precision),
    Column("recall", "Recall", "Recall", "0..1", 2, lambda c: c.filling.recall),
    Column("copies", "Copies", "Copies", f"by chance {COPY:g}", 2, lambda c: c.memorisation.copies),
)


def measure(features: Features, reference: Reference) -> dict:
    """Every column of a set of images: {key: value}, {key_interval: [low, high]} where it has one; the N-curve, and
    what its flags and notes are read from. Raises UserError for fewer than LEAST images."""
    if features.count < LEAST:
        raise UserError(f"distances need at least {LEAST} images to be measured, not {features.count}")
    compared = Compared(features, reference)
    return {
        **{column.key: column.value(compared) for column in COLUMNS},
        **{f"{c.key}_interval": list(c.interval(compared)) for c in COLUMNS if c.interval},
        "curve": {"count": list(compared.curve.counts), "value": list(compared.curve.values)},
        "coverage_expected": expected_coverage(len(features.vectors), len(reference.near.vectors)),
        "nearer": compared.memorisation.nearer,
        "dimension": features.vectors.shape[1],
        "singular": singular(merged(features.blocks), merged(reference.features.blocks)),
    }


def flags(row: dict, floor: dict, apart: bool = True) -> list[str]:
    """What a Frechet distance can hide, in words: a set that repeats itself, or the training images (`apart`) or else
    the reference. Coverage depends on both counts, so the floor's is brought to the row's."""
    said, real = [], floor["coverage"] * row["coverage_expected"] / floor["coverage_expected"]
    if row["coverage"] < LEAST_COVERAGE * real:
        said.append(f"covers {row['coverage']:.0%} where real images cover {real:.0%}")
    if row["copies"] > MOST_COPIES:
        others = ("a training image", "held-out images are") if apart else ("a real image", "real ones are to another")
        said.append(f"{row['copies']:.0%} are as near to {others[0]} as {COPY:.0%} of {others[1]}")
    return said


def column_name(column: Column, is_fid: bool) -> str:
    """What a column is called: FID and KID are names of the published Inception's distances alone."""
    return column.name if is_fid else column.own_name


def singular_note(protocol: Fingerprint, dimension: int) -> str:
    """The warning that goes with a Frechet distance of fewer images than features."""
    fewest = min(protocol.count, protocol.reference_count)
    return (
        f"{fewest:,} images for {dimension:,} features: the covariances are singular and the Fréchet distance is "
        f"mostly bias; use more than {dimension:,} images, or read the kernel distance, which has none"
    )
