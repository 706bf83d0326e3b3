"""From training to the report with the real commands: what a reader must see of runs that were hardly trained."""

import json
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz
from tiny_faces import TINY, call

from eval import compare
from eval.report import rendering, stored
from eval.report.schema import Report
from eval.studies import summary
from vaegan import train

MODES = ("vae", "vaegan")
STEPS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A VAE and a VAE/GAN of a few updates on dead leaves."""
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
        monkeypatch.setattr(rendering, "render", lambda folder: None)
        monkeypatch.setattr("builtins.print", lambda *words, **_: said.append(" ".join(map(str, words))))
        compare.main([str(w) for w in (*(folder / m for m in MODES), "--out", folder / "out", "--samples", 150)])
    return said[-1]


@pytest.fixture(scope="module")
def report(folder, printed) -> Report:
    return stored.read(folder / "out")


def test_a_vae_of_few_updates_has_no_verdict_in_headline_console_or_a_studys_table(printed, report):
    assert printed == report.headline
    assert "withheld: VAE is not converged" in printed and "supported" not in printed and "refuted" not in printed
    assert {row.verdict for row in report.verdicts} <= {"withheld", "inconclusive"}
    assert all(any("not converged" in why for why in row.withheld) for row in report.verdicts)
    entry = summary.dataset_entry("npz:leaves.npz", MODES, [], report)
    study = summary.value([entry], "the command")
    for text in (summary.table(study["datasets"]), summary.markdown(study), json.dumps(study["datasets"][0]["rows"])):
        assert "withheld: VAE is not converged" in text and "supported" not in text and "refuted" not in text
