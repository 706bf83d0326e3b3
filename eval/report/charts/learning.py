"""The chart of learning curves: what runs read while they trained, by update and by second."""

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import MUTED, Chart, colour
from eval.report.schema import Report

READ = {
    "sigma_eq_reconstructions": "Reconstructions, px",
    "sigma_eq_samples": "Prior samples, px",
    "elbo": "ELBO, nats",
    "frechet": "Fréchet distance, samples",
}
CLOCKS = {"step": "updates", "seconds": "seconds of training"}


def learning(report: Report) -> Chart | None:
    """Readings against updates and against seconds; None where no run was read while it trained."""
    names = [name for name in READ if any(name in run.series for run in report.learning.values())]
    if not names:
        return None
    return Chart(
        "learning",
        "Learning curves",
        "Equivalent blur, bound and distance against updates and against seconds of training",
        "One line a run, read on 500 held-out images while it trained (--measure-every). Seconds are those of the "
        "machine that each run was trained on.",
        lambda figure, narrow: _draw(figure, report, names, narrow),
        2.0 * len(names) + 0.4,
        1.9 * 2 * len(names) + 0.4,
    )


def _draw(figure: Figure, report: Report, names: list[str], narrow: bool) -> None:
    grid = (2 * len(names), 1) if narrow else (len(names), 2)
    panels = iter(figure.subplots(*grid, squeeze=False).flat)
    for name in names:
        for clock, words in CLOCKS.items():
            axes = next(panels)
            for label, run in report.learning.items():
                values = [math.nan if v is None else v for v in run.series.get(name, [])]
                if values:
                    axes.plot(getattr(run, clock), values, "-", color=colour(report, label), linewidth=1.3)
            axes.set_title(READ[name])
            axes.set_xlabel(words)
            axes.grid()
    groups = [group for group in grouping.groups(report) if set(group.labels) & set(report.learning)]
    handles = [Line2D([], [], color=colour(report, g.labels[0]), linewidth=1.7) for g in groups]
    columns = min(len(groups), 2 if narrow else 4)
    figure.legend(handles, [g.title for g in groups], fontsize=8, loc="outside upper left", ncols=columns,
                  labelcolor=MUTED)  # fmt: skip
