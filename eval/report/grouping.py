"""Runs by mode: what stands for what where a report has several seeds of one mode (read from the report alone)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from eval.report.rows import Run, Source
from eval.report.schema import Report
from eval.report.sections import Distance

FEW = 6  # runs that a table or a legend shows one by one
SHOWN = 7  # groups whose images stand in the page at once: every mode there is
Row = TypeVar("Row", Source, Distance)


@dataclass(frozen=True)
class Group:
    """What one colour stands for: the runs of a mode, or one run where all are of one mode."""

    title: str
    runs: tuple[Run, ...]

    @property
    def labels(self) -> list[str]:
        return [run.label for run in self.runs]


@dataclass(frozen=True)
class Average:
    """Mean, smallest and largest of a group's values; one value has no ends."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Averages:
    """A row of a table of averages: a group, or what belongs to no run; `values` by column."""

    title: str
    run: str | None
    seeds: int | None
    values: dict[str, Average]


def modes(report: Report) -> list[Group]:
    """The report's runs by what they are replicates of, their mode and its settings, in order of appearance."""
    names = dict.fromkeys(run.team for run in report.runs)
    return [_group([run for run in report.runs if run.team == name]) for name in names]


def groups(report: Report) -> list[Group]:
    """The report's runs by mode; each run for itself where all are of one mode."""
    by_mode = modes(report)
    return by_mode if len(by_mode) > 1 else [Group(run.title, (run,)) for run in report.runs]


def _group(runs: Sequence[Run]) -> Group:
    alone = runs[0].label == runs[0].mode  # the only one of its mode: its title may say more than the mode's
    return Group(runs[0].title if alone else runs[0].team, tuple(runs))


def place(report: Report, label: str | None) -> int | None:
    """The number of the group that a run belongs to; None for sources that belong to no run."""
    return next((i for i, group in enumerate(groups(report)) if label in group.labels), None)


def shown(report: Report) -> set[str]:
    """Labels of the runs whose images stand in the page at once: the first of each group, at most SHOWN."""
    return {group.labels[0] for group in groups(report)[:SHOWN]}


def crowded(report: Report) -> bool:
    """Whether there are too many runs to show each at once."""
    return len(report.runs) > FEW


def averages(
    report: Report, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], float | None]]
) -> list[Averages]:
    """Every group's mean over its rows by column; rows without a run and groups without any value are left out."""
    means = []
    for group in groups(report):
        own = [row for row in rows if row.run in group.labels]
        numbers = {name: [v for row in own if (v := value(row)) is not None] for name, value in columns.items()}
        values = {name: Average(fmean(some), min(some), max(some)) for name, some in numbers.items() if some}
        if values:
            seeds = max(len(some) for some in numbers.values())
            means.append(Averages(group.title, group.labels[0], seeds, values))
    return means
