"""What a VAE's bound, its code and its prior look like.

Bounds are in nats with the likelihood's constants, on images no run was trained on.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from eval import words
from eval.evidence import certificate
from eval.evidence.certificate import Certificate
from eval.sources import runs as sources
from eval.sources.held_out import drawn_set
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import mean_interval
from vaegan import losses, posterior
from vaegan.data import ImageSet
from vaegan.generator import told
from vaegan.model import prior_codes
from vaegan.pixels import to_float
from vaegan.training import collapse

DRAWS = (1, 64, 512)  # importance samples an image; the largest decides the cost: 512 decoded images for each
FITTED = 1000  # training images by which a fitted noise scale is fixed before any bound is taken
IN_REPORT = (2000, 16)  # images of a report for the ELBO and the code, and for K draws
WHITE = 1 - 2**-24  # the largest float32 below 1: the logit of an image is at most 17.3
CHUNK = 500  # decoded images at a time

LogLikelihood = Callable[[Tensor, Tensor], Tensor]  # of (x, x_tilde), both (B, ...) in [-1, 1]; (B,)


def gaussian_log_likelihood(x: Tensor, x_tilde: Tensor, variance: float = 1.0) -> Tensor:
    """Return log N(x; x_tilde, variance I) with its constant, (B,): a density on the scale [-1, 1]."""
    constant = 0.5 * x[0].numel() * math.log(2 * math.pi * variance)
    return -losses.gaussian_nll(x, x_tilde, 1 / variance) - constant


def bernoulli_log_likelihood(x: Tensor, x_tilde: Tensor) -> Tensor:
    """Return the mean log-probability of images whose pixels are drawn black or white with probability (1 + x) / 2.

    Taken inside the bound it bounds the mean log-likelihood of those binary images from below, for every number of
    draws: log-sum-exp is convex. Of grey images it is no density.
    """
    return -losses.bernoulli_nll(x, 2 * torch.atanh(x_tilde.clamp(-WHITE, WHITE)))


def log_weights(log_px: Tensor, mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """Return log p(x|z) p(z) / q(z|x) of z = mu + sigma eps: log_px (..., ) given, the others (..., D)."""
    z = posterior.draw(mu, logvar, eps)
    return log_px + 0.5 * (eps.square() + logvar - z.square()).sum(-1)


def importance_weighted_bound(weights: Tensor, k: int) -> Tensor:
    """Return the bound on log p(x) with k draws (Burda et al., arXiv 1509.00519, Eq. 8) from log-weights (N, S): (N,).

    The mean over S // k disjoint groups of the draws; k = 1 is the ELBO.
    """
    groups = weights[:, : weights.shape[1] // k * k].unflatten(1, (-1, k))
    return (groups.logsumexp(dim=2) - math.log(k)).mean(dim=1)


def moments(mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (D,) and covariance (D, D) of the aggregated posterior, the mixture of q(z|x) over N images."""
    return mu.mean(0), torch.cov(mu.T, correction=0) + torch.diag(logvar.exp().mean(0))


def gaussian_kl_to_prior(mean: Tensor, covariance: Tensor) -> float:
    """Return KL(N(mean, covariance) || N(0, I)) in nats.

    With the moments of the aggregated posterior a lower bound on its own KL to the prior, the third term of the ELBO
    (Hoffman & Johnson 2016, "ELBO surgery"): of all distributions with these moments the Gaussian is nearest.
    """
    log_determinant = torch.linalg.slogdet(covariance.double())[1]
    return 0.5 * float(covariance.trace() + mean.square().sum() - len(mean) - log_determinant)


def of_runs(
    directories: Sequence[Path], images: int, bound_images: int, seed: int, data_dir: Path | None, device: str = "cpu"
) -> dict:
    """Open runs of one data set and describe them."""
    runs = sources.open_runs(directories, device=device)
    held_out, training = (sources.load_split(runs[0], split, data_dir) for split in ("test", "train"))
    return describe(runs, held_out, training, images, bound_images, seed)


def of_report(runs: Sequence[Run], held_out: ImageSet, training: ImageSet, seed: int) -> dict | None:
    """The same for a report, where it must be cheap; None when no run has an encoder."""
    if not any(run.model.has_encoder for run in runs):
        return None
    return describe(runs, held_out, training, *IN_REPORT, seed)


def describe(
    runs: Sequence[Run], held_out: ImageSet, training: ImageSet, images: int, bound_images: int, seed: int
) -> dict:
    """What report.json and --json hold: a row a run, and the protocol of its figures."""
    some = drawn_set(held_out, images, seed)
    few = replace(some, images=some.images[:bound_images], labels=_first(some.labels, bound_images))
    fitted = drawn_set(training, FITTED, seed)
    return {
        "rows": [diagnose(run, some, few, fitted, training, seed) for run in runs],
        "draws": list(DRAWS),
        "protocol": (
            f"{held_out.name} {held_out.image_size} px, held-out images (seed {seed}): ELBO from one draw of z for "
            f"{len(some.images):,} of them; with K draws the ELBO plus the gain over it, measured on {len(few.images)} "
            f"with {max(DRAWS)} draws each; code: {len(some.images):,}. Nats an image, 95 % intervals over images. "
            f"Active: dimensions whose mu has a variance over images > {posterior.ACTIVE}; beside it those that hold "
            f"more than {posterior.INFORMATIVE} nats. KL(q(z) || p): of the Gaussian with the aggregated posterior's "
            "mean and covariance, a lower bound"
        ),
    }


def _first(labels: Tensor | None, count: int) -> Tensor | None:
    return None if labels is None else labels[:count]


def diagnose(run: Run, some: ImageSet, few: ImageSet, fitted: ImageSet, training: ImageSet, seed: int) -> dict:
    """One run's row; what it cannot have is None, and "why" says so."""
    row = {"run": run.label, "title": run.title, "latent_dim": run.model.latent_dim}
    likelihood, words, why = likelihood_of(run, fitted, seed)
    row |= {
        "likelihood": words,
        "why": why,
        "code": None,
        "bounds": None,
        "gains": None,
        "warning": None,
        "certificate": None,
    }
    if not run.model.has_encoder:
        return row
    mu, logvar = run.model.encode(*_told(run, some))
    if OBJECTIVES[run.config.mode].prior:
        row["code"] = code(mu, logvar)
        row["warning"] = collapse.posterior_collapsed(row["code"]["informative"], run.model.latent_dim)
    if likelihood is None:
        return row
    row |= bounds(run, likelihood, some, few, mu, logvar, seed)
    gain = row["gains"][str(max(DRAWS))]["value"]
    proof = certified(run, likelihood, some, training, mu, logvar, gain, seed)
    return row | {"certificate": certificate.entry(proof)}


def certified(
    run: Run,
    likelihood: LogLikelihood,
    some: ImageSet,
    training: ImageSet,
    mu: Tensor,
    logvar: Tensor,
    gain: float | None,
    seed: int,
) -> Certificate | None:
    """The run's ELBO beside the linear VAE's exact log likelihood, under the likelihood it was trained with."""
    linear, variance = certificate.opponent(run, training.images), certificate.variance_of(run)
    if linear is None:
        return None
    if variance is not None and variance != 1:  # the bounds of the table are of variance 1, and so is their gain
        likelihood, gain = partial(gaussian_log_likelihood, variance=variance), None
    elbo = weights(run, likelihood, some, mu, logvar, 1, seed)[:, 0]
    return certificate.certify(elbo, linear.log_likelihood(some.images), gain)


def likelihood_of(run: Run, fitted: ImageSet, seed: int) -> tuple[LogLikelihood | None, str | None, str | None]:
    """A run's log p(x|z) and its name, or None, None and why there is none."""
    objective = OBJECTIVES[run.config.mode]
    if not objective.reconstruction:
        return None, None, "no encoder"
    if not objective.prior:
        return None, None, "no posterior: it decodes its mean"
    if objective.reconstruction != "pixels":
        return None, None, "its likelihood is of Dis_l, not of images"
    make, words = LIKELIHOODS[objective.likelihood or run.config.likelihood]
    return make(run, fitted, seed), words, None


def _fitted_gaussian(run: Run, fitted: ImageSet, seed: int) -> LogLikelihood:
    """The Gaussian of vae-sigma, its one variance fixed to the mean squared error on training images."""
    mu, logvar = run.model.encode(*_told(run, fitted))
    x_tilde = _decoded(run, posterior.draw(mu, logvar, prior_codes(len(mu), mu.shape[1], seed)), fitted.labels)
    variance = (to_float(fitted.images) - x_tilde).square().mean().item()
    return lambda x, x_tilde: gaussian_log_likelihood(x, x_tilde, variance)


LIKELIHOODS = {
    "gaussian": (lambda *_: gaussian_log_likelihood, "Gaussian, variance 1 on [-1, 1]"),
    "optimal-gaussian": (_fitted_gaussian, "Gaussian, variance fitted on training images"),
    "bernoulli": (lambda *_: bernoulli_log_likelihood, "Bernoulli, of images binarised at random by their grey"),
}


def code(mu: Tensor, logvar: Tensor) -> dict:
    """How much a code holds, in which dimensions, and how far codes of all images together are from the prior."""
    kl = posterior.kl_by_dimension(mu, logvar)
    mean, covariance = moments(mu, logvar)
    variance = covariance.diagonal()
    return {
        "kl": asdict(mean_interval(losses.kl_divergence(mu, logvar).numpy())),
        "kl_by_dimension": _rounded(kl.sort(descending=True).values),
        "active": posterior.active_units(mu),
        "informative": posterior.informative_units(mu, logvar),
        "to_prior": gaussian_kl_to_prior(mean, covariance),
        "largest_mean": mean.abs().max().item(),
        "variance": [variance.min().item(), variance.max().item()],
        "mean_by_dimension": _rounded(mean),
        "variance_by_dimension": _rounded(variance),
    }


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 5) for value in values.tolist()]


def bounds(
    run: Run, log_likelihood: LogLikelihood, some: ImageSet, few: ImageSet, mu: Tensor, logvar: Tensor, seed: int
) -> dict:
    """The ELBO with its interval, and for K draws the bound and its gain over the ELBO."""
    # One draw for many images and many for few: gains vary little between images, the ELBO much.
    single = weights(run, log_likelihood, some, mu, logvar, 1, seed)
    several = weights(run, log_likelihood, few, mu[: len(few.images)], logvar[: len(few.images)], max(DRAWS), seed)
    own = importance_weighted_bound(several, 1)
    elbo = mean_interval(single[:, 0].numpy())
    gains = {k: mean_interval((importance_weighted_bound(several, k) - own).numpy()) for k in DRAWS if k > 1}
    return {
        "bounds": {"1": asdict(elbo)} | {str(k): {"value": elbo.value + gain.value} for k, gain in gains.items()},
        "gains": {str(k): asdict(gain) for k, gain in gains.items()},
    }


def weights(
    run: Run, log_likelihood: LogLikelihood, images: ImageSet, mu: Tensor, logvar: Tensor, draws: int, seed: int
) -> Tensor:
    """Log-weights (N, draws) of a run's posterior for images, float64."""
    parts = []
    for i, (x, m, v, y) in enumerate(_chunks(images, mu, logvar, max(1, CHUNK // draws))):
        eps = prior_codes(draws * len(x), m.shape[1], (seed, draws, i))
        x, m, v = (t.repeat_interleave(draws, 0) for t in (x, m, v))
        y = None if y is None else y.repeat_interleave(draws, 0)
        x_tilde = _decoded(run, posterior.draw(m, v, eps), y)
        log_px = log_likelihood(x, x_tilde)
        parts.append(log_weights(log_px.double(), m.double(), v.double(), eps.double()).unflatten(0, (-1, draws)))
    return torch.cat(parts)


def _chunks(
    images: ImageSet, mu: Tensor, logvar: Tensor, size: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
    """Float images, mu, logvar and labels or None, `size` images at a time."""
    for start in range(0, len(mu), size):
        part = slice(start, start + size)
        labels = None if images.labels is None else images.labels[part]
        yield to_float(images.images[part]), mu[part], logvar[part], labels


def _decoded(run: Run, z: Tensor, labels: Tensor | None) -> Tensor:
    return run.model.decode_mean(z, *told(run.model, labels))


def _told(run: Run, images: ImageSet) -> tuple[Tensor, ...]:
    """What an encoder takes: images and, for a conditional run, their labels."""
    return (images.images, *told(run.model, images.labels))


def table(value: dict) -> str:
    """The rows as aligned text, the protocol below."""
    several = [f"K = {k}" for k in value["draws"] if k > 1]
    head = ["run", "ELBO", *several, "KL", "active", "> 0.1 nats", "KL(q(z) || p)", "variance of z", "likelihood"]
    text = words.table(head, [_line(row, value["draws"]) for row in value["rows"]])
    notes = [f"warning: {row['title']}: {row['warning']}" for row in value["rows"] if row["warning"]]
    notes += [f"{row['title']}: {row['certificate']['text']}" for row in value["rows"] if row["certificate"]]
    return "\n".join([text, "", value["protocol"], *notes])


def _line(row: dict, draws: Sequence[int]) -> list[str]:
    bounds, code = row["bounds"] or {}, row["code"]
    cells = [_interval(bounds.get("1"))]
    cells += [f"{bounds[str(k)]['value']:.1f}" if bounds else "-" for k in draws if k > 1]
    if code is None:
        cells += ["-"] * 5
    else:
        low, high = code["variance"]
        cells += [_interval(code["kl"]), f"{code['active']} of {row['latent_dim']}", str(code["informative"])]
        cells += [f"{code['to_prior']:.1f}", f"{low:.2f} to {high:.2f}"]
    return [row["title"], *cells, row["likelihood"] or f"- ({row['why']})"]


def _interval(entry: dict | None) -> str:
    return "-" if entry is None else f"{entry['value']:.1f} [{entry['low']:.1f}, {entry['high']:.1f}]"
