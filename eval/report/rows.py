"""Rows of report.json: what was found, as types.

A field that is None was not measured, or is no number (JSON has neither NaN nor infinity). Sources and runs are joined
by `id` and `label`, never by what people read.
"""

from dataclasses import dataclass, field
from typing import Literal

from eval.uncertainty.verdicts import worded

Number = float | None
Where = Literal["below", "inside", "above"]
Kind = Literal["real", "reconstructions", "samples", "baseline", "posterior", "average", "blurred", "control"]


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its 95 % interval."""

    value: Number
    low: Number
    high: Number


@dataclass(frozen=True)
class Reading(Interval):
    """Pixels of equivalent blur: `where` they lie in the calibrated range, None for what cannot be known."""

    text: str
    where: Where | None


@dataclass(frozen=True)
class Blur(Reading):
    """A source's reading by one measure, and that measure's mean."""

    measure: Number


@dataclass(frozen=True)
class Audit:
    """Mean of an audit, and relative to real images; of a run's grain also over what real images of its blur may have
    (1: just allowed), and whether that is more than chance."""

    mean: Number
    relative: Number
    alarm: Number
    flagged: bool


@dataclass(frozen=True)
class Laplacian:
    """Laplacian variance over a source's images."""

    median: Number
    minimum: Number
    count: int


@dataclass(frozen=True)
class Steadiness:
    """Pixels of equivalent blur under every snapshot of a run, the last weights last, on its first `images`; `spread`
    is their standard deviation in px^2, None where one is beyond the calibrated range."""

    readings: list[Number]
    spread: Number
    images: int


@dataclass(frozen=True)
class Source:
    """One set of images: blur by every measure, audits relative to real images, quality of reconstructions."""

    id: str
    title: str
    kind: Kind
    run: str | None
    count: int
    applied_sigma: Number
    blur: dict[str, Blur]
    audits: dict[str, Audit]
    quality: dict[str, Interval] | None
    laplacian: Laplacian
    flat: int
    steadiness: Steadiness | None = None  # of one set of weights there is none


@dataclass(frozen=True)
class Health:
    """What the audits found in a run; ratios are relative to real images."""

    diversity: Number
    semantic_diversity: Number
    nyquist: Number
    colour_nyquist: Number  # None: grey images
    speckle: Number
    colour_speckle: Number
    nearest: Number
    gap: Number
    p_real: Number
    p_fake: Number
    losses_finite: bool
    reasons: list[str]
    verdict: str


@dataclass(frozen=True)
class Run:
    """A run: `name` is what it is called among those of its mode."""

    label: str
    title: str
    mode: str
    mode_title: str
    name: str
    seed: int
    step: int
    finished: bool
    health: Health
    withheld: list[str] = field(default_factory=list)  # why no verdict may rest on it, beyond its health
    kind: str = ""  # title of the runs that differ from it in nothing but the seed; "" where a mode has one kind

    @property
    def team(self) -> str:
        """What it is a replicate of."""
        return self.kind or self.mode_title


@dataclass(frozen=True)
class Effect:
    """An effect size and its name."""

    name: str
    value: Number


@dataclass(frozen=True)
class Verdict:
    """What became of the claim that, of one kind of image, `blurrier` is blurrier than `sharper`."""

    what: Kind
    title: str
    claim: str
    blurrier: str
    sharper: str
    verdict: str
    scope: str
    sentence: str
    difference: Interval
    p: Number
    p_holm: Number
    effect: Effect
    rule: str = ""  # what the rule says, where `verdict` is withheld
    withheld: list[str] = field(default_factory=list)  # why
    runs: list[list[str]] = field(default_factory=list)  # labels of both sides
    grain: list[str] = field(default_factory=list)  # what the sharper side has more of than its blur allows
    weak: list[str] = field(default_factory=list)  # where the blurrier side is blurrier than a linear VAE
    fresh: Interval | None = None  # what one more run of either side would read apart

    @property
    def word(self) -> str:
        """The verdict as it is shown, with what qualifies it."""
        return worded(self.verdict, bool(self.grain), bool(self.weak))


@dataclass(frozen=True)
class Pooled(Reading):
    """The equivalent blur of runs that differ in nothing but the seed; spreads are standard deviations in px^2, within
    runs (their mean) and over seeds, None of one."""

    what: Kind
    mode: str
    title: str
    seeds: int
    runs: list[str] = field(default_factory=list)
    snapshots: int = 1
    snapshot_spread: Number = None
    seed_spread: Number = None


@dataclass(frozen=True)
class Hypotheses:
    """What was declared before looking, and how it is corrected for."""

    declared: list[str]
    sentence: str


@dataclass(frozen=True)
class Check:
    """What the instrument read of images whose blur is known."""

    title: str
    applied: float
    read: Blur
    allowed: float
    error: Number
    ok: bool


@dataclass(frozen=True)
class Instrument:
    """Whether the instrument reads what was put there."""

    ok: bool
    sentence: str
    checks: list[Check]
