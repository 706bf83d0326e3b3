"""Networks of one's own: trained, resumed, loaded and compared by name, and one line for those that do not fit."""

import re
import sys
from pathlib import Path

import pytest
import torch
from tiny_faces import call, save_faces, train_tiny

import vaegan
from vaegan import train
from vaegan.errors import UsageError, UserError
from vaegan.networks import architectures, plugins

DOCS = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
DOCUMENTED = re.search(r"```python\n(from torch import nn\n.*?)```", DOCS.read_text(), re.DOTALL).group(1)
ODD = """

import torch

class Scaled(Encoder):
    def __init__(self, channels, image_size, latent_dim):
        super().__init__(channels, image_size, latent_dim)
        self.register_buffer("scale", torch.full((), 0.5), persistent=False)

    def forward(self, x):
        return tuple(self.scale * t for t in super().forward(x))

class WithScale(Mine):
    encoder = Scaled

class Narrow(Mine):
    @staticmethod
    def encoder(channels, image_size, latent_dim):
        return Encoder(channels, image_size, latent_dim - 1)

class Flat(Mine):
    @staticmethod
    def decoder(channels, image_size, latent_dim):
        return nn.Linear(latent_dim, 9)

class Wordless(Mine):
    @staticmethod
    def discriminator(channels, image_size):
        return nn.Flatten()

class Headless(Mine):
    decoder = None

class Greedy(Mine):
    @staticmethod
    def encoder(depth):
        return nn.Identity()

class Sized(Mine):
    sizes = 32

class Worded(Mine):
    sizes = ("32",)

class Unknown(Mine):
    encoder = dict

class Number(Mine):
    @staticmethod
    def encoder(channels):
        return 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder with mynets.py and the tiny faces, which the module search forgets afterwards."""
    (tmp_path / "mynets.py").write_text(DOCUMENTED + ODD)
    save_faces(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield tmp_path
    sys.modules.pop("mynets", None)


def test_networks_of_ones_own_train_resume_and_load(folder):
    tiny = ["--architecture", "mynets:WithScale", "--mode", "vaegan", "--norm", "batch"]
    assert train_tiny(folder, "run", *tiny, "--steps", "3", data="bare") == 0
    assert call(train.main, "--resume", "--run-dir", folder / "run", "--steps", "5") == 0
    model = vaegan.load(folder / "run")
    assert model.step == 5 and type(model.networks["decoder"]).__module__ == "mynets"
    assert model.reconstruct(model.sample(3)).shape == (3, 1, 32, 32)
    assert float(model.networks["encoder"].scale) == 0.5  # what is in no file comes from the code
    assert model.networks["discriminator"].feature_count == 64


def test_a_run_whose_networks_are_elsewhere_is_one_line(folder, monkeypatch, capsys):
    assert train_tiny(folder, "run", "--architecture", "mynets:Mine", "--mode", "vae", "--steps", "2", data="bare") == 0
    (folder / "mynets.py").unlink()
    del sys.modules["mynets"]
    with pytest.raises(
        UserError, match="has networks that are not here: --architecture mynets:Mine cannot be imported"
    ):
        vaegan.load(folder / "run")
    capsys.readouterr()
    assert call(train.main, "--resume", "--run-dir", folder / "run", "--steps", "5") == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mynets:Narrow", "the encoder of --architecture mynets:Narrow does not fit: of 2 inputs it gives (2, 3) and"),
        ("mynets:Flat", "it gives (2, 9); it should give images of shape (2, 1, 32, 32)"),
        ("mynets:Wordless", "it should give Judged(features, logit), the logit of shape (2,)"),
        ("mynets:Headless", "Headless has no decoder; it needs encoder, decoder, discriminator"),
        ("mynets:Greedy", "the encoder of --architecture mynets:Greedy cannot be made (TypeError: "),
        ("mynets:Number", "is a int: no nn.Module"),
        ("mynets:Sized", "--architecture mynets:Sized has sizes 32: list whole numbers"),
        ("mynets:Worded", "has sizes ('32',): list whole numbers"),
        ("mynets:Unknown", "the encoder of --architecture mynets:Unknown does not say what it takes"),
        (":Mine", "cannot be imported (ValueError"),
        ("mynets:", "mynets has no ''"),
        ("mynets:Nobody", "mynets has no 'Nobody'"),
        ("nowhere:Mine", "cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
        ("os:path", "path has no encoder"),
        ("convolutionl", "did you mean 'convolutional'?; known are "),
    ],
)
def test_networks_that_do_not_fit_are_one_line_and_leave_nothing(folder, capsys, name, says):
    assert train_tiny(folder, "run", "--architecture", name, "--mode", "vaegan", "--steps", "2", data="bare") == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and not (folder / "run").exists()


def test_sizes_are_those_that_the_networks_name(folder, capsys):
    flags = ["--architecture", "mynets:Mine", "--mode", "vae", "--steps", "2", "--image-size", "128"]
    assert train_tiny(folder, "run", *flags, data="bare") == 2
    assert "--image-size 128 is not possible: use 32 or 64" in capsys.readouterr().err


def test_a_table_is_asked_first_and_the_protocol_is_that_of_its_rows():
    for name, found in architectures.ARCHITECTURES.items():
        assert architectures.row(name) is found and not plugins.is_plugin(name)
    with pytest.raises(UsageError, match="your own as package.module:Name"):
        architectures.row("nothing")
    assert torch.get_default_device().type == "cpu"
