"""Networks that store images, one step before an autoencoder.

The post's first network turns an input of all ones into one image; its second turns K one-hot inputs into K images; the
third learns a real-valued code for each image beside the weights (as in arXiv 1707.05776). All three are the decoder
that every mode shares. Fed a code that it was not trained on, each shows what it cannot do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.strips import Row, figure_png
from vaegan import data
from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.errors import impossible
from vaegan.machine.memory import check_images
from vaegan.machine.progress import Bar
from vaegan.networks.building import build
from vaegan.pixels import rms, to_float, to_uint8

LEARNING_RATE = 2e-3
UNSEEN = 4  # codes shown that a network was not trained on


@dataclass(frozen=True)
class Memory:
    """A decoder and the codes of the images in it, (K, D)."""

    decoder: nn.Module = field(repr=False)
    codes: Tensor = field(repr=False)

    @torch.no_grad()
    def draw(self, codes: Tensor) -> Tensor:
        """Decode codes to uint8 images (N, C, S, S)."""
        return to_uint8(self.decoder(codes))


@dataclass(frozen=True)
class Rung:
    """A row: how many images are stored, their codes before training, whether these move, and the unseen codes."""

    name: str
    title: str
    lesson: str
    stored: Callable[[int], int]
    codes: Callable[[int, int, torch.Generator], Tensor]  # of (images, code_dim, generator)
    learned: bool
    unseen: Callable[[Tensor, torch.Generator], dict[str, Tensor]]  # of the trained codes: caption -> code (D,)


def random_codes(codes: Tensor, generator: torch.Generator) -> Tensor:
    """Draw two codes (2, D) from the normal distribution with the mean and spread of those in use."""
    spread = codes.std(0) if len(codes) > 1 else torch.ones(codes.shape[1])
    return codes.mean(0) + spread * torch.randn(2, codes.shape[1], generator=generator)


def unseen_ones(codes: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    one, two = random_codes(codes, generator)
    return {"all 0.5": 0.5 * codes[0], "all 0": 0 * codes[0], "random": one, "random ": two}


def unseen_mixtures(codes: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    one, two = random_codes(codes, generator)
    return {
        "half 1, half 2": (codes[0] + codes[1]) / 2,
        "half 3, half 4": (codes[2 % len(codes)] + codes[3 % len(codes)]) / 2,
        "random": one,
        "random ": two,
    }


RUNGS = (
    Rung(
        "one",
        "One image from an input of ones",
        "It stores one image; other inputs give remains of that one.",
        stored=lambda k: 1,
        codes=lambda n, d, generator: torch.ones(n, d),
        learned=False,
        unseen=unseen_ones,
    ),
    Rung(
        "one-hot",
        "{n} images from one-hot codes",
        "Each code calls up its image; a mixture of codes overlays images, a random code smears them.",
        stored=lambda k: k,
        codes=lambda n, d, generator: torch.eye(n),
        learned=False,
        unseen=unseen_mixtures,
    ),
    Rung(
        "free",
        "{n} images from learned codes of {d} numbers",
        "Codes find places of their own, but nothing says what lies between them, nor how to code a new image.",
        stored=lambda k: k,
        codes=lambda n, d, generator: torch.randn(n, d, generator=generator),
        learned=True,
        unseen=unseen_mixtures,
    ),
)


def store(images: Tensor, code_dim: int, steps: int, seed: int) -> tuple[dict[str, dict[str, float]], bytes]:
    """Train every rung on uint8 images (K, C, S, S) and measure it; return its figures by name, and one picture."""
    findings, rows = {}, []
    for rung in RUNGS:
        x = images[: rung.stored(len(images))]
        memory = memorize(rung, x, code_dim, steps, seed)
        unseen = rung.unseen(memory.codes, torch.Generator().manual_seed(seed + 1))
        recalled, invented = memory.draw(memory.codes), memory.draw(torch.stack(list(unseen.values())))
        figures = findings[rung.name] = measure(images, x, recalled, invented)
        rows.append(row(rung, code_dim, x, recalled, dict(zip(unseen, invented, strict=True)), figures))
    return findings, figure_png(rows, len(images), UNSEEN)


def load(folder: Path | None, k: int, size: int) -> Tensor:
    """Return the first images of a folder, or drawn faces, uint8 (K, C, S, S); UsageError when there are fewer."""
    check_images(k, 3, size)
    if folder is None:  # eight faces are drawn in a moment; the whole set would take a minute
        return torch.as_tensor(synthfaces.render(0, torch.arange(k), size))
    images = data.load(f"folder:{folder}", "train", image_size=size).images[:k]
    if len(images) < k:
        raise impossible(f"--k {k}", f"{folder} has {len(images)} images to store")
    return images


def memorize(rung: Rung, images: Tensor, code_dim: int, steps: int, seed: int) -> Memory:
    """Train a decoder, and where the rung says so the codes, until `steps` are done: mean squared error, Adam."""
    generator = torch.Generator().manual_seed(seed)
    codes = nn.Parameter(rung.codes(len(images), code_dim, generator), requires_grad=rung.learned)
    decoder = build(
        ("decoder",),
        channels=images.shape[1],
        image_size=images.shape[-1],
        width=0.25,
        latent_dim=codes.shape[1],
        norm="group",  # batch norm cannot see one image
        seed=seed,
    )["decoder"]
    parameters = [*decoder.parameters(), *([codes] if rung.learned else [])]
    optimizer, x = torch.optim.Adam(parameters, lr=LEARNING_RATE), to_float(images)
    for _ in Bar(range(steps), desc=rung.name, leave=False):
        optimizer.zero_grad()
        F.mse_loss(decoder(codes), x).backward()
        optimizer.step()
    return Memory(decoder.eval(), codes.detach())


def measure(images: Tensor, stored: Tensor, recalled: Tensor, invented: Tensor) -> dict[str, float]:
    """Return root mean square errors in levels of 255: of what was recalled, and how far what an unseen code draws is
    from the nearest image and from the nearest mixture of two images, against how far images are from each other."""
    pairs = [(a, b) for a in range(len(stored)) for b in range(a)]
    mixtures = torch.stack([(stored[a].float() + stored[b].float()) / 2 for a, b in pairs] or [stored[0].float()])
    between = torch.stack([rms(images[a], images[b]) for a in range(len(images)) for b in range(a)])
    return {
        "stored": len(stored),
        "recalled_rms": float(torch.stack([rms(a, b) for a, b in zip(recalled, stored, strict=True)]).mean()),
        "unseen_to_nearest_stored_rms": float(nearest(invented, stored).mean()),
        "unseen_to_nearest_mixture_rms": float(nearest(invented, mixtures).mean()),
        "between_images_rms": float(between.mean()),
    }


def nearest(images: Tensor, others: Tensor) -> Tensor:
    """Return how far each image is from the nearest of `others`, (N,)."""
    return torch.stack([torch.stack([rms(image, other) for other in others]).min() for image in images])


def row(
    rung: Rung, code_dim: int, x: Tensor, recalled: Tensor, invented: dict[str, Tensor], figures: dict[str, float]
) -> Row:
    """Describe a rung's part of the figure."""
    title = rung.title.format(n=len(x), d=code_dim)
    error, scale = figures["recalled_rms"], figures["between_images_rms"]
    text = f"Recalled to {error:.1f} levels of 255 (two of the images differ by {scale:.0f}). {rung.lesson}"
    return Row(title, text, x, recalled, invented)
