"""docs/tour.py as a reader runs it, at toy size."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


def tour(tmp_path, *flags):
    coarse = np.random.default_rng(0).integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "blobs.npz", images=coarse.repeat(4, axis=1).repeat(4, axis=2))
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "tour.py"), "--dataset", f"npz:{tmp_path / 'blobs.npz'}", *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_tour_draws_its_pictures_and_says_what_each_shows(tmp_path):
    done = tour(tmp_path, "--steps", "2", "--memory-steps", "2", "--out", "figures", "--shown", "4")
    assert done.returncode == 0, done.stderr
    pictures = sorted((tmp_path / "figures").iterdir())
    assert [file.name for file in pictures] == [f"tour-{i}.png" for i in range(7)]
    assert all(min(Image.open(file).size) > 60 for file in pictures)
    assert all(f"tour-{i}.png\n" in done.stdout for i in range(7)) and "nan" not in done.stdout
    assert {path.name for path in (tmp_path / "runs" / "tour").iterdir()} == {"npz-ae-2", "npz-vae-2", "npz-vaegan-2"}


def maker():
    """docs/make_notebook.py as a module."""
    spec = importlib.util.spec_from_file_location("make_notebook", ROOT / "docs" / "make_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebook_is_the_script():
    script, made = (ROOT / "docs" / "tour.py").read_text(), (ROOT / "docs" / "tour.ipynb").read_text()
    assert made == maker().notebook(script), "run python docs/make_notebook.py"
    cells = json.loads(made)["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    lines = [line for line in script.splitlines() if not line.startswith("#") and line.strip()]
    assert [line for line in code.splitlines() if not line.startswith("#") and line.strip()] == lines
    assert not any(cell.get("outputs") for cell in cells) and "".join(cells[0]["source"]).startswith("# From a network")


@pytest.mark.slow
def test_the_notebook_runs_and_shows_every_picture(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    coarse = np.random.default_rng(0).integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "blobs.npz", images=coarse.repeat(4, axis=1).repeat(4, axis=2))
    tiny = {"steps: int = 600": "steps: int = 2", "memory_steps: int = 400": "memory_steps: int = 2",
            'dataset: str = "synthfaces"': f'dataset: str = "npz:{tmp_path / "blobs.npz"}"'}  # fmt: skip
    text = (ROOT / "docs" / "tour.ipynb").read_text()
    for default, value in tiny.items():
        assert json.dumps(default)[1:-1] in text
        text = text.replace(json.dumps(default)[1:-1], json.dumps(value)[1:-1])
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    done = nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 7
    said = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert len(re.findall(r"^tour/tour-\d.png$", said, re.MULTILINE)) == 7 and "nan" not in said
    assert sorted(file.name for file in (tmp_path / "tour").iterdir()) == [f"tour-{i}.png" for i in range(7)]


@pytest.mark.slow
def test_a_wrong_flag_is_one_line(tmp_path):
    done = tour(tmp_path, "--step", "2")
    assert done.returncode and "--step" in done.stderr and "Traceback" not in done.stderr
