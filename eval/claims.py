"""The claim under test, "plain VAEs are blurrier": its verdicts, and the sentences that say them."""

import math
from collections.abc import Sequence

from eval.blurriness import PRIMARY
from eval.findings import COMPARED, Evidence, estimate, spelled
from eval.intervals import Estimate, over_seeds, verdict
from eval.pictures import LADDER
from eval.sources import OBJECTIVES, Run

CLAIMED_BLURRIER = "vae"  # the mode that the claim calls blurrier than every other
FAILED = "instrument failed"


def claimed_first(runs: Sequence[Run]) -> list[Run]:
    """The plain VAE before the others; otherwise as given."""
    return sorted(runs, key=lambda run: run.config.mode != CLAIMED_BLURRIER)


def teams(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that stand for one thing, by its title: the seeds of a mode, or each run where all are of one mode."""
    modes = dict.fromkeys(run.config.mode for run in runs)
    if len(modes) == 1:
        return {run.title: [run] for run in runs}
    return {OBJECTIVES[mode].title: [run for run in runs if run.config.mode == mode] for mode in modes}


def verdicts(evidence: Evidence, instrument_ok: bool) -> list[dict]:
    """One row for each kind of image and each team that the first is claimed to be blurrier than."""
    sides = teams(evidence.runs)
    blurrier = next(iter(sides))
    rows = []
    for what in COMPARED:
        found = {title: side for title, team in sides.items() if (side := over_runs(evidence, what, team))}
        for sharper in found if blurrier in found else ():
            if sharper != blurrier:
                row = verdict_row(evidence, (blurrier, sharper), (found[blurrier], found[sharper]))
                title = what.capitalize() + ("" if len(sides) == 2 else f": {blurrier} against {sharper}")
                rows.append({"what": what, "title": title, **row, **({} if instrument_ok else {"verdict": FAILED})})
    return rows


def over_runs(evidence: Evidence, what: str, team: Sequence[Run]) -> Estimate | None:
    """A team's equivalent blur by the primary measure, over its runs; None when none of them has such images."""
    labels = {run.label for run in team}
    found = [estimate(evidence, m, PRIMARY) for m in evidence.of(what) if m.source.run in labels]
    return over_seeds(found, evidence.seed) if found else None


def verdict_row(evidence: Evidence, names: tuple[str, str], sides: tuple[Estimate, Estimate]) -> dict:
    """What the rule of eval.intervals says of two sides, with the figures it says it from."""
    found = verdict(*sides, names)
    seeds = min(side.seeds for side in sides)
    scope = "for this pair of runs" if seeds == 1 else f"over {seeds} seeds"
    pixels = evidence.calibrations[PRIMARY].pixels
    figures = ", ".join(f"{name} {spelled(side.interval, pixels)}" for name, side in zip(names, sides, strict=True))
    apart = f"; difference {spelled(found.difference, pixels)}" if math.isfinite(found.difference.value) else ""
    return {
        "claim": f"the claim that the {names[0]} is blurrier than the {names[1]}",
        "verdict": found.outcome,
        "scope": scope,
        "sentence": f"{figures}{apart}, {scope}.",
        "difference": vars(found.difference),
    }


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
        figures = ", and ".join(f"{possessive(row['title'])} {blur_words(row['blur'][PRIMARY])}" for row in shown)
    else:
        figures = ", ".join(f"{row['title']} {row['blur'][PRIMARY]['text']}" for row in shown)
    outcomes = [outcome(row) for row in found if row["what"] == what]
    return f"On {dataset} {figures}" + (f": {'; '.join(outcomes)}." if outcomes else ".")


def outcome(row: dict) -> str:
    if row["verdict"] == FAILED:
        return "but the instrument failed, so that this settles nothing"
    return f"{row['claim']} is {row['verdict']}, {row['scope']}"


def possessive(title: str) -> str:
    """ "VAE reconstructions" -> "the VAE's reconstructions are"."""
    owner, _, what = title.rpartition(" ")
    return f"the {owner}'s {what} are"


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
