"""The chart of learning curves: what runs read while they trained, by update and by second."""

import math

from matplotlib.figure import Figure

from eval.report import grouping
from eval.report.charts.drawing import Chart, colour, group_lines, legend, panels
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
    every = iter(panels(figure, len(names) * len(CLOCKS), narrow, rows=len(names)))
    for name in names:
        for clock, words in CLOCKS.items():
            axes = next(every)
            for label, run in report.learning.items():
                values = [math.nan if v is None else v for v in run.series.get(name, [])]
                if values:
                    axes.plot(getattr(run, clock), values, "-", color=colour(report, label), linewidth=1.3)
            axes.set_title(READ[name])
            axes.set_xlabel(words)
            axes.grid()
    groups = [group for group in grouping.groups(report) if set(group.labels) & set(report.learning)]
    legend(figure, group_lines(report, groups), narrow)
