"""Every formula: pure and per sample, (B, ...) -> (B,), summed over dimensions, in nats, lower is better.

Names and equation numbers are those of Larsen et al., arXiv 1512.09300. The paper's L_GAN (Eq. 5 and 10) is a
log-likelihood to be maximised; here it is the cross-entropy that the discriminator minimises.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return L_prior, KL(q(z|x) || N(0, I)): 0.5 * sum(mean^2 + std^2 - log std^2 - 1), from (B, D)."""
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1)


def gaussian_nll(x: Tensor, x_tilde: Tensor, precision: float = 1.0) -> Tensor:
    """Return -log N(x; x_tilde, I / precision) without its constant: L_llike in pixels or in Dis_l."""
    return 0.5 * precision * (x - x_tilde).square().flatten(1).sum(1)


def bernoulli_nll(x: Tensor, logit: Tensor) -> Tensor:
    """Return the cross-entropy of pixels x in [-1, 1], read as probabilities (1 + x) / 2, under the pixels' logits.

    From the logit it is exact, and has its gradient, where the mean itself is rounded to black or white.
    """
    return F.binary_cross_entropy_with_logits(logit, (1 + x) / 2, reduction="none").flatten(1).sum(1)


def optimal_gaussian_nll(x: Tensor, x_tilde: Tensor) -> Tensor:
    """Return -log N(x; x_tilde, s^2 I) without 0.5 log 2 pi, s^2 the batch's mean squared error (arXiv 2006.13202).

    s^2 is the minimiser, so its own gradient is zero and it is detached.
    """
    squares = (x - x_tilde).square().flatten(1)
    variance = squares.detach().mean().clamp_min(1e-8)
    return 0.5 * squares.sum(1) / variance + 0.5 * squares.shape[1] * variance.log()


def real_cost(logit: Tensor) -> Tensor:
    """Return -log Dis(x), what calling a real image real costs the discriminator (Eq. 5); (B,)."""
    return F.softplus(-logit)


def fake_cost(logit: Tensor) -> Tensor:
    """Return -log(1 - Dis(x)), what calling a fake fake costs the discriminator (Eq. 5); (B,)."""
    return F.softplus(logit)


def minimax(logit: Tensor) -> Tensor:
    """Return log(1 - Dis(x)), Algorithm 1's adversarial loss of the decoder."""
    return -fake_cost(logit)


def nonsaturating(logit: Tensor) -> Tensor:
    """Return -log Dis(x): the same direction, but strong while the discriminator is winning (arXiv 1406.2661)."""
    return real_cost(logit)


# Of (x, x_tilde, its logit).
PIXEL_NLL: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "gaussian": lambda x, x_tilde, _: gaussian_nll(x, x_tilde),
    "bernoulli": lambda x, _, logit: bernoulli_nll(x, logit),
    "optimal-gaussian": lambda x, x_tilde, _: optimal_gaussian_nll(x, x_tilde),
}
ADVERSARIAL = {"minimax": minimax, "nonsaturating": nonsaturating}
