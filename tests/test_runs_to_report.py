"""From training to the report with the real commands: what a reader must see of runs that were hardly trained."""

import json
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz
from tiny_faces import TINY, call

from eval import compare
from eval.evidence import bounds
from eval.report import rendering, stored
from eval.report.schema import Report
from eval.studies import summary
from eval.studies.plans import Plan
from vaegan import config_json, train

MODES = ("vae", "vaegan")
STEPS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A VAE and a VAE/GAN of too few updates on dead leaves."""
    folder = tmp_path_factory.mktemp("runs")
    data = save_npz(folder / "leaves.npz", dead_leaves(3000))
    for mode in MODES:
        flags = ["--mode", mode, "--dataset", data, "--run-dir", folder / mode, "--steps", STEPS, "--device", "cpu"]
        assert call(train.main, *flags, *TINY) == 0
    return folder


@pytest.fixture(scope="module")
def printed(folder) -> str:
    """What the command says on its last line; the page is left out."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(bounds, "DRAWS", (1, 8))
        monkeypatch.setattr(rendering, "render", lambda folder: None)
        monkeypatch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
        compare.main([str(w) for w in (*(folder / m for m in MODES), "--out", folder / "out", "--samples", 150)])
    return said[-1]


@pytest.fixture(scope="module")
def report(folder, printed) -> Report:
    return stored.read(folder / "out")


def test_a_vae_of_few_updates_has_no_verdict_in_headline_console_or_a_studys_table(folder, printed, report):
    """Whatever such weights read: where the rule decides, it is withheld, and everywhere."""
    assert printed == report.headline
    assert {row.verdict for row in report.verdicts} <= {"withheld", "inconclusive"}
    assert all("VAE is not converged" in row.withheld[0] for row in report.verdicts)
    plans = [Plan(folder / mode, config_json.read(folder / mode), (), exists=True, step=STEPS) for mode in MODES]
    outcomes = [summary.Outcome(plan, "trained") for plan in plans]
    entry = summary.dataset_entry(summary.Compared("npz:leaves.npz"), MODES, outcomes, report)
    study = summary.value([entry], "the command")
    rows = json.dumps(study["datasets"][0]["rows"])
    for text in (printed, summary.table(study["datasets"]), rows):
        assert "supported" not in text and "refuted" not in text and ("withheld" in text or "inconclusive" in text)


def test_a_runs_reading_is_the_mean_over_its_snapshots(report):
    """So few images that every snapshot is read on all of them."""
    generated = [s for s in report.sources if s.kind in ("reconstructions", "samples")]
    assert [s.run for s in generated] == 2 * [*MODES] and {row.snapshots for row in report.pooled} == {5}
    for source in generated:
        seen, read = source.steadiness.readings, source.blur["gradient_energy"].value
        assert len(seen) == 5 and (read is None) == (None in seen)  # beyond the calibrated range there is no mean
        if read is not None:
            assert abs(read) * read == pytest.approx(sum(abs(x) * x for x in seen) / 5, abs=1e-6)
    assert all(s.steadiness is None for s in report.sources if s not in generated)


def test_verdicts_at_equal_rate_are_of_one_family_with_the_plain_ones(report):
    """Sorted, Holm's factors run from the number of all hypotheses down to one."""
    rows = sorted([*report.verdicts, *report.rate.verdicts], key=lambda row: row.p)
    assert len(rows) == 4 == len(report.hypotheses.declared)
    adjusted = 0.0
    for factor, row in zip(range(4, 0, -1), rows, strict=True):
        adjusted = min(1.0, max(adjusted, factor * row.p))
        assert row.p_holm == pytest.approx(adjusted)
    assert {row.sharper for row in report.rate.verdicts} == {"VAE/GAN"}
    assert not any(row.fresh for row in report.rate.verdicts)  # a linear VAE is no run
    assert all(not any("VAE is not converged" in why for why in row.withheld) for row in report.rate.verdicts)


def test_each_run_stands_beside_the_linear_vae_of_its_rate(report):
    kl = {row["run"]: row["code"]["kl"]["value"] for row in report.diagnostics["rows"]}
    assert {run.run: run.rate for run in report.rate.runs} == pytest.approx(kl)
    rates = [point.rate for point in report.rate.linear]
    assert rates == sorted(rates) and rates[-1] == pytest.approx(max(kl.values()))


def test_coherence_is_of_every_reconstruction_and_its_controls_hold(report):
    paired = [s.id for s in report.sources if s.kind in ("reconstructions", "baseline") and "samples" not in s.id]
    assert [row.source for row in report.coherence.rows] == paired
    assert [check.ok for check in report.coherence.checks] == [True, True]
    whole = {s.id: s.blur["gradient_energy"] for s in report.sources}
    linear = next(row for row in report.coherence.rows if row.run is None)
    assert linear.whole.value == pytest.approx(whole[linear.source].value)
