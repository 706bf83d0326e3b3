"""A certificate of convergence: does a VAE reach what a linear VAE of the same likelihood reaches in closed form?

A network can be linear, so a VAE whose held-out bound lies below the exact log likelihood of the linear VAE is not
converged, whatever its curves look like (Lucas et al., arXiv 1911.02469).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from baselines import ppca
from baselines.ppca import LinearVae
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import Interval, mean_interval
from eval.words import fixed
from vaegan.config import Config


@dataclass(frozen=True)
class Certificate:
    """How a run's held-out ELBO compares with the linear VAE's exact log likelihood, nats an image."""

    linear: Interval
    difference: Interval  # ELBO less that, image by image
    weighted: float | None  # the importance-weighted bound less the same; above 0 where only the encoder is behind
    converged: bool  # the mean difference is not below 0
    text: str


def certify(elbo: Tensor, exact: Tensor, gain: float | None = None) -> Certificate:
    """Compare the ELBO (N,) of a run with the linear VAE's log p(x) (N,) of the same images, both with their constants;
    `gain` is what importance weighting adds to the mean ELBO."""
    difference, linear = mean_interval((elbo - exact).numpy()), mean_interval(exact.numpy())
    weighted = None if gain is None else difference.value + gain
    converged = difference.value >= 0
    return Certificate(linear, difference, weighted, converged, _words(difference.value, linear.value, weighted))


def _words(difference: float, linear: float, weighted: float | None) -> str:
    than = f"than the linear VAE's exact {fixed(linear, 1)}"
    if difference >= 0:
        return f"the bound is {difference:.1f} nats higher {than}"
    beside = "" if weighted is None else f"; importance-weighted {abs(weighted):.1f} {_side(weighted)}"
    return f"not converged: the bound is {-difference:.1f} nats lower {than}{beside}"


def _side(difference: float) -> str:
    return "lower" if difference < 0 else "higher"


def variance_of(run: Run) -> float | None:
    """The variance of a run's Gaussian likelihood on [-1, 1]: beta times 1, since beta KL + 0.5 |x - x_tilde|^2 is beta
    times the negative ELBO of variance beta. None where there is none or it is fitted."""
    objective = OBJECTIVES[run.config.mode]
    likelihood = objective.likelihood or run.config.likelihood
    return run.config.beta if likelihood == "gaussian" else None


def scale(config: Config) -> str | None:
    """Which of the linear VAEs that every report has (`eval.sources.runs.linear`) has the likelihood that a run of
    images' pixels was trained with; None of neither."""
    objective = OBJECTIVES[config.mode]
    if objective.reconstruction != "pixels" or not objective.prior or objective.adversarial or config.beta != 1:
        return None
    return {"gaussian": "unit", "optimal-gaussian": "fitted"}.get(objective.likelihood or config.likelihood)


def opponent(run: Run, training: Tensor) -> LinearVae | None:
    """The linear VAE of a run's likelihood and latent size, fitted to uint8 training images; None where no closed form
    is known: a Bernoulli or Dis_l likelihood, an adversary, a beta beside a fitted variance, too few images."""
    objective, config = OBJECTIVES[run.config.mode], run.config
    if objective.reconstruction != "pixels" or not objective.prior or objective.adversarial:
        return None
    if config.latent_dim >= min(len(training), training[0].numel()):
        return None
    variance = variance_of(run)
    if variance is not None:
        return ppca.of_variance(ppca.fit(training, config.latent_dim), variance)
    fitted = (objective.likelihood or config.likelihood) == "optimal-gaussian" and config.beta == 1
    return ppca.of_maximum_likelihood(ppca.fit(training, config.latent_dim)) if fitted else None


def entry(certificate: Certificate | None) -> dict[str, Any] | None:
    """What report.json keeps."""
    return None if certificate is None else asdict(certificate)


def withheld(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By run's label, why no verdict may rest on it: rows of the diagnostics whose certificate failed."""
    failed = (row for row in rows if row.get("certificate") and not row["certificate"]["converged"])
    return {row["run"]: f"{row['title']} is {row['certificate']['text']}" for row in failed}
