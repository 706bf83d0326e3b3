"""What the page shows of a report, and in what order; the templates only lay it out."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from eval.report import grouping
from eval.report.grouping import Average, Averages
from eval.report.rows import Pooled, Reading, Source, Verdict
from eval.report.schema import Report
from eval.report.sections import Distance, Learning, Picture

PICTURE_BYTES = 3_600_000  # of base64 in one page, so that with its charts it stays below 5 MB

BAND = 4  # of coherence: the finest in which plain VAEs still have a part of the real power


@dataclass(frozen=True)
class Embedded:
    """A picture as the page has it: its data: URL, None when there was no room left for it."""

    picture: Picture
    data: str | None


@dataclass(frozen=True)
class Strip:
    """A row of the image strip, `sigma` px blurred."""

    kind: Literal["original", "rung", "model"]
    title: str
    picture: Picture
    sigma: float


@dataclass(frozen=True)
class OverSeeds:
    """A mode's pooled readings, by kind of image."""

    title: str
    run: str
    seeds: int
    readings: dict[str, Pooled]


class Embedding:
    """Pictures as data: URLs, as long as there is room; those that come later are left to the figures folder."""

    def __init__(self, folder: Path, room: int = PICTURE_BYTES):
        self.folder, self.room = folder, room

    def __call__(self, picture: Picture) -> Embedded:
        """The picture with its data, None when there is no room left for it."""
        encoded = base64.b64encode((self.folder / "figures" / picture.file).read_bytes()).decode()
        fits = len(encoded) <= self.room
        self.room -= len(encoded) if fits else 0
        return Embedded(picture, f"data:image/png;base64,{encoded}" if fits else None)

    def rows(self, rows: Sequence[Strip]) -> list[tuple[Strip, Embedded]]:
        """Rows of the strip with their pictures' data."""
        return [(row, self(row.picture)) for row in rows]


def view(report: Report, folder: Path) -> dict[str, Any]:
    """Everything the templates need besides the report: pictures in order, tables by mode."""
    embed = Embedding(folder)
    rows, others = strip(report)
    grids, more_grids = sample_grids(report)
    large = report.large.runs if report.large else []
    behind = [grid for grid in grids if grid.more and not grouping.crowded(report)]
    return {
        "crowded": grouping.crowded(report),
        "groups": grouping.groups(report),
        "runs": runs_in_words(report),
        "picked": picked(report),
        "verdicts": verdicts(report),
        "strip": embed.rows(rows),
        "grids": [embed(grid) for grid in grids],
        "grids_more": {grid.run: embed(grid.more) for grid in behind if grid.more},
        "strip_others": embed.rows(others),
        "grids_others": [embed(grid) for grid in more_grids],
        "large": [(run, [embed(row) for row in run.pictures]) for run in large],
        "sources": [list(same) for _, same in groupby(report.sources, key=lambda source: source.kind)],
        "pooled": pooled(report),
        "steady": [source for source in report.sources if source.steadiness],
        "band": report.coherence and report.coherence.rows[0].bands[BAND],
        "band_index": BAND,
        "flat": {label: flat(run, report.thresholds["flat"]) for label, run in report.learning.items()},
        "quality": quality_by_group(report),
        "distances_by_group": distances_by_group(report),
    }


def flat(run: Learning, limit: float) -> str:
    """Whether the second half of a run's updates moved its readings by less than `limit` px."""
    known = [abs(moved) for moved in run.moved.values() if moved is not None]
    return "–" if not known else "yes" if max(known) < limit else "no"


def runs_in_words(report: Report) -> str:
    """Which runs the report is about, briefly."""
    if not grouping.crowded(report):
        return ", ".join(run.title for run in report.runs)
    titles = ", ".join(dict.fromkeys(group.title for group in grouping.modes(report)))
    return f"{titles} ({len(report.runs)} runs)"


def picked(report: Report) -> str:
    """Which runs stand for the others in pictures, in words; empty when all are shown."""
    left = len(report.runs) - len(grouping.shown(report))
    if not left:
        return ""
    seeds = {run.seed for run in report.runs if run.label in grouping.shown(report)}
    which = f"seed {seeds.pop()}" if len(seeds) == 1 else "its first run"
    others = "one more run opens" if left == 1 else f"{left} more runs open"
    return f"Of each mode {which} is shown, not a chosen one; {others} below."


def verdicts(report: Report) -> list[list[Verdict]]:
    """Verdicts by kind of image."""
    return [list(same) for _, same in groupby(report.verdicts, key=lambda row: row.what)]


def primary(report: Report) -> str:
    """The name of the measure that verdicts rest on."""
    return next(measure.name for measure in report.measures if measure.primary)


def sigma(reading: Reading) -> float:
    """A reading in px: -inf below the calibrated range, inf above it, and where it is unknown."""
    if reading.value is not None:
        return reading.value
    return -math.inf if reading.where == "below" else math.inf


def strip(report: Report) -> tuple[list[Strip], list[Strip]]:
    """The rows of the image strip, and those of other seeds: the original, then from sharp to blurred every model among
    the rungs of the ladder."""
    readings = {s.run: s.blur[primary(report)] for s in report.sources if s.kind == "reconstructions"}
    faces, chosen = report.pictures.faces, grouping.shown(report)
    models = [Strip("model", p.title, p, sigma(readings[p.run])) for p in faces if p.run is not None]
    rungs = [Strip("rung", f"Real, blurred {p.title}", p, p.sigma or 0.0) for p in report.pictures.ladder]
    originals = [Strip("original", p.title, p, 0.0) for p in faces if p.run is None]
    if originals:
        rungs = [rung for rung in rungs if rung.sigma > 0]
    else:
        originals, rungs = [Strip("original", "Original", rungs[0].picture, 0.0)], rungs[1:]
    ladder = sorted(rungs + [row for row in models if row.picture.run in chosen], key=lambda row: row.sigma)
    return originals + ladder, [row for row in models if row.picture.run not in chosen]


def sample_grids(report: Report) -> tuple[list[Picture], list[Picture]]:
    """Grids of prior samples: those that are shown at once, and the others."""
    chosen, grids = grouping.shown(report), report.pictures.samples
    return [g for g in grids if g.run in chosen], [g for g in grids if g.run not in chosen]


def pooled(report: Report) -> list[OverSeeds]:
    """Pooled readings as a table, a row for each kind of run."""
    first = {run.team: run.label for run in reversed(report.runs)}
    rows: dict[str, OverSeeds] = {}
    for row in report.pooled:
        over = rows.setdefault(row.title, OverSeeds(row.title, first[row.title], row.seeds, {}))
        over.readings[row.what] = row
    return list(rows.values())


def quality_by_group(report: Report) -> list[Averages]:
    """Mean price of each group's reconstructions over its seeds."""
    rows = [source for source in report.sources if source.kind == "reconstructions" and source.quality]

    def value(source: Source, name: str) -> float | None:
        return source.quality[name].value if source.quality else None

    columns = {q.name: partial(value, name=q.name) for q in report.qualities}
    return grouping.averages(report, rows, columns)


def distances_by_group(report: Report) -> list[Averages]:
    """Distances as means over each group's seeds, for reconstructions and samples; what belongs to no run stays."""
    table = report.distances
    kinds = {source.id: source.kind for source in report.sources}
    columns = {column.key: partial(_number, key=column.key) for column in table.columns}
    rows = [_single(row) for row in table.rows if row.run is None]
    for kind in dict.fromkeys(kinds[row.source] for row in table.rows if row.run is not None and row.source):
        same = [row for row in table.rows if row.source and kinds[row.source] == kind]
        over = grouping.averages(report, same, columns)
        rows += [Averages(f"{row.title} {kind}", row.run, row.seeds, row.values) for row in over]
    return rows


def _number(row: Distance, key: str) -> float | None:
    return row.values[key]


def _single(row: Distance) -> Averages:
    values = {key: Average(value) for key, value in row.values.items() if value is not None}
    return Averages(row.title, None, None, values)
