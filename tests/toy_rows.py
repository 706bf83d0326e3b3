"""One toy of everything that can be added, each the row or the file that CONTRIBUTING.md says; a program of its own, so
that rows are there before anything reads the tables: python toy_rows.py FOLDER."""

import sys
from pathlib import Path

import torch
from stand_in import dead_leaves
from torch import Tensor, nn

import baselines.objectives
from eval.blur import measures
from eval.blur.measures import Measure, of_uint8
from eval.distances import columns
from eval.distances.columns import Column, Compared
from eval.features import training
from eval.features.training import Recipe
from vaegan.data import catalog
from vaegan.data.catalog import Dataset
from vaegan.data.imageset import ImageSet
from vaegan.networks import architectures
from vaegan.networks.architectures import Architecture, Makers
from vaegan.networks.convolutional import Discriminator
from vaegan.networks.outputs import image_of
from vaegan.objective import Objective
from vaegan.presets import PRESETS

# A mode: a row.
baselines.objectives.OBJECTIVES["toy-mode"] = Objective("Toy mode", True, "pixels", adversarial=False)


# A data set: a reader and a row.
def read(where: Path, split: str, image_size: int) -> ImageSet:
    """Dead leaves in the dark (class 0) and in the light (class 1)."""
    labels = torch.arange(120) % 2
    images = dead_leaves(120, image_size, seed=("train", "test").index(split)) // (2 - labels[:, None, None, None])
    return ImageSet("toy-data", split, images.byte(), labels, ("dark", "light"))


catalog.DATASETS["toy-data"] = Dataset("dead leaves", lambda where: 32, read)


# A network: a file and a row.
class Encoder(nn.Module):
    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        self.heads = nn.Linear(channels * image_size**2, 2 * latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.heads(x.flatten(1)).chunk(2, dim=1)


class Decoder(nn.Module):
    def __init__(self, channels: int, image_size: int, width: float, latent_dim: int):
        super().__init__()
        self.pixels, self.shape = nn.Linear(latent_dim, channels * image_size**2), (channels, image_size, image_size)

    def forward(self, z: Tensor) -> Tensor:
        return image_of(self.logit(z))

    def logit(self, z: Tensor) -> Tensor:
        return self.pixels(z).unflatten(1, self.shape)


architectures.ARCHITECTURES["toy-net"] = Architecture(
    "one dense layer each way", (32,), lambda: Makers(Encoder, Decoder, Discriminator)
)

# A preset: a row.
PRESETS["toy-preset"] = {
    **PRESETS["cpu"],
    "architecture": "toy-net",
    "latent_dim": 4,
    "steps": 3,
    "batch_size": 8,
    "image_size": 32,
}


# A measure of blur: a function and a row.
@of_uint8
def toy_energy(x: Tensor) -> Tensor:
    """Mean squared difference of neighbours."""
    return x.diff(dim=-1).square().mean(dim=(1, 2)) + x.diff(dim=-2).square().mean(dim=(1, 2))


measures.MEASURES["toy_energy"] = Measure("toy_energy", toy_energy, "toy energy", "", sharper_is_higher=True)


# A distance: a function and a row.
def toy_distance(compared: Compared) -> float:
    """Squared distance of the mean features."""
    own, real = compared.features.vectors.mean(dim=0), compared.reference.features.vectors.mean(dim=0)
    return float((own - real).square().sum())


columns.COLUMNS += (Column("toy_distance", "Toy distance", "Toy distance", "0 is best", 3, toy_distance),)

# A feature network: a row.
training.RECIPES["toy-data"] = Recipe(steps=4)


def main(folder: Path) -> None:
    """Train a feature network, train a run, compare it: by the doors that everybody uses."""
    from eval import compare
    from eval.features import __main__ as features
    from vaegan import train

    network, run = folder / "toy.safetensors", folder / "run"
    features.main(["train", "toy-data", "--out", str(network)])
    names = ["--mode", "toy-mode", "--dataset", "toy-data", "--preset", "toy-preset"]
    train.main([*names, "--run-dir", str(run)])
    compare.main([str(run), "--out", str(folder / "report"), "--features", str(network)])
    train.main(["--help"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
