"""report.json -> report.html, report.md: complete, self-contained, escaped, replaced only as a whole."""

import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from example_report import MODES, TINY, example
from example_study import study
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from eval.evidence import pictures
from eval.report import board, sections, stored
from eval.report import rendering as report
from eval.report.charts import drawing, ncurve
from vaegan.errors import UserError


class Page(HTMLParser):
    """Tags of a page, with their attributes, and whether every one was closed."""

    VOID = {"meta", "link", "img", "br", "input", "path", "use", "circle", "rect", "line"}

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    with report.staged(out) as folder:
        report.write(*example(), folder)
    return out


def test_a_report_is_html_markdown_json_and_figures(written):
    found = {path.name for path in written.iterdir() if not path.name.startswith("events.out.tfevents.")}
    assert found == {"report.json", "report.html", "report.md", "figures"}
    names = {path.name for path in (written / "figures").iterdir()}
    assert {
        "sigma_eq.png",
        "controls.png",
        "calibration.png",
        "spectrum.png",
        "training.png",
        "faces.png",
        "grid.png",
    } <= names


def test_what_is_beyond_the_calibrated_range_or_of_too_few_images_is_said_in_words(tmp_path, monkeypatch):
    value, shown = example()
    content = study()[0].content
    row = replace(content.rows[0], run=value.runs[0].label, disagree=None)
    row = replace(row, plain=replace(row.plain, value=-0.4, low=None, high=0.5))
    row = replace(row, matched=replace(row.matched, value=4.9, low=None, high=None))
    monkeypatch.setattr(drawing, "render", lambda chart: (TINY, "", ""))
    tmp_path.joinpath("out").mkdir()
    report.write(replace(value, content=replace(content, rows=[row])), shown, tmp_path / "out")
    for name in ("report.md", "report.html"):
        text = re.sub("<[^>]*>", "", (tmp_path / "out" / name).read_text())
        assert "−0.40 [beyond, 0.50]" in text and "4.90 [beyond, beyond]" in text
        assert "too few images" in text and "∞" not in text.replace("N → ∞", "")


def test_the_page_is_one_file_that_needs_no_network(written):
    text = (written / "report.html").read_text()
    page = Page(text)
    assert not page.open
    for tag, attributes in page.tags:
        assert tag != "iframe" and not (tag == "script" and attributes)  # its own few lines alone
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    assert "@import" not in text and "url(http" not in text
    assert len(text) < 5_000_000


def test_every_picture_and_chart_has_words_for_who_cannot_see_it(written):
    page = Page((written / "report.html").read_text())
    pictures_ = [a for tag, a in page.tags if tag == "img"] + [a for _, a in page.tags if a.get("role") == "img"]
    assert len(pictures_) >= 9
    assert all(a.get("alt") or a.get("aria-label") for a in pictures_)


def test_ids_are_unique(written):
    ids = [a["id"] for _, a in Page((written / "report.html").read_text()).tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_charts_follow_the_theme(written):
    text = (written / "report.html").read_text()
    assert "var(--run-0)" in text and "prefers-color-scheme: dark" in text
    assert "#b5502b" not in text.split("</style>", 1)[1]  # no chart keeps a colour of the light theme


def test_verdict_and_figures_stand_in_all_three(written):
    value = stored.read(written)
    for name in ("report.html", "report.md"):
        text = (written / name).read_text()
        assert value.headline.split("'")[0] in text
        assert "0.82" in text and "supported" in text and "beyond 3 px" in text and "−0.08" in text


@pytest.fixture
def no_charts(monkeypatch):
    monkeypatch.setattr(drawing, "render", lambda chart: (TINY, "<svg></svg>", "<svg></svg>"))


def test_names_are_escaped_in_the_page(tmp_path, no_charts):
    value, png = example()
    value = replace(value, dataset=replace(value.dataset, title="folder:<script>alert(1)</script>"))
    with report.staged(tmp_path / "out") as folder:
        report.write(value, png, folder)
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()


def test_the_same_report_gives_the_same_bytes(written, tmp_path):
    with report.staged(tmp_path / "out") as folder:
        report.write(*example(), folder)
    assert (tmp_path / "out" / "report.html").read_bytes() == (written / "report.html").read_bytes()


def test_a_failed_instrument_raises_the_alarm(tmp_path, no_charts):
    value, png = example()
    broken = replace(value.instrument, ok=False, sentence="Held-out, blurred 1 px: read 1.4 px.")
    value = replace(value, instrument=broken)
    with report.staged(tmp_path / "out") as folder:
        report.write(value, png, folder)
    for name in ("report.html", "report.md"):
        assert "Instrument failed" in (tmp_path / "out" / name).read_text()
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert [a["role"] for _, a in page.tags if a.get("class") == "alarm"] == ["alert"]


def test_a_sound_instrument_raises_none(written):
    assert "Instrument failed" not in (written / "report.html").read_text()


def test_an_old_report_stays_until_the_new_one_is_whole(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("old")
    with pytest.raises(RuntimeError), report.staged(out) as folder:
        (folder / "report.json").write_text("half")
        raise RuntimeError
    assert (out / "report.json").read_text() == "old"
    with report.staged(out) as folder:
        (folder / "report.json").write_text("new")
    assert (out / "report.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_other_things_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="holds no report"), report.staged(tmp_path):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_an_out_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), report.staged(tmp_path / "file" / "out"):
        pass


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_failed_control_of_coherence_says_that_the_section_is_no_finding(tmp_path, no_charts, name):
    value, png = study()
    found = value.coherence
    wrong = replace(found, checks=[replace(found.checks[0], ok=False), found.checks[1]])
    for checked, said in ((found, False), (wrong, True)):
        with report.staged(tmp_path / "out") as folder:
            report.write(replace(value, coherence=checked), png, folder)
        text = (tmp_path / "out" / name).read_text()
        assert ("control failed: nothing in this section is a finding" in text) is said


def test_only_real_images_are_the_floor_of_the_curve_by_number():
    value, _ = study()
    assert [row.title for row in ncurve.floors(value)] == ["Training images (floor)", "Held-out images (floor)"]


def test_large_images_stand_in_the_page_with_their_figures(tmp_path, no_charts):
    value, png = study()
    strip = pictures.tiled(
        "large-vae-s0-0.png", torch.zeros(4, 3, 32, 32).byte(), 4, 768, "decoder at 1,024 px", "four"
    )
    interval = {"value": 47.44, "low": 42.2, "high": 54.5}
    ways = [
        {"title": "decoder at 1,024 px", "softness": interval, "sharper": 3, "pixel_error": interval},
        {"title": "decoder at 32 px, bicubic", "softness": interval, "sharper": 0, "pixel_error": None},
    ]
    run = {"run": "vae-s0", "title": "VAE-s0", "ways": ways, "pictures": [strip.entry()]}
    large = {"size": 1024, "runs": [run], "protocol": "Reconstructions at 1024 px"}
    value = replace(value, large=stored.of_value(sections.Large, large))
    with report.staged(tmp_path / "out") as folder:
        report.write(value, png | {strip.file: strip.png}, folder)
    page, text = ((tmp_path / "out" / name).read_text() for name in ("report.html", "report.md"))
    assert "Drawn at 1,024 pixels" in page and 'alt="four"' in page and "47.4" in page
    assert "| decoder at 1,024 px | 47.4 [42.2, 54.5] | 3 | 47.4 |" in text and "| 0 | – |" in text


def test_a_page_of_grain_at_64_pixels_stays_small(tmp_path, no_charts):
    """Noise cannot be compressed: what does not fit is named, never silently gone."""
    value, png = study(64)
    names = {p.file for group in vars(value.pictures).values() for p in group}
    noise = {n: pictures.tiled(n, noisy(n, png), 1, 1, "", "").png for n in names}
    with report.staged(tmp_path / "out") as folder:
        report.write(value, noise, folder)
    text = (tmp_path / "out" / "report.html").read_text()
    assert 3_000_000 < len(text) < 4_500_000  # the charts take the rest
    embedded = text.count("data:image/png")
    assert embedded + text.count("Left out of this file") == len(names) - 1  # 0 px is the original
    assert all(f"figures/reconstructions-{label}-s0.png" not in text for label in MODES)


def noisy(name: str, png: dict[str, bytes]) -> torch.Tensor:
    with Image.open(io.BytesIO(png[name])) as image:
        shape = (1, 3, image.height, image.width)
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).byte()


def test_tensorboard_shows_the_charts_the_strips_and_the_verdict(written):
    events = EventAccumulator(str(written), size_guidance={"images": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    assert {"report/sigma_eq", "report/spectrum", "report_faces/01_faces", "report_samples/00_grid"} <= set(
        tags["images"]
    )
    (chart,) = events.Images("report/sigma_eq")
    assert chart.encoded_image_string == (written / "figures" / "sigma_eq.png").read_bytes()
    (strip,) = events.Images("report_faces/00_faces")
    assert (strip.width, strip.height) == (2 * 512, 2 * 64)  # enlarged, every pixel a square
    with Image.open(io.BytesIO(strip.encoded_image_string)) as image:
        assert image.size == (1024, 128) and image.getpixel((0, 0)) == image.getpixel((1, 1))
    (text,) = events.Tensors("report/verdict/text_summary")
    words = text.tensor_proto.string_val[0].decode()
    assert "0.82 px" in words and "**Samples: supported.**" in words


def test_rendering_again_leaves_one_events_file(written, tmp_path, no_charts):
    shutil.copytree(written, tmp_path / "out")
    report.render(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("events.out.tfevents.*"))) == 1


def test_the_board_says_first_that_the_instrument_failed():
    value, _ = example()
    value = replace(value, instrument=replace(value.instrument, ok=False, sentence="Read 1.4 px."))
    assert board.verdict(value).startswith("**Instrument failed.** Read 1.4 px.")


def test_a_verdict_for_a_grainy_side_is_shown_as_such_wherever_it_stands(tmp_path):
    made, files = example()
    grainy = replace(made, verdicts=[replace(row, grain=["colour grain in 1 of 1 run"]) for row in made.verdicts])
    with report.staged(tmp_path / "out") as folder:
        report.write(grainy, files, folder)
    for name in ("report.html", "report.md"):
        page = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert page.count("supported (with grain)") == len(made.verdicts)
