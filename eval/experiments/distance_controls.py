"""Do the distances make sense? Real images made worse step by step.

A distance that can be trusted grows with every step of blur, of noise and of missing kinds of images, from a floor that
lies below them all; and what a Frechet distance can hide, a set that repeats a few images, must show in coverage or
copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from eval.blur.damages import add_noise
from eval.blur.measures import gaussian_blur
from eval.distances import command as distance_command
from eval.distances import table as distance_table
from eval.distances.reference import prepared
from eval.distances.table import Set
from eval.features.choice import Extractor
from eval.sources.held_out import halves
from vaegan.data import ImageSet
from vaegan.errors import UserError

BLURS = (0.25, 0.5, 1.0, 2.0)  # px
NOISES = (0.02, 0.05, 0.1, 0.2)  # standard deviation, of the 0..1 range
MISSING = (1, 3, 5)  # kinds left out: the rarest ones, so that as many images as possible remain
REPEATED = 100  # images that a generator which has memorised them repeats
SERIES = ("blur", "noise", "missing")
GROWING = "frechet"


@dataclass(frozen=True)
class Condition:
    """Images in a known state; `series` says what it belongs to, "" for those that stand alone."""

    title: str
    series: str
    images: Tensor = field(repr=False)


def run(test: ImageSet, train: ImageSet, extractor: Extractor, most: int, seed: int, file: Path | None) -> None:
    """Measure, print, write, and raise UserError for what does not make sense."""
    table = measured(test, train, extractor, most, seed)
    if file:
        distance_command.write(table, file)
    print(distance_command.text(table))
    wrong = nonsense(table["rows"])
    if wrong:
        raise UserError(f"{extractor.name} does not make sense: {'; '.join(wrong)}; train another extractor")


def measured(test: ImageSet, train: ImageSet, extractor: Extractor, most: int, seed: int) -> dict:
    """The table of every condition, all of one count; each row also has its `series`."""
    calibration, reported = halves(test, len(test.images), seed)
    left = {n: reported[~missing(test, reported, n)] for n in (MISSING if test.labels is not None else ())}
    count = min([most, len(calibration), *map(len, left.values())])
    parts = test.images[calibration[:count]], test.images[reported[:count]]
    protocol, floors = prepared(test, train, parts, extractor, seed)
    damaged = conditions(parts[1], train.images, seed)
    damaged += [
        Condition(f"{n} kind{'s' * (n > 1)} missing", "missing", test.images[rows[:count]]) for n, rows in left.items()
    ]
    sets = [Set(c.title, None, distance_table.of_vectors(extractor.features(c.images))) for c in damaged]
    table = distance_table.table(distance_table.rows([*floors, *sets], protocol))
    series = {c.title: c.series for c in damaged}
    return {**table, "rows": [{**row, "series": series.get(row["title"], "floor")} for row in table["rows"]]}


def conditions(images: Tensor, training: Tensor, seed: int) -> list[Condition]:
    """Real images blurred, noisy, and repeated."""
    times = -(-len(images) // REPEATED)
    repeats = {"held-out": images[:REPEATED], "training": training[:REPEATED]}
    return [
        *(Condition(f"blurred {sigma:g} px", "blur", gaussian_blur(images, sigma)) for sigma in BLURS),
        *(Condition(f"noise {sd:g}", "noise", add_noise(images, seed, sd)) for sd in NOISES),
        *(
            Condition(f"{REPEATED} {kind} images repeated", "", some.repeat(times, 1, 1, 1)[: len(images)])
            for kind, some in repeats.items()
        ),
    ]


def missing(images: ImageSet, rows: Tensor, count: int) -> Tensor:
    """Which of the images `rows` show one of the `count` rarest classes or attributes, bool (N,)."""
    labels = images.known_labels
    if labels.ndim == 1:  # -1 is unlabelled: of no kind
        labels = torch.nn.functional.one_hot(labels.long().clamp(min=0)) * (labels >= 0)[:, None]
    rarest = labels.double().mean(dim=0).argsort(stable=True)[:count]
    return labels[rows][:, rarest].bool().any(dim=1)


def nonsense(rows: Sequence[dict]) -> list[str]:
    """What a trustworthy distance would not say: steps that do not grow, a floor that is not the floor, repeats that
    coverage or copies do not notice."""
    floor = max(row[GROWING] for row in rows if row["series"] == "floor")
    said = []
    for series in SERIES:
        steps = [row for row in rows if row["series"] == series]
        said += [f"{b['title']} is nearer than {a['title']}" for a, b in pairwise(steps) if b[GROWING] <= a[GROWING]]
        said += [f"{row['title']} is nearer than the floor" for row in steps if row[GROWING] <= floor]
    repeated = [row for row in rows if not row["series"]]
    said += [f"{row['title']} is not noticed" for row in repeated if not row["flags"]]
    return said
