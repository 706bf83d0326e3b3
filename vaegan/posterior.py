"""What a Gaussian posterior q(z|x) holds, from mu and logvar (N, D) of N images: all in nats."""

from torch import Tensor

INFORMATIVE = 0.1  # nats: a short run leaves every dimension a little active, and most of them next to empty
ACTIVE = 0.01  # variance of mu over images above which a dimension is in use (Burda et al., arXiv 1509.00519)


def draw(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Return z = mu + sigma eps, of the shape of all three."""
    return mu + (0.5 * logvar).exp() * eps


def kl_by_dimension(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(q(z_d|x) || N(0, 1)) of each dimension, its mean over images: (D,); their sum is L_prior."""
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).mean(0)


def active_units(mu: Tensor) -> int:
    """Count the dimensions whose mean depends on the image: variance of mu over images above ACTIVE."""
    return int((mu.var(0, correction=min(1, len(mu) - 1)) > ACTIVE).sum())


def informative_units(mu: Tensor, logvar: Tensor) -> int:
    """Count the dimensions whose KL exceeds INFORMATIVE nats."""
    return int((kl_by_dimension(mu, logvar) > INFORMATIVE).sum())


def scalars(mu: Tensor, logvar: Tensor) -> dict[str, float]:
    """Name what a training run logs of the posterior of its held-out images."""
    kl = kl_by_dimension(mu, logvar)
    return {
        "posterior/kl": kl.sum().item(),
        "posterior/kl_largest_dimension": kl.max().item(),
        "posterior/active_units": float(active_units(mu)),
        "posterior/informative_units": float(informative_units(mu, logvar)),
    }
