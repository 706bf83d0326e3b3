"""The claim under test, "plain VAEs are blurrier": its verdicts, and the sentences that say them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.blur.measures import MEASURES, PRIMARY
from eval.evidence.findings import COMPARED, Evidence, entry, estimate, spelled
from eval.evidence.measuring import Measured
from eval.evidence.pictures import LADDER
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.effects import cliffs_delta, paired_effect
from eval.uncertainty.estimates import ALPHA, RESAMPLES, SMALLEST_P, Estimate, Verdict, over_seeds, scope
from eval.uncertainty.multiplicity import decide

CLAIMED_BLURRIER = "vae"  # the mode that the claim calls blurrier than every other
FAILED = "instrument failed"
BLANK_SHARE = 0.5  # of a run's images; above it they show nothing that could be blurred or sharp


@dataclass(frozen=True)
class Hypothesis:
    """Declared by what is compared, before anything is measured: of one kind of image, those of the first team are
    blurrier than those of the second."""

    what: str
    names: tuple[str, str]
    teams: tuple[Sequence[Run], Sequence[Run]]

    def __str__(self) -> str:
        return f"{self.what}: {self.names[0]} is blurrier than {self.names[1]}"


def claimed_first(runs: Sequence[Run]) -> list[Run]:
    """The plain VAE before the others; otherwise as given."""
    return sorted(runs, key=lambda run: run.config.mode != CLAIMED_BLURRIER)


def teams(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that stand for one thing, by its title: the seeds of a mode, or each run where all are of one mode."""
    modes = dict.fromkeys(run.config.mode for run in runs)
    if len(modes) == 1:
        return {run.title: [run] for run in runs}
    return {OBJECTIVES[mode].title: [run for run in runs if run.config.mode == mode] for mode in modes}


def declared(evidence: Evidence) -> list[Hypothesis]:
    """One for each kind of image and each team that the first is claimed to be blurrier than, where both have such."""
    (blurrier, claimed), *others = teams(evidence.runs).items()
    return [
        Hypothesis(what, (blurrier, title), (claimed, team))
        for what in COMPARED
        for title, team in others
        if of_team(evidence, what, claimed) and of_team(evidence, what, team)
    ]


def hypotheses(evidence: Evidence) -> dict:
    """What was declared, and how it is corrected for, as report.json keeps it."""
    names = [str(hypothesis) for hypothesis in declared(evidence)]
    if not names:
        return {"declared": names, "sentence": "No hypothesis: there is nothing to compare the images with."}
    least = len(names) * SMALLEST_P
    sentence = (
        f"{len(names)} hypotheses, declared by what is compared, not by what was found. Two-sided p-values from the "
        f"{RESAMPLES:,} resamples behind the intervals, Holm's correction over all of them; the smallest p-value that "
        f"so many resamples can show is {SMALLEST_P:.3f}, corrected {min(1, least):.3f}"
    )
    sentence += "." if least < ALPHA else f": not below {ALPHA:g}, so none of so many can be supported or refuted."
    return {"declared": names, "sentence": sentence}


def verdicts(evidence: Evidence, instrument_ok: bool) -> list[dict]:
    """One row for each declared hypothesis."""
    claims = declared(evidence)
    sides = [tuple(judged(evidence, claim.what, team) for team in claim.teams) for claim in claims]
    found = decide(sides)
    few = len({claim.names for claim in claims}) == 1
    rows = []
    for claim, pair, decided in zip(claims, sides, found, strict=True):
        title = claim.what.capitalize() + ("" if few else f": {claim.names[0]} against {claim.names[1]}")
        row = verdict_row(evidence, claim, pair, decided)
        rows.append({"what": claim.what, "title": title, **row, **({} if instrument_ok else {"verdict": FAILED})})
    return rows


def of_team(evidence: Evidence, what: str, team: Sequence[Run]) -> list[Measured]:
    """The measured images of one kind that a team has, a source a run."""
    labels = {run.label for run in team}
    return [m for m in evidence.of(what) if m.source.run in labels]


def over_runs(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate | None:
    """A team's equivalent blur by the primary measure, over its runs; None when none of them has such images."""
    found = [estimate(evidence, m, PRIMARY) for m in of_team(evidence, what, team)]
    return over_seeds(found, evidence.seed) if found else None


def judged(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate:
    """A team's equivalent blur as the rule sees it: that of blank images is unknown, however far beyond it reads."""
    found = over_runs(evidence, what, team)
    if not blank(evidence, what, team):
        return found
    return Estimate(found.value, np.full_like(found.replicates, math.nan), found.seeds)


def blank(evidence: Evidence, what: str, team: Sequence[Run]) -> list[str]:
    """Titles of a team's sources whose images are mostly of one flat grey, as a collapsed decoder's are."""
    return [
        m.source.title
        for m in of_team(evidence, what, team)
        if float((m.values[PRIMARY] == 0).double().mean()) > BLANK_SHARE
    ]


def verdict_row(evidence: Evidence, claim: Hypothesis, sides: tuple[Estimate, Estimate], found: Verdict) -> dict:
    """What the rule of eval.intervals says of two sides, with the figures it says it from."""
    pixels = evidence.calibrations[PRIMARY].pixels
    figures = ", ".join(f"{n} {spelled(side.interval, pixels)}" for n, side in zip(claim.names, sides, strict=True))
    apart = f"; difference {spelled(found.difference, pixels)}" if math.isfinite(found.difference.value) else ""
    empty = [title for team in claim.teams for title in blank(evidence, claim.what, team)]
    remarks = [f"{', '.join(empty)}: blank images, of which no blur can be told"] if empty else []
    remarks += unequal_seeds(claim)
    return {
        "claim": f"the claim that the {claim.names[0]} is blurrier than the {claim.names[1]}",
        "blurrier": claim.names[0],
        "sharper": claim.names[1],
        "verdict": found.outcome,
        "scope": scope(*sides),
        "sentence": f"{figures}{apart}, {scope(*sides)}." + "".join(f" {remark}." for remark in remarks),
        "difference": vars(found.difference),
        "p": found.p,
        "p_holm": found.p_adjusted,
        "effect": effect(evidence, claim),
    }


def with_audits(rows: Sequence[dict], runs: Sequence[dict]) -> list[dict]:
    """Verdict rows whose sentence also names the sides whose runs fail the health audits: grain reads as sharpness.

    `runs` are `findings.run_rows`; the rule itself judges blur alone.
    """
    failed: dict[str, list[bool]] = {}
    for run in runs:
        side = {OBJECTIVES[run["mode"]].title, run["title"]}
        for name in side:
            failed.setdefault(name, []).append(bool(run["health"]["reasons"]))
    return [{**row, "sentence": row["sentence"] + _audit_remark(row, failed)} for row in rows]


def _audit_remark(row: dict, failed: dict[str, list[bool]]) -> str:
    ill = [name for name in (row["blurrier"], row["sharper"]) if any(failed.get(name, []))]
    counts = [f"{sum(failed[name])} of {len(failed[name])} runs of the {name}" for name in ill]
    return f" The audits fail {joined(counts)}: read its sharpness with them." if ill else ""


def unequal_seeds(claim: Hypothesis) -> list[str]:
    """Which seeds each side has, where two modes do not have the same."""
    have = [sorted(run.config.seed for run in team) for team in claim.teams]
    if have[0] == have[1] or len({run.config.mode for team in claim.teams for run in team}) == 1:
        return []
    words = []
    for name, seeds in zip(claim.names, have, strict=True):
        missing = sorted({*have[0], *have[1]} - set(seeds))
        lacks = f" ({', '.join(map(str, missing))} missing)" if missing else ""
        words.append(f"{name} {', '.join(map(str, seeds))}{lacks}")
    return [f"Not the same seeds: {'; '.join(words)}"]


def effect(evidence: Evidence, claim: Hypothesis) -> dict:
    """Effect size on the primary measure's per-image values, mean over all pairs of a run of each side; positive where
    the first is blurrier. Reconstructions are paired: image i of both is a version of the same original."""
    first, second = (of_team(evidence, claim.what, team) for team in claim.teams)
    paired = all(m.source.paired for m in (*first, *second))
    name, size = ("Cohen's d_z over pairs", paired_effect) if paired else ("Cliff's delta", cliffs_delta)
    sizes = [size(a.values[PRIMARY], b.values[PRIMARY]) for a in first for b in second]
    return {"name": name, "value": (-1 if MEASURES[PRIMARY].sharper_is_higher else 1) * float(np.mean(sizes))}


def pooled(evidence: Evidence) -> list[dict]:
    """Every mode's equivalent blur over its runs, by kind of image, with the hierarchical interval."""
    pixels, rows = evidence.calibrations[PRIMARY].pixels, []
    for what in COMPARED:
        for mode in dict.fromkeys(run.config.mode for run in evidence.runs):
            team = [run for run in evidence.runs if run.config.mode == mode]
            if found := over_runs(evidence, what, team):
                row = {"what": what, "mode": mode, "title": OBJECTIVES[mode].title, "seeds": found.seeds}
                text = spelled(found.interval, pixels) + beyond(evidence, what, team)
                rows.append({**row, **entry(found.interval, pixels), "text": text})
    return rows


def beyond(evidence: Evidence, what: str, team: Sequence[Run]) -> str:
    """How many of a team's runs lie beyond the calibrated range, where that is some but not all of them."""
    outside = [math.isinf(estimate(evidence, m, PRIMARY).value) for m in of_team(evidence, what, team)]
    return f" (in {sum(outside)} of {len(outside)} runs)" if any(outside) and not all(outside) else ""


def blur_words(blur: dict) -> str:
    """An equivalent blur as the end of a sentence about images."""
    if math.isinf(blur["value"]):
        return f"{'blurred ' if blur['value'] > 0 else ''}{blur['text']}"
    if blur["low"] <= 0 <= blur["high"]:
        return f"as sharp as real images ({blur['text']})"
    if blur["value"] < 0:
        return f"sharper than real images ({blur['text']})"
    return f"as blurred as real images under a Gaussian of {blur['text']}"


def headline(dataset: str, shown: Sequence[dict], found: Sequence[dict]) -> str:
    """The report in one plain sentence, about reconstructions where there are any; `shown` are those of `summed`."""
    what = next(kind for kind in COMPARED if any(row["what"] == kind for row in shown))
    rows = [row for row in shown if row["what"] == what]
    if len(rows) <= 2:
        figures = ", and ".join(f"{possessive(row['title'])} {blur_words(row)}" for row in rows)
    else:
        figures = ", ".join(f"{row['title']} {row['text']}" for row in rows)
    outcomes = outcome([row for row in found if row["what"] == what])
    return f"On {dataset} {figures}" + (f": {outcomes}." if outcomes else ".")


def summed(evidence: Evidence, rows: Sequence[dict]) -> list[dict]:
    """Equivalent blur by kind of image as a sentence names it: of every mode where seeds are repeated, else of every
    run; `title` ends with the kind."""
    if 1 < len({run.config.mode for run in evidence.runs}) < len(evidence.runs):
        return [{**row, "title": f"{row['title']} {row['what']}"} for row in pooled(evidence)]
    return [
        {"what": row["kind"], "title": row["title"], **row["blur"][PRIMARY]} for row in rows if row["kind"] in COMPARED
    ]


def outcome(found: Sequence[dict]) -> str:
    """What became of the claim, against each that it was made against; "" where it was not made."""
    if any(row["verdict"] == FAILED for row in found):
        return "but the instrument failed, so that this settles nothing"
    if len(found) <= 1:
        return "".join(f"{row['claim']} is {row['verdict']}, {row['scope']}" for row in found)
    against: dict[tuple[str, str], list[str]] = {}
    for row in found:
        against.setdefault((row["verdict"], row["scope"]), []).append(row["sharper"])
    parts = [f"{verdict} against {joined(names)}, {over}" for (verdict, over), names in against.items()]
    return f"the claim that the {found[0]['blurrier']} is blurrier is {'; '.join(parts)}"


def joined(names: Sequence[str]) -> str:
    """Names as in a sentence: "A", "A and B", "A, B and C"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def possessive(title: str) -> str:
    """ "VAE reconstructions" -> "the VAE's reconstructions are"."""
    owner, _, what = title.rpartition(" ")
    return f"the {owner}'s {what} are"


def ladder_caption(shown: Sequence[dict]) -> str:
    """Between which rows of the ladder the reconstructions of `summed` lie."""
    places = [f"{row['title']}: {place(row)}" for row in shown if row["what"] == "reconstructions"]
    return "; ".join(places) + "." if places else "Real images, blurred by a Gaussian."


def place(blur: dict) -> str:
    """Where on the ladder of known blurs an equivalent blur lies."""
    if blur["value"] <= 0:
        return f"{blur['text']}, no blurrier than the first row"
    below = max(rung for rung in LADDER if rung < blur["value"])
    above = [rung for rung in LADDER if rung >= blur["value"]]
    return f"{blur['text']}, " + (f"between {below:g} and {above[0]:g} px" if above else "blurrier than the last row")
