"""Blur against nats: what linear VAEs of every rate read, the curve that a run's own rate is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from baselines import ppca
from baselines.ppca import LinearVae
from eval.blur.calibration import Calibration
from eval.blur.measures import PRIMARY
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.findings import entry, where
from eval.sources.runs import Run
from eval.uncertainty.estimates import Estimate

# Nats; the networks here hold 15 to 100. Below 5 all images are nearly their mean, and its edges are what is read.
RATES = (5.0, 10.0, 20.0, 40.0, 70.0, 100.0, 140.0)
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


@dataclass(frozen=True)
class Opponent:
    """The linear VAE whose codes hold as many nats as a run's: by kind of image the primary measure of what it makes of
    the reported images, and the equivalent blur."""

    rate: float
    values: Mapping[str, Tensor] = field(repr=False)
    estimates: Mapping[str, Estimate] = field(repr=False)


def rates(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By run's label the nats that its code holds, mean KL(q(z|x) || p(z)) of held-out images: rows of
    `bounds.describe`."""
    held = {row["run"]: row["code"]["kl"]["value"] for row in rows if row["code"]}
    return {label: nats for label, nats in held.items() if nats > 0}


def opponents(evidence: Evidence, nats: Mapping[str, float]) -> dict[str, Opponent]:
    """By label, the linear VAE at each run's own rate; none where the training images have too few directions."""
    if evidence.splits is None:
        return {}
    training = evidence.splits.train.images
    able = [run for run in evidence.runs if run.label in nats and has_directions(training, run.model.latent_dim)]
    return {run.label: opponent(evidence, training, run, nats[run.label]) for run in able}


def has_directions(training: Tensor, latent_dim: int) -> bool:
    """Whether uint8 images (N, C, S, S) have more directions than a code has numbers."""
    return latent_dim < min(len(training), training[0].numel())


def opponent(evidence: Evidence, training: Tensor, run: Run, nats: float) -> Opponent:
    """The linear VAE at one run's rate, of its latent size, on all reported images and as many samples."""
    model = ppca.of_rate(ppca.fit(training, run.model.latent_dim), nats)
    calibration, images = evidence.calibrations[PRIMARY], evidence.held_out.report
    function, originals = calibration.measure.function, evidence.real.values[PRIMARY]
    made = (model.reconstruct(images), model.sample(len(images), evidence.seed))
    values = dict(zip(COMPARED, map(function, made), strict=True))
    behind = {"reconstructions": originals, "samples": None}
    read = {what: calibration.estimate(v, behind[what], evidence.seed) for what, v in values.items()}
    return Opponent(nats, values, read)


def describe(evidence: Evidence, against: Mapping[str, Opponent]) -> dict[str, Any] | None:
    """What a report keeps: each run's point beside the linear VAE at its rate, and the linear VAEs' curves; None where
    no run has a rate."""
    if not against or evidence.splits is None:
        return None
    runs = [run for run in evidence.runs if run.label in against]
    training, held_out = evidence.splits.train.images, evidence.held_out.report
    calibration, sizes = evidence.calibrations[PRIMARY], sorted({run.model.latent_dim for run in runs})
    most = max(opponent.rate for opponent in against.values())
    chosen = [rate for rate in RATES if rate < most] + [most]
    points = [(size, p) for size in sizes for p in curve(training, held_out, calibration, size, chosen, evidence.seed)]
    return {
        "runs": [_beside(evidence, run, against[run.label]) for run in runs],
        "linear": [{"latent_dim": size, **_drawn(point)} for size, point in points],
        "images": len(held_out),
        "curve_images": min(COUNT, len(held_out)),
    }


def _beside(evidence: Evidence, run: Run, opponent: Opponent) -> dict[str, Any]:
    """A run's point and that of the linear VAE at its rate."""
    pixels = evidence.calibrations[PRIMARY].pixels
    own = {m.source.kind: evidence.reading(m)[0] for m in evidence.of(*COMPARED) if m.source.run == run.label}
    return {
        "run": run.label,
        "title": run.title,
        "rate": opponent.rate,
        **{what: entry(own[what].interval, pixels) for what in COMPARED},
        "linear": {what: entry(opponent.estimates[what].interval, pixels) for what in COMPARED},
    }


def _drawn(point: Point) -> dict[str, Any]:
    return {**vars(point), "where": {what: where(getattr(point, what)) for what in COMPARED}}
