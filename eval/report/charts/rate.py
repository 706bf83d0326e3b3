"""The chart of blur against nats: runs as points at their own rate, linear VAEs of every rate as a curve."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts import sweep
from eval.report.charts.drawing import (
    INK,
    MUTED,
    PANELS,
    Chart,
    colour,
    group_lines,
    legend,
    mode_colour,
    mode_lines,
    panels,
)
from eval.report.rate import Rate
from eval.report.schema import Report


def rate_blur(report: Report, origin: str) -> Chart | None:
    """Equivalent blur against the nats that a code holds; None where no run has a rate."""
    rate = report.rate
    if rate is None:
        return None
    words = "; ".join(
        f"{run.title}, {run.rate:.0f} nats: {run.reconstructions.text}, samples {run.samples.text}" for run in rate.runs
    )
    return Chart(
        "rate_blur",
        "Blur against nats",
        f"Equivalent blur against the nats of a code. {words}",
        "Dots: runs, at the nats an image that their code holds (mean KL to the prior, held-out images), with 95 % "
        "intervals; of a sweep those of a mode are joined. Black: linear VAEs in closed form, which train nothing. A "
        f"dot below that line is sharper than nats alone explain. {origin}",
        lambda figure, narrow: _draw(figure, report, rate, narrow),
        3.2,
        5.6,
    )


def _draw(figure: Figure, report: Report, rate: Rate, narrow: bool) -> None:
    swept = sweep.swept(report)
    shades = {run.label: mode_colour(report, run.mode) if swept else colour(report, run.label) for run in report.runs}
    for axes, kind in zip(panels(figure, len(PANELS), narrow, sharey=True), PANELS, strict=True):
        _panel(axes, rate, kind, shades)
        for line in sweep.lines(sweep.points(report), swept[0]) if swept else []:
            x, y = joined(rate, line, kind)
            axes.plot(x, y, color=shades[line[0].runs[0].label], linewidth=1.1, zorder=1)
    style = {"marker": "o", "linestyle": ""}
    coded = {run.run for run in rate.runs}
    groups = [group for group in grouping.groups(report) if coded & set(group.labels)]
    dots = mode_lines(report, **style) if swept else group_lines(report, groups, **style)
    legend(figure, [*dots, ("linear VAEs", Line2D([], [], color=INK, linewidth=1.4))], narrow)


def joined(rate: Rate, line: Sequence[sweep.Point], kind: str) -> tuple[list[float], list[float]]:
    """Nats and px through which a mode's line goes as one setting varies: means over the seeds of each value that have
    both."""
    known = {run.run: (run.rate, y) for run in rate.runs if (y := getattr(run, kind).value) is not None}
    read = [[known[run.label] for run in point.runs if run.label in known] for point in line]
    return [fmean(x for x, _ in own) for own in read if own], [fmean(y for _, y in own) for own in read if own]


def _panel(axes: Axes, rate: Rate, kind: str, shades: Mapping[str, str]) -> None:
    for i, size in enumerate(sorted({point.latent_dim for point in rate.linear})):
        line = [(p.rate, y) for p in rate.linear if p.latent_dim == size and (y := getattr(p, kind)) is not None]
        axes.plot(*zip(*line, strict=True), ("-", "--", ":")[i % 3], color=INK, linewidth=1.4) if line else None
    for run in rate.runs:
        read, shade = getattr(run, kind), shades[run.run]
        if read.value is None:
            continue
        if read.low is not None and read.high is not None:
            axes.vlines(run.rate, read.low, read.high, color=shade, linewidth=1.8)
        axes.plot(run.rate, read.value, "o", color=shade, markersize=5)
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
    axes.set_xlim(left=0)
    axes.set_title(PANELS[kind])
    axes.set_xlabel("nats a code holds")
    axes.set_ylabel("equivalent blur, px")
    axes.grid()
