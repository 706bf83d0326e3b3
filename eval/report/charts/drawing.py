"""How charts are drawn: one look, saved as PNG and as SVG that follows the page's light or dark theme."""

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.rows import Number
from eval.report.schema import Report

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

PANELS = {"reconstructions": "Reconstructions", "samples": "Prior samples"}  # kinds of image, side by side
# Every colour of a chart, and the CSS variable that takes its place in the page (report.css defines both themes).
INK, MUTED, LINE, PAPER = "#1f2328", "#6a6f76", "#d9d6cf", "#fbfaf7"
RUN_COLOURS = ("#b5502b", "#1d6f8a", "#7a5ea8", "#5c7a29", "#a8862b", "#8a3d63", "#3d6b5c")
THEME = {INK: "--ink", MUTED: "--muted", LINE: "--line", PAPER: "--paper"}
THEME |= {c: f"--run-{i}" for i, c in enumerate(RUN_COLOURS)}
STYLE: "dict[RcKeyType, Any]" = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's own font
    "svg.hashsalt": "vaegan",  # the same report gives the same bytes
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
WIDE, NARROW = 7.2, 3.9  # inches; the page shows one or the other


@dataclass(frozen=True)
class Chart:
    """A chart of the report: its name, what a reader who cannot see it needs to know, and how it is drawn."""

    name: str
    title: str
    alt: str
    caption: str
    draw: Callable[[Figure, bool], None]  # of (figure, narrow)
    height: float
    narrow_height: float


def number(value: Number) -> float:
    """A value; NaN where there is none, which a chart leaves out."""
    return math.nan if value is None else value


def render(chart: Chart) -> tuple[bytes, str, str]:
    """Draw a chart: PNG bytes for the figures folder, and a wide and a narrow theme-following SVG for the page."""
    with matplotlib.rc_context(STYLE):
        wide = Figure(figsize=(WIDE, chart.height))
        chart.draw(wide, False)
        png = io.BytesIO()
        wide.savefig(png, format="png", dpi=200, facecolor="white")
        narrow = Figure(figsize=(NARROW, chart.narrow_height))
        chart.draw(narrow, True)
        return png.getvalue(), _svg(wide, f"{chart.name}-w"), _svg(narrow, f"{chart.name}-n")


def panels(
    figure: Figure, count: int, narrow: bool, rows: int = 1, sharex: bool = False, sharey: bool = False
) -> list[Axes]:
    """The axes of `count` panels: in rows side by side, or one below the other on a narrow page."""
    grid = (count, 1) if narrow else (rows, -(-count // rows))
    axes = list(figure.subplots(*grid, squeeze=False, sharex=sharex, sharey=sharey).flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


def group_lines(report: Report, groups: Sequence[grouping.Group], **style: Any) -> list[tuple[str, Line2D]]:
    """What a legend shows of groups of runs: title and a line in the group's colour."""
    return [(g.title, Line2D([], [], color=colour(report, g.labels[0]), linewidth=1.7, **style)) for g in groups]


def mode_lines(report: Report, **style: Any) -> list[tuple[str, Line2D]]:
    """What a legend shows of modes: title and a line in the mode's colour."""
    titles = {run.mode: run.mode_title for run in report.runs}
    return [(t, Line2D([], [], color=mode_colour(report, m), linewidth=1.7, **style)) for m, t in titles.items()]


def legend(figure: Figure, entries: Sequence[tuple[str, Line2D]], narrow: bool, columns: int = 4) -> None:
    """Explain lines by their titles, above the panels."""
    titles, lines = [title for title, _ in entries], [line for _, line in entries]
    columns = min(len(entries), columns // 2 if narrow else columns)
    figure.legend(lines, titles, fontsize=8, loc="outside upper left", ncols=columns, labelcolor=MUTED)


def _svg(figure: Figure, prefix: str) -> str:
    """The figure as inline SVG: theme variables for colours, ids made unique to the page, no prolog."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\1{prefix}-", svg)
    svg = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', svg, flags=re.DOTALL)
    for colour, variable in THEME.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)


def mode_colour(report: Report, mode: str) -> str:
    """The colour of all runs of a mode, for charts of a sweep, where each of its settings is a group of its own."""
    modes = list(dict.fromkeys(run.mode for run in report.runs))
    return RUN_COLOURS[modes.index(mode) % len(RUN_COLOURS)]


def colour(report: Report, run: str | None) -> str:
    """The colour of a run, by its group's place in the report; ink for sources that belong to no run."""
    place = grouping.place(report, run)
    return INK if place is None else RUN_COLOURS[place % len(RUN_COLOURS)]
