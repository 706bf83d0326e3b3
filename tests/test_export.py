"""Exports equal the original in every format, load without this package, and refuse what cannot be in one line."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from tiny_faces import save_faces, train_tiny

import vaegan
from vaegan.export import main
from vaegan.model import prior_codes
from vaegan.sharing import formats


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save_faces(folder)
    assert train_tiny(folder, "vaegan", "--mode", "vaegan", "--norm", "batch", "--steps", "4", data="bare") == 0
    return folder / "vaegan"


DRAW = """
import sys
import numpy, torch
with torch.no_grad():
    numpy.save("x.npy", decoder.eval()(torch.from_numpy(numpy.load("z.npy"))).numpy())
assert not {name.split(".")[0] for name in sys.modules} & {"vaegan", "eval", "baselines"}
"""


def code_of(card: str) -> str:
    return re.search(r"```python\n(.*?)```", card, re.S).group(1)


def test_the_card_loads_the_decoder_in_bare_pytorch(run, tmp_path, command_line):
    command_line(main, run, "--out", tmp_path / "out")
    code = code_of((tmp_path / "out" / "README.md").read_text())
    z = prior_codes(5, vaegan.load(run).latent_dim, 3)
    np.save(tmp_path / "out" / "z.npy", z.numpy())
    subprocess.run([sys.executable, "-c", code + DRAW], cwd=tmp_path / "out", check=True)
    drawn = torch.from_numpy(np.load(tmp_path / "out" / "x.npy"))
    assert torch.allclose(drawn, vaegan.load(run).decode_mean(z), atol=1e-6)


@pytest.mark.parametrize("part", ["decoder", "encoder", "discriminator"])
def test_a_program_of_every_part_runs_at_any_batch_size(run, tmp_path, command_line, part):
    said = command_line(main, run, "--out", tmp_path / "out", "--format", "torch-export", "--part", part).out
    assert f"{part} as torch-export" in said
    network = vaegan.load(run).networks[part]
    again = formats.FORMATS["torch-export"].read(network, tmp_path / "out" / f"{part}.pt2")
    shape = (4,) if part == "decoder" else (1, 32, 32)
    for n in (1, 7):
        assert formats.largest_difference(network, again, (torch.randn(n, *shape),)) <= formats.TOLERANCE


@pytest.mark.slow
def test_onnx_equals_the_original(run, tmp_path, command_line):
    pytest.importorskip("onnxruntime")
    command_line(main, run, "--out", tmp_path / "out", "--format", "onnx")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["README.md", "decoder.onnx"]


def test_an_export_that_differs_is_not_kept(run, tmp_path, command_line, monkeypatch):
    monkeypatch.setattr("vaegan.sharing.exporting.largest_difference", lambda *_: float("nan"))
    assert "differs by nan" in command_line(main, run, "--out", tmp_path / "out", code=1).err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--format", "onxx"], "did you mean 'onnx'"),
        (["--part", "prior"], "known are decoder, encoder, discriminator"),
        (["--out", "{run}"], "exists already"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(run, tmp_path, command_line, flags, says):
    flags = [flag.format(run=run) for flag in flags]
    out = [] if "--out" in flags else ["--out", tmp_path / "out"]
    err = command_line(main, run, *out, *flags, code=2).err
    assert says in err and err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_part_that_the_run_lacks(tmp_path, command_line):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "vae", "--mode", "vae", "--steps", "2", data="bare") == 0
    err = command_line(main, tmp_path / "vae", "--out", tmp_path / "out", "--part", "discriminator", code=2).err
    assert "has no discriminator" in err and "encoder, decoder" in err and not (tmp_path / "out").exists()


def test_a_format_whose_packages_are_absent(run, tmp_path, command_line, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    err = command_line(main, run, "--out", tmp_path / "out", "--format", "onnx", code=1).err
    assert "needs the package onnx: pip install" in err and not list(tmp_path.iterdir())
