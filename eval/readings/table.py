"""The table of a comparison as text: blur, then the audits beside it, then what to know."""

import math
from collections.abc import Sequence

from eval.blur.audits import AUDITS
from eval.blur.measures import MEASURES, PRIMARY
from eval.readings.comparison import Comparison
from eval.words import bracketed, markdown_table, pixels


def text(compared: Comparison) -> str:
    """Two Markdown tables whose columns also line up as plain text, the controls and the notes."""
    tables = [_markdown(blur_lines(compared.rows)), _markdown(audit_lines(compared.rows))]
    return "\n\n".join([opening(compared.protocol), "\n".join(answers(compared.rows)), *tables, closing(compared)])


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    return markdown_table(lines[0], lines[1:])


def opening(protocol: dict) -> str:
    """By what everything below was measured."""
    height, width = protocol["size"]
    calibrating = f"{protocol['calibrating']:,} of {protocol['reference_images']:,} images"
    if protocol["cross_fitted"]:
        calibrating = f"all {protocol['reference_images']:,} images, each half in turn"
    return (
        f"Equivalent Gaussian blur in pixels, 0: as sharp as {protocol['reference']}, negative: sharper; 95 % "
        f"intervals. {width}x{height}{', ' + protocol['note'] if protocol['note'] else ''}, calibrated on "
        f"{calibrating}{', pairs on their own originals' if protocol['paired'] else ''}."
    )


def answers(rows: Sequence[dict]) -> list[str]:
    """A sentence a source: blurrier, sharper, or as sharp as the reference, by the primary measure's interval; why
    neither is said, where it has too few images."""
    return [f"{_verdict(row)}: {row['blur'][PRIMARY]['text']}" for row in rows[1:]]


def _verdict(row: dict) -> str:
    title, read = row["title"], row["blur"][PRIMARY]
    if row["withheld"]:
        return f"No verdict on {title} ({'; '.join(row['withheld'])}), which reads"
    if read["low"] > 0 or read["high"] < 0:
        return f"{title} is {'blurrier' if read['low'] > 0 else 'sharper'} than the reference"
    could = f"; a blur of {row['smallest']:.2f} px would have shown" if math.isfinite(row["smallest"]) else ""
    return f"{title} may be as sharp as the reference{could}"


def blur_lines(rows: Sequence[dict]) -> list[list[str]]:
    """One line a source: the primary measure first."""
    heads = [row.title + (" (primary), px" if name == PRIMARY else ", px") for name, row in MEASURES.items()]
    lines = [["", "images", *heads, "could find, px"]]
    for row in rows:
        read = [without_unit(row["blur"][name]) for name in MEASURES]
        lines.append([row["title"], f"{row['images']:,}", *read, pixels(row["smallest"])])
    return lines


def without_unit(reading: dict) -> str:
    """A reading for a column in px, "0.45 [0.43, 0.47]"; in words where it is beyond the calibrated range."""
    if not math.isfinite(reading["value"]):
        return reading["text"]
    return f"{pixels(reading['value'])} {bracketed(reading['low'], reading['high'])}"


def audit_lines(rows: Sequence[dict]) -> list[list[str]]:
    """One line a source: every audit as a multiple of what real images have, those that raise a flag with a mark."""
    lines = [["beside real images, x", *(row.title for row in AUDITS.values()), "contrast", "flat images"]]
    for row in rows:
        cells = [times(row["audits"][name]["relative"]) + "!" * row["audits"][name]["flagged"] for name in AUDITS]
        lines.append([row["title"], *cells, times(row["contrast"]), f"{row['flat'] / row['images']:.0%}"])
    return lines


def times(relative: float | None) -> str:
    """A multiple; a dash where real images have none of it."""
    return "–" if relative is None else f"{relative:.2f}"


def closing(compared: Comparison) -> str:
    """The controls in one line, what "could find" means, and the notes."""
    read = ", ".join(f"{at['title']} reads {pixels(at['read']['value'])}" for at in compared.controls)
    lines = [
        f"Controls, real images ({MEASURES[PRIMARY].title}): {read}: "
        + ("all where they belong." if all(at["ok"] for at in compared.controls) else "NOT all where they belong."),
        "Could find: the smallest blur that so many images show in 4 of 5 trials. A mark (!) is an audit beyond what "
        "images of that blur may have, and not by chance.",
    ]
    return "\n".join([*lines, *(f"Note: {note}" for note in compared.notes)])
