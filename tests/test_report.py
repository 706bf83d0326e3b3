"""report.json -> report.html, report.md: complete, self-contained, escaped, replaced only as a whole."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from example_report import example

from eval import drawing, report
from vaegan.errors import UserError


class Page(HTMLParser):
    """Tags of a page, with their attributes, and whether every one was closed."""

    VOID = {"meta", "link", "img", "br", "path", "use", "circle", "rect", "line"}

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
    assert {path.name for path in written.iterdir()} == {"report.json", "report.html", "report.md", "figures"}
    names = {path.name for path in (written / "figures").iterdir()}
    assert {"sigma_eq.png", "calibration.png", "spectrum.png", "training.png", "faces.png", "grid.png"} <= names


def test_the_page_is_one_file_that_needs_no_network(written):
    text = (written / "report.html").read_text()
    page = Page(text)
    assert not page.open
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe")
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
    value = json.loads((written / "report.json").read_text())
    for name in ("report.html", "report.md"):
        text = (written / name).read_text()
        assert value["headline"].split("'")[0] in text
        assert "0.82" in text and "supported" in text and "beyond 3 px" in text and "−0.08" in text


@pytest.fixture
def no_charts(monkeypatch):
    monkeypatch.setattr(drawing, "render", lambda chart: (b"", "<svg></svg>", "<svg></svg>"))


def test_names_are_escaped_in_the_page(tmp_path, no_charts):
    value, png = example()
    value["dataset"]["title"] = "folder:<script>alert(1)</script>"
    with report.staged(tmp_path / "out") as folder:
        report.write(value, png, folder)
    assert "<script" not in (tmp_path / "out" / "report.html").read_text()


def test_the_same_report_gives_the_same_bytes(written, tmp_path):
    with report.staged(tmp_path / "out") as folder:
        report.write(*example(), folder)
    assert (tmp_path / "out" / "report.html").read_bytes() == (written / "report.html").read_bytes()


def test_a_failed_instrument_raises_the_alarm(tmp_path, no_charts):
    value, png = example()
    value["instrument"] |= {"ok": False, "sentence": "Held-out, blurred 1 px: read 1.4 px."}
    with report.staged(tmp_path / "out") as folder:
        report.write(value, png, folder)
    for name in ("report.html", "report.md"):
        assert "Instrument failed" in (tmp_path / "out" / name).read_text()


def test_numbers_that_are_none_become_null():
    assert report.finite({"a": [float("nan"), 1.0, (float("inf"),)]}) == {"a": [None, 1.0, [None]]}


def test_fixed_gives_no_negative_zero():
    assert [report.fixed(v, 2) for v in (-0.001, -1.0, None, 1.005)] == ["0.00", "−1.00", "–", "1.00"]


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
