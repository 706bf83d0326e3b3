"""What the page shows of report.json, and in what order; the templates only lay it out."""

import base64
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from eval.report import grouping

PICTURE_BYTES = 3_600_000  # of base64 in one page, so that with its charts it stays below 5 MB


class Embedding:
    """Pictures as data: URLs, as long as there is room; those that come later are left to the figures folder."""

    def __init__(self, folder: Path, room: int = PICTURE_BYTES):
        self.folder, self.room = folder, room

    def __call__(self, picture: dict) -> dict:
        """The picture's entry with its "data", None when there is no room left for it."""
        encoded = base64.b64encode((self.folder / "figures" / picture["file"]).read_bytes()).decode()
        fits = len(encoded) <= self.room
        self.room -= len(encoded) if fits else 0
        return {**picture, "data": f"data:image/png;base64,{encoded}" if fits else None}


def view(report: dict, folder: Path) -> dict:
    """Everything the templates need besides report.json: pictures in order, tables by mode."""
    embed = Embedding(folder)
    rows, others = strip(report)
    grids, more_grids = sample_grids(report)
    return {
        "crowded": grouping.crowded(report),
        "groups": grouping.groups(report),
        "runs": runs_in_words(report),
        "picked": picked(report),
        "verdicts": verdicts(report),
        "strip": [embed(row) for row in rows],
        "grids": [embed(grid) for grid in grids],
        "grids_more": {g["run"]: embed(g["more"]) for g in grids if g.get("more") and not grouping.crowded(report)},
        "strip_others": [embed(row) for row in others],
        "grids_others": [embed(grid) for grid in more_grids],
        "large": [{**run, "pictures": [embed(row) for row in run["pictures"]]} for run in large_runs(report)],
        "sources": [list(rows) for _, rows in groupby(report["sources"], key=lambda source: source["kind"])],
        "pooled": pooled(report),
        "quality": quality_by_group(report),
        "distances_by_group": distances_by_group(report),
        "laplacian": any(source.get("laplacian") for source in report["sources"]),
    }


def runs_in_words(report: dict) -> str:
    """Which runs the report is about, briefly."""
    if not grouping.crowded(report):
        return ", ".join(run["title"] for run in report["runs"])
    titles = ", ".join(dict.fromkeys(group.title for group in grouping.modes(report)))
    return f"{titles} ({len(report['runs'])} runs)"


def picked(report: dict) -> str:
    """Which runs stand for the others in pictures, in words; empty when all are shown."""
    left = len(report["runs"]) - len(grouping.shown(report))
    if not left:
        return ""
    shown = [run for run in report["runs"] if run["label"] in grouping.shown(report)]
    seeds = {run["seed"] for run in shown}
    which = f"seed {seeds.pop()}" if len(seeds) == 1 else "its first run"
    others = "one more run opens" if left == 1 else f"{left} more runs open"
    return f"Of each mode {which} is shown, not a chosen one; {others} below."


def verdicts(report: dict) -> list[list[dict]]:
    """Verdicts by kind of image; "against" is what is left of a title that begins with its kind."""
    rows = [{**row, **dict(zip(("kind", "against"), _parted(row["title"]), strict=True))} for row in report["verdicts"]]
    return [list(same) for _, same in groupby(rows, key=lambda row: row["what"])]


def _parted(title: str) -> tuple[str, str]:
    kind, _, against = title.partition(": ")
    return kind, against or kind


def primary(report: dict) -> str:
    return next(measure["name"] for measure in report["measures"] if measure["primary"])


def sigma(blur: dict) -> float:
    """The equivalent blur in px; -inf and inf beyond the calibrated range, which JSON can only say in words."""
    if blur["value"] is not None:
        return blur["value"]
    return -math.inf if blur["text"].startswith("sharper") else math.inf


def strip(report: dict) -> tuple[list[dict], list[dict]]:
    """The rows of the image strip, and those of other seeds: the original, then from sharp to blurred every model among
    the rungs of the ladder."""
    blur = {s["run"]: s["blur"][primary(report)] for s in report["sources"] if s["kind"] == "reconstructions"}
    faces, shown = report["pictures"]["faces"], grouping.shown(report)
    models = [{**face, "sigma": sigma(blur[face["run"]]), "is": "model"} for face in faces if face["run"] is not None]
    rungs = [{**rung, "is": "rung", "title": f"Real, blurred {rung['title']}"} for rung in report["pictures"]["ladder"]]
    originals = [{**face, "is": "original"} for face in faces if face["run"] is None]
    if originals:
        rungs = [rung for rung in rungs if rung["sigma"] > 0]
    else:
        originals, rungs = [{**rungs[0], "is": "original", "title": "Original"}], rungs[1:]
    ladder = sorted(rungs + [row for row in models if row["run"] in shown], key=lambda row: row["sigma"])
    return originals + ladder, [row for row in models if row["run"] not in shown]


def sample_grids(report: dict) -> tuple[list[dict], list[dict]]:
    """Grids of prior samples: those that are shown at once, and the others."""
    shown = grouping.shown(report)
    grids = report["pictures"]["samples"]
    return [g for g in grids if g["run"] in shown], [g for g in grids if g["run"] not in shown]


def large_runs(report: dict) -> list[dict]:
    """Runs whose decoder draws any size; reports from before there were any have no entry."""
    return (report.get("large") or {"runs": []})["runs"]


def pooled(report: dict) -> list[dict]:
    """Pooled estimates as a table, a row a mode: {title, run, seeds, reconstructions, samples}."""
    rows = {}
    for entry in report.get("pooled") or ():
        run = next(run["label"] for run in report["runs"] if run["mode"] == entry["mode"])
        row = rows.setdefault(entry["mode"], {"title": entry["title"], "run": run, "seeds": entry["seeds"]})
        row[entry["what"]] = entry
    return list(rows.values())


def quality_by_group(report: dict) -> list[dict]:
    """Mean price of each group's reconstructions over its seeds: {title, run, seeds, values: {quality: {...}}}."""
    rows = [source for source in report["sources"] if source["kind"] == "reconstructions" and source["quality"]]
    columns = {
        q["name"]: grouping.averages(report, rows, lambda row, name=q["name"]: row["quality"][name]["value"])
        for q in report["qualities"]
    }
    return _side_by_side(columns)


def distances_by_group(report: dict) -> list[dict]:
    """Distances as means over each group's seeds, for reconstructions and samples; what belongs to no run stays."""
    table = report["distances"]
    kinds = {source["title"]: source["kind"] for source in report["sources"]}
    keys = [column["key"] for column in table["columns"]]
    found = [_single(row, keys) for row in table["rows"] if row["run"] is None]
    for kind in dict.fromkeys(kinds[row["title"]] for row in table["rows"] if row["run"]):
        same = [row for row in table["rows"] if kinds.get(row["title"]) == kind]
        columns = {key: grouping.averages(report, same, lambda row, key=key: row[key]) for key in keys}
        found += [{**row, "title": f"{row['title']} {kind}"} for row in _side_by_side(columns)]
    return found


def _single(row: dict, keys: Sequence[str]) -> dict:
    values = {key: {"value": row[key], "low": None, "high": None} for key in keys if row[key] is not None}
    return {"title": row["title"], "run": None, "seeds": None, "values": values}


def _side_by_side(columns: dict[str, Sequence[dict]]) -> list[dict]:
    """Averages of several columns as rows."""
    rows: dict[str, dict] = {}
    for name, averages in columns.items():
        for found in averages:
            row = rows.setdefault(
                found["title"], {key: found[key] for key in ("title", "run", "seeds")} | {"values": {}}
            )
            row["values"][name] = found
    return list(rows.values())
