"""CONTRIBUTING's "How to add": one row or file each of a mode, data set, measure, distance, preset, network and feature
network (tests/toy_rows.py) is trained, measured and named in the help by the commands as they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = ("mode", "data set", "blur measure", "distance", "preset", "network", "feature network")


@pytest.fixture(scope="module")
def added(tmp_path_factory) -> tuple[Path, str]:
    """The folder where the toys were trained and compared, and the help of vaegan.train."""
    folder = tmp_path_factory.mktemp("added")
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "toy_rows.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "80"}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout


def test_what_is_added_by_a_row_is_trained_and_measured(added):
    folder, _ = added
    config = json.loads((folder / "run" / "config.json").read_text())
    assert [config[name] for name in ("mode", "dataset", "preset", "architecture", "steps")] == [
        "toy-mode", "toy-data", "toy-preset", "toy-net", 3,
    ]  # fmt: skip
    report = json.loads((folder / "report" / "report.json").read_text())
    assert report["runs"][0]["mode_title"] == "Toy mode" and report["runs"][0]["step"] == 3
    samples = next(source for source in report["sources"] if source["id"] == "toy-mode/samples")
    assert samples["blur"]["toy_energy"]["measure"] > 0 and samples["blur"]["toy_energy"]["text"]
    row = next(row for row in report["distances"]["rows"] if row["source"] == samples["id"])
    assert row["values"]["toy_distance"] > 0 and "Toy distance" in (folder / "report" / "report.html").read_text()
    card = json.loads((folder / "toy.json").read_text())
    assert report["distances"]["fingerprint"]["extractor"] == card["name"] and card["output_names"] == ["dark", "light"]


def test_help_names_what_was_added(added):
    words = added[1]
    for name in ("toy-mode (Toy mode)", "toy-data", "toy-preset", "toy-net: one dense layer each way"):
        assert name in " ".join(words.replace("│", " ").split()), name


def test_the_recipe_names_each_of_them():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text[text.index("## How to add") :]
    for row in ROWS:
        assert f"| a {row} |" in table, row
    for file in ("baselines/objectives.py", "vaegan/data/catalog.py", "eval/blur/measures.py", "vaegan/presets.py",
                 "eval/distances/columns.py", "eval/features/training.py"):  # fmt: skip
        assert file in table and (ROOT / file).is_file()
