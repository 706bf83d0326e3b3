"""Comparing: known blurs come out as what they are, the verdict follows, bad input is one line and loses nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import report_numbers
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run

import vaegan
from eval import compare
from eval.blur.measures import MEASURES, PRIMARY, Measure, laplacian_variance
from eval.evidence import claims, pictures, prior_gap
from eval.report import rendering, schema, stored
from eval.sources.runs import Run
from eval.studies import summary
from eval.studies.plans import Plan
from vaegan.config import Config
from vaegan.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
BLURS = {"vae": 0.9, "vaegan": 0.3}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> str:
    return save_npz(tmp_path_factory.mktemp("data") / "leaves.npz", dead_leaves(3000))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, dataset) -> dict[str, Path]:
    """Stand-in runs by mode; what they are is decided by `opened`."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [{"step": step, "terms/prior": 1.0 / step, "dis/real": 0.6, "dis/prior": 0.4} for step in (1, 2, 3)]
    configs = {mode: Config(mode=mode, dataset=dataset, image_size=32) for mode in BLURS}
    return {mode: save_run(folder / mode, config, rows) for mode, config in configs.items()}


def stand_ins(monkeypatch, dataset, blurs=BLURS):
    def load(directory, weights="raw", device="cpu"):
        mode = Path(directory).name
        return Blurrer(Config(mode=mode, dataset=dataset, image_size=32), blurs[mode])

    monkeypatch.setattr(vaegan, "load", load)


def numbers(monkeypatch, out: Path, *arguments, samples: int = 60) -> dict:
    """report.json of a comparison of few images, without drawing the page."""
    monkeypatch.setattr(rendering, "render", lambda folder: None)
    call(monkeypatch, *arguments, "--out", out, "--samples", samples)
    return json.loads((out / "report.json").read_text())


def call(monkeypatch, *arguments) -> None:
    compare.main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def written(runs, dataset, tmp_path_factory) -> Path:
    """A whole report on a VAE/GAN and a VAE, given in that order."""
    out = tmp_path_factory.mktemp("out") / "report"
    with pytest.MonkeyPatch.context() as monkeypatch:
        stand_ins(monkeypatch, dataset)
        call(monkeypatch, runs["vaegan"], runs["vae"], "--out", out)
    return out


@pytest.fixture
def value(written) -> dict:
    return json.loads((written / "report.json").read_text())


def test_every_number_is_what_it_was(value, tmp_path):
    """Of a change that is to move no number, as moving code is; one that is meant to copies the new ones."""
    (tmp_path / "new.json").write_text(json.dumps(report_numbers.of_report(value), indent=0, sort_keys=True))
    moved = report_numbers.moved(value)
    assert not moved, f"if that is meant, copy {tmp_path / 'new.json'} to {report_numbers.KEPT}"


def sigma_eq(value: dict, name: str) -> float:
    return next(row for row in value["sources"] if row["id"] == name)["blur"]["gradient_energy"]["value"]


@pytest.mark.parametrize("mode", BLURS)
def test_reconstructions_blurred_by_a_known_sigma_are_reported_so(value, mode):
    assert sigma_eq(value, f"{mode}/reconstructions") == pytest.approx(BLURS[mode], abs=0.03)


def test_samples_blurred_by_a_known_sigma_are_reported_so(value):
    for mode, sigma in BLURS.items():
        assert sigma_eq(value, f"{mode}/samples") == pytest.approx(sigma, abs=0.15)  # unpaired: content differs


def test_the_instrument_is_checked_and_holds(value):
    assert value["instrument"]["ok"], value["instrument"]["sentence"]
    assert len(value["instrument"]["checks"]) == 7


def test_the_verdict_names_the_vae_whatever_the_order(value):
    assert [run["label"] for run in value["runs"]] == ["vae", "vaegan"]
    assert [(row["what"], row["rule"]) for row in value["verdicts"]] == [
        ("reconstructions", "supported"),
        ("samples", "supported"),
    ]
    low, high = (value["verdicts"][0]["difference"][end] for end in ("low", "high"))
    assert low < BLURS["vae"] - BLURS["vaegan"] < high


def test_a_vae_that_is_not_converged_has_no_verdict_said_aloud(value):
    """The stand-in's code says little: its bound lies below what a linear VAE reaches."""
    assert {row["verdict"] for row in value["verdicts"]} == {"withheld"}
    (reason,) = value["runs"][0]["withheld"]
    assert "not converged" in reason and reason in value["verdicts"][0]["withheld"]
    assert "is withheld, for this pair of runs: VAE is not converged" in value["headline"]
    assert "supported" not in value["headline"]


def test_nor_in_a_studys_table(written, runs, dataset):
    plans = [Plan(folder, Config(mode=mode, dataset=dataset), (), exists=True) for mode, folder in runs.items()]
    outcomes = [summary.Outcome(plan, "trained") for plan in plans]
    entry = summary.dataset_entry(summary.Compared(dataset), [*BLURS], outcomes, stored.read(written))
    table = summary.table(summary.value([entry], "study")["datasets"])
    assert "withheld: VAE is not converged" in table and "supported" not in table


def test_the_typed_report_is_the_file(written):
    """Every number is the same to the last digit after it went through the types and back."""
    text = (written / "report.json").read_text()
    assert stored.encoded(stored.read(written)) == text
    assert json.loads(text)["sources"][0]["blur"][PRIMARY]["where"] == "inside"


def test_the_report_says_how_it_was_made(value):
    assert value["schema_version"] == schema.VERSION and value["versions"]["torch"] == torch.__version__.split("+")[0]
    assert [row["setting"] for row in value["differences"]] == ["mode"]
    assert value["commands"][0].startswith("python -m vaegan.train --mode vae ")
    assert "--samples" not in value["commands"][-1]
    assert value["protocol"]["count"] == 150


def test_a_known_pixel_error_is_reported(value):
    rows = {row["id"]: row for row in value["sources"]}
    error = {mode: rows[f"{mode}/reconstructions"]["quality"]["pixel_error"]["value"] for mode in BLURS}
    assert error["vae"] > error["vaegan"] > 0
    assert rows["real"]["quality"] is None and rows["vae/samples"]["quality"] is None


def test_the_same_command_gives_the_same_numbers(written, runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset)
    monkeypatch.setattr(rendering, "render", lambda folder: None)
    call(monkeypatch, runs["vaegan"], runs["vae"], "--out", tmp_path / "again")
    assert (tmp_path / "again" / "report.json").read_bytes() == (written / "report.json").read_bytes()


def test_equal_runs_are_no_support(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset, {"vae": 0.5, "vaegan": 0.5})
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"])
    assert {row["verdict"] for row in value["verdicts"]} == {"inconclusive"}


def test_too_few_images_settle_nothing(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset)
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"], samples=20)
    assert {row["rule"] for row in value["verdicts"]} == {"supported"}
    assert {row["verdict"] for row in value["verdicts"]} <= {"withheld", "instrument failed"}
    why = "20 images a source are no measurement, give 30 or more"
    assert all(why in row["withheld"] for row in value["verdicts"])
    assert value["headline"].endswith(why + ".") and " as real images" not in value["headline"]
    assert value["content"]["sentence"] == f"No comparison: {why}."
    assert {row["disagree"] for row in value["content"]["rows"]} == {None}
    assert {row["reading"] for row in value["prior_gap"]["rows"]} <= {why, prior_gap.UNKNOWN}


def test_a_sharper_vae_refutes(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset, {"vae": 0.3, "vaegan": 0.9})
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"])
    assert value["verdicts"][0]["rule"] == "refuted"


def test_every_report_has_the_controls(value):
    titles = [check["title"] for check in value["instrument"]["checks"]]
    assert titles == [
        "Held-out images",
        "Held-out, blurred 0.5 px",
        "Held-out, blurred 1 px",
        "Held-out, blurred 2 px",
        "Held-out, contrast \u00d7 0.7",
        "Held-out + checkerboard 0.05",
        "Held-out, blurred 1 px + noise 0.05",
    ]
    assert [check["applied"] for check in value["instrument"]["checks"]] == [0, 0.5, 1, 2, 0, 0, 1]


def test_a_measure_that_a_control_fools_settles_nothing(runs, dataset, tmp_path, monkeypatch):
    """Laplacian variance in the primary's place takes noise for sharpness: nothing may rest on it."""
    stand_ins(monkeypatch, dataset)
    monkeypatch.setitem(MEASURES, PRIMARY, Measure(PRIMARY, laplacian_variance, "fooled", "", True))
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"])
    assert not value["instrument"]["ok"] and "noise" in value["instrument"]["sentence"]
    assert [row["verdict"] for row in value["verdicts"]] == ["instrument failed"] * 2
    assert "the instrument failed" in value["headline"]
    assert {row["reading"] for row in value["prior_gap"]["rows"]} == {
        "the instrument failed, so that this settles nothing"
    }


def test_what_is_drawn_and_where_codes_come_from_are_reported(value):
    assert [row["run"] for row in value["content"]["rows"]] == ["vae", "vaegan"]
    for row in value["content"]["rows"]:
        assert row["matched"]["low"] - 0.05 <= BLURS[row["run"]] <= row["matched"]["high"] + 0.05
        assert row["matched"]["text"] and row["difference"]["low"] <= row["difference"]["high"]
    assert [row["reading"] for row in value["prior_gap"]["rows"]] == [
        "the decoder blurs, wherever the codes come from"
    ] * 2
    rows = {row["id"]: row for row in value["sources"]}
    assert rows["vae/posterior"]["kind"] == "posterior" and rows["vae/average/samples"]["kind"] == "average"
    assert rows["vae/average/reconstructions"]["quality"] is None
    assert {row["run"] for row in value["distances"]["rows"]} == {None, "vae", "vaegan"}
    assert all("/average" not in name and "/posterior" not in name for name in value["spectrum"]["relative"])


def test_laplacian_variance_has_median_minimum_and_count(value):
    row = next(row for row in value["sources"] if row["id"] == "vae/samples")
    assert row["laplacian"]["minimum"] < row["laplacian"]["median"] and row["laplacian"]["count"] == row["count"]


def test_a_run_that_draws_nothing_is_marked_not_measured(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset)
    monkeypatch.setattr(Blurrer, "decode", lambda self, z: torch.zeros(len(z), 1, 32, 32, dtype=torch.uint8))
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"])
    row = next(row for row in value["sources"] if row["id"] == "vae/samples")
    assert row["flat"] == row["count"] and row["blur"][PRIMARY]["value"] is None
    assert row["blur"][PRIMARY]["text"] == "beyond 5 px (all images are flat)"
    assert (
        value["content"]["rows"][0]["difference"]["text"] == "unknown" and not value["content"]["rows"][0]["disagree"]
    )


def test_a_half_finished_run_is_marked_wherever_it_is_named(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset)
    whole = vaegan.load
    monkeypatch.setattr(
        vaegan,
        "load",
        lambda d, weights="raw", device="cpu": Blurrer(whole(d).config, 0.5, step=300 if d.name == "vae" else None),
    )
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"], runs["vaegan"])
    mark = f"(stopped at step 300 of {Config().steps:,})"
    assert [(run["finished"], mark in run["title"]) for run in value["runs"]] == [(False, True), (True, False)]
    assert mark in value["headline"]
    assert all(mark in row["title"] for row in value["sources"] if row["run"] == "vae")


def test_one_run_alone_and_a_run_without_encoder(runs, dataset, tmp_path, monkeypatch):
    stand_ins(monkeypatch, dataset)
    monkeypatch.setattr(Blurrer, "has_encoder", False)
    value = numbers(monkeypatch, tmp_path / "out", runs["vae"])
    assert value["verdicts"] == [] and value["pictures"]["faces"] == [] and value["prior_gap"] is None
    assert "samples are as blurred as real images" in value["headline"]


def test_a_failure_leaves_the_old_report_and_no_rest(written, runs, dataset, tmp_path, monkeypatch):
    out = tmp_path / "report"
    shutil.copytree(written, out)
    stand_ins(monkeypatch, dataset)
    monkeypatch.setattr(pictures, "ladder", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, runs["vae"], runs["vaegan"], "--out", out, "--samples", 60)
    assert (out / "report.json").read_bytes() == (written / "report.json").read_bytes()
    assert os.listdir(tmp_path) == ["report"]


def test_teams_are_the_modes_or_else_the_runs():
    def run(mode, seed):
        return Run(f"{mode}-s{seed}", f"{mode}-s{seed}", Path(), Blurrer(Config(mode=mode, seed=seed), 0))

    mixed = [run("vae", 0), run("vae", 1), run("vaegan", 0)]
    assert {title: len(team) for title, team in claims.teams(mixed).items()} == {"VAE": 2, "VAE/GAN": 1}
    assert list(claims.teams(mixed[:2])) == ["vae-s0", "vae-s1"]


@pytest.mark.parametrize("arguments", [{"runs": ()}, {"samples": 0}, {"samples": 1}, {"seed": -1}])
def test_arguments_that_mean_nothing_are_usage_errors(arguments):
    with pytest.raises(UsageError):
        compare.check(compare.Arguments(**{"runs": (Path("a"),), **arguments}))


@pytest.mark.parametrize("script", [[str(ROOT / "eval" / "compare.py")], ["-m", "eval.compare"]])
def test_bad_input_is_one_line_from_any_directory(script, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    directory = ROOT if script[0] == "-m" else tmp_path
    done = subprocess.run(
        [sys.executable, *script, str(tmp_path / "none"), "--out", str(tmp_path / "out")],
        cwd=directory, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and re.fullmatch(r"error: no such run directory: .*\n", done.stderr)
    assert not list(tmp_path.iterdir())
