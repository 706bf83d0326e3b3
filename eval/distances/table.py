"""The table of distances: floors first, every row of one protocol, with what each number must be read beside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from eval.distances.columns import COLUMNS, LEAST, Features, Reference, column_name, flags, measure, singular_note
from eval.distances.fingerprint import Fingerprint, fingerprint, one_column
from eval.distances.moments import blocks_of
from eval.distances.neighbours import COPY, NEIGHBOURS, PRECISION_NEIGHBOURS
from eval.features.choice import Extractor
from vaegan.errors import UserError

FLOORS = ("Training images (floor)", "Held-out images (floor)")
HALVES = "Halves of the reference (floor)"  # half as many on each side, so by a protocol of its own


@dataclass(frozen=True)
class Protocol:
    """The reference, and what the fingerprint says of it besides counts."""

    extractor: Extractor
    reference: Reference
    name: str  # data set, size and split in words
    reference_sha256: str
    training_sha256: str
    seed: int

    @property
    def training_apart(self) -> bool:
        """Whether copies are looked for among other images than the reference's own."""
        return self.training_sha256 != self.reference_sha256

    def fingerprint(self, count: int) -> Fingerprint:
        """The fingerprint of a set of `count` images measured against this reference."""
        return fingerprint(
            **self.extractor.identity(),
            count=count,
            reference=self.name,
            reference_count=self.reference.features.count,
            reference_sha256=self.reference_sha256,
            training_count=len(self.reference.training),
            training_sha256=self.training_sha256,
            seed=self.seed,
            is_fid=self.extractor.is_fid,
        )


@dataclass(frozen=True)
class Set:
    """A set of images to be measured: its title, the run it belongs to, and its features."""

    title: str
    run: str | None
    features: Features = field(repr=False)
    source: str | None = None  # id of the report's source; None for floors, and outside of reports


def of_vectors(vectors: Tensor) -> Features:
    """The features of a set whose vectors (N, d) are all there."""
    return Features(vectors, blocks_of(vectors))


def rows(sets: Sequence[Set], protocol: Protocol, floor: dict | None = None) -> list[dict]:
    """Measure sets of images: {title, run, flags, fingerprint, every distance}. Flags are read against `floor`, a row,
    by default that of FLOORS among them."""
    measured = []
    for s in sets:
        row = measure(s.features, protocol.reference)
        if s.title == FLOORS[0]:  # they are the training images
            row |= {"copies": None, "nearer": None}
        measured.append(
            {
                "title": s.title,
                "run": s.run,
                "source": s.source,
                **row,
                "fingerprint": protocol.fingerprint(s.features.count),
            }
        )
    floor = floor or next((row for row in measured if row["title"] == FLOORS[1]), None)
    for row in measured:
        row["flags"] = flags(row, floor, protocol.training_apart) if floor and row["title"] not in FLOORS else []
    return measured


def table(rows: Sequence[dict]) -> dict:
    """report.json's value of rows that share a protocol; UserError where two do not."""
    protocol = one_column((row["title"], row["fingerprint"]) for row in rows if row["title"] != HALVES)
    columns = [
        {"key": c.key, "title": column_name(c, protocol.is_fid), "note": c.note, "digits": c.digits} for c in COLUMNS
    ]
    return {
        "fingerprint": protocol.to_dict(),
        "protocol": protocol.short,
        "columns": columns,
        "rows": [{**row, "fingerprint": row["fingerprint"].to_dict()} for row in rows],
        "notes": notes(protocol, rows),
    }


def absent(count: int) -> dict:
    """The table of sets that are too small for one."""
    note = f"No distances: they need at least {LEAST} images on each side, and there are {count}."
    return {"fingerprint": None, "protocol": "", "columns": [], "rows": [], "notes": [note]}


def notes(protocol: Fingerprint, rows: Sequence[dict]) -> list[str]:
    """How the columns are to be read."""
    counts = {row["fingerprint"].count for row in rows if row["title"] != HALVES}
    remarks = [
        f"Extractor {protocol.extractor} (sha256 {protocol.sha256[:12]}), {protocol.resize}; {_range(counts)} images "
        f"against {protocol.reference_count:,} of {protocol.reference}; {protocol.quantisation}. Compare only within "
        "this table, and with its floors.",
        "N → ∞: the straight line in 1 / N through the distances at N, N/2, N/4 and N/8 images of both sides (Chong "
        "and Forsyth 2020), because finite N adds about c / N, with another c for each model. Kernel distance: "
        "unbiased squared MMD, cubic kernel, all pairs; its 95 % interval is over images.",
        f"Coverage and density: {NEIGHBOURS} nearest neighbours (Naeem et al. 2020); precision and recall: "
        f"{PRECISION_NEIGHBOURS} (Kynkäänniemi et al. 2019). {_copies(protocol)}",
    ]
    if len(counts) > 1:
        remarks.append(
            "Rows of different numbers of images: the Fréchet distance falls with N, and density, coverage, precision "
            "and recall change with it; compare N → ∞ and the kernel distance, which do not."
        )
    if any(row["singular"] for row in rows):
        remarks.append(singular_note(protocol, rows[0]["dimension"]))
    return remarks


def _range(counts: set[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _copies(protocol: Fingerprint) -> str:
    if protocol.training_sha256 == protocol.reference_sha256:
        return (
            f"Copies: the share of images nearer to one of the {protocol.reference_count:,} reference images than the "
            f"nearest {COPY:.0%} of these are to each other."
        )
    return (
        f"Copies: the share of images nearer to one of {protocol.training_count:,} training images than the nearest "
        f"{COPY:.0%} of held-out images."
    )


def check_images(a: tuple[int, ...], b: tuple[int, ...], names: tuple[str, str]) -> None:
    """Raise UserError for images (C, H, W) of two sizes, or grey against colour."""
    if a[1:] != b[1:]:
        raise UserError(
            f"{names[0]} has images of {a[1]}x{a[2]} and {names[1]} of {b[1]}x{b[2]}; make both one size, for example "
            "with --image-size"
        )
    if a[0] != b[0]:
        raise UserError(
            f"{names[0]} has {a[0]} channel(s) and {names[1]} {b[0]}; convert one of them, or measure against data of "
            "the same kind"
        )
