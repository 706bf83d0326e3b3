"""report.json as a type: `Report`, made of `rows` and `sections`. `eval.report.stored` writes and reads it."""

from dataclasses import dataclass
from typing import Any

from eval.report.detail import Coherence
from eval.report.rate import Rate
from eval.report.rows import Hypotheses, Instrument, Pooled, Run, Source, Verdict
from eval.report.sections import (
    Content,
    Decomposition,
    Distances,
    Large,
    Learning,
    Measure,
    Pictures,
    PriorGap,
    Spectrum,
    Training,
)

# 6: verdicts say what one more pair of runs would read and where their blurrier side is blurrier than a linear VAE;
# 5: grain beside that of real images of the same blur; 4: readings over snapshots, coherence, blur against nats,
# learning curves; 3: rows have types, readings say where they lie, sources have an id; 2: one table of distances
VERSION = 6


@dataclass(frozen=True)
class Quality:
    """How one price of sharpness is shown."""

    name: str
    title: str
    unit: str
    digits: int


@dataclass(frozen=True)
class Dataset:
    """The data that a report is about."""

    name: str
    title: str
    image_size: int
    channels: int
    held_out: int
    note: str


@dataclass(frozen=True)
class Protocol:
    """The count of every source, and what stands beneath the tables."""

    count: int
    interval: str
    instrument: str
    laplacian: str
    quality: str
    audits: str


@dataclass(frozen=True)
class Setting:
    """A setting that runs disagree on, by run."""

    setting: str
    values: dict[str, str]


@dataclass(frozen=True)
class Report:
    """report.json."""

    schema_version: int
    headline: str
    verdicts: list[Verdict]
    rate: Rate | None
    decomposition: dict[str, Decomposition] | None
    pooled: list[Pooled]
    hypotheses: Hypotheses
    instrument: Instrument
    sources: list[Source]
    coherence: Coherence | None
    content: Content | None
    prior_gap: PriorGap | None
    measures: list[Measure]
    runs: list[Run]
    diagnostics: dict[str, Any] | None
    distances: Distances
    large: Large | None
    spectrum: Spectrum
    training: dict[str, Training]
    learning: dict[str, Learning]
    dataset: Dataset
    seeds: dict[str, int]
    protocol: Protocol
    protocol_lines: list[list[str]]
    thresholds: dict[str, float]
    qualities: list[Quality]
    price: bool
    configs: dict[str, dict[str, Any]]
    differences: list[Setting]
    commands: list[str]
    versions: dict[str, str]
    ladder_caption: str
    pictures: Pictures
