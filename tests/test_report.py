"""report.json -> report.html, report.md: complete, self-contained, escaped, replaced only as a whole."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from eval import figures, pictures, report
from vaegan.errors import UserError

MEASURES = ("gradient_energy", "laplacian_variance", "crete_blur_effect")
RUNS = ("vae", "vaegan")


def blur(value):
    if value is None:
        return {"value": None, "low": None, "high": None, "measure": 0.1, "text": "beyond 3 px"}
    text = f"{value:.2f} px [{value - 0.02:.2f}, {value + 0.02:.2f}]"
    return {"value": value, "low": value - 0.02, "high": value + 0.02, "measure": 1 / (1 + value), "text": text}


def source(name, title, kind, value, run=None, applied=None, quality=None):
    quality = quality and {k: {"value": v, "low": v * 0.99, "high": v * 1.01} for k, v in quality.items()}
    return {
        "name": name,
        "title": title,
        "kind": kind,
        "run": run,
        "count": 5000,
        "applied_sigma": applied,
        "blur": {m: blur(value) for m in MEASURES},
        "audits": {"nyquist_power": {"mean": 1e-5, "relative": 0.4}},
        "quality": quality,
    }


def example() -> tuple[dict, dict]:
    """A small report.json and its pictures, as eval.compare would hand them over."""
    sources = [
        source("real", "Held-out images", "real", 0.0),
        source(
            "vae/reconstructions",
            "VAE reconstructions",
            "reconstructions",
            0.82,
            "vae",
            None,
            {"pixel_error": 22.4, "psnr": 21.3, "ssim": 0.74},
        ),
        source(
            "vaegan/reconstructions",
            "VAE/GAN reconstructions",
            "reconstructions",
            0.11,
            "vaegan",
            None,
            {"pixel_error": 31.2, "psnr": 18.4, "ssim": 0.66},
        ),
        source("vae/samples", "VAE samples", "samples", 0.95, "vae"),
        source("vaegan/samples", "VAE/GAN samples", "samples", -0.08, "vaegan"),
        source("real-blur-1", "Held-out, blurred 1 px", "blurred", 1.0, None, 1.0),
        source("real-blur-9", "Held-out, blurred 9 px", "blurred", None, None, 9.0),
    ]
    sigma = [0.0, 0.5, 1.0, 2.0, 3.0]
    steps = list(range(0, 1500, 25))
    images = torch.randint(0, 256, (24, 3, 64, 64), generator=torch.Generator().manual_seed(0)).byte()
    picture = {"detail": "0.82 px", "alt": "Faces", "width": 512, "height": 64, "zoom": 2, "run": "vae"}
    value = {
        "schema_version": report.SCHEMA_VERSION,
        "headline": "On synthfaces the VAE's reconstructions are as blurred as real images at 0.82 px.",
        "verdicts": [
            {
                "what": what,
                "title": what.capitalize(),
                "verdict": "supported",
                "sentence": "VAE: 0.82 px, VAE/GAN: 0.11 px.",
            }
            for what in ("reconstructions", "samples")
        ],
        "dataset": {
            "name": "synthfaces",
            "title": "synthfaces",
            "image_size": 64,
            "channels": 3,
            "held_out": 10000,
            "note": "",
        },
        "seeds": {"split": 0, "samples": 0},
        "protocol": {"count": 5000, "interval": "95 %.", "quality": "Means.", "instrument": "Read.", "audits": "R."},
        "protocol_lines": [["Primary measure", "gradient energy"], ["Weights", "raw"]],
        "runs": [
            {
                "label": label,
                "title": title,
                "health": {
                    "diversity": 0.8,
                    "nearest": 0.7,
                    "nyquist": 0.9,
                    "p_real": None,
                    "p_fake": None,
                    "verdict": "healthy",
                    "reasons": [],
                },
            }
            for label, title in zip(RUNS, ("VAE", "VAE/GAN"), strict=True)
        ],
        "thresholds": {"diversity": 0.7, "nearest": 0.4, "nyquist": 2.0},
        "differences": [{"setting": "mode", "values": {"vae": "vae", "vaegan": "vaegan"}}],
        "measures": [
            {
                "name": name,
                "title": name.replace("_", " ").capitalize(),
                "unit": "",
                "primary": name == MEASURES[0],
                "curve": {"sigma": sigma, "value": [1 / (1 + s) for s in sigma]},
            }
            for name in MEASURES
        ],
        "qualities": [
            {"name": "pixel_error", "title": "Pixel error", "unit": "levels of 255", "digits": 1},
            {"name": "psnr", "title": "PSNR", "unit": "dB", "digits": 2},
            {"name": "ssim", "title": "SSIM", "unit": "0..1", "digits": 3},
        ],
        "sources": sources,
        "price": True,
        "instrument": {
            "ok": True,
            "sentence": "All controls are where they belong.",
            "checks": [
                {
                    "title": "Held-out, blurred 1 px",
                    "applied": 1.0,
                    "read": blur(1.0),
                    "error": 0.002,
                    "allowed": 0.05,
                    "ok": True,
                }
            ],
        },
        "frechet": {
            "protocol": "Reference: 5,000 held-out images.",
            "extractor": "synthfaces attributes, d = 128",
            "rows": [
                {"title": "Real, train (floor)", "run": None, "value": 0.3},
                {"title": "VAE samples", "run": "vae", "value": 80.1},
            ],
        },
        "spectrum": {
            "frequency": [0.1, 0.2, 0.3, 0.4, 0.5],
            "relative": {"vae/reconstructions": [1, 0.5, 0.2, 0.05, 0.01], "vaegan/samples": [1, 1, 0.9, 1.1, 1.5]},
        },
        "training": {
            "vae": {
                "step": steps,
                "series": {
                    "terms/prior": [50 + s / 100 for s in steps],
                    "terms/pixels": [1000 / (1 + s) for s in steps],
                },
            },
            "vaegan": {
                "step": steps,
                "series": {
                    "terms/prior": [60 + s / 100 for s in steps],
                    "dis/real": [0.6] * 60,
                    "dis/prior": [0.4] * 60,
                },
            },
        },
        "ladder_caption": "VAE reconstructions (0.82 px) lie between 0.5 and 1 px.",
        "pictures": {
            "faces": [{**picture, "title": title, "file": "faces.png"} for title in ("Original", "VAE", "VAE/GAN")],
            "ladder": [{**picture, "title": f"{s} px", "file": "faces.png"} for s in (0, 0.5, 1, 2)],
            "samples": [
                {
                    **picture,
                    "title": "VAE",
                    "file": "grid.png",
                    "width": 256,
                    "height": 384,
                    "more": {**picture, "title": "64 samples", "file": "grid.png"},
                }
            ],
        },
        "commands": ["python -m vaegan.train --mode vae", "python eval/compare.py runs/a runs/b"],
        "versions": {"vaegan": "0.1.0", "torch": "2.15"},
    }
    faces, grid = (pictures.tiled("", images[:n], columns, 512, "", "") for n, columns in ((8, 8), (24, 4)))
    return value, {"faces.png": faces.png, "grid.png": grid.png}


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
    monkeypatch.setattr(figures, "render", lambda chart: (b"", "<svg></svg>", "<svg></svg>"))


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
