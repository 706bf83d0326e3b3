"""The post's number-line argument as a curve.

A code with noise on it can say only so much: the KL divergence from the prior is how much, in nats. `--beta` is the
price of a nat; as it rises, codes say less and reconstructions get worse, down to codes that say nothing.
"""

import dataclasses
import io
import math
from collections.abc import Sequence
from functools import partial

import matplotlib
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from baselines.objectives import OBJECTIVES
from baselines.strips import STYLE, show
from vaegan import data, losses, posterior
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.data.batches import batch_indices
from vaegan.errors import UserError
from vaegan.machine.progress import Bar
from vaegan.model import Model, networks_of
from vaegan.pixels import rms, to_float
from vaegan.training.trainer import Trainer

HELD_OUT = 2000  # images the curve is measured on
SHOWN = 6
COLOUR = "#b5502b"


def measured_curve(config: Config, betas: Sequence[float]) -> tuple[list[dict[str, float]], bytes]:
    """Train a network a beta, measure each on the same held-out images; return the points and the drawn curve."""
    load = partial(data.load, config.dataset, image_size=config.image_size, data_dir=config.data_dir)
    train, test = load("train"), load("test")
    held_out = test.images[:HELD_OUT]
    points, pictures = [], []
    for beta in sorted(betas):
        model = trained(dataclasses.replace(config, beta=beta), train)
        points.append({"beta": beta, **measured(model, held_out)})
        pictures.append(model.reconstruct(held_out[:SHOWN]))
        print("beta {beta:<6g} KL {kl:7.2f} nats   pixel error {rms:6.2f} levels of 255".format(**points[-1]))
    return points, drawn(config, points, held_out[:SHOWN], pictures)


def trained(config: Config, images: ImageSet) -> Model:
    """Train the config's network on the CPU."""
    objective = OBJECTIVES[config.mode]
    networks = networks_of(config, objective.needs, images.channels)
    trainer = Trainer(config, objective, networks, torch.device("cpu"))
    for step in Bar(range(config.steps), desc=f"beta {config.beta:g}", leave=False):
        indices = batch_indices(len(images.images), config.batch_size, config.seed, step)
        scalars = trainer.update(step, to_float(images.images[indices]))
    if not math.isfinite(scalars["losses/encoder"]):
        raise UserError(f"the network of --betas {config.beta:g} diverged: leave that value out")
    return Model(config, trainer.networks, config.steps, images.channels, "cpu")


def measured(model: Model, images: Tensor) -> dict[str, float]:
    """Return what codes of held-out images say, KL in nats, and the root mean square pixel error of a posterior draw.

    A draw, not the mean: the noise is what limits a code.
    """
    mu, logvar = model.encode(images)
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(0))
    drawn = model.decode(posterior.draw(mu, logvar, eps))
    return {
        "kl": float(losses.kl_divergence(mu, logvar).mean()),
        "rms": float(rms(drawn, images)),
    }


def drawn(config: Config, points: list[dict], originals: Tensor, pictures: list[Tensor]) -> bytes:
    """Draw the curve, and under it the same images at every beta."""
    with matplotlib.rc_context(STYLE):
        columns = len(points) + 1
        figure = Figure(figsize=(8.4, 4.1 + SHOWN * 0.62), facecolor="white")
        top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=[4.1, SHOWN * 0.62])[:, 0]
        curve(top.add_axes((0.09, 0.15, 0.88, 0.68)), points)
        top.text(0.02, 0.95, "A nat has a price: what codes say, and what is lost", weight="bold", size=11)
        words = f"{config.dataset}, {HELD_OUT:,} held-out images; each dot a VAE, {config.latent_dim} numbers a code"
        top.text(0.02, 0.90, f"{words}, {config.steps:,} updates.", color="#555555")
        grid = bottom.add_gridspec(
            SHOWN, columns, left=0.02, right=0.98, bottom=0.03, top=0.9, wspace=0.05, hspace=0.05
        )
        captions = ["original", *(f"β = {p['beta']:g}" for p in points)]
        for column, (caption, images) in enumerate(zip(captions, [originals, *pictures], strict=True)):
            for i, image in enumerate(images):
                show(bottom.add_subplot(grid[i, column]), image, caption if i == 0 else "")
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        return png.getvalue()


def curve(axes: Axes, points: list[dict]) -> None:
    """Draw pixel error against KL, each dot with its beta."""
    kl, rms = [p["kl"] for p in points], [p["rms"] for p in points]
    axes.plot(kl, rms, color=COLOUR, marker="o", markersize=5, linewidth=1.2)
    for place in sorted({round(k, 1) for k in kl}):  # points in one place share a label
        alike = [p for p in points if round(p["kl"], 1) == place]
        words = "β " + ", ".join(f"{p['beta']:g}" for p in alike)
        at = (alike[0]["kl"], alike[0]["rms"])
        axes.annotate(words, at, xytext=(6, 5), textcoords="offset points", color="#333333")
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(left=-0.05)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("information in a code: KL from the prior, nats →")
    axes.set_ylabel("pixel error of reconstructions,\nlevels of 255")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e5e5", linewidth=0.6)
