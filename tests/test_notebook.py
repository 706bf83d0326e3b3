"""Training from a notebook, on a tensor or a Dataset, and from another run's weights."""

import numpy as np
import pytest
import torch
from PIL import Image
from stand_in import dead_leaves
from tiny_faces import call, save_faces, train_tiny
from torch.utils.data import Dataset, IterableDataset, TensorDataset

import vaegan
from vaegan import config_json, train
from vaegan.errors import UsageError
from vaegan.training import notebook

TINY = {"mode": "vae", "width": 0.0625, "latent_dim": 4, "batch_size": 4, "steps": 3, "device": "cpu"}


class Rows(Dataset):
    """A Dataset of whatever is listed."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def test_a_tensor_is_fitted_and_the_run_is_one_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = vaegan.fit(TINY | {"learning_rate_decay": 1.0, "beta_warmup": 0.0}, dead_leaves(60))
    run = tmp_path / "runs" / "images-vae-s0"
    assert model.step == 3 and model.sample(2).shape == (2, 1, 32, 32)
    config = config_json.read(run)
    assert config.norm == "batch" and config.dataset == f"npz:{run}-images.npz"  # what the mode needs; data that stay
    assert call(train.main, "--resume", "--run-dir", run, "--steps", 5) == 0
    again = vaegan.fit(TINY | {"run_dir": run, "steps": 6, "resume": True}, dead_leaves(60))
    assert again.step == 6
    with pytest.raises(UsageError, match="not the images of .*, with which the run was begun"):
        vaegan.fit({"run_dir": run, "resume": True}, dead_leaves(60, seed=1))
    with pytest.raises(UsageError, match="exists already"):
        vaegan.fit(TINY, dead_leaves(60))
    assert vaegan.load(run).step == 6


def test_a_whole_config_is_taken_as_it_is(tmp_path):
    config = vaegan.Config(**TINY, norm="batch", run_dir=tmp_path / "run")
    assert vaegan.fit(config, dead_leaves(40)).config.norm == "batch"


@pytest.mark.parametrize("kind", ["floats", "arrays", "pictures", "pairs", "stream"])
def test_every_kind_of_dataset_is_the_same_images(kind):
    images = dead_leaves(6, channels=3)
    arrays = images.permute(0, 2, 3, 1).numpy()

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(images)

    given = {
        "floats": images.float() / 255,
        "arrays": Rows(list(arrays)),
        "pictures": Rows([Image.fromarray(a) for a in arrays]),
        "pairs": TensorDataset(images, torch.arange(6) % 2),
        "stream": Stream(),
    }[kind]
    found = notebook.arrays(given)
    assert np.array_equal(found["images"], arrays)
    assert ("labels" in found) == (kind == "pairs")


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (
            Rows([*dead_leaves(9), *dead_leaves(9, 28)]),
            r"image 9 has shape \(28, 28, 1\), those before",
        ),
        (Rows([]), "the Dataset is empty"),
        (Rows(["cat.png"]), "image 0 is a str"),
        (Rows([*dead_leaves(3), ()]), "image 3 (is a|has shape)"),
        (Rows([*dead_leaves(3), None]), "image 3 is a NoneType"),
        (None, "NoneType has no length"),
        (7, "int has no length"),
        (torch.full((9, 1, 32, 32), float("nan")), r"floats beyond \[0, 1\]"),
        (torch.zeros(0, 1, 32, 32), r"shape \(0, 1, 32, 32\)"),
        (torch.randn(9, 1, 32, 32), r"floats beyond \[0, 1\]"),
        (torch.zeros(9, 2, 32, 32), r"shape \(9, 2, 32, 32\): give"),
        (torch.zeros(9, 32, 32, dtype=torch.int64), "type torch.int64"),
    ],
)
def test_images_that_are_none_are_named_and_nothing_is_written(tmp_path, images, says):
    with pytest.raises(UsageError, match=says):
        vaegan.fit(TINY | {"run_dir": tmp_path / "run"}, images)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stepz": 1}, "unknown setting 'stepz'; did you mean 'steps'"),
        ({"dataset": "mnist"}, "unknown setting 'dataset'"),
        ({"steps": 0}, "--steps 0 is not possible"),
        ({"condition": "attributes"}, "attributes"),
        ({"mode": "vea"}, "unknown mode 'vea'; did you mean 'vae'"),
    ],
)
def test_settings_that_no_run_has_leave_nothing(tmp_path, changes, says):
    with pytest.raises(UsageError, match=says):
        vaegan.fit(TINY | {"run_dir": tmp_path / "run"} | changes, dead_leaves(40))
    assert not list(tmp_path.iterdir())


def test_training_starts_with_the_weights_of_another_run(tmp_path, capsys):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "first", "--mode", "vae", "--norm", "group", "--steps", "3", data="bare") == 0
    still = ["--steps", "1", "--learning-rate", "1e-30", "--discriminator-learning-rate", "1e-30"]
    init = ["--init", tmp_path / "first"]
    assert train_tiny(tmp_path, "second", "--mode", "vaegan", "--seed", "7", *still, *init, data="bare") == 0
    assert f"starts with encoder, decoder from {tmp_path / 'first'}; a new discriminator" in capsys.readouterr().out
    first, second = (vaegan.load(tmp_path / name).networks for name in ("first", "second"))
    for part in ("encoder", "decoder"):
        for a, b in zip(first[part].parameters(), second[part].parameters(), strict=True):
            assert torch.allclose(a, b)
    (tmp_path / "first").rename(tmp_path / "gone")  # a run that has begun needs it no more
    assert call(train.main, "--resume", "--run-dir", tmp_path / "second", "--steps", 2) == 0


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--latent-dim", "5"], "does not fit: its encoder has a wrong mu."),
        (["--architecture", "mlp"], "does not fit: its encoder has other weights"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(tmp_path, capsys, flags, says):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "first", "--mode", "vae", "--steps", "2", data="bare") == 0
    init = ["--init", tmp_path / "first"]
    capsys.readouterr()
    assert train_tiny(tmp_path, "second", "--mode", "vae", "--steps", "2", *init, *flags, data="bare") == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and not (tmp_path / "second").exists()
    assert train_tiny(tmp_path, "third", "--mode", "vae", "--init", tmp_path / "nowhere", data="bare") == 1


def test_an_interruption_is_pythons_own_and_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_):
        raise SystemExit(130)

    monkeypatch.setattr(notebook.launch, "start", interrupted)
    with pytest.raises(KeyboardInterrupt, match="run is saved; fit with resume=True continues it"):
        vaegan.fit(TINY | {"run_dir": tmp_path / "run"}, dead_leaves(40))
