"""The chart of detail: power, transfer and coherence of reconstructions by spatial frequency."""

from itertools import cycle
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import INK, MUTED, Chart, colour, group_lines, legend, panels
from eval.report.detail import Coherence
from eval.report.schema import Report

PANELS = {
    "power": "Power, real = 1",
    "transfer": "Transfer",
    "coherence": "Coherence",
}
STYLES: tuple[Literal["--", ":", "-."], ...] = ("--", ":", "-.")  # of what belongs to no run
TICKS = (0.03, 0.1, 0.3)


def coherence(report: Report, origin: str) -> Chart | None:
    """Power, transfer and coherence in bands of frequency; None where there are no reconstructions."""
    part = report.coherence
    if part is None:
        return None
    words = "; ".join(
        f"{row.title}: coherence "
        + ", ".join(f"{band.coherence:.2f}" for band in row.bands if band.coherence is not None)
        for row in part.rows
    )
    return Chart(
        "coherence",
        "Sharp is not detail",
        f"By spatial frequency, from coarse to fine. {words}",
        "From coarse structure (left) to fine (right). Power: how much is there; transfer: how much of the original's "
        "structure is left; coherence: the share of the power that follows the original. Power without coherence is "
        f"invented. {origin}",
        lambda figure, narrow: _draw(figure, report, part, narrow),
        3.3,
        7.6,
    )


def _draw(figure: Figure, report: Report, part: Coherence, narrow: bool) -> None:
    linear = {
        row.source: style
        for row, style in zip((row for row in part.rows if row.run is None), cycle(STYLES), strict=False)
    }
    for axes, (name, title) in zip(panels(figure, len(PANELS), narrow), PANELS.items(), strict=True):
        for row in part.rows:
            places = [(band.low * band.high) ** 0.5 or band.high / 2 for band in row.bands]
            values, style = [getattr(band, name) for band in row.bands], linear.get(row.source, "-")
            axes.plot(places, values, style, color=colour(report, row.run), marker="o", markersize=3, linewidth=1.4)
        axes.set_xscale("log")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.axhline(1, color=MUTED, linewidth=0.8, zorder=0)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_title(title)
        axes.set_xlabel("cycles a pixel")
        axes.grid()
    others = [(row.title, Line2D([], [], color=INK, linestyle=linear[row.source], linewidth=1.6))
              for row in part.rows if row.source in linear]  # fmt: skip
    legend(figure, [*group_lines(report, grouping.groups(report)), *others], narrow, columns=2)
