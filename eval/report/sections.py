"""Sections of report.json that have rows of their own, as types."""

from dataclasses import dataclass
from typing import Any

from eval.report.rows import Interval, Number, Reading


@dataclass(frozen=True)
class Cell(Reading):
    """A mode in the table of ingredients."""

    mode: str
    title: str
    reconstruction: str
    adversary: bool
    seeds: int


@dataclass(frozen=True)
class Ingredient(Reading):
    """Pixels of blur that an ingredient removes."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Decomposition:
    """Which ingredient removes the blur of one kind of image."""

    cells: list[Cell]
    outside: list[Cell]
    effects: list[Ingredient]
    sentence: str


@dataclass(frozen=True)
class Matched:
    """A run's samples, read plainly and against real images like them."""

    run: str
    title: str
    plain: Reading
    matched: Reading
    difference: Reading
    disagree: bool | None  # None: of too few images to say


@dataclass(frozen=True)
class Content:
    """Whether it is the blur, or what is drawn."""

    rows: list[Matched]
    sentence: str
    protocol: str


@dataclass(frozen=True)
class Gap:
    """A run's prior samples, decoded posterior draws and reconstructions, and what they say together."""

    run: str
    title: str
    prior: Reading
    posterior: Reading
    reconstructions: Reading
    reading: str


@dataclass(frozen=True)
class PriorGap:
    """Whether the decoder blurs or the prior has holes."""

    rows: list[Gap]
    sentence: str


@dataclass(frozen=True)
class Curve:
    """A measure of real images under known blurs."""

    sigma: list[float]
    value: list[Number]


@dataclass(frozen=True)
class Measure:
    """A measure of blur and its calibration."""

    name: str
    title: str
    unit: str
    primary: bool
    measure: str
    curve: Curve
    limits: list[float]
    images: int
    ladder_images: int


@dataclass(frozen=True)
class Spectrum:
    """Power by frequency relative to real images, by source id."""

    frequency: list[float]
    relative: dict[str, list[Number]]


@dataclass(frozen=True)
class Training:
    """A run's logged scalars by step."""

    step: list[int]
    series: dict[str, list[Number]]


@dataclass(frozen=True)
class Learning:
    """What a run read while it trained, by update and by seconds of training; px and nats, None where nothing was."""

    step: list[int]
    seconds: list[Number]
    series: dict[str, list[Number]]
    moved: dict[str, Number]  # px by kind of image, from half of the updates to the last


@dataclass(frozen=True)
class Column:
    """A distance as people see it."""

    key: str
    title: str
    note: str
    digits: int


@dataclass(frozen=True)
class NCurve:
    """A distance by number of images."""

    count: list[int]
    value: list[Number]


@dataclass(frozen=True)
class Distance:
    """One set of images by every column; `source` is the id of the report's source, None for a floor."""

    source: str | None
    title: str
    run: str | None
    values: dict[str, Number]
    intervals: dict[str, list[Number]]
    curve: NCurve
    coverage_expected: Number
    nearer: Number
    dimension: int
    singular: bool
    flags: list[str]
    fingerprint: dict[str, Any]


@dataclass(frozen=True)
class Distances:
    """Distances to real images, all by one protocol; no rows where there were too few images."""

    fingerprint: dict[str, Any] | None
    protocol: str
    columns: list[Column]
    rows: list[Distance]
    notes: list[str]


@dataclass(frozen=True)
class Picture:
    """A PNG in figures/ and what the page says of it."""

    file: str
    width: int
    height: int
    zoom: int
    title: str
    alt: str
    detail: str
    run: str | None
    sigma: Number
    more: "Picture | None"


@dataclass(frozen=True)
class Pictures:
    """The pictures of a report, in order."""

    faces: list[Picture]
    ladder: list[Picture]
    samples: list[Picture]


@dataclass(frozen=True)
class Way:
    """One way to a large image, measured."""

    title: str
    softness: Interval
    sharper: int
    pixel_error: Interval | None


@dataclass(frozen=True)
class LargeRun:
    """A run's ways to large images."""

    run: str
    title: str
    ways: list[Way]
    pictures: list[Picture]


@dataclass(frozen=True)
class Large:
    """Images drawn larger than they were trained."""

    size: int
    runs: list[LargeRun]
    protocol: str
