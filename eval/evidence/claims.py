"""The claim under test, "plain VAEs are blurrier": what is declared, its verdicts, and why one is withheld."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

from eval.blur.measures import PRIMARY
from eval.evidence.effects import effect
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.findings import entry, spelled
from eval.evidence.replicates import (
    beyond,
    blank,
    doubled,
    judged,
    of_team,
    over_runs,
    replicates,
    steadiness,
    teams,
)
from eval.sources.runs import Run
from eval.uncertainty import fresh
from eval.uncertainty.estimates import ALPHA, Estimate, Interval
from eval.uncertainty.verdicts import (
    INCONCLUSIVE,
    WITHHELD,
    Verdict,
    decide,
    holm,
    scope,
    worded,
)
from eval.words import bracketed

CLAIMED_BLURRIER = "vae"  # the mode that the claim calls blurrier than every other
ALSO_CLAIMED = ("vae-sigma", "vaegan")  # the first without a fixed noise scale, which the claim may be about instead
FAILED = "instrument failed"


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


def declared(evidence: Evidence) -> list[Hypothesis]:
    """One for each kind of image and each team that the first is claimed to be blurrier than, where both have such;
    the same of sigma-VAEs and VAE/GANs that are not the first."""
    first, *others = teams(evidence.runs).items()
    pairs = [(first, other) for other in others]
    pairs += [(a, b) for a, b in permutations(others, 2) if (_mode(a[1]), _mode(b[1])) == ALSO_CLAIMED]
    return [
        Hypothesis(what, (blurrier, sharper), (claimed, team))
        for what in COMPARED
        for (blurrier, claimed), (sharper, team) in pairs
        if of_team(evidence, what, claimed) and of_team(evidence, what, team)
    ]


def _mode(team: Sequence[Run]) -> str:
    return team[0].config.mode


def hypotheses(evidence: Evidence, others: Sequence[object] = ()) -> dict:
    """What was declared, with `others` beside the plain claims, and how it is corrected for."""
    names = [str(hypothesis) for hypothesis in (*declared(evidence), *others)]
    if not names:
        return {"declared": names, "sentence": "No hypothesis: there is nothing to compare the images with."}
    sentence = (
        f"{len(names)} hypotheses, declared by what is compared, not by what was found. Two-sided p-values of "
        "differences in px², over images and runs, Holm's correction over all of them; a document that repeats "
        "verdicts of several reports corrects over all of theirs."
    )
    return {"declared": names, "sentence": sentence}


def verdicts(evidence: Evidence, instrument_ok: bool) -> list[dict]:
    """One row for each declared hypothesis."""
    claims = declared(evidence)
    sides = [(judged(evidence, c.what, c.teams[0]), judged(evidence, c.what, c.teams[1])) for c in claims]
    decisions = decide(sides)
    few = len({claim.names for claim in claims}) == 1
    rows = []
    for claim, pair, decided in zip(claims, sides, decisions, strict=True):
        title = claim.what.capitalize() + ("" if few else f": {claim.names[0]} against {claim.names[1]}")
        row = {"what": claim.what, "title": title, **verdict_row(evidence, claim, pair, decided)}
        row = withhold(row, evidence.too_few)
        rows.append(row if instrument_ok else {**row, "verdict": FAILED})
    return rows


def withhold(row: dict, reasons: Sequence[str]) -> dict:
    """A verdict row with more reasons not to take it at its word: what was decided is not said, `rule` keeps it."""
    if not reasons:
        return row
    decided = row["verdict"] not in (INCONCLUSIVE, FAILED)
    sentence = f"{row['sentence']} {'Withheld' if decided else 'Note'}: {'; '.join(reasons)}."
    word = WITHHELD if decided else row["verdict"]
    return {**row, "verdict": word, "withheld": [*row["withheld"], *reasons], "sentence": sentence}


def said(row: dict) -> str:
    """A verdict row's word; where it is withheld with the first reason, and how many more the report has."""
    return word(row) + because(row)


def word(row: dict) -> str:
    """A verdict row's word, qualified by the sharper side's grain and by a blurrier side that a linear VAE outdoes."""
    return worded(row["verdict"], bool(row.get("grain")), bool(row.get("weak")))


def because(row: dict) -> str:
    """Why a verdict row is withheld, as what follows its word; "" where it is not."""
    if row["verdict"] != WITHHELD:
        return ""
    first, *others = row["withheld"]
    return f": {first}" + (f"; {len(others)} more reason{'s' * (len(others) > 1)}" if others else "")


def family(reports: Sequence[Sequence[dict]]) -> list[list[dict]]:
    """The verdict rows of several reports that one document repeats, corrected as one family: `p_holm`, and what no
    longer stands is inconclusive."""
    adjusted = iter(holm([row["p"] for rows in reports for row in rows]).tolist())
    return [[_in_family(row, next(adjusted)) for row in rows] for rows in reports]


def _in_family(row: dict, p: float) -> dict:
    kept = p < ALPHA or row["verdict"] == FAILED
    return {**row, "p_holm": p, **({} if kept else {"verdict": INCONCLUSIVE, "rule": INCONCLUSIVE})}


def verdict_row(evidence: Evidence, claim: Hypothesis, sides: tuple[Estimate, Estimate], decided: Verdict) -> dict:
    """What the rule of eval.uncertainty.verdicts says of two sides, with the figures it says it from."""
    pixels = evidence.calibrations[PRIMARY].pixels
    values = [[m.values[PRIMARY] for m in of_team(evidence, claim.what, team)] for team in claim.teams]
    empty = [title for team in claim.teams for title in blank(evidence, claim.what, team)]
    remarks = [f"{', '.join(empty)}: blank images, of which no blur can be told"] if empty else []
    remarks += filter(None, map(doubled, claim.teams))
    remarks += unequal_seeds(claim)
    row = found(claim.names, sides, decided, pixels, fresh.pair(*sides))
    return {
        "claim": f"the claim that the {claim.names[0]} is blurrier than the {claim.names[1]}",
        **row,
        "runs": [[run.label for run in team] for team in claim.teams],
        "sentence": row["sentence"] + "".join(f" {remark}." for remark in remarks),
        "effect": effect([(a, b) for a in values[0] for b in values[1]], claim.what == "reconstructions"),
    }


def found(
    names: tuple[str, str],
    sides: tuple[Estimate, Estimate],
    decided: Verdict,
    pixels: Callable[[float], str],
    again: Interval | None = None,
) -> dict:
    """What any claim's row says of its two sides: the rule's word, and the figures it says it from; `again` is what one
    more pair of runs would read apart, where both sides are runs."""
    return {
        "blurrier": names[0],
        "sharper": names[1],
        "verdict": decided.outcome,
        "rule": decided.outcome,
        "withheld": [],
        "scope": scope(*sides),
        "sentence": figures(names, sides, decided, again, pixels),
        "difference": vars(decided.difference),
        "fresh": again and vars(again),
        "p": decided.p,
        "p_holm": decided.p_adjusted,
    }


def figures(
    names: tuple[str, str],
    sides: tuple[Estimate, Estimate],
    decided: Verdict,
    again: Interval | None,
    pixels: Callable[[float], str],
) -> str:
    """What both sides read, how far apart they are, what that speaks for and what one more pair would read."""
    both = ", ".join(f"{n} {spelled(side.interval, pixels)}" for n, side in zip(names, sides, strict=True))
    apart = f"; difference {spelled(decided.difference, pixels)}" if math.isfinite(decided.difference.value) else ""
    more = f"; one more pair of runs on these images: {bracketed(again.low, again.high)}" if again else ""
    return f"{both}{apart}, {scope(*sides)}{more.replace('-', '−')}."


def with_audits(rows: Sequence[dict], runs: Sequence[dict]) -> list[dict]:
    """Verdict rows that are withheld where a run behind them is unsound: grain reads as sharpness, a VAE that is not
    converged as blur. `runs` are `findings.run_rows`; the rule itself judges blur alone."""
    reasons = unsound(runs)
    return [withhold(row, [reason for side in row["runs"] for reason in _of_side(side, reasons)]) for row in rows]


def unsound(runs: Sequence[dict]) -> dict[str, list[str]]:
    """By label, why a run is none to judge by: what its row says under "withheld" and, after that, its health."""
    ill = {run["label"]: [f"{run['title']}: {reason}" for reason in run["health"]["reasons"]] for run in runs}
    return {run["label"]: [*run.get("withheld", ()), *ill[run["label"]]] for run in runs}


def _of_side(labels: Sequence[str], reasons: dict[str, list[str]]) -> list[str]:
    return [reason for label in labels for reason in reasons.get(label, ())]


def unequal_seeds(claim: Hypothesis) -> list[str]:
    """Which seeds each side has, where two modes do not have the same."""
    have = [sorted(run.config.seed for run in team) for team in claim.teams]
    if have[0] == have[1] or len(replicates([run for team in claim.teams for run in team])) == 1:
        return []
    words = []
    for name, seeds in zip(claim.names, have, strict=True):
        missing = sorted({*have[0], *have[1]} - set(seeds))
        lacks = f" ({', '.join(map(str, missing))} missing)" if missing else ""
        words.append(f"{name} {', '.join(map(str, seeds))}{lacks}")
    return [f"Not the same seeds: {'; '.join(words)}"]


def pooled(evidence: Evidence) -> list[dict]:
    """The equivalent blur of runs that differ in nothing but the seed, by kind of image, over them."""
    return [
        row
        for what in COMPARED
        for title, team in replicates(evidence.runs).items()
        for row in _pooled(evidence, what, title, team)
    ]


def _pooled(evidence: Evidence, what: str, title: str, team: Sequence[Run]) -> list[dict]:
    reading = over_runs(evidence, what, team)
    if not reading:
        return []
    text = spelled(reading.interval, evidence.calibrations[PRIMARY].pixels) + beyond(evidence, what, team)
    row = {"what": what, "mode": team[0].config.mode, "title": title, "runs": [run.label for run in team]}
    counts = {"seeds": reading.seeds, **steadiness(evidence, what, team)}
    return [{**row, **counts, **entry(reading.interval, evidence.calibrations[PRIMARY].pixels), "text": text}]
