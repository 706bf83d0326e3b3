"""How far sets of images are from real ones, and by what protocol."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from eval.distances import fingerprint, plain
from eval.distances import table as distance_table
from eval.distances.columns import COLUMNS
from eval.distances.extraction import extract, of_tensor
from eval.distances.reference import prepared, progress
from eval.distances.table import FLOORS, HALVES, Set
from eval.features import choice as features
from eval.features.choice import Extractor
from eval.images.files import size_of
from eval.images.streams import Stream as Images
from eval.images.streams import open_stream
from eval.sources import runs as sources
from eval.sources.held_out import drawn, halves, shuffled
from eval.sources.runs import Run
from eval.words import finite, fixed, markdown_table
from vaegan.commandline.commands import spoken
from vaegan.data import ImageSet, load
from vaegan.errors import UsageError, UserError
from vaegan.machine import devices, processes
from vaegan.model import prior_codes
from vaegan.storage import reading
from vaegan.storage.metrics import is_number
from vaegan.storage.writing import write_whole

SCHEMA_VERSION = 1
RUN_SAMPLES = 10_000
WHAT_TO_GIVE = "give a folder of images, npz:FILE or a run directory"


@dataclass(frozen=True)
class Stream:
    """A set of images that is made when it is asked for: (first, last) -> uint8 (N, C, H, W)."""

    title: str
    run: str | None
    count: int
    images: Callable[[int, int], Tensor]


@dataclass(frozen=True)
class Asked:
    """What sets are held against: a data set or folder, None for the data of the runs, how many images, and how."""

    reference: str | None
    samples: int | None
    features: str
    seed: int
    image_size: int | None
    data_dir: Path | None
    device: str
    resize: str | None


def run(given: Sequence[str], arguments: Asked, file: Path | None) -> None:
    """Measure what is to be measured, read what was measured before, print one table."""
    processes.start(torch.device("cpu"))  # gloo: features come back to the CPU before they are shared
    try:
        earlier = [row for source in given if _is_json(source) for row in read(Path(source))]
        fresh = [source for source in given if not _is_json(source)]
        rows = earlier + (measured(fresh, arguments) if fresh else [])
        if processes.rank() == 0:
            table = distance_table.table(without_repeats(rows))
            if file:
                write(table, file)
            print(text(table))
    finally:
        processes.stop()


def _is_json(source: str) -> bool:
    return source.endswith(".json")


def measured(given: Sequence[str], arguments: Asked) -> list[dict]:
    """Measure runs and data sets: their rows, the floors first."""
    absent = [source for source in given if not _is_data(source) and not Path(source).exists()]
    if absent and arguments.reference:
        raise UsageError(f"no such folder or run: {absent[0]}; {WHAT_TO_GIVE}")
    if files := [source for source in given if not _is_data(source) and _is_other(Path(source))]:
        raise UsageError(f"{files[0]} is no folder; {WHAT_TO_GIVE}")
    if any(_is_run(source) for source in given):
        return of_runs(given, arguments)
    if not arguments.reference:
        raise UsageError("against which data set? Give --reference, for example --reference mnist or --reference DIR")
    side = arguments.image_size
    resize = size_of(arguments.resize) or ((side, side) if side else None)
    streams = [open_stream(source, resize) for source in given]
    real = plain.real_images(arguments.reference, resize, arguments.data_dir or Path("data"), streams[0].size)
    if arguments.samples:
        streams = [limited(stream, arguments.samples, arguments.seed) for stream in streams]
    return plain.measured(streams, real, partial(chosen, arguments), arguments.seed)


def chosen(arguments: Asked, images: ImageSet | Callable[[], ImageSet]) -> Extractor:
    """The extractor of --features, on --device."""
    return features.choose(arguments.features, images)[0].to(devices.own(arguments.device))


def of_runs(given: Sequence[str], arguments: Asked) -> list[dict]:
    """Measure runs, and images beside them, against halves of the runs' held-out images."""
    runs = sources.open_runs([Path(source) for source in given if not _is_data(source)], device=arguments.device)
    others = [_loaded(source, runs, arguments) for source in given if _is_data(source)]
    train, test = (reference_split(split, runs, arguments) for split in ("train", "test"))
    for other in others:
        distance_table.check_images(
            tuple(other.images.shape[1:]), tuple(test.images.shape[1:]), (other.name, test.name)
        )
    count = min([arguments.samples or RUN_SAMPLES, *(len(other.images) for other in others)])
    extractor = chosen(arguments, train)
    calibration, reported = (test.images[rows] for rows in halves(test, count, arguments.seed))
    protocol, floors = prepared(test, train, (calibration, reported), extractor, arguments.seed)
    streams = [s for run in runs for s in of_run(run, reported, arguments.seed)]
    streams += [of_images(other, len(reported), arguments.seed) for other in others]
    return distance_table.rows([*floors, *(_extracted(stream, extractor) for stream in streams)], protocol)


def reference_split(split: str, runs: Sequence[Run], arguments: Asked) -> ImageSet:
    """The reference's images."""
    if arguments.reference in (None, runs[0].config.dataset):
        return sources.load_split(runs[0], split, arguments.data_dir)
    return load(
        arguments.reference, split, image_size=_size(runs, arguments), data_dir=arguments.data_dir or Path("data")
    )


def of_run(run: Run, originals: Tensor, seed: int) -> list[Stream]:
    """A run's reconstructions of `originals`, and as many prior samples."""
    z = prior_codes(len(originals), run.model.latent_dim, seed)
    expected = (run.model.channels, *[run.config.image_size] * 2)
    distance_table.check_images(expected, tuple(originals.shape[1:]), (run.directory.name, "the reference"))
    samples = Stream(f"{run.title} samples", run.label, len(z), lambda first, last: run.model.decode(z[first:last]))
    if not run.model.has_encoder:
        return [samples]
    decoded = of_tensor(originals)
    reconstructions = Stream(
        f"{run.title} reconstructions",
        run.label,
        len(z),
        lambda first, last: run.model.reconstruct(decoded(first, last)),
    )
    return [reconstructions, samples]


def of_images(images: ImageSet, count: int, seed: int) -> Stream:
    """`count` images of a set, chosen by the seed."""
    return Stream(images.name, None, count, of_tensor(drawn(images.images, count, seed)))


def limited(stream: Images, count: int, seed: int) -> Images:
    """At most `count` images of a stream, chosen by the seed."""
    rows = shuffled(stream.count, seed)[:count].tolist()
    return replace(stream, count=len(rows), images=lambda wanted: stream.images([rows[row] for row in wanted]))


def _is_run(source: str) -> bool:
    """A run directory, or what is meant to be one: no data, no folder of other files."""
    return not _is_data(source) and ((Path(source) / "config.json").is_file() or not Path(source).is_dir())


def _is_other(path: Path) -> bool:
    """A file, a pipe, a device: neither a folder nor absent."""
    return path.exists() and not path.is_dir()


def _is_data(source: str) -> bool:
    return source.partition(":")[0] in ("folder", "npz")


def _loaded(source: str, runs: Sequence[Run], arguments: Asked) -> ImageSet:
    """All images of a data set, whatever its splits."""
    size, where = _size(runs, arguments), arguments.data_dir or Path("data")
    parts = [load(source, split, image_size=size, data_dir=where) for split in ("train", "test")]
    return replace(parts[0], images=torch.cat([part.images for part in parts]), labels=None)


def _size(runs: Sequence[Run], arguments: Asked) -> int | None:
    return runs[0].config.image_size if runs else arguments.image_size


def _extracted(stream: Stream, extractor: Extractor) -> Set:
    with progress(stream.title, stream.count) as bar:
        return Set(stream.title, stream.run, extract(stream.count, stream.images, extractor, bar.update))


def without_repeats(rows: Sequence[dict]) -> list[dict]:
    """Rows without those that came twice, as the floors of two files do."""
    seen = {(row["title"], str(row["frechet"]), row["fingerprint"].reference_sha256): row for row in rows}
    return sorted(seen.values(), key=lambda row: row["title"] not in (*FLOORS, HALVES))


def read(file: Path) -> list[dict]:
    """Rows that --json wrote. Raises UserError for another file."""
    try:
        value = json.loads(reading.text(file))
        rows = [{**row, "fingerprint": fingerprint.of_dict(row["fingerprint"])} for row in value["rows"]]
        if all(row["title"] == HALVES for row in rows) or not all(map(_is_whole, rows)):
            raise ValueError("rows that are none")
        return rows
    except OSError as error:
        raise UserError(f"cannot read {file} ({reading.reason(error)})") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"{file} was not written by {spoken('distances')} --json; measure anew") from None


def _is_whole(row: dict) -> bool:
    """Whether a row has what a table shows of it, each of its type. Raises KeyError or TypeError where it has not."""
    ends = [end for column in COLUMNS if column.interval for end in row[f"{column.key}_interval"] or ()]
    numbers = [*(row[column.key] for column in COLUMNS), *ends]
    words = [row["title"], *row["flags"]]
    said = isinstance(row["dimension"], int) and isinstance(row["singular"], bool)
    return said and all(n is None or is_number(n) for n in numbers) and all(isinstance(w, str) for w in words)


def write(table: dict, file: Path) -> None:
    """Write the table whole or not at all."""
    write_whole(file, (json.dumps({"schema_version": SCHEMA_VERSION, **finite(table)}, indent=1) + "\n").encode())


def text(table: dict) -> str:
    """The table as Markdown whose columns also line up as plain text, its protocol and its warnings."""
    head = ["", "Images", *(f"{c['title']} ({c['note']})" for c in table["columns"])]
    cells = [
        [row["title"], f"{row['fingerprint']['count']:,}", *(cell(row, column) for column in table["columns"])]
        for row in table["rows"]
    ]
    warnings = [f"{row['title']}: {flag}" for row in table["rows"] for flag in row["flags"]]
    return "\n".join([markdown_table(head, cells), "", *warnings, *table["notes"]])


def cell(row: dict, column: dict) -> str:
    """A number with its interval, where it has one."""
    value, interval = row[column["key"]], row.get(f"{column['key']}_interval")
    brackets = f" [{', '.join(fixed(end, column['digits']) for end in interval)}]" if interval else ""
    return fixed(value, column["digits"]) + brackets
