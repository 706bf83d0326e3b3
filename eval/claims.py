"""The claim under test, "plain VAEs are blurrier": its verdicts, and the sentences that say them."""

import math
from collections.abc import Sequence

from eval.blurriness import PRIMARY
from eval.findings import COMPARED, Evidence, estimate, numbers
from eval.intervals import Estimate, over_seeds, verdict
from eval.pictures import LADDER
from eval.sources import OBJECTIVES, Run

CLAIMED_BLURRIER = "vae"  # the mode that the claim calls blurrier than every other


def claimed_first(runs: Sequence[Run]) -> list[Run]:
    """The plain VAE before the others; otherwise as given."""
    return sorted(runs, key=lambda run: run.config.mode != CLAIMED_BLURRIER)


def teams(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that stand for one thing, by its title: the seeds of a mode, or each run where all are of one mode."""
    modes = dict.fromkeys(run.config.mode for run in runs)
    if len(modes) == 1:
        return {run.title: [run] for run in runs}
    return {OBJECTIVES[mode].title: [run for run in runs if run.config.mode == mode] for mode in modes}


def verdicts(evidence: Evidence) -> list[dict]:
    """One row for each kind of image and each team that the first is claimed to be blurrier than."""
    rows = []
    for what in COMPARED:
        sides = {title: side for title, team in teams(evidence.runs).items() if (side := over(evidence, what, team))}
        blurrier = next(iter(teams(evidence.runs)))
        for sharper in sides:
            if sharper != blurrier and blurrier in sides:
                rows.append(verdict_row(what, (blurrier, sharper), sides, alone=len(sides) == 2))
    return rows


def over(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate | None:
    """A team's equivalent blur by the primary measure, over its runs; None when none of them has such images."""
    labels = {run.label for run in team}
    found = [estimate(evidence, m, PRIMARY) for m in evidence.of(what) if m.source.run in labels]
    return over_seeds(found, evidence.seed) if found else None


def verdict_row(what: str, names: tuple[str, str], sides: dict[str, Estimate], alone: bool) -> dict:
    found = verdict(sides[names[0]], sides[names[1]], names)
    seeds = min(side.seeds for side in sides.values())
    scope = "for this pair of runs" if seeds == 1 else f"over {seeds} seeds"
    figures = "; ".join(f"{name}: {words(numbers(sides[name]))}" for name in names)
    difference = found.difference
    apart = f" Difference: {words(vars(difference))}." if math.isfinite(difference.value) else ""
    return {
        "what": what,
        "title": what.capitalize() if alone else f"{what.capitalize()}: {names[0]} against {names[1]}",
        "claim": f"the {names[0]} is blurrier than the {names[1]}",
        "verdict": found.outcome,
        "scope": scope,
        "sentence": f"{figures}.{apart} The claim that the {names[0]} is blurrier is {found.outcome} {scope}.",
        "difference": vars(difference),
    }


def words(blur: dict) -> str:
    """A blur or a difference of blurs with its interval, in px."""
    return blur.get("text") or f"{number(blur['value'])} px [{number(blur['low'])}, {number(blur['high'])}]"


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def blur_words(blur: dict) -> str:
    """An equivalent blur as the end of a sentence about images."""
    if math.isinf(blur["value"]):
        return f"{'blurred ' if blur['value'] > 0 else ''}{blur['text']}"
    if blur["low"] <= 0 <= blur["high"]:
        return f"as sharp as real images ({blur['text']})"
    if blur["value"] < 0:
        return f"sharper than real images ({blur['text']})"
    return f"as blurred as real images under a Gaussian of {blur['text']}"


def headline(dataset: str, rows: Sequence[dict], found: Sequence[dict]) -> str:
    """The report in one plain sentence, about reconstructions where there are any."""
    what = next(kind for kind in COMPARED if any(row["kind"] == kind for row in rows))
    shown = [row for row in rows if row["kind"] == what]
    if len(shown) <= 2:
        parts = (f"{possessive(row['title'])} are {blur_words(row['blur'][PRIMARY])}" for row in shown)
        sentence = f"On {dataset} {', '.join(parts)}"
    else:
        sentence = f"On {dataset}, " + ", ".join(f"{row['title']} {row['blur'][PRIMARY]['text']}" for row in shown)
    outcomes = [f"that {row['claim']} is {row['verdict']} {row['scope']}" for row in found if row["what"] == what]
    return f"{sentence}: {'; '.join(outcomes)}." if outcomes else f"{sentence}."


def possessive(title: str) -> str:
    """ "VAE reconstructions" -> "the VAE's reconstructions"."""
    owner, _, what = title.rpartition(" ")
    return f"the {owner}'s {what}"


def ladder_caption(rows: Sequence[dict]) -> str:
    """Between which rows of the ladder each run's reconstructions lie."""
    places = [f"{row['title']}: {place(row['blur'][PRIMARY])}" for row in rows if row["kind"] == "reconstructions"]
    return "; ".join(places) + "." if places else "Real images, blurred by a Gaussian."


def place(blur: dict) -> str:
    """Where on the ladder of known blurs an equivalent blur lies."""
    if blur["value"] <= 0:
        return f"{blur['text']}, no blurrier than the first row"
    below = max(rung for rung in LADDER if rung < blur["value"])
    above = [rung for rung in LADDER if rung >= blur["value"]]
    return f"{blur['text']}, " + (f"between {below:g} and {above[0]:g} px" if above else "blurrier than the last row")
