"""The trained weights that come with the project: small, whole, and good enough to show what the project is about."""

import pytest

import vaegan
from eval.blur.measures import gradient_energy
from vaegan import data, pretrained
from vaegan.data import catalog
from vaegan.pixels import to_float
from vaegan.sample import main

MODES = ("vae", "vaegan")


@pytest.fixture(scope="module")
def faces():
    return catalog.load("synthfaces", "test", image_size=32).images[:300]


def held_out(name, faces, root):
    return (
        faces
        if name.startswith("synthfaces")
        else data.load("mnist", "test", image_size=32, data_dir=root).images[:300]
    )


def test_they_are_what_the_documentation_says():
    assert set(pretrained.NAMES) == {f"{dataset}-{mode}" for dataset in ("mnist", "synthfaces") for mode in MODES}
    assert sum(file.stat().st_size for file in pretrained.SHIPPED.rglob("*") if file.is_file()) <= 6e6


@pytest.mark.parametrize("name", pretrained.NAMES)
def test_each_reconstructs_held_out_images_and_draws_others(name, faces, shared_data):
    model, real = vaegan.load(name), held_out(name, faces, shared_data)
    assert model.step == model.config.steps
    again, mean = to_float(model.reconstruct(real)), to_float(real).mean(dim=0)
    error, of_the_mean = ((to_float(real) - image).square().mean() for image in (again, mean))
    assert error < 0.6 * of_the_mean
    samples = to_float(model.sample(300))
    assert samples.std(dim=0).mean() > 0.6 * to_float(real).std(dim=0).mean()


@pytest.mark.parametrize("dataset", ["synthfaces", "mnist"])
def test_the_vae_of_each_pair_is_smoother(dataset, faces, shared_data):
    real = held_out(dataset, faces, shared_data)
    energies = [float(gradient_energy(vaegan.load(f"{dataset}-{mode}").reconstruct(real)).mean()) for mode in MODES]
    assert energies[0] < energies[1]


def test_a_run_of_ones_own_comes_first(tmp_path, monkeypatch, command_line):
    monkeypatch.chdir(tmp_path)
    command_line(main, "synthfaces-vae", "--out", "x.png")
    (tmp_path / "synthfaces-vae").mkdir()
    said = command_line(main, "synthfaces-vae", "--out", "y.png", code=1).err
    assert "no checkpoint" in said and not (tmp_path / "y.png").exists()


def test_an_unknown_name_says_what_ships(tmp_path, monkeypatch, command_line):
    monkeypatch.chdir(tmp_path)
    said = command_line(main, "synthfaces-vaegn", "--out", "y.png", code=1).err
    assert "synthfaces-vaegan" in said
