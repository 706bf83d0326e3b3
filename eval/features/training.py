"""Train a feature network on a data set with classes or attributes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from eval.features.network import INPUT_SIZE, SHIPPED, Card, FeatureNetwork, save
from vaegan.data import DATASETS, ImageSet, load
from vaegan.data.batches import batch_indices
from vaegan.data.fitting import fit
from vaegan.errors import UsageError, UserError
from vaegan.machine.progress import Bar

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "classes": F.cross_entropy,
    "attributes": F.binary_cross_entropy_with_logits,
}
BATCH_SIZE = 128
LEARNING_RATE = 4e-3  # peak of a one-cycle schedule
MAX_ROLL = 2  # pixels: MNIST has a border of two, faces lose nothing that names them
MAX_SHIFT = 4  # pixels: the usual augmentation of CIFAR-10 (He et al. 2016, arXiv 1512.03385, 4.2)

Batch = tuple[Tensor, Tensor]  # uint8 images (B, C, S, S) and their labels (B, ...)


def rolled(batch: Batch, generator: Generator) -> Batch:
    """All images of the batch moved by up to MAX_ROLL pixels, round the edges."""
    x, y = batch
    return x.roll(torch.randint(-MAX_ROLL, MAX_ROLL + 1, (2,), generator=generator).tolist(), dims=(2, 3)), y


def flipped_and_shifted(batch: Batch, generator: Generator) -> Batch:
    """Every image mirrored or not and moved by up to MAX_SHIFT pixels into black, each for itself."""
    x, y = batch
    count, _, height, width = x.shape
    flips = torch.rand(count, generator=generator) < 0.5
    x = torch.where(flips[:, None, None, None], x.flip(3), x)
    down, right = torch.randint(2 * MAX_SHIFT + 1, (2, count, 1), generator=generator)
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    x = F.pad(x, [MAX_SHIFT] * 4).permute(0, 2, 3, 1)
    return x[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2), y


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    steps: int = 2000  # of BATCH_SIZE images
    architecture: str = "plain"
    augment: Callable[[Batch, Generator], Batch] = rolled
    bfloat16: bool = False  # the products; nearly twice as fast on a CPU that has them. Weights stay float32.


RECIPES = {  # any other data set: Recipe()
    "synthfaces": Recipe(steps=1000),  # 6 epochs
    "mnist": Recipe(),  # 4 epochs
    "fashion-mnist": Recipe(3000, "residual", bfloat16=True),  # 6 epochs; the plain one was 90.4 % right after 4
    "cifar10": Recipe(6000, "residual", flipped_and_shifted, bfloat16=True),  # 15 epochs
}


def make(dataset: str, out: Path | None, steps: int | None, seed: int, data_dir: Path, note: str) -> str:
    """Train the network of a data set, grade it on held-out images, save it, and say what came out."""
    out = out or _shipped_file(dataset)
    recipe = RECIPES.get(dataset, Recipe())
    recipe = replace(recipe, steps=steps or recipe.steps)
    training, held_out = (load(dataset, split, data_dir=data_dir) for split in ("train", "test"))
    begun = time.monotonic()
    network = train_network(training, recipe, seed)
    seconds = round(time.monotonic() - begun)
    network.card = replace(graded(network, held_out), training_seconds=seconds, note=note)
    card = save(network, out)
    worst = min(card.accuracies, key=card.accuracies.__getitem__)
    return (
        f"{card.name}: {card.accuracy:.2%} right on held-out images (chance {card.chance:.2%}), "
        f"least for {worst!r} ({card.accuracies[worst]:.2%}); wrote {out} ({out.stat().st_size / 1e6:.2f} MB)"
    )


def _shipped_file(dataset: str) -> Path:
    if dataset not in DATASETS:
        raise UsageError(f"where shall the network of {dataset!r} go? Give --out FILE.safetensors")
    return SHIPPED / f"{dataset}.safetensors"


def train_network(images: ImageSet, recipe: Recipe, seed: int) -> FeatureNetwork:
    """Fit a network to the labels of `images`; the same images, recipe and seed give the same weights on one machine
    with one number of threads."""
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
        training=f"python -m eval.features train {images.name} --steps {recipe.steps}, torch {torch.__version__}",
        seed=seed,
        architecture=recipe.architecture,
    )
    labels = images.labels.float() if kind == "attributes" else images.labels
    return fitted(card, recipe, fit(images.images, INPUT_SIZE), labels)


def fitted(card: Card, recipe: Recipe, x: Tensor, y: Tensor) -> FeatureNetwork:
    """The network of `card` after training on uint8 `x` (N, C, 32, 32) and `y`, class numbers or attributes."""
    with torch.random.fork_rng():
        torch.manual_seed(card.seed)
        network = FeatureNetwork(card)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=recipe.steps)
    generator = Generator().manual_seed(card.seed)
    for step in Bar(range(recipe.steps), unit="step", desc=card.name):
        indices = batch_indices(len(x), BATCH_SIZE, card.seed, step)
        batch, labels = recipe.augment((x[indices], y[indices]), generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            logits = network.head(network(batch))
        loss = LOSSES[card.kind](logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def graded(network: FeatureNetwork, images: ImageSet) -> Card:
    """Return the network's card with its accuracies on `images`, which it must not have been trained on."""
    predicted, labels, names = network.predict(images.images), images.known_labels, network.card.output_names
    right = (predicted == labels).double()
    if network.card.kind == "classes":
        by_output = [right[labels == i].mean() for i in range(len(names))]
        chance = labels.bincount().max() / len(labels)
    else:
        by_output = [*right.mean(dim=0)]
        frequency = labels.double().mean(dim=0)
        chance = torch.maximum(frequency, 1 - frequency).mean()
    accuracies = {name: round(float(value), 4) for name, value in zip(names, by_output, strict=True)}
    return replace(network.card, accuracy=float(right.mean()), chance=round(float(chance), 4), accuracies=accuracies)
