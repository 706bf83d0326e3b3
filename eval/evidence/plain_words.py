"""The report in one sentence: what was read of which images, and what became of each claim."""

import math
from collections.abc import Sequence

from eval.blur.measures import PRIMARY
from eval.evidence.claims import FAILED, because, pooled, word
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.pictures import LADDER
from eval.evidence.replicates import replicates
from eval.uncertainty.verdicts import WITHHELD
from eval.words import joined


def blur_words(blur: dict) -> str:
    """An equivalent blur as the end of a sentence about images."""
    if math.isinf(blur["value"]):
        return f"{'blurred ' if blur['value'] > 0 else ''}{blur['text']}"
    if blur["low"] <= 0 <= blur["high"]:
        return f"as sharp as real images ({blur['text']})"
    if blur["value"] < 0:
        return f"sharper than real images ({blur['text']})"
    return f"as blurred as real images under a Gaussian of {blur['text']}"


def headline(dataset: str, shown: Sequence[dict], decided: Sequence[dict], few: Sequence[str] = ()) -> str:
    """The report in one plain sentence, about reconstructions where there are any; `shown` are those of `summed`, `few`
    says of too few images that nothing may be concluded from them."""
    what = next(kind for kind in COMPARED if any(row["what"] == kind for row in shown))
    rows = [row for row in shown if row["what"] == what]
    if len(rows) <= 2 and not few:
        figures = ", and ".join(f"the {row['owner']}'s {what} are {blur_words(row)}" for row in rows)
    else:
        figures = ", ".join(f"{row['title']} {row['text']}" for row in rows)
    outcomes = "; ".join(few) or outcome([row for row in decided if row["what"] == what])
    return f"On {dataset} {figures}" + (f": {outcomes}." if outcomes else ".")


def summed(evidence: Evidence, rows: Sequence[dict]) -> list[dict]:
    """Equivalent blur by kind of image as a sentence names it: of every kind of run where seeds are repeated, else of
    every run; `owner` is what made the images, `title` ends with their kind."""
    if 1 < len(replicates(evidence.runs)) < len(evidence.runs):
        return [{**row, "owner": row["title"], "title": f"{row['title']} {row['what']}"} for row in pooled(evidence)]
    owners = {run.label: run.title for run in evidence.runs}
    return [
        {"what": row["kind"], "owner": owners[row["run"]], "title": row["title"], **row["blur"][PRIMARY]}
        for row in rows
        if row["kind"] in COMPARED
    ]


def outcome(decided: Sequence[dict]) -> str:
    """What became of each claim, against each that it was made against; "" where none was made."""
    if any(row["verdict"] == FAILED for row in decided):
        return "but the instrument failed, so that this settles nothing"
    claimed = dict.fromkeys(row["blurrier"] for row in decided)
    return "; ".join(_outcome([row for row in decided if row["blurrier"] == blurrier]) for blurrier in claimed)


def _outcome(decided: Sequence[dict]) -> str:
    if len(decided) == 1:
        return "".join(f"{row['claim']} is {word(row)}, {row['scope']}{because(row)}" for row in decided)
    against: dict[tuple[str, str], list[str]] = {}
    for row in decided:
        against.setdefault((word(row), row["scope"]), []).append(row["sharper"])
    over = {scope for _, scope in against}
    parts = [
        f"{verdict} against {joined(names)}" + f", {scope}" * (len(over) > 1)
        for (verdict, scope), names in against.items()
    ]
    once = "".join(f", {scope}" for scope in over) * (len(over) == 1)
    why = " (each verdict says why)" * any(verdict == WITHHELD for verdict, _ in against)
    return f"the claim that the {decided[0]['blurrier']} is blurrier is {'; '.join(parts)}{once}{why}"


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
