"""A feature network for data that has none: trained to tell by how much its images were turned, then kept in the cache.

Source of the task: Gidaris et al. 2018, arXiv 1803.07728. It needs no labels and makes a network look at the parts of
an image and where they are.
"""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Generator, Tensor

from eval.features.network import INPUT_SIZE, NUM_FEATURES, Card, FeatureNetwork, packed, rebuilt
from eval.features.training import BATCH_SIZE, LEARNING_RATE, Batch, Recipe, fitted
from vaegan.data import ImageSet
from vaegan.data.cache import cache_dir, cache_key, cannot_cache
from vaegan.data.fitting import fit
from vaegan.errors import UserError
from vaegan.machine.progress import Bar
from vaegan.storage.reading import reason, regular
from vaegan.storage.writing import write_file

TURNS = ("0 degrees", "90 degrees", "180 degrees", "270 degrees")
IMAGES = 20_000  # at most, evenly spaced: reading and hashing 200,000 would take longer than the training
STEPS = 400  # of BATCH_SIZE images: a minute on one core
MOST_EPOCHS = 40  # a few hundred images are learned by heart
HOLD_OUT_EVERY = 10  # of the images, to grade the network on
TOLD_APART = 0.4  # below this accuracy the images look alike either way up
CARD = "card"  # key of the file's metadata
PROTOCOL = (1, BATCH_SIZE, LEARNING_RATE, MOST_EPOCHS, HOLD_OUT_EVERY, IMAGES)  # raise the first when training changes


def network_of(images: ImageSet) -> FeatureNetwork:
    """The network of these training images: from the cache when it is there and sound, else trained behind a bar.

    Its name is that of the data, its weights depend on their pixels alone (on one machine with one number of threads).
    Two processes at once may both train; both return what was written first.
    Raises UserError when there are fewer than two images, or the cache folder cannot be written.
    """
    x = fit(images.images[:: -(-len(images.images) // IMAGES)], INPUT_SIZE).contiguous()
    if len(x) < 2:
        raise UserError(f"{images.name} has {len(x)} training image(s); a feature network needs at least 2")
    content = hashlib.sha256(x.numpy().data).hexdigest()
    file = cache_dir() / f"{cache_key('rotations', PROTOCOL, STEPS, tuple(x.shape), content)}.safetensors"
    network = _opened(file)
    if network is None:
        trained = _trained(x, images.name)
        network = _opened(file, quiet=True) or _written(trained, file)
    network.card = replace(network.card, name=f"rotations of {short_name(images.name)}", data=images.name)
    if network.card.accuracy < TOLD_APART:
        Bar.write(
            f"warning: {network.card.name}: only {network.card.accuracy:.0%} right (chance 25%), as these images look "
            "alike either way up; its features say little: choose others with --features",
            file=sys.stderr,
        )
    return network


def short_name(dataset: str) -> str:
    """The data set's name without the path to it: "folder:faces" of "folder:/home/me/faces"."""
    prefix, colon, path = dataset.partition(":")
    return f"{prefix}{colon}{Path(path).name}" if colon else dataset


def turned(batch: Batch, generator: Generator) -> Batch:
    """Every image turned by a quarter turn, two, three or none, and how many."""
    x, _ = batch
    turns = torch.randint(len(TURNS), (len(x),), generator=generator)
    result = x.clone()
    for turn in range(1, len(TURNS)):
        result[turns == turn] = x[turns == turn].rot90(turn, dims=(2, 3))
    return result, turns


def _trained(x: Tensor, name: str) -> FeatureNetwork:
    rows = torch.arange(len(x))
    held_out, training = x[rows % HOLD_OUT_EVERY == 0], x[rows % HOLD_OUT_EVERY != 0]
    steps = max(2, min(STEPS, MOST_EPOCHS * len(training) // BATCH_SIZE))
    card = Card(
        name=f"rotations of {short_name(name)}",
        data=name,
        kind="classes",
        channels=x.shape[1],
        output_names=TURNS,
        accuracy=0.0,
        chance=1 / len(TURNS),
        accuracies={},
        training=f"on first use, {steps} steps of {BATCH_SIZE} of {len(training):,} images, torch {torch.__version__}",
        seed=0,
        num_features=NUM_FEATURES,
        note=f"graded on {len(held_out):,} training images that were left out, in all four positions",
    )
    network = fitted(card, Recipe(steps, augment=turned), training, torch.zeros(len(training), dtype=torch.int64))
    right = [(network.predict(held_out.rot90(turn, dims=(2, 3))) == turn).double().mean() for turn in range(len(TURNS))]
    accuracies = {name: round(float(share), 4) for name, share in zip(TURNS, right, strict=True)}
    network.card = replace(card, accuracy=float(torch.stack(right).mean()), accuracies=accuracies)
    return network


def _opened(file: Path, quiet: bool = False) -> FeatureNetwork | None:
    """The network of a cache file; None when it is absent, or damaged, which is said unless `quiet`."""
    try:
        with safetensors.safe_open(regular(file), framework="pt") as opened:
            card = Card.from_json((opened.metadata() or {})[CARD])
            weights = safetensors.torch.save({key: opened.get_tensor(key) for key in opened.keys()})
        if hashlib.sha256(weights).hexdigest() != card.sha256:
            raise ValueError("its weights changed")
        return rebuilt(card, weights)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
        if not quiet:
            Bar.write(f"the cache file {file} is damaged ({reason(error)}): making it anew", file=sys.stderr)
        return None


def _written(network: FeatureNetwork, file: Path) -> FeatureNetwork:
    card, weights = packed(network)
    try:
        write_file(file, safetensors.torch.save(safetensors.torch.load(weights), {CARD: card.to_json()}))
    except OSError as error:
        raise cannot_cache(file, len(weights), error) from None
    return rebuilt(card, weights)
