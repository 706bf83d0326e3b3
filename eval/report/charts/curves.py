"""Charts whose lines are curves: calibration of every measure, spectrum relative to real, training by step."""

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eval.report import grouping
from eval.report.charts.drawing import INK, MUTED, PANELS, Chart, colour, group_lines, legend, number, panels
from eval.report.schema import Report

SHOWN = -0.6, 3.0  # px of blur that the calibration charts show; the curves reach further
# Panel title -> prefix of the scalars it shows; one panel a scalar for terms, one for all of a group otherwise.
SCALARS = (("Dis: mean probability", "dis/"), ("Share of skipped updates", "gate/"))
TERMS = {
    "terms/prior": "Prior term (KL), nats",
    "terms/pixels": "Pixel reconstruction, nats",
    "terms/features": "Dis_l reconstruction, nats",
}
POINTS = 1500  # of all runs together that one training line's panel draws: twice in the page, 12 bytes each

LINES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", ":", "-.")  # of the scalars in one panel


def calibration(report: Report, origin: str) -> Chart:
    """Each measure of real images under known blurs, and where the reconstructions lie on it."""
    return Chart(
        "calibration",
        "Calibration curves",
        "Each measure against the Gaussian blur put on real images; monotone curves, read backwards to give pixels",
        "Lines: real images of the calibration half under a known blur; below 0 px, sharpened. Dots: a run's "
        f"reconstructions, read off the line. {origin}",
        lambda figure, narrow: _calibration(figure, report, narrow),
        2.7,
        2.1 * len(report.measures) + 0.4,
    )


def _calibration(figure: Figure, report: Report, narrow: bool) -> None:
    measures = report.measures
    for axes, measure in zip(panels(figure, len(measures), narrow), measures, strict=True):
        nodes = zip(measure.curve.sigma, measure.curve.value, strict=True)
        sigma, value = zip(*(node for node in nodes if SHOWN[0] <= node[0] <= SHOWN[1]), strict=True)
        axes.plot(sigma, value, "-", color=INK, linewidth=1.4)
        if min(value) > 0 and max(value) > 20 * min(value):
            axes.set_yscale("log")
        axes.set_title(measure.title + (" (primary)" if measure.primary else ""))
        axes.set_xlabel("blur put on real images, px")
        axes.set_ylabel(f"mean, {measure.unit}" if measure.unit else "mean")
        axes.grid()
        for source in report.sources:
            blur = source.blur[measure.name]
            if source.kind == "reconstructions" and blur.value is not None and blur.value <= SHOWN[1]:
                assert blur.measure is not None  # a value was read from it
                axes.plot(blur.value, blur.measure, "o", color=colour(report, source.run), markersize=4.5)
    legend(figure, group_lines(report, grouping.groups(report), marker="o", linestyle=""), narrow)


def spectrum(report: Report, origin: str) -> Chart:
    """Power by frequency relative to real images, of reconstructions and of prior samples."""
    present = {source.kind for source in report.sources if source.id in report.spectrum.relative}
    kinds = [kind for kind in PANELS if kind in present]
    several = grouping.groups(report) != [] and len(report.runs) > len(grouping.groups(report))
    mean = " Thin: single seeds; thick: their geometric mean." if several else ""
    return Chart(
        "spectrum",
        "Power spectrum relative to real images",
        "Power by spatial frequency relative to held-out images: a blurred source falls below 1 at the right",
        f"Blur takes power from the right; grain and checkerboards add it there. Beyond 0.5 lie the corners.{mean} "
        f"{origin}",
        lambda figure, narrow: _spectrum(figure, report, kinds, narrow),
        3.1,
        2.5 * len(kinds) + 0.5,
    )


def _spectrum(figure: Figure, report: Report, kinds: Sequence[str], narrow: bool) -> None:
    frequency = report.spectrum.frequency
    for axes, kind in zip(panels(figure, len(kinds), narrow, sharey=True), kinds, strict=True):
        for group in grouping.groups(report):
            lines = [power for run in group.labels if (power := _power(report, kind, run)) is not None]
            shade = colour(report, group.labels[0])
            for power in lines if len(lines) > 1 else ():
                axes.plot(frequency, power, color=shade, linewidth=0.7, alpha=0.55)
            if lines:
                axes.plot(frequency, _geometric_mean(lines), color=shade, linewidth=1.7)
        axes.axhline(1, color=INK, linewidth=0.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_title(PANELS[kind])
        axes.set_xlabel("frequency, cycles a pixel (0.5: Nyquist)")
        axes.set_ylabel("power, real = 1")
        axes.grid()
        axes.label_outer() if not narrow else None
    legend(figure, group_lines(report, grouping.groups(report)), narrow)


def _power(report: Report, kind: str, run: str) -> list[float] | None:
    """The relative power of one run's images of a kind; nan where there is none, which a log scale cannot show."""
    source = next((s.id for s in report.sources if s.kind == kind and s.run == run), "")
    power = report.spectrum.relative.get(source)
    return None if power is None else [p if p and p > 0 else math.nan for p in power]


def _geometric_mean(lines: Sequence[Sequence[float]]) -> list[float]:
    return [math.exp(sum(map(math.log, column)) / len(column)) for column in zip(*lines, strict=True)]


def training_panels(report: Report) -> list[tuple[str, list[str]]]:
    """(title, scalar names) of every training panel that some run logged."""
    logged = {name for run in report.training.values() for name in run.series}
    panels = [(title, [name]) for name, title in TERMS.items() if name in logged]
    for title, prefix in SCALARS:
        names = sorted(name for name in logged if name.startswith(prefix))
        if names:
            panels.append((title, names))
    return panels


def training(report: Report) -> Chart | None:
    """Every logged term against the step; None when no run logged any."""
    shown = training_panels(report)
    if not shown:
        return None
    return Chart(
        "training",
        "Training curves",
        "Every logged term, the discriminator's probabilities and the share of gated updates against the step",
        "One line a run, coloured by mode. From each run's metrics.jsonl, under the names used there.",
        lambda figure, narrow: _training(figure, report, shown, narrow),
        2.1 * -(-len(shown) // 3) + 0.3,
        1.9 * len(shown) + 0.5,
    )


def _training(figure: Figure, report: Report, shown: Sequence[tuple[str, list[str]]], narrow: bool) -> None:
    every = panels(figure, len(shown), narrow, rows=-(-len(shown) // 3))
    for axes, (title, names) in zip(every, shown, strict=True):
        styles = dict(zip(names, LINES, strict=False))
        for label, run in report.training.items():
            shade, runs = colour(report, label), len(report.training)
            for name in (name for name in styles if name in run.series):
                _line(axes, run.step, run.series[name], runs, styles[name], shade)
        axes.set_title(title, pad=16 if len(styles) > 1 else 6)
        axes.set_xlabel("step")
        axes.grid()
        if len(styles) > 1:
            entries = [Line2D([], [], color=MUTED, linestyle=style, linewidth=1.1) for style in styles.values()]
            words = [name.split("/")[1] for name in styles]
            axes.legend(
                entries, words, loc="lower left", bbox_to_anchor=(-0.02, 0.96), ncols=4, fontsize=7, columnspacing=1.0,
                handlelength=1.6,
            )  # fmt: skip
    legend(figure, group_lines(report, grouping.groups(report)), narrow)


def _line(axes: Axes, steps: Sequence[int], values: Sequence, runs: int, style: str, shade: str) -> None:
    """One run's scalar, with fewer points the more runs there are."""
    every = max(1, len(steps) * runs // POINTS)
    axes.plot(
        steps[::every],
        [number(value) for value in values[::every]],
        style,
        color=shade,
        linewidth=1.1 if runs <= grouping.FEW else 0.7,
    )
