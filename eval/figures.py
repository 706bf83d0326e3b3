"""Charts of report.json; every chart is drawn once and saved as PNG and as SVG that follows the
page's light or dark theme."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

# Every colour of a chart, and the CSS variable that takes its place in the page (report.html.j2 defines both themes).
INK, MUTED, LINE, PAPER = "#1f2328", "#6a6f76", "#d9d6cf", "#fbfaf7"
RUN_COLOURS = ("#b5502b", "#1d6f8a", "#7a5ea8", "#5c7a29", "#a8862b", "#8a3d63", "#3d6b5c")
THEME = {INK: "--ink", MUTED: "--muted", LINE: "--line", PAPER: "--paper"}
THEME |= {c: f"--run-{i}" for i, c in enumerate(RUN_COLOURS)}
STYLE = {
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
SHOWN = -0.6, 3.0  # px of blur that the calibration charts show; the curves reach further
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


def colour(report: dict, run: str | None) -> str:
    """The colour of a run, by its place in the report; ink for sources that belong to no run."""
    labels = [row["label"] for row in report["runs"]]
    return RUN_COLOURS[labels.index(run) % len(RUN_COLOURS)] if run in labels else INK


def charts(report: dict) -> list[Chart]:
    """Every chart that the report has data for, in the order of the page."""
    primary = next(row for row in report["measures"] if row["primary"])
    rows = len(report["sources"])
    found = [
        Chart(
            "sigma_eq",
            "Equivalent blur of every source",
            "; ".join(f"{s['title']}: {s['blur'][primary['name']]['text']}" for s in report["sources"]),
            "Filled: reconstructions, paired with the held-out images. Hollow: prior samples. Bars: 95 % intervals. "
            "Grey ticks: blur put there on purpose, which the instrument has to find.",
            lambda figure, narrow: _sigma_eq(figure, report, primary["name"], narrow),
            0.32 * rows + 0.9,
            0.40 * rows + 1.0,
        ),
        Chart(
            "calibration",
            "Calibration curves",
            "Each measure against the Gaussian blur put on real images; monotone curves, read backwards to give pixels",
            "Lines: real images of the calibration half under a known blur. Dots: reconstructions, read off the line.",
            lambda figure, narrow: _calibration(figure, report, narrow),
            2.3,
            2.0 * len(report["measures"]),
        ),
        Chart(
            "spectrum",
            "Power spectrum relative to real images",
            "Power by spatial frequency relative to held-out images: a blurred source falls below 1 at the right",
            "Blur takes power from the right; grain and checkerboards add it there. Beyond 0.5 lie the corners.",
            lambda figure, narrow: _spectrum(figure, report, narrow),
            2.9,
            3.2,
        ),
    ]
    panels = training_panels(report)
    if panels:
        found.append(
            Chart(
                "training",
                "Training curves",
                "Every logged term, the discriminator's probabilities and the share of gated updates against the step",
                "From each run's metrics.jsonl, under the names used there.",
                lambda figure, narrow: _training(figure, report, panels, narrow),
                2.1 * -(-len(panels) // 3),
                1.9 * len(panels),
            )
        )
    return found


def _sigma_eq(figure: Figure, report: dict, measure: str, narrow: bool) -> None:
    axes = figure.add_subplot()
    sources = report["sources"]
    for y, source in enumerate(sources):
        blur = source["blur"][measure]
        shade = colour(report, source["run"])
        if source["applied_sigma"] is not None:
            axes.plot(source["applied_sigma"], y, "|", color=MUTED, markersize=13, markeredgewidth=1.2)
        if blur["value"] is None:
            axes.text(0, y, f" {blur['text']}", va="center", fontsize=8, color=shade)
            continue
        low, high = blur["low"], blur["high"]
        low, high = blur["value"] if low is None else low, blur["value"] if high is None else high
        axes.hlines(y, low, high, color=shade, linewidth=2.2)
        hollow = PAPER if source["kind"] == "samples" else shade
        axes.plot(blur["value"], y, "o", color=shade, markersize=5.5, markerfacecolor=hollow)
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(sources)), [_wrap(s["title"], 20) if narrow else s["title"] for s in sources])
    axes.tick_params(axis="y", length=0)
    for label, source in zip(axes.get_yticklabels(), sources, strict=True):
        label.set_color(colour(report, source["run"]))
    axes.set_ylim(len(sources) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    size = report["dataset"]["image_size"]
    axes.set_xlabel(f"equivalent Gaussian blur, px at {size}×{size}" + ("" if narrow else "   (tick: blur put there)"))


def _wrap(text: str, width: int) -> str:
    text = text.replace(" px", "\u00a0px").replace("× ", "×\u00a0")
    if len(text) <= width:
        return text
    cut = text.rfind(" ", 0, width + 1)
    return text if cut < 0 else text[:cut] + "\n" + text[cut + 1 :]


def _calibration(figure: Figure, report: dict, narrow: bool) -> None:
    measures = report["measures"]
    grid = (len(measures), 1) if narrow else (1, len(measures))
    for axes, measure in zip(figure.subplots(*grid, squeeze=False).flat, measures, strict=True):
        nodes = zip(measure["curve"]["sigma"], measure["curve"]["value"], strict=True)
        sigma, value = zip(*(node for node in nodes if SHOWN[0] <= node[0] <= SHOWN[1]), strict=True)
        axes.plot(sigma, value, "-", color=INK, linewidth=1.4)
        if min(value) > 0 and max(value) > 20 * min(value):
            axes.set_yscale("log")
        axes.set_title(measure["title"] + (" (primary)" if measure["primary"] else ""))
        axes.set_xlabel("blur put on real images, px")
        axes.grid()
        for source in report["sources"]:
            blur = source["blur"][measure["name"]]
            if source["kind"] == "reconstructions" and blur["value"] is not None:
                axes.plot(blur["value"], blur["measure"], "o", color=colour(report, source["run"]), markersize=5)


def _spectrum(figure: Figure, report: dict, narrow: bool) -> None:
    axes = figure.add_subplot()
    frequency = report["spectrum"]["frequency"]
    for name, power in report["spectrum"]["relative"].items():
        source = next(s for s in report["sources"] if s["name"] == name)
        style = "-" if source["kind"] == "reconstructions" else "--"
        shade = colour(report, source["run"]) if source["run"] else MUTED
        axes.plot(frequency, power, style, color=shade, linewidth=1.5, label=source["title"])
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("spatial frequency, cycles a pixel (0.5: Nyquist)")
    axes.set_ylabel("power, real = 1")
    axes.grid()
    figure.legend(fontsize=8, loc="outside upper left", ncols=1 if narrow else 2)


# Panel title -> prefix of the scalars it shows; one panel a scalar for terms, one for all of a group otherwise.
GROUPS = (("Dis: mean probability", "dis/"), ("Share of skipped updates", "gate/"))
TERMS = {
    "terms/prior": "Prior term (KL), nats",
    "terms/pixels": "Pixel reconstruction, nats",
    "terms/features": "Dis_l reconstruction, nats",
}


def training_panels(report: dict) -> list[tuple[str, list[str]]]:
    """(title, scalar names) of every training panel that some run logged."""
    logged = {name for run in report["training"].values() for name in run["series"]}
    panels = [(title, [name]) for name, title in TERMS.items() if name in logged]
    for title, prefix in GROUPS:
        names = sorted(name for name in logged if name.startswith(prefix))
        if names:
            panels.append((title, names))
    return panels


def _training(figure: Figure, report: dict, panels: Sequence[tuple[str, list[str]]], narrow: bool) -> None:
    columns = 1 if narrow else 3
    axes_of = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flat
    for axes, (title, names) in zip(axes_of, panels, strict=False):
        for label, run in report["training"].items():
            for name, style in zip([n for n in names if n in run["series"]], ("-", "--", ":", "-."), strict=False):
                axes.plot(
                    run["step"],
                    [float("nan") if v is None else v for v in run["series"][name]],
                    style,
                    color=colour(report, label),
                    linewidth=1.1,
                    label=name.split("/")[1] if len(names) > 1 else _title(report, label),
                )
        axes.set_title(title, pad=16)
        axes.set_xlabel("step")
        axes.grid()
        entries = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # one a name, not one a run
        above = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.96), "ncols": 4}
        axes.legend(entries.values(), entries.keys(), fontsize=7, columnspacing=1.0, handlelength=1.4, **above)
    for axes in list(figure.axes)[len(panels) :]:
        axes.remove()


def _title(report: dict, label: str) -> str:
    return next(run["title"] for run in report["runs"] if run["label"] == label)
