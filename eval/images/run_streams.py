"""A trained run's images as a stream: its prior samples, or its reconstructions of another stream's images."""

from pathlib import Path

import torch

from eval.images.files import Rows
from eval.images.streams import Stream, of_tensor
from vaegan.commandline.commands import spoken
from vaegan.data import load
from vaegan.errors import UsageError
from vaegan.model import Model, prior_codes

SAMPLES = 10_000  # of a run, at most, and not more than the reference has images


def is_run(source: str) -> bool:
    """Whether a source names a run directory."""
    return (Path(source) / "config.json").is_file()


def data_of(model: Model, data_dir: Path) -> Stream:
    """The held-out images of a run's own data set, at its size."""
    config = model.config
    where = Path(config.data_dir) if data_dir == Path("data") else data_dir
    images = load(config.dataset, "test", image_size=config.image_size, data_dir=where)
    return of_tensor(images.name, images.images)


def samples(source: str, model: Model, count: int, seed: int) -> Stream:
    """The images of `model.sample(count, seed)`, drawn when they are asked for."""
    z = prior_codes(count, model.latent_dim, seed)
    told = model.prior_attributes(count, seed)

    def images(rows: Rows) -> torch.Tensor:
        chosen = torch.as_tensor(rows)
        return model.decode(z[chosen], None if told is None else told[chosen])

    return Stream(f"{source} samples", count, _shape(model), images)


def reconstructions(source: str, model: Model, originals: Stream) -> Stream:
    """A run's reconstructions of a stream's images. UsageError where it has no encoder, or must be told labels."""
    if not model.has_encoder or model.is_conditional:
        why = "must be told each image's labels" if model.is_conditional else "has no encoder"
        raise UsageError(
            f"--paired: {source} {why}; leave --paired out, or use {spoken('compare')}, which knows labels"
        )
    if originals.shape != _shape(model):
        raise UsageError(
            f"--paired: {source} takes images of shape {_shape(model)} and {originals.title} has {originals.shape}"
        )
    return Stream(
        f"{source} reconstructions",
        originals.count,
        _shape(model),
        lambda rows: model.reconstruct(originals.images(rows)),
        originals.names,
    )


def _shape(model: Model) -> tuple[int, int, int]:
    return (model.channels, model.config.side, model.config.side)
