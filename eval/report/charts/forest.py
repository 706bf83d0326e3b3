"""Forest plots of equivalent blur: every run with its interval, pooled estimates as diamonds; and the controls."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eval.report import grouping
from eval.report.charts.drawing import INK, MUTED, PANELS, Chart, colour, panels
from eval.report.rows import Reading, Source
from eval.report.schema import Report

WIDE_ROW, NARROW_ROW, ROOM = 0.25, 0.25, 1.15  # inches a row takes, and what lies around the rows
GAP = 0.45  # rows between two modes


@dataclass(frozen=True)
class Row:
    """A line of a forest plot: its height, its words, and what stands there by kind of image, None for nothing."""

    y: float
    label: str
    short: str  # the label without what the lines below it show
    title: str  # the label for who does not see the lines above it
    colour: str
    pooled: bool
    entries: Mapping[str, Reading | None]


def forest(report: Report, measure: str, origin: str) -> Chart:
    """sigma_eq of every run with its interval, by mode; reconstructions beside prior samples."""
    rows = forest_rows(report, measure)
    shown = [kind for kind in PANELS if any(row.entries[kind] for row in rows)]
    height = rows[-1].y + 1
    pooled = any(row.pooled and any(row.entries.values()) for row in rows)
    diamonds = "Diamonds: pooled over seeds, as wide as the 95 % interval. " if pooled else ""
    words = [(row, kind, entry) for kind in shown for row in rows if (entry := row.entries[kind])]
    return Chart(
        "sigma_eq",
        "Equivalent blur of every run",
        "; ".join(f"{PANELS[kind]}, {row.title}: {entry.text}" for row, kind, entry in words),
        f"Dots: runs, with 95 % intervals. {diamonds}An arrow: the interval goes on. 0: as sharp as held-out images. "
        f"{origin}",
        lambda figure, narrow: _draw(figure, report, rows, shown, narrow),
        WIDE_ROW * height + ROOM,
        len(shown) * (NARROW_ROW * height + 0.6) + 0.5,
    )


def forest_rows(report: Report, measure: str) -> list[Row]:
    """The lines of the plot from the top: a mode's pooled estimate where it has several seeds, then its runs."""
    single: dict[tuple[str, str | None], Reading] = {(s.kind, s.run): s.blur[measure] for s in report.sources}
    pooled: dict[tuple[str, str], Reading] = {(row.what, row.title): row for row in report.pooled}
    rows, y = [], 0.0
    for group in grouping.modes(report):
        several = len(group.runs) > 1
        if several:
            diamonds = {kind: pooled.get((kind, group.runs[0].team)) for kind in PANELS}
            shade = colour(report, group.labels[0]) if len(grouping.modes(report)) > 1 else INK
            title = f"{group.title}, {len({run.seed for run in group.runs})} seeds"
            rows.append(Row(y, title, group.title, title, shade, True, diamonds))
            y += 1
        for run in group.runs:
            label = run.name if several else run.title
            entries = {kind: single.get((kind, run.label)) for kind in PANELS}
            rows.append(Row(y, label, label, run.title, colour(report, run.label), False, entries))
            y += 1
        y += GAP
    return rows


def _draw(figure: Figure, report: Report, rows: Sequence[Row], kinds: Sequence[str], narrow: bool) -> None:
    every = panels(figure, len(kinds), narrow, sharex=True, sharey=True)
    limits = _limits([entry for row in rows for kind in kinds if (entry := row.entries[kind])])
    size = report.dataset.image_size
    for axes, kind in zip(every, kinds, strict=True):
        axes.set_title(PANELS[kind])
        _scale(axes, rows, limits)
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_xlabel(f"equivalent Gaussian blur, px at {size}×{size}")
        for row in rows:
            _mark(axes, row, row.entries[kind], limits)
    for axes in every if narrow else every[:1]:
        _name_rows(axes, rows, narrow)


def _limits(entries: Sequence[Reading | None]) -> tuple[float, float]:
    """Pixels that are shown: every value and the interval from 0 to 1, not every end of every interval."""
    values = [0.0, 1.0, *(entry.value for entry in entries if entry and entry.value is not None)]
    margin = 0.12 * (max(values) - min(values))
    return min(values) - margin, max(values) + margin


def _scale(axes: Axes, rows: Sequence[Row], limits: tuple[float, float]) -> None:
    axes.set_xlim(limits)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylim(rows[-1].y + 0.6, -0.7)
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _name_rows(axes: Axes, rows: Sequence[Row], narrow: bool) -> None:
    axes.set_yticks([row.y for row in rows], [wrapped(row.short, 24) if narrow else row.label for row in rows])
    axes.tick_params(axis="y", labelleft=True)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(row.colour)
        label.set_fontsize(8.5 if row.pooled else 8)


def _mark(axes: Axes, row: Row, entry: Reading | None, limits: tuple[float, float]) -> None:
    """A run's dot and bar, a pool's diamond, or words where there is no number."""
    if entry is None:
        return
    if entry.value is None:
        x, side = (limits[0], "left") if entry.where == "below" else (limits[1], "right")
        axes.text(x, row.y, entry.text, ha=side, va="center", fontsize=7.5, color=row.colour)
        return
    low = -math.inf if entry.low is None else entry.low
    high = math.inf if entry.high is None else entry.high
    left, right = max(low, limits[0]), min(high, limits[1])
    if row.pooled:
        axes.fill([left, entry.value, right, entry.value], [row.y, row.y - 0.3, row.y, row.y + 0.3], row.colour)
    else:
        axes.hlines(row.y, left, right, color=row.colour, linewidth=1.8)
        axes.plot(entry.value, row.y, "o", color=row.colour, markersize=4.5)
    for end, inside, marker in ((low, left, "<"), (high, right, ">")):
        if end != inside:
            axes.plot(inside, row.y, marker, color=row.colour, markersize=5, clip_on=False)


def wrapped(text: str, width: int) -> str:
    """A label on two lines where it is longer than `width`, broken between words; a number keeps its unit."""
    text = text.replace(" px", "\u00a0px").replace("× ", "×\u00a0")
    if len(text) <= width:
        return text
    cut = text.rfind(" ", 0, width + 1)
    return text if cut < 0 else text[:cut] + "\n" + text[cut + 1 :]


def controls(report: Report, measure: str, origin: str) -> Chart:
    """What the instrument reads of images whose blur is known."""
    known = [s for s in report.sources if s.kind in ("real", "blurred", "control")]
    height = WIDE_ROW * 1.2 * len(known) + 0.8
    return Chart(
        "controls",
        "Readings of known blurs",
        "; ".join(f"{s.title}: {s.blur[measure].text}" for s in known),
        f"Dots: what was read, with 95 % intervals. Ticks: the blur put there on purpose. {origin}",
        lambda figure, narrow: _draw_controls(figure, report, known, measure, narrow),
        height,
        height + 0.6,
    )


def _draw_controls(figure: Figure, report: Report, known: Sequence[Source], measure: str, narrow: bool) -> None:
    axes = figure.add_subplot()
    rows = [Row(y, s.title, s.title, s.title, INK, False, {"read": s.blur[measure]}) for y, s in enumerate(known)]
    limits = _limits([row.entries["read"] for row in rows])
    _scale(axes, rows, limits)
    _name_rows(axes, rows, narrow)
    for row, source in zip(rows, known, strict=True):
        applied = source.applied_sigma or 0.0
        if applied <= limits[1]:
            axes.plot(applied, row.y, "|", color=MUTED, markersize=13, markeredgewidth=1.2)
        _mark(axes, row, row.entries["read"], limits)
    size = report.dataset.image_size
    axes.set_xlabel(f"equivalent Gaussian blur, px at {size}×{size}")
