"""The report of several modes and seeds: what of each is shown, what is averaged, that nothing found is left out."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from example_report import MODES, TINY, example
from example_study import study

from eval.report import grouping, page
from eval.report import rendering as report
from eval.report.charts import drawing, figures
from eval.sources import runs as sources


@pytest.fixture(scope="module")
def of_a_study(tmp_path_factory) -> Path:
    """The page of five modes and three seeds, without its charts."""
    out = tmp_path_factory.mktemp("study") / "out"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(drawing, "render", lambda chart: (TINY, "<svg></svg>", "<svg></svg>"))
        with report.staged(out) as folder:
            report.write(*study(), folder)
    return out


def rows_of(path: Path, css: str) -> list[str]:
    """Titles of the strip's rows of a class, in order."""
    return re.findall(rf'<div class="row {css}[^"]*"><p class="label"><b>([^<]*)</b>', path.read_text())


def test_each_model_stands_between_the_blurs_it_lies_between(of_a_study):
    rows = rows_of(of_a_study / "report.html", "(?:original|rung|model)")
    assert [row.removeprefix("Real, blurred ") for row in rows[:9]] == [
        "Original", "VAE/GAN-s0", "VAE_Dis_l-s0", "0.5 px", "pixel VAE/GAN-s0",
        "sigma-VAE-s0", "VAE-s0", "1 px", "2 px",
    ]  # fmt: skip


def test_of_each_mode_one_seed_is_shown_and_the_others_are_behind_details(of_a_study):
    text = (of_a_study / "report.html").read_text()
    models = rows_of(of_a_study / "report.html", "model")
    assert sorted(models[:5]) == sorted(f"{title}-s0" for title, *_ in MODES.values()) and len(models) == 15
    assert "Of each mode seed 0 is shown, not a chosen one; 10 more runs open below." in text
    folded = text[text.index("<details><summary>10 more runs") :]
    assert all(f"<b>{title}-s2</b>" in folded for title, *_ in MODES.values())


def test_blurs_beyond_the_ladder_stand_at_its_ends():
    value, _ = study()
    ends = {"vae-s0/reconstructions": "above", "vaegan-s0/reconstructions": "below"}
    for source in value.sources:
        if source.id in ends:  # in a language of which no word could be recognised
            reading = source.blur["gradient_energy"]
            none = {"value": None, "low": None, "high": None}
            source.blur["gradient_energy"] = replace(reading, text="???", where=ends[source.id], **none)
    shown, _ = page.strip(value)
    assert [row.title for row in shown][1] == "VAE/GAN-s0" and shown[-1].title == "VAE-s0"


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_every_finding_stands_in_the_page_and_in_markdown(of_a_study, name):
    text = re.sub("<[^>]*>", "", (of_a_study / name).read_text()).replace("&#39;", "'").replace("&lt;", "<")
    for words in (
        "Which ingredient removes the blur?", "Dis_l removes most of the blur.", "pixel VAE/GAN, 3 seeds",
        "Feature-space reconstruction", "Dis_l instead of pixels, averaged over the adversary",
        "Plain and content-matched figures agree", "disagree", "Each sample against its 5 nearest",
        "Does the decoder blur, or does the prior have holes?", "the decoder blurs, the prior hardly adds to it",
        "Cohen's d_z over pairs 1.42", "p < 0.001", "Holm p 0.004", "Two hypotheses were declared",
        "Is it the adversary, or the nats?", "linear VAE of 70 nats 0.77 px", "Sharp is not detail", "1.23",
        "as it should", "How steady is a run?", "0.012", "0.043", "decoder's", "From half of the updates to the last",
        "The VAE's samples are blurrier.", "Coverage", "Naeem", "0.0213", "0.0031", "averaged weights",
    ):  # fmt: skip
        assert words in text, words
    for number in ("−0.66", "[−0.78, −0.54]", "[−0.46, −0.24]"):  # effects and pooled samples
        assert number in text, number


def test_a_curve_is_flat_where_a_doubling_moves_it_little(of_a_study):
    value, _ = study()
    flat = {label: page.flat(run, 0.03) for label, run in value.learning.items()}
    assert {flat["vae-s0"], flat["vaegan-s0"]} == {"yes", "no"} and flat["vae-s0"] == "yes"
    assert page.flat(replace(value.learning["vae-s0"], moved={"reconstructions": None, "samples": None}), 1.0) == "–"


def test_a_study_has_the_charts_of_its_sections():
    value, _ = study()
    names = [chart.name for chart in figures.charts(value)]
    assert {"rate_blur", "coherence", "learning"} <= set(names)
    for chart in figures.charts(value):
        if chart.name in ("rate_blur", "coherence", "learning"):
            png, wide, narrow = drawing.render(chart)
            assert png.startswith(b"\x89PNG") and "<svg" in wide and "<svg" in narrow
    bare, _ = example()
    assert not {"rate_blur", "coherence", "learning"} & {chart.name for chart in figures.charts(bare)}


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(of_a_study):
    lines = (of_a_study / "report.md").read_text().splitlines()
    tables = [list(rows) for inside, rows in itertools.groupby(lines, lambda line: line.startswith("|")) if inside]
    assert len(tables) > 5
    for head, *rows in tables:
        assert re.fullmatch(r"\|( -+:? \|)+", rows[0]), head
        assert {row.replace("\\|", "").count("|") for row in rows} == {head.count("|")}, head


def test_averages_over_seeds_are_means_with_the_ends(of_a_study):
    value, _ = study()
    errors = [
        s.quality["pixel_error"].value
        for s in value.sources
        if s.kind == "reconstructions" and s.run.startswith("vaegan-s")
    ]
    (row,) = (row for row in page.quality_by_group(value) if row.title == "VAE/GAN")
    found = row.values["pixel_error"]
    assert found.value == pytest.approx(sum(errors) / 3) and row.seeds == 3
    assert (found.low, found.high) == (min(errors), max(errors))
    assert report.fixed(found.value, 1) in (of_a_study / "report.html").read_text()


def test_every_mode_there_is_has_its_images_in_the_page():
    value, _ = study()
    value = replace(value, runs=[replace(value.runs[0], label=f"{mode}-s0", mode=mode) for mode in sources.OBJECTIVES])
    assert grouping.shown(value) == {f"{mode}-s0" for mode in sources.OBJECTIVES}


def test_runs_of_one_mode_with_other_settings_are_groups_of_their_own():
    report, _ = study()
    vaes = [run for run in report.runs if run.mode == "vae"]
    kinds = {vaes[0].label: "VAE, beta 8.0", **{run.label: "VAE, beta 1.0" for run in vaes[1:]}}
    runs = [replace(run, kind=kinds.get(run.label, "")) for run in report.runs]
    pooled = [replace(row, title=kind) for kind in set(kinds.values()) for row in report.pooled if row.mode == "vae"]
    found = replace(report, runs=runs, pooled=pooled)
    titles = [group.title for group in grouping.modes(found)]
    assert titles[:2] == ["VAE, beta 8.0", "VAE, beta 1.0"] and len(titles) == len(grouping.modes(report)) + 1
    assert {row.title: row.run for row in page.pooled(found)} == {
        "VAE, beta 8.0": vaes[0].label,
        "VAE, beta 1.0": vaes[1].label,
    }
