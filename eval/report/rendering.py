"""From report.json to report.html and report.md: every page is rendered from the JSON and the pictures beside it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import jinja2
from markupsafe import Markup

from eval.report import board, grouping, page, stored
from eval.report.charts import drawing, figures
from eval.report.schema import Report
from eval.words import BEYOND, fixed, probability
from vaegan.errors import UserError
from vaegan.storage.writing import replacing_folder

TEMPLATES = Path(__file__).with_name("templates")


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out` that takes its place when the block succeeds and vanishes when it fails.

    A report already there is replaced only then. Raises UserError where `out` cannot be written or holds other things.
    """
    out = Path(out)
    if out.exists() and not (out / "report.json").is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} exists and holds no report; give another --out so that nothing is overwritten")
    try:
        with replacing_folder(out) as stage:
            yield stage
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}; give another --out") from None


def write(report: Report, pictures: dict[str, bytes], folder: Path) -> None:
    """Write report.json, figures/*.png, report.html and report.md into `folder`, the JSON first."""
    stored.write(report, folder)
    (folder / "figures").mkdir(exist_ok=True)
    for name, png in pictures.items():
        (folder / "figures" / name).write_bytes(png)
    render(folder)


def render(folder: Path) -> None:
    """Render report.html, report.md and TensorBoard's events from `folder`/report.json and its pictures; charts go to
    figures/ as PNG."""
    report = stored.read(folder)
    charts = {}
    for chart in figures.charts(report):
        png, wide, narrow = drawing.render(chart)
        (folder / "figures" / f"{chart.name}.png").write_bytes(png)
        trusted = {"wide": Markup(wide), "narrow": Markup(narrow)}
        charts[chart.name] = {"title": chart.title, "alt": chart.alt, "caption": chart.caption, **trusted}
    environment = _environment(report)
    inline = {name: Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("report.css", "zoom.js")}
    seen = page.view(report, folder)
    for template, name in (("report.html.j2", "report.html"), ("report.md.j2", "report.md")):
        environment.autoescape = name.endswith(".html")
        text = environment.get_template(template).render(
            r=report, v=seen, charts=charts, css=inline["report.css"], zoom=inline["zoom.js"]
        )
        (folder / name).write_text(text, encoding="utf-8")
    board.write(report, folder)


def _environment(report: Report) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )

    def run_class(label: str | None) -> str:
        place = grouping.place(report, label)
        return "" if place is None else f"run-{place % len(drawing.RUN_COLOURS)}"

    environment.filters |= {
        "fixed": fixed,
        "end": lambda end, digits: BEYOND if end is None else fixed(end, digits),
        "probability": probability,
        "thousands": lambda n: f"{n:,}",
        "run_class": run_class,
    }
    return environment
