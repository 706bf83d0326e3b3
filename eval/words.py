"""Numbers and names for people: how every report, table and command of this package writes them."""

import math
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from vaegan.config import Config, default_run_dir

DATASET_TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
ABSENT = "–"
BEYOND = "beyond"  # the calibrated range: pixels that are infinite, null in JSON


def fixed(value: float | None, digits: int) -> str:
    """A number with `digits` decimals and a real minus sign; an en dash for a number that is not there."""
    if value is None:
        return ABSENT
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def probability(p: float | None) -> str:
    """A p value for people: three decimals, never 0."""
    return ABSENT if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def pixels(value: float, digits: int = 2) -> str:
    """Pixels for a column or an interval's end: in words where they have no figure, beyond the calibrated range."""
    if math.isnan(value):
        return "unknown"
    return BEYOND if math.isinf(value) else f"{value:.{digits}f}"


def bracketed(low: float, high: float) -> str:
    """The ends of an interval in pixels, "[0.43, 0.47]"."""
    return f"[{pixels(low)}, {pixels(high)}]"


def finite(value: Any) -> Any:
    """The same JSON value with every NaN or infinity as null: JSON has no other way to say "no number"."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def dataset_title(name: str) -> str:
    """A data set's name for people: of folder:DIR and npz:FILE the last part of the path."""
    kind, colon, path = name.partition(":")
    return Path(path).stem if colon else DATASET_TITLES.get(kind, kind)


def slug(dataset: str) -> str:
    """A data set's name as vaegan.train puts it into the names of run directories."""
    return default_run_dir(Config(dataset=dataset, mode="mode", seed=0)).name.removesuffix("-mode-s0")


def shown(path: Path) -> str:
    """A path as a person here would type it: relative to the working directory where it lies below."""
    path = Path(path)
    if not path.is_absolute():
        return str(path)
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def joined(names: Sequence[str]) -> str:
    """Names as in a sentence: "A", "A and B", "A, B and C"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up as plain text, two spaces apart."""
    return "\n".join("  ".join(line).rstrip() for line in _aligned([head, *rows]))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """A table in Markdown whose columns also line up as plain text, those numbered in `right` to the right."""
    first, *others = _aligned([head, *rows], right)
    rule = "|".join("-" * (len(cell) + 1) + ("-:"[i in right]) for i, cell in enumerate(first))
    return "\n".join([_row(first), f"|{rule}|", *map(_row, others)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _aligned(lines: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[list[str]]:
    columns = [
        [f"{cell:{'>' if i in right else '<'}{max(map(len, column))}}" for cell in column]
        for i, column in enumerate(zip(*lines, strict=True))
    ]
    return [list(line) for line in zip(*columns, strict=True)]
