"""report.html in headless Chromium: no error, every image there, rows that zoom together, no overflow on a phone."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from example_study import study

from eval.report import rendering as report
from eval.report.charts import drawing

PROBE = Path(__file__).with_name("page_probe.js")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page is not tried out")
WIDTHS = (390, 1280)
ROWS = 19  # the original, three rungs (0 px is the original), fifteen runs


def browse(page: str, folder: Path, width: int, dark: bool = False) -> tuple[dict, list[str]]:
    """Open a page in a frame of `width` CSS pixels (no window is as narrow as a phone): what the probe found, and every
    error of the console."""
    (folder / "page.html").write_text(page.replace("</body>", f"<script>{PROBE.read_text()}</script></body>"))
    (folder / "frame.html").write_text(
        "<body><script>addEventListener('message', e => document.body.setAttribute('data-found', e.data))</script>"
        f"<iframe src='page.html' style='width:{width}px;height:900px;border:0'></iframe></body>"
    )
    settings = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    settings += [f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--user-data-dir={folder / 'profile'}"]
    settings += [f"--window-size={max(width, 500)},900", "--virtual-time-budget=10000", "--dump-dom"]
    command = [CHROMIUM, *settings, (folder / "frame.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1])), errors


def write(out: Path) -> str:
    with report.staged(out) as folder:
        report.write(*study(), folder)
    return (out / "report.html").read_text()


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    """The page of fifteen runs, every chart one small picture."""
    drawn = {}

    def once(chart):
        if not drawn:
            drawn["all"] = render(chart)
        return drawn["all"]

    render = drawing.render
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(drawing, "render", once)
        return write(tmp_path_factory.mktemp("page") / "out")


@pytest.fixture(scope="module", params=WIDTHS)
def visit(request, page, tmp_path_factory) -> tuple[dict, list[str]]:
    return browse(page, tmp_path_factory.mktemp("visit"), request.param, dark=request.param == 390)


@needs_chromium
def test_the_console_is_silent_and_every_image_is_there(visit):
    found, errors = visit
    assert errors == []
    assert found["broken"] == 0 and found["images"] > 2 * ROWS


@needs_chromium
def test_nothing_is_wider_than_the_screen(visit):
    found, _ = visit
    assert found["overflow"] <= 0 and found["overflowOpen"] <= 0


@needs_chromium
@pytest.mark.parametrize(
    ("act", "image", "left", "top", "side"),
    [
        ("atFirst", 1, 0, 0, 1),
        ("slider", 3, 0, 0, 1),
        ("strip", 5, 0, 0, 1),  # a click on the fifth image of the third row
        ("plus", 5, 0.25, 0.25, 0.5),
        ("right", 5, 0.375, 0.25, 0.5),
        ("corner", 5, 0.125, 0, 0.5),
        ("lens", 5, 0.25, 0.125, 0.25),  # a click on the middle of the second tile
        ("escape", 5, 0, 0, 1),
        ("end", 10, 0, 0, 1),  # there is no image after the last
    ],
)
def test_all_rows_show_the_same_part_of_the_same_image(visit, act, image, left, top, side):
    found, _ = visit
    seen = found[act]
    assert found["rows"] == len(seen["frames"]) == len(seen["lenses"]) == ROWS
    for place in seen["frames"] + seen["lenses"]:
        assert place == pytest.approx([image - 1 + left, top, side], abs=0.03), act
    assert {re.search(r"image (\d+),", label)[1] for label in seen["labels"]} == {str(image)}
    assert seen["said"].startswith(f"{image} of 10, ") and ("whole" in seen["said"]) == (side == 1)


@needs_chromium
def test_pixels_stay_squares_and_keys_reach_every_row(visit):
    found, _ = visit
    assert found["rendering"] == "pixelated" and found["focusable"] is True


@needs_chromium
def test_dark_mode_is_dark_and_light_mode_is_light(visit):
    found, _ = visit
    brightness = sum(map(int, re.findall(r"\d+", found["paper"])[:3])) / 3
    assert brightness < 50 if found["width"] == 390 else brightness > 200


@needs_chromium
def test_an_error_and_a_lost_image_would_be_noticed(page, tmp_path):
    broken = page.replace("data:image/png;base64,iV", "data:image/png;base64,xx", 1)
    broken = broken.replace("</body>", "<script>console.error('seen'); nothing()</script></body>")
    found, errors = browse(broken, tmp_path, 390)
    assert found["broken"] >= 1
    assert any("seen" in line for line in errors) and any("nothing is not defined" in line for line in errors)


def test_without_scripts_the_strips_are_there_and_the_controls_are_not(page):
    body = page[: page.index("<script>")]
    assert body.count('class="row ') == ROWS
    assert re.findall(r'<div class="(?:zoom|tiles)"(?! hidden)', body) == []


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_no_words_of_a_chart_lie_on_each_other(tmp_path, width):
    """All charts of fifteen runs, drawn; the default page has one for all."""
    found, errors = browse(write(tmp_path / "out"), tmp_path, width)
    assert errors == [] and found["texts"] > 100
    assert found["overlaps"] == []
