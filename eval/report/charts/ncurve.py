"""The chart of the Frechet distance against the number of images: how much of each distance is bias."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import INK, PANELS, Chart, colour, group_lines, legend, number, panels
from eval.report.schema import Report
from eval.report.sections import Distance

LIMIT = "frechet_limit"  # the column whose lines are drawn


def ncurve(report: Report, origin: str) -> Chart | None:
    """Distances against 1 / N with the lines to N = infinity; None where no line can be drawn."""
    kinds: dict[str | None, str] = {source.id: source.kind for source in report.sources}
    rows = [row for row in report.distances.rows if row.source and row.values[LIMIT] is not None]
    shown = [(title, [row for row in rows if kinds[row.source] == kind]) for kind, title in PANELS.items()]
    shown = [(title, own) for title, own in shown if own]
    if not shown:
        return None
    name = report.distances.columns[0].title
    return Chart(
        "ncurve",
        f"{name} by number of images",
        f"{name} against the number of images; every line falls towards its value at infinitely many",
        "Filled: measured at N images a side, averaged over disjoint parts. Open: where the line meets 1/N = 0. "
        f"Black: other held-out images, whose distance is bias alone. {report.distances.protocol}. {origin}",
        lambda figure, narrow: _draw(figure, report, shown, floors(report), name, narrow),
        3.0,
        2.6 * len(shown) + 0.5,
    )


def floors(report: Report) -> list[Distance]:
    """Rows of real images: what is no source of the report has no model behind it, not even PCA."""
    return [row for row in report.distances.rows if row.source is None]


def _draw(
    figure: Figure,
    report: Report,
    shown: Sequence[tuple[str, list[Distance]]],
    floors: Sequence[Distance],
    name: str,
    narrow: bool,
) -> None:
    for axes, (title, rows) in zip(panels(figure, len(shown), narrow), shown, strict=True):
        for row in [*floors[-1:], *rows]:
            shade, limit = colour(report, row.run), number(row.values[LIMIT])
            values = [number(value) for value in row.curve.value]
            x = [1 / count for count in row.curve.count]
            slope = (values[-1] - limit) / x[-1]
            axes.plot([0, x[0]], [limit, limit + slope * x[0]], color=shade, linewidth=0.8)
            axes.plot(x, values, "o", color=shade, markersize=4)
            axes.plot(0, limit, "o", color=shade, markersize=5, markerfacecolor="none", clip_on=False)
        counts = rows[0].curve.count
        ticks = [*counts[:-2], counts[-1]]  # the last but one would run into its neighbour
        axes.set_xticks([0, *(1 / count for count in ticks)], ["∞", *(f"{count:,}" for count in ticks)])
        axes.set_xlabel("images a side (spaced as 1/N)")
        axes.set_ylabel(name)
        axes.set_ylim(bottom=0)
        axes.set_title(title)
        axes.grid()
    real = ("held-out images", Line2D([], [], color=INK, linewidth=1.7))
    legend(figure, [*group_lines(report, grouping.groups(report)), real], narrow)
