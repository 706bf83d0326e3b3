"""Signs that a run has failed, each with what to try."""

import torch
from torch import Tensor

from vaegan.errors import UserError
from vaegan.posterior import INFORMATIVE

CONSTANT = 0.2  # pairwise distance among samples over that among real images
IN_USE = 0.05  # least share of informative dimensions: of 64 a plain VAE here uses 18 (docs/diagnostics.md)
CERTAIN, BLIND = 0.97, 0.01  # gap between the mean probabilities of "real" that the discriminator gives


def mean_distance(images: Tensor) -> float:
    """Return the mean Euclidean distance between two different images of uint8 (N, C, H, W), in grey values."""
    flat = images.flatten(1).float()
    return torch.pdist(flat).mean().item() if len(flat) > 1 else 0.0


def samples_constant(samples: Tensor, real: Tensor) -> str | None:
    """Return a warning when prior samples hardly differ from each other."""
    ratio = mean_distance(samples) / max(mean_distance(real), 1e-9)
    if ratio >= CONSTANT:
        return None
    return (
        f"prior samples are nearly constant (they differ {ratio:.0%} as much as real images): "
        "try a lower --learning-rate, --norm group or --fakes both"
    )


def posterior_collapsed(informative: float, latent_dim: int) -> str | None:
    """Return a warning when hardly any dimension of the code says anything about the image."""
    if informative >= IN_USE * latent_dim:
        return None
    return (
        f"posterior collapse: {informative:.0f} of {latent_dim} latent dimensions hold more than {INFORMATIVE} nats: "
        "try a lower --beta, a lower --learning-rate or a smaller --latent-dim"
    )


def discriminator_lost(scalars: dict[str, float]) -> str | None:
    """Return a warning when the discriminator is certain, or cannot tell real from fake at all."""
    if "dis/real" not in scalars:
        return None
    fakes = [scalars[name] for name in ("dis/reconstruction", "dis/prior") if name in scalars]
    gap = scalars["dis/real"] - sum(fakes) / len(fakes)
    if gap > CERTAIN:
        return (
            f"the discriminator is certain (gap {gap:.2f} of 1): try a smaller --gate-margin or a lower --learning-rate"
        )
    if abs(gap) < BLIND:
        return f"the discriminator is blind (gap {gap:.3f}): try a larger --gate-margin or more --width"
    return None


def diverged(what: str, step: int) -> UserError:
    """Return the error of a run in which something has become NaN or infinite."""
    return UserError(
        f"{what} at step {step}; the last checkpoint is kept as it was: "
        "try a lower --learning-rate, or --precision fp32"
    )
