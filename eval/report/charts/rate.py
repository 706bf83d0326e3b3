"""The chart of blur against nats: runs as points at their own rate, linear VAEs of every rate as a curve."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import INK, MUTED, PANELS, Chart, colour, group_lines, legend, panels
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
        "intervals. Line: linear VAEs in closed form, which train nothing. A dot below the line is sharper than nats "
        f"alone explain. {origin}",
        lambda figure, narrow: _draw(figure, report, rate, narrow),
        3.2,
        5.6,
    )


def _draw(figure: Figure, report: Report, rate: Rate, narrow: bool) -> None:
    for axes, kind in zip(panels(figure, len(PANELS), narrow, sharey=True), PANELS, strict=True):
        _panel(axes, report, rate, kind)
    dots = group_lines(report, grouping.groups(report), marker="o", linestyle="")
    legend(figure, [*dots, ("linear VAEs", Line2D([], [], color=INK, linewidth=1.4))], narrow)


def _panel(axes: Axes, report: Report, rate: Rate, kind: str) -> None:
    for i, size in enumerate(sorted({point.latent_dim for point in rate.linear})):
        line = [(p.rate, y) for p in rate.linear if p.latent_dim == size and (y := getattr(p, kind)) is not None]
        axes.plot(*zip(*line, strict=True), ("-", "--", ":")[i % 3], color=INK, linewidth=1.4) if line else None
    for run in rate.runs:
        read, shade = getattr(run, kind), colour(report, run.run)
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
