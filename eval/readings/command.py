"""Anybody's images, opened, compared with real ones, and what is printed and written of that."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import vaegan
from eval.blur.measures import PRIMARY
from eval.images.files import size_of
from eval.images.run_streams import SAMPLES, data_of, is_run, reconstructions, samples
from eval.images.streams import Stream, open_stream
from eval.readings import page, table
from eval.readings.comparison import Comparison, compare
from eval.versions import versions
from eval.words import finite
from vaegan.errors import UsageError, UserError
from vaegan.machine.progress import Bar
from vaegan.storage.writing import write_whole

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Asked:
    """What is measured against what, and how; the door says what each means."""

    generated: Sequence[str]
    reference: str | None = None
    paired: bool = False
    resize: str | None = None
    target: float | None = None
    seed: int = 0
    data_dir: Path = Path("data")
    device: str = "auto"


def run(asked: Asked, json_file: Path | None = None, html_file: Path | None = None) -> None:
    """Print the table and write what was asked for. UserError where a set misses --target, after all is written."""
    try:
        generated, reference = opened(asked)
        total = reference.count + sum(stream.count for stream in generated)
        with Bar(total=total, desc="measure", unit=" images") as bar:
            compared = compare(generated, reference, asked.paired, asked.seed, bar.update)
    except UsageError:
        raise
    except UserError as error:  # images that cannot be used: of the reader's or of a measure's finding
        raise UsageError(str(error)) from None
    failing = missed(compared, asked.target)
    if json_file:
        write_whole(json_file, as_json(compared, asked.target, failing))
    if html_file:
        write_whole(html_file, page.html(compared).encode())
    print(table.text(compared))
    if failing:
        raise UserError(f"not shown to be within --target {asked.target:g} px: {'; '.join(failing)}")


def opened(asked: Asked) -> tuple[list[Stream], Stream]:
    """Every source and the reference as streams, each opened once. UsageError where one cannot be opened."""
    resize, data_dir = size_of(asked.resize), asked.data_dir
    names = list(dict.fromkeys(asked.generated))
    models = {name: vaegan.load(name, device=asked.device) for name in names if is_run(name)}
    streams = {name: open_stream(name, resize, data_dir) for name in names if name not in models}
    sides = [model.config.side for model in models.values()]
    like = (sides[0], sides[0]) if sides else next(iter(streams.values())).size
    if asked.reference:
        reference = open_stream(asked.reference, resize, data_dir, like)
    elif models:
        reference = data_of(next(iter(models.values())), data_dir)
    else:
        raise UsageError("against which real images? Give --reference FOLDER, or a data set such as --reference mnist")
    for name, model in models.items():
        count = min(SAMPLES, reference.count)
        streams[name] = (
            reconstructions(name, model, reference) if asked.paired else samples(name, model, count, asked.seed)
        )
    return [streams[name] for name in asked.generated], reference


def missed(compared: Comparison, target: float | None) -> list[str]:
    """The sets that are blurrier than allowed, in words; a reading that is unknown, or none because of too few images,
    is not below the target."""
    if target is None:
        return []
    found = [(row, row["blur"][PRIMARY]) for row in compared.rows[1:]]
    return [
        "; ".join([f"{row['title']} reads {blur['text']}", *row["withheld"]])
        for row, blur in found
        if row["withheld"] or not blur["value"] <= target
    ]


def as_json(compared: Comparison, target: float | None, failing: Sequence[str]) -> bytes:
    """Every number, for machines; what lies beyond the calibrated range is null beside its words."""
    values = {key: value for key, value in vars(compared).items() if key != "strips"}
    content = {
        "schema_version": SCHEMA_VERSION,
        **values,
        "target": target,
        "passed": None if target is None else not failing,
        "versions": versions(),
    }
    return (json.dumps(finite(content), indent=1) + "\n").encode()
