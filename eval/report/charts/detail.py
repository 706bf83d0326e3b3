"""The chart of detail: power, transfer and coherence of reconstructions by spatial frequency."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import INK, MUTED, Chart, colour
from eval.report.detail import Coherence
from eval.report.schema import Report

PANELS = {
    "power": "Power, real = 1",
    "transfer": "Transfer: what became of the original",
    "coherence": "Coherence: share that follows it",
}


def coherence(report: Report, origin: str) -> Chart | None:
    """Power, transfer and coherence in bands of frequency; None where there are no reconstructions."""
    found = report.coherence
    if found is None:
        return None
    words = "; ".join(
        f"{row.title}: coherence "
        + ", ".join(f"{band.coherence:.2f}" for band in row.bands if band.coherence is not None)
        for row in found.rows
    )
    return Chart(
        "coherence",
        "Sharp is not detail",
        f"By spatial frequency, from coarse to fine. {words}",
        "From coarse structure (left) to fine (right). Power: how much is there; transfer: how much of the original's "
        "structure is left; coherence: the share of the power that follows the original. Power without coherence is "
        f"invented. Dashed: linear VAEs. {origin}",
        lambda figure, narrow: _draw(figure, report, found, narrow),
        3.0,
        7.2,
    )


def _draw(figure: Figure, report: Report, found: Coherence, narrow: bool) -> None:
    grid = (3, 1) if narrow else (1, 3)
    for axes, (name, title) in zip(figure.subplots(*grid, squeeze=False).flat, PANELS.items(), strict=True):
        for row in found.rows:
            shade, style = colour(report, row.run), "--" if row.run is None else "-"
            places = [(band.low * band.high) ** 0.5 or band.high / 2 for band in row.bands]
            values = [getattr(band, name) for band in row.bands]
            axes.plot(places, values, style, color=shade, marker="o", markersize=3, linewidth=1.4)
        axes.set_xscale("log")
        ticks = [0.03, 0.1, 0.3]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.axhline(1, color=MUTED, linewidth=0.8, zorder=0)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        axes.set_title(title)
        axes.set_xlabel("cycles a pixel")
        axes.grid()
    groups = grouping.groups(report)
    handles = [Line2D([], [], color=colour(report, g.labels[0]), linewidth=1.7) for g in groups]
    handles.append(Line2D([], [], color=INK, linewidth=1.4, linestyle="--"))
    names, columns = [*(g.title for g in groups), "linear VAEs"], 2 if narrow else 4
    figure.legend(handles, names, fontsize=8, loc="outside upper left", ncols=columns, labelcolor=MUTED)
