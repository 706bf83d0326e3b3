"""The numbers of one report, kept: of `test_compare`'s, whose runs are stand-ins, so that no training decides them."""

import json
from pathlib import Path

KEPT = Path(__file__).with_suffix(".json")
SECTIONS = ("pooled", "verdicts", "instrument", "prior_gap", "diagnostics", "rate", "measures", "spectrum")
NEAR_NOTHING = 1e-3  # of a reading; processors with other instructions differ by less (AVX-512 against SSE 4.1)


def numbers(value: object, path: str = "") -> dict[str, float]:
    """Every number of a JSON value by its path; probabilities are left out, which hardly anything moves near 0."""
    if isinstance(value, dict):
        parts = [(f"{path}/{key}", part) for key, part in value.items() if not key.startswith("p_") and key != "p"]
    elif isinstance(value, list):
        parts = [(f"{path}/{i}", part) for i, part in enumerate(value)]
    else:
        return {path: value} if isinstance(value, float) else {}
    return {name: number for at, part in parts for name, number in numbers(part, at).items()}


def of_report(report: dict) -> dict[str, float]:
    """What does not hang on a network that the report trains: blur of every source, and what is read from it."""
    blur = {source["id"]: source["blur"] for source in report["sources"]}
    return numbers({"blur": blur} | {name: report[name] for name in SECTIONS})


def moved(report: dict) -> dict[str, tuple[float | None, float | None]]:
    """Numbers that are not those kept, with both."""
    kept, found = json.loads(KEPT.read_text()), of_report(report)
    pairs = {name: (kept.get(name), found.get(name)) for name in kept.keys() | found.keys()}
    return {name: pair for name, pair in pairs.items() if None in pair or not near(*pair)}


def near(kept: float, found: float) -> bool:
    return abs(kept - found) <= NEAR_NOTHING * max(1, abs(kept))
