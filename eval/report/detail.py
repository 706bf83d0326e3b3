"""The section of report.json on detail: what of reconstructions follows their originals, as types."""

from dataclasses import dataclass

from eval.report.rows import Number, Reading


@dataclass(frozen=True)
class Band:
    """A band of frequencies in cycles a pixel: what became of the original's structure (1: as strong), which share of
    the power follows the original, and the power relative to the original."""

    low: float
    high: float
    transfer: Number
    coherence: Number
    power: Number


@dataclass(frozen=True)
class Coherent:
    """Versions of the reported images: the blur of all of each image, and of the part that follows its original."""

    source: str
    title: str
    run: str | None
    bands: list[Band]
    whole: Reading
    coherent: Reading


@dataclass(frozen=True)
class CoherenceCheck:
    """A control of coherence, and whether it came out as expected."""

    row: Coherent
    expected: str
    ok: bool


@dataclass(frozen=True)
class Coherence:
    """How much of the fine structure of reconstructions is that of their originals; of the first `images`."""

    rows: list[Coherent]
    checks: list[CoherenceCheck]
    images: int
