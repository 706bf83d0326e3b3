"""A study in one table: what became of its runs, and every data set's figures, taken from the reports."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.blur.measures import PRIMARY
from eval.evidence import claims
from eval.evidence.evidence import COMPARED
from eval.report.page import distances_by_group
from eval.report.protocol import INTERVALS
from eval.report.rows import Health, Run
from eval.report.schema import Report
from eval.sources.runs import OBJECTIVES
from eval.studies import grid
from eval.studies.plans import Plan
from eval.words import ABSENT, dataset_title, fixed, markdown_table, shown, slug
from vaegan.config_json import to_dict
from vaegan.data import resolved
from vaegan.storage.writing import write_whole
from vaegan.training.collapse import CONSTANT

SCHEMA_VERSION = 1
JUDGED = 200  # updates; before that no run has had the time to show whether it collapses
SOUND = ("kept", "trained")
HEAD = ("data set", "mode", "seeds", "reconstructions", "prior samples", "VAE blurrier?", "remarks")


@dataclass(frozen=True)
class Compared:
    """What one report is about: a data set, at one size of several where sizes are swept."""

    dataset: str
    image_size: int | None = None

    @property
    def title(self) -> str:
        return dataset_title(self.dataset) + (f" at {self.image_size} px" if self.image_size else "")

    @property
    def folder(self) -> str:
        """The name of the report's directory."""
        return f"report-{slug(self.dataset)}" + (f"-{self.image_size}px" if self.image_size else "")

    def concerns(self, plan: Plan) -> bool:
        """Whether a run belongs to it."""
        size = self.image_size in (None, plan.config.image_size)
        return size and plan.config.dataset in (self.dataset, resolved(self.dataset))


@dataclass(frozen=True)
class Outcome:
    """What became of one run; `reason` says why, where it is not sound."""

    plan: Plan
    state: str  # kept | trained | failed | skipped | collapsed
    reason: str = ""
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        return self.state in SOUND

    @property
    def comparable(self) -> bool:
        """Whether it has weights of its last step."""
        return self.state not in ("failed", "skipped")

    def entry(self) -> dict:
        """The run's row of study.json."""
        config = self.plan.config
        names: dict[str, Any] = {"run": shown(self.plan.directory), "title": self.plan.title}
        names |= {"mode": config.mode, "seed": config.seed, "steps": config.steps}
        return {**names, "state": self.state, "reason": self.reason, "seconds": round(self.seconds, 1)}


def collapse(health: Health) -> str:
    """Why a report's row of health is that of a collapsed run, or nothing. Merely unhealthy is less: see the report."""
    if not health.losses_finite:
        return "a loss is not finite"
    for value, words in (
        (health.diversity, "samples nearly constant: diversity"),
        (health.nearest, "repeated images: nearest pair"),
    ):
        if value is None or value < CONSTANT:  # a report has null for "not a number"
            return f"{words} {fixed(value, 2)} < {CONSTANT}"
    return ""


def run_row(plan: Plan, report: Report) -> Run | None:
    """A run's row of its data set's report: that of its mode, its seed and its values of what is swept."""
    wanted = to_dict(plan.config)
    for row in report.runs:
        config = report.configs.get(row.label, {})
        if (row.mode, row.seed) == (plan.config.mode, plan.config.seed):
            if all(config.get(name) == wanted[name] for name in plan.point):
                return row
    return None


def judged(outcomes: Sequence[Outcome], report: Report) -> list[Outcome]:
    """The outcomes of one data set, with the collapsed marked by what its report found."""
    result = []
    for outcome in outcomes:
        row = run_row(outcome.plan, report) if outcome.sound else None
        why = collapse(row.health) if row and row.step >= JUDGED else ""
        result.append(Outcome(outcome.plan, "collapsed", why, outcome.seconds) if why else outcome)
    return result


def dataset_entry(
    compared: Compared, modes: Sequence[str], outcomes: Sequence[Outcome], report: Report | None, failure: str = ""
) -> dict[str, Any]:
    """A data set's part of study.json; without a report its cells are None, and `failure` says why there is none."""
    kinds = dict.fromkeys(o.plan.kind for mode in modes for o in outcomes if o.plan.config.mode == mode)
    return {
        "dataset": compared.dataset,
        "title": compared.title,
        "failure": failure and f"{compared.title} not compared: {failure}",
        "images_a_source": report.protocol.count if report else None,
        "claims": asdict(report)["verdicts"] if report else [],
        "at_equal_rate": [asdict(row) for row in report.rate.verdicts] if report and report.rate else [],
        "rows": [row([o for o in outcomes if o.plan.kind == kind], report) for kind in kinds],
        "runs": [outcome.entry() for outcome in outcomes],
        "decomposition": asdict(report)["decomposition"] if report else None,
        "distances": distances(report) if report else None,
    }


def distances(report: Report) -> dict[str, Any] | None:
    """A report's distances as means over seeds, with the protocol that all of them share; None where it has none."""
    table = report.distances
    if not table.rows:
        return None
    return {
        "protocol": table.protocol,
        "fingerprint": table.fingerprint,
        "columns": [asdict(column) for column in table.columns],
        "rows": [asdict(row) for row in distances_by_group(report)],
    }


def row(team: Sequence[Outcome], report: Report | None) -> dict[str, Any]:
    """Runs of a data set that differ in their seeds alone: their equivalent blur over seeds, the verdicts on it, what
    is wrong with them."""
    plan = team[0].plan
    mode, title = (
        plan.config.mode,
        ", ".join(filter(None, [OBJECTIVES[plan.config.mode].title, grid.words(plan.point)])),
    )
    rows = [row for o in team if report and (row := run_row(o.plan, report))]
    title = rows[0].team if rows else title
    return {
        "mode": mode,
        "settings": {name: to_dict(plan.config)[name] for name in plan.point},
        "title": title,
        "seeds": sorted(outcome.plan.config.seed for outcome in team if outcome.comparable),
        **{what: pooled(title, what, report) if report else None for what in COMPARED},
        "verdicts": {what: _word(title, what, asdict(report)["verdicts"]) if report else None for what in COMPARED},
        "remarks": [f"seed {o.plan.config.seed} {o.state}: {o.reason}" for o in team if not o.sound]
        + ["not measured"] * (report is None),
    }


def pooled(title: str, what: str, report: Report) -> dict[str, Any] | None:
    """The equivalent blur of runs of one title over their seeds, as the report has it."""
    rows = (r for r in report.pooled if (r.title, r.what) == (title, what))
    return next(({"value": r.value, "low": r.low, "high": r.high, "text": r.text} for r in rows), None)


def _word(title: str, what: str, rows: Sequence[dict]) -> str | None:
    return next((claims.said(r) for r in rows if (r["what"], r["sharper"]) == (what, title)), None)


def one_family(datasets: Sequence[dict]) -> list[dict]:
    """Data sets' entries with their verdicts corrected over everything that the study claims, not report by report."""
    corrected = claims.family([entry[kind] for kind in ("claims", "at_equal_rate") for entry in datasets])
    plain, matched = corrected[: len(datasets)], corrected[len(datasets) :]
    return [
        {**entry, "claims": rows, "at_equal_rate": at, "rows": [_with_verdicts(row, rows) for row in entry["rows"]]}
        for entry, rows, at in zip(datasets, plain, matched, strict=True)
    ]


def _with_verdicts(row: dict, rows: Sequence[dict]) -> dict:
    return {**row, "verdicts": {what: _word(row["title"], what, rows) for what in row["verdicts"]}}


def table(datasets: Sequence[dict]) -> str:
    """One row for each mode of each data set, as Markdown whose columns also line up as plain text."""
    return markdown_table(HEAD, [cells(entry["title"], r) for entry in datasets for r in entry["rows"]])


def cells(dataset: str, row: dict) -> tuple[str, ...]:
    blurs = [row[what]["text"] if row[what] else ABSENT for what in COMPARED]
    verdicts = [row["verdicts"][what] for what in COMPARED]
    said = verdicts[:1] if verdicts[0] == verdicts[1] else [v or ABSENT for v in verdicts]
    seeds = " ".join(map(str, row["seeds"])) or "none"
    return dataset, row["title"], seeds, *blurs, " / ".join(filter(None, said)) or ABSENT, "; ".join(row["remarks"])


def markdown(study: dict) -> str:
    """study.md of study.json's value."""
    parts = ["# Study", table(study["datasets"]), study["protocol"]]
    parts += rate_table(study["datasets"])
    for entry in study["datasets"]:
        parts += distance_table(entry["title"], entry["distances"]) if entry["distances"] else []
        for what, part in (entry["decomposition"] or {}).items():
            parts.append(f"**{entry['title']}, {what}.** {part['sentence']}")
    parts += ["Made by", f"```\n{study['command']}\n```"]
    return "\n\n".join(parts) + "\n"


def rate_table(datasets: Sequence[dict]) -> list[str]:
    """The claim held against a linear VAE at each mode's own rate, as Markdown; [] where no mode has a rate."""
    rows = [(entry["title"], row) for entry in datasets for row in entry["at_equal_rate"]]
    head = ("data set", "at equal rate", "what was read", "verdict")
    lines = [(title, row["title"], row["sentence"], claims.said(row)) for title, row in rows]
    figure = "Each report's figure `rate_blur.png` shows blur against nats: modes as points, linear VAEs as a curve."
    return [markdown_table(head, lines), figure] if lines else []


def distance_table(title: str, distances: dict) -> list[str]:
    """A data set's distances as Markdown: each data set has a protocol, and so a table, of its own."""
    head = [f"{title}, mean (smallest to largest seed)", *(f"{c['title']} ({c['note']})" for c in distances["columns"])]
    lines = [[row["title"], *(averaged(row, column) for column in distances["columns"])] for row in distances["rows"]]
    return [markdown_table(head, lines, right=range(1, len(head))), f"{distances['protocol']}."]


def averaged(row: dict, column: dict) -> str:
    """A mean over seeds, and its smallest and largest seed where there are several."""
    cell = row["values"].get(column["key"])
    if cell is None:
        return ABSENT
    value, low, high = (fixed(cell[name], column["digits"]) for name in ("value", "low", "high"))
    return value if cell["low"] is None or cell["low"] == cell["high"] else f"{value} ({low} to {high})"


def value(datasets: Sequence[dict], command: str) -> dict:
    """study.json."""
    datasets = one_family(datasets)
    counts = sorted({f"{entry['images_a_source']:,}" for entry in datasets if entry["images_a_source"]})
    protocol = (
        f"Equivalent Gaussian blur in px by {PRIMARY} (0: as sharp as real; negative: sharper), "
        f"{' or '.join(counts) or 'no'} images a source, calibrated on as many other held-out images; {INTERVALS}; "
        "with one seed the verdict is for that pair of runs. p-values are corrected by Holm over everything that this "
        "study claims. Verdicts: on reconstructions / prior samples, one word where they agree. The reports have the "
        "details."
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "protocol": protocol,
        "datasets": datasets,
        "ok": not problems(datasets),
    }


def problems(datasets: Sequence[dict]) -> list[str]:
    """What is not sound in a study, one by one."""
    said = [entry["failure"] for entry in datasets if entry["failure"]]
    for entry in datasets:
        unsound = (run for run in entry["runs"] if run["state"] not in SOUND)
        said += [f"{r['title']} {r['state']}: {r['reason']}" for r in unsound]
    return said


def write(study: dict, out: Path) -> None:
    """Write study.json and study.md whole or not at all."""
    for name, text in (("study.json", json.dumps(study, indent=1) + "\n"), ("study.md", markdown(study))):
        write_whole(out / name, text.encode())
