"""The chart of a sweep: what blur, distance and bound do as one setting of the runs varies."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eval.report.charts.drawing import PANELS, Chart, legend, mode_colour, mode_lines, panels
from eval.report.rows import Interval, Run
from eval.report.schema import Report
from vaegan.config import EXECUTION

BLUR = {kind: f"{title}, px" for kind, title in PANELS.items()}
WIDE_RANGE = 4  # of the values' largest over their smallest: from there on a logarithmic axis
APART = EXECUTION | {"seed", "discriminator"}  # what replicates may differ in


@dataclass(frozen=True)
class Point:
    """Runs that differ in nothing but the seed: their settings, and what each panel shows of them."""

    runs: tuple[Run, ...]
    settings: dict[str, Any]
    values: dict[str, Interval]


def sweep(report: Report, origin: str) -> Chart | None:
    """A row of panels for each number that runs of one mode differ in; None where there is none."""
    dots, names = points(report), swept(report)
    shown = list(dict.fromkeys(panel for point in dots for panel in point.values))
    if not names or not shown:
        return None
    words = ", ".join(name.replace("_", " ") for name in names)
    return Chart(
        "sweep",
        f"What {words} changes",
        f"{', '.join(shown)} against {words}, a line for each mode",
        "Each point is the mean over the seeds of one setting, blur with its 95 % interval; lines join runs that "
        f"differ in nothing else. {origin}",
        lambda figure, narrow: _draw(figure, report, dots, names, shown, narrow),
        2.4 * len(names) + 0.4,
        2.1 * len(names) * len(shown) + 0.5,
    )


def points(report: Report) -> list[Point]:
    """The report's runs by what they are replicates of."""
    teams = dict.fromkeys(run.team for run in report.runs)
    groups = [tuple(run for run in report.runs if run.team == team) for team in teams]
    return [Point(runs, report.configs.get(runs[0].label, {}), values(report, runs)) for runs in groups]


def values(report: Report, runs: Sequence[Run]) -> dict[str, Interval]:
    """What replicates read, by panel: blur as the report pools it, distance and bound as means over the runs."""
    labels = {run.label for run in runs}
    by_title: dict[str, Interval] = {BLUR[row.what]: row for row in report.pooled if row.title == runs[0].team}
    kinds = {source.id: source.kind for source in report.sources}
    table = report.distances
    rows = [row for row in table.rows if row.run in labels and row.source and kinds.get(row.source) == "samples"]
    bounds = [row["bounds"] for row in (report.diagnostics or {}).get("rows", ()) if row["run"] in labels]
    means = {f"{table.columns[0].title}, samples": [row.values[table.columns[0].key] for row in rows]} if rows else {}
    means |= {"ELBO, nats": [bound["1"]["value"] for bound in bounds if bound]}
    for title, numbers in means.items():
        known = [n for n in numbers if n is not None]
        by_title |= {title: Interval(fmean(known), None, None)} if known else {}
    return by_title


def swept(report: Report) -> list[str]:
    """Settings that are numbers and differ between runs of one mode."""
    names = [row.setting for row in report.differences if row.setting not in APART and _numbers(report, row.setting)]
    return [name for name in names if any(len(set(own)) > 1 for own in _by_mode(report, name))]


def _by_mode(report: Report, name: str) -> Iterator[list[Any]]:
    for mode in dict.fromkeys(run.mode for run in report.runs):
        yield [report.configs.get(run.label, {}).get(name) for run in report.runs if run.mode == mode]


def _numbers(report: Report, name: str) -> bool:
    numbers = [value for own in _by_mode(report, name) for value in own]
    return all(type(value) in (int, float) and math.isfinite(value) for value in numbers)


def lines(dots: Sequence[Point], name: str) -> list[list[Point]]:
    """Points that differ in one setting alone, in its order; one that has no neighbour stands by itself."""
    rest: dict[str, list[Point]] = {}
    for point in dots:
        others = {key: value for key, value in point.settings.items() if key not in APART | {name}}
        rest.setdefault(repr((point.runs[0].mode, sorted(others.items()))), []).append(point)
    return [sorted(points, key=lambda point: point.settings[name]) for points in rest.values()]


def _draw(
    figure: Figure, report: Report, points: Sequence[Point], names: Sequence[str], shown: Sequence[str], narrow: bool
) -> None:
    every = iter(panels(figure, len(names) * len(shown), narrow, rows=len(names)))
    for name in names:
        joined = lines(points, name)
        for panel in shown:
            axes = next(every)
            for line in joined:
                shade = mode_colour(report, line[0].runs[0].mode)
                _line(axes, [point for point in line if panel in point.values], name, panel, shade)
            _axis(axes, sorted({point.settings[name] for point in points}), name)
            axes.set_title(panel)
    legend(figure, mode_lines(report), narrow)


def _line(axes: Axes, line: Sequence[Point], name: str, panel: str, shade: str) -> None:
    """One line with the intervals of its points; a value that is no number leaves a gap."""
    x = [point.settings[name] for point in line]
    read = [point.values[panel] for point in line]
    axes.plot(
        x, [math.nan if r.value is None else r.value for r in read], "o-", color=shade, markersize=4, linewidth=1.1
    )
    for place, r in zip(x, read, strict=True):
        if r.low is not None and r.high is not None:
            axes.plot([place, place], [r.low, r.high], color=shade, linewidth=0.9)


def _axis(axes: Axes, ticks: Sequence[float], name: str) -> None:
    if ticks[0] > 0 and ticks[-1] / ticks[0] >= WIDE_RANGE:
        axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel(name.replace("_", " "))
    axes.grid()
