"""The section of report.json on blur against nats, as types."""

from dataclasses import dataclass

from eval.report.rows import Number, Reading, Verdict, Where


@dataclass(frozen=True)
class AtRate:
    """What a run reads, whose codes hold `rate` nats, and what a linear VAE of as many nats reads, by kind of image."""

    run: str
    title: str
    rate: float
    reconstructions: Reading
    samples: Reading
    linear: dict[str, Reading]


@dataclass(frozen=True)
class LinearPoint:
    """A point of the linear VAEs' curve: px by kind of image, None beyond the calibrated range."""

    latent_dim: int
    rate: float
    variance: float
    reconstructions: Number
    samples: Number
    where: dict[str, Where | None]


@dataclass(frozen=True)
class Rate:
    """Blur against nats, and the claim held against linear VAEs at each run's own rate."""

    runs: list[AtRate]
    linear: list[LinearPoint]
    verdicts: list[Verdict]
    images: int
    curve_images: int
