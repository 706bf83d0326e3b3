"""From the evidence to a report: every finding once, as `schema.Report`, and the pictures beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from eval.blur.measures import PRIMARY
from eval.evidence import (
    bounds,
    certificate,
    claims,
    coherence,
    content,
    decomposition,
    findings,
    grain,
    large,
    learning,
    pictures,
    plain_words,
    prior_gap,
    rate_blur,
    rate_matched,
    weak,
)
from eval.evidence.collection import timed
from eval.evidence.evidence import Evidence
from eval.evidence.pictures import Picture
from eval.evidence.rate_blur import Opponent
from eval.evidence.replicates import replicates
from eval.report import protocol, schema, sections, stored
from eval.report.schema import Report
from eval.words import dataset_title


def report_of(evidence: Evidence, given: Sequence[Path], flags: Sequence[str]) -> tuple[Report, dict[str, bytes]]:
    """The report and its PNG files by name; `given` and `flags` are what the command that makes it again names."""
    sources = findings.source_rows(evidence)
    summed = plain_words.summed(evidence, sources)
    drawn_large, large_pictures = timed("large images", lambda: large.of_report(evidence.runs, evidence.held_out))
    groups = picture_groups(evidence, sources)
    diagnostics = timed("bounds", lambda: bounds_of(evidence))
    own = (diagnostics or {}).get("rows", ())
    against = timed("linear VAEs at equal rate", lambda: rate_blur.opponents(evidence, rate_blur.rates(own)))
    value = {
        "schema_version": schema.VERSION,
        **judged(evidence, sources, summed, certificate.withheld(own), against),
        "pooled": claims.pooled(evidence),
        "hypotheses": claims.hypotheses(evidence, rate_matched.declared(evidence, against)),
        "sources": sources,
        "coherence": timed("coherence", lambda: coherence.of_report(evidence)),
        "content": timed("samples against real images like them", lambda: content.describe(evidence)),
        "measures": findings.measure_rows(evidence),
        "diagnostics": diagnostics,
        "distances": distances(evidence.distances),
        "large": drawn_large,
        "spectrum": findings.spectrum(evidence),
        "training": findings.training(evidence.runs),
        "learning": learning.curves(evidence.runs),
        **protocol.describe(evidence, given, flags),
        "ladder_caption": plain_words.ladder_caption(summed),
        "pictures": {group: [picture.entry() for picture in row] for group, row in groups.items()},
    }
    every = [*groups.values(), large_pictures]
    return stored.of_value(Report, value), {n: png for row in every for n, png in pictures.files(row).items()}


def judged(
    evidence: Evidence,
    sources: Sequence[dict],
    summed: Sequence[dict],
    failed: Mapping[str, str],
    against: Mapping[str, Opponent],
) -> dict[str, Any]:
    """What stands or falls with the instrument; `failed`: by label, what a run's certificate says against it. Verdicts,
    plain and at equal rate, are one family."""
    instrument, runs = findings.instrument(evidence), findings.run_rows(evidence)
    kinds = {run.label: title for title, team in replicates(evidence.runs).items() for run in team}
    words = {label: [why] for label, why in failed.items()}
    runs = [run | {"withheld": words.get(run["label"], []), "kind": kinds[run["label"]]} for run in runs]
    plain, matched = (
        claims.verdicts(evidence, instrument["ok"]),
        rate_matched.verdicts(evidence, against, instrument["ok"]),
    )
    corrected = claims.family([plain, matched])
    plain, matched = (weak.noted(evidence, grain.noted(claims.with_audits(rows, runs), sources)) for rows in corrected)
    few = evidence.too_few
    curves = timed("blur against nats", lambda: rate_blur.describe(evidence, against))
    return {
        "headline": plain_words.headline(dataset_title(evidence.runs[0].config.dataset), summed, plain, few),
        "verdicts": plain,
        "rate": curves and {**curves, "verdicts": matched},
        "decomposition": decomposition.describe(evidence, instrument["ok"], runs).get("decomposition"),
        "instrument": instrument,
        "prior_gap": prior_gap.describe(evidence, instrument["ok"]),
        "runs": runs,
    }


def bounds_of(evidence: Evidence) -> dict[str, Any] | None:
    """Bounds and codes of the runs, on the images that the evidence came from."""
    if evidence.splits is None:
        return None
    return bounds.of_report(evidence.runs, evidence.splits.test, evidence.splits.train, evidence.seed)


def distances(table: dict[str, Any]) -> dict[str, Any]:
    """The table with every row's numbers by column, as `schema.Distances` has them."""
    keys = [column["key"] for column in table["columns"]]
    return {**table, "rows": [distance(row, keys) for row in table["rows"]]}


def distance(row: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """One row of the table as `sections.Distance` has it: its columns' numbers and intervals, and what it is."""
    kept = {field.name for field in fields(sections.Distance)}
    return {
        **{name: value for name, value in row.items() if name in kept},
        "values": {key: row[key] for key in keys},
        "intervals": {key: row[f"{key}_interval"] for key in keys if f"{key}_interval" in row},
    }


def picture_groups(evidence: Evidence, sources: Sequence[dict]) -> dict[str, list[Picture]]:
    """The report's pictures by what they show."""
    titles = {run.label: run.title for run in evidence.runs}
    details = {row["id"]: row["blur"][PRIMARY]["text"] for row in sources}
    originals = evidence.held_out.report
    return {
        "faces": pictures.same_faces(originals, evidence.of("reconstructions"), titles, details),
        "ladder": pictures.ladder(originals),
        "samples": pictures.sample_grids(evidence.of("samples"), titles, details),
    }
