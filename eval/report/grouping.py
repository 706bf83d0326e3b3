"""Runs by mode: what stands for what where a report has several seeds of one mode (read from report.json alone)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

FEW = 6  # runs that a table or a legend shows one by one
SHOWN = 7  # groups whose images stand in the page at once: every mode there is


@dataclass(frozen=True)
class Group:
    """What one colour stands for: the runs of a mode, or one run where all are of one mode."""

    title: str
    runs: tuple[dict, ...]

    @property
    def labels(self) -> list[str]:
        return [run["label"] for run in self.runs]


def modes(report: dict) -> list[Group]:
    """The report's runs by mode, in order of appearance."""
    runs = report["runs"]
    return [_group([run for run in runs if run["mode"] == mode]) for mode in dict.fromkeys(r["mode"] for r in runs)]


def groups(report: dict) -> list[Group]:
    """The report's runs by mode; each run for itself where all are of one mode."""
    found = modes(report)
    return found if len(found) > 1 else [Group(run["title"], (run,)) for run in report["runs"]]


def _group(runs: Sequence[dict]) -> Group:
    return Group(runs[0]["title"].removesuffix(_suffix(runs[0])), tuple(runs))


def _suffix(run: dict) -> str:
    """What sets a run apart from others of its mode: the end of its label, and of its title."""
    return run["label"].removeprefix(run["mode"])


def place(report: dict, label: str | None) -> int | None:
    """The number of the group that a run belongs to; None for sources that belong to no run."""
    return next((i for i, group in enumerate(groups(report)) if label in group.labels), None)


def own_name(run: dict) -> str:
    """A run's name within its group: "seed 0", or what its directory is called."""
    suffix = _suffix(run)
    return f"seed {run['seed']}" if suffix in ("", f"-s{run['seed']}") else suffix.lstrip("-")


def shown(report: dict) -> set[str]:
    """Labels of the runs whose images stand in the page at once: the first of each group, at most SHOWN."""
    return {group.labels[0] for group in groups(report)[:SHOWN]}


def crowded(report: dict) -> bool:
    """Whether there are too many runs to show each at once."""
    return len(report["runs"]) > FEW


def averages(report: dict, rows: Sequence[dict], value: Callable[[dict], float | None]) -> list[dict]:
    """Mean, smallest and largest of `value` over each group's rows: {title, run, seeds, value, low, high}.

    `rows` carry the label of their run under "run"; rows without a run and groups without a value are left out.
    """
    found = []
    for group in groups(report):
        values = [value(row) for row in rows if row["run"] in group.labels]
        values = [v for v in values if v is not None]
        if values:
            ends = {"low": min(values), "high": max(values)}
            found.append(
                {"title": group.title, "run": group.labels[0], "seeds": len(values), "value": fmean(values), **ends}
            )
    return found
