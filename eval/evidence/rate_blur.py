"""Blur against nats: what linear VAEs of every rate read, the curve that a run's own rate is held against."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from baselines import ppca
from baselines.ppca import LinearVae
from eval.blur.calibration import Calibration

RATES = (2.0, 5.0, 10.0, 20.0, 40.0, 70.0, 100.0, 140.0)  # nats; the networks here hold 15 to 100
COUNT = 1000  # images of each point: the curve is smooth, and 0.02 px do not show


@dataclass(frozen=True)
class Point:
    """What one linear VAE reads: `reconstructions` and `samples` in px, infinite beyond the calibrated range."""

    rate: float  # nats an image
    variance: float  # of its likelihood, on [-1, 1]
    reconstructions: float
    samples: float


def point(model: LinearVae, held_out: Tensor, calibration: Calibration, seed: int = 0) -> Point:
    """Read the model's reconstructions of uint8 held-out images (N, C, S, S), paired, and as many of its samples."""
    some, function = held_out[:COUNT], calibration.measure.function
    reconstructed = calibration.sigma_eq(function(model.reconstruct(some)), function(some))
    return Point(
        model.rate, model.variance, reconstructed, calibration.sigma_eq(function(model.sample(len(some), seed)))
    )


def curve(
    training: Tensor,
    held_out: Tensor,
    calibration: Calibration,
    latent_dim: int,
    rates: Sequence[float] = RATES,
    seed: int = 0,
) -> list[Point]:
    """Points of linear VAEs of `latent_dim` numbers fitted to uint8 training images, by rate; a run's own among `rates`
    gives the opponent at equal rate."""
    components = ppca.fit(training, latent_dim)
    return [point(ppca.of_rate(components, rate), held_out, calibration, seed) for rate in sorted(rates)]
