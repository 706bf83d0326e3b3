"""Train a feature network on a data set with classes or attributes: `python -m eval.features train mnist`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from tqdm import trange
from tyro.conf import Positional

from eval.features import INPUT_SIZE, SHIPPED, Card, FeatureNetwork, save
from vaegan.commandline import parse
from vaegan.data import DATASETS, ImageSet, batch_indices, load
from vaegan.data.fitting import fit
from vaegan.errors import UsageError, UserError, exits_cleanly

LOSSES = {"classes": F.cross_entropy, "attributes": F.binary_cross_entropy_with_logits}
BATCH_SIZE = 128
LEARNING_RATE = 4e-3  # peak of a one-cycle schedule
STEPS = 2000  # 4 epochs of MNIST, 13 of synthfaces
MAX_SHIFT = 2  # pixels, of the only augmentation: MNIST has a border of two, faces lose nothing that names them


@dataclass(frozen=True)
class Arguments:
    """Train the feature network of a data set and ship it with its card."""

    command: Positional[Literal["train"]]
    dataset: Positional[str]  # synthfaces, mnist, fashion-mnist, cifar10, or any other with labels
    data_dir: Path = Path("data")  # where downloaded data sets lie
    out: Path | None = None  # the .safetensors file to write; default: the one that is shipped for the data set
    steps: int = STEPS  # optimizer steps
    seed: int = 0  # of the weights, the batches and their shifts


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Train, grade on the held-out images, save, and say what came out."""
    options = parse(Arguments, args, prog="python -m eval.features")
    out = options.out or _shipped_file(options.dataset)
    network = train_network(load(options.dataset, "train", data_dir=options.data_dir), options.steps, options.seed)
    network.card = graded(network, load(options.dataset, "test", data_dir=options.data_dir))
    card = save(network, out)
    worst = min(card.accuracies, key=card.accuracies.get)
    print(f"{card.name}: {card.accuracy:.2%} right on held-out images (chance {card.chance:.2%}), ", end="")
    print(f"least for {worst!r} ({card.accuracies[worst]:.2%}); wrote {out} ({out.stat().st_size / 1e6:.2f} MB)")


def _shipped_file(dataset: str) -> Path:
    if dataset not in DATASETS:
        raise UsageError(f"where shall the network of {dataset!r} go? Give --out FILE.safetensors")
    return SHIPPED / f"{dataset}.safetensors"


def train_network(images: ImageSet, steps: int, seed: int) -> FeatureNetwork:
    """Fit a network to the labels of `images`; the same images, steps and seed give the same weights on one machine."""
    if images.labels is None or (images.labels.ndim == 1 and images.labels.min() < 0):
        raise UserError(f"{images.name} has images without a label; a feature network is trained on labels")
    kind = "attributes" if images.labels.ndim == 2 else "classes"
    card = Card(
        name=f"vaegan-{images.name}-{kind}",
        data=images.name,
        kind=kind,
        channels=images.channels,
        output_names=images.label_names,
        accuracy=0.0,
        chance=0.0,
        accuracies={},
        training=f"python -m eval.features train {images.name} --steps {steps}, torch {torch.__version__}",
        seed=seed,
    )
    x, y = fit(images.images, INPUT_SIZE), images.labels
    y = y.float() if kind == "attributes" else y
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = FeatureNetwork(card)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    shifts = torch.randint(
        -MAX_SHIFT, MAX_SHIFT + 1, (steps, 2), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    for step in trange(steps, unit="step", desc=card.name):
        indices = batch_indices(len(x), BATCH_SIZE, seed, step)
        batch = x[indices].roll(shifts[step], dims=(2, 3))
        loss = LOSSES[kind](network.head(network(batch)), y[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def graded(network: FeatureNetwork, images: ImageSet) -> Card:
    """Return the network's card with its accuracies on `images`, which it must not have been trained on."""
    predicted, labels, names = network.predict(images.images), images.labels, network.card.output_names
    right = (predicted == labels).double()
    if network.card.kind == "classes":
        by_output = [right[labels == i].mean() for i in range(len(names))]
        chance = labels.bincount().max() / len(labels)
    else:
        by_output = right.mean(dim=0)
        frequency = labels.double().mean(dim=0)
        chance = torch.maximum(frequency, 1 - frequency).mean()
    accuracies = {name: round(float(value), 4) for name, value in zip(names, by_output, strict=True)}
    return replace(network.card, accuracy=float(right.mean()), chance=round(float(chance), 4), accuracies=accuracies)
