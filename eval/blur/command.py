"""`python -m eval.blur GENERATED [GENERATED ...] --reference REAL`: by how many pixels anybody's images are blurred.

python -m eval.blur samples/ --reference photographs/
python -m eval.blur decoded/ --reference originals/ --paired --json blur.json --html blur.html
python -m eval.blur samples/ --reference photographs/ --target 0.3     # exit code 1 when blurrier: for a CI job
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from tqdm import tqdm

from eval.blur import page, table
from eval.blur.comparison import Comparison, compare
from eval.blur.measures import PRIMARY
from eval.report.protocol import versions
from eval.report.rendering import finite
from eval.sources.files import size_of
from eval.sources.run_streams import SAMPLES, data_of, is_run, open_model, reconstructions, samples
from eval.sources.streams import Stream, open_stream
from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly
from vaegan.writing import check_writable, write_whole

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Arguments:
    """Say by how many pixels of Gaussian blur images differ from real ones, with an interval, a floor and audits."""

    generated: tyro.conf.Positional[tuple[str, ...]] = ()
    """Folders of images, npz:FILE, data sets by name, or run directories (their samples; with --paired their
    reconstructions)."""
    reference: str | None = None
    """Real images: a folder, npz:FILE or a data set by name. Half of them calibrates, the other half is the floor.
    Default: the data set of the first run."""
    paired: bool = False
    """Image by image: the reference's file of the same name is the original (a reconstruction's, a codec's), so
    that what is drawn cancels."""
    resize: str | None = None
    """Bring every image to this size first, WIDTHxHEIGHT or one number for squares. Resizing changes blur: prefer
    images of one size."""
    target: float | None = None
    """px. Exit with code 1 when any set's equivalent blur is above it or unknown."""
    json: Path | None = None
    """Also write every number with its protocol to this file."""
    html: Path | None = None
    """Also write one self-contained page, with the images between real ones under known blur."""
    seed: int = 0
    """Decides the halves of the reference and the prior samples of runs."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie."""
    device: str = "auto"
    """Where the networks of runs draw: auto, cpu or cuda. The measures are computed in float64 on the CPU."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Open, compare, print, write; then the exit code."""
    arguments = parse(Arguments, args, prog="python -m eval.blur")
    check(arguments)
    try:
        generated, reference = opened(arguments)
        total = reference.count + sum(stream.count for stream in generated)
        with tqdm(total=total, desc="measure", unit=" images", dynamic_ncols=True) as bar:
            found = compare(generated, reference, arguments.paired, arguments.seed, bar.update)
    except UsageError:
        raise
    except UserError as error:  # images that cannot be used: of the reader's or of a measure's finding
        raise UsageError(str(error)) from None
    failing = missed(found, arguments.target)
    if arguments.json:
        write_whole(arguments.json, as_json(found, arguments.target, failing))
    if arguments.html:
        write_whole(arguments.html, page.html(found).encode())
    print(table.text(found))
    if failing:
        raise UserError(f"blurrier than --target {arguments.target:g} px: {'; '.join(failing)}")


def check(arguments: Arguments) -> None:
    """Raise UsageError for arguments that cannot mean anything, UserError for files that could not be written."""
    if not arguments.generated:
        raise UsageError("nothing to measure; use: python -m eval.blur GENERATED --reference REAL")
    if not 0 <= arguments.seed < 2**31:
        raise UsageError(f"--seed {arguments.seed} is not possible: use 0 or more, below 2^31")
    if arguments.target is not None and not math.isfinite(arguments.target):
        raise UsageError(f"--target {arguments.target} is not possible: use a finite number of pixels")
    for file in (arguments.json, arguments.html):
        if file:
            check_writable(file)


def opened(arguments: Arguments) -> tuple[list[Stream], Stream]:
    """Every source and the reference as streams, each opened once. UsageError where one cannot be opened."""
    resize, data_dir = size_of(arguments.resize), arguments.data_dir
    names = list(dict.fromkeys(arguments.generated))
    models = {name: open_model(name, arguments.device) for name in names if is_run(name)}
    found = {name: open_stream(name, resize, data_dir) for name in names if name not in models}
    sides = [model.config.image_size for model in models.values()]
    like = (sides[0], sides[0]) if sides else next(iter(found.values())).size
    if arguments.reference:
        reference = open_stream(arguments.reference, resize, data_dir, like)
    elif models:
        reference = data_of(next(iter(models.values())), data_dir)
    else:
        raise UsageError("against which real images? Give --reference FOLDER, or a data set such as --reference mnist")
    for name, model in models.items():
        count = min(SAMPLES, reference.count)
        found[name] = (
            reconstructions(name, model, reference) if arguments.paired else samples(name, model, count, arguments.seed)
        )
    return [found[name] for name in arguments.generated], reference


def missed(found: Comparison, target: float | None) -> list[str]:
    """The sets that are blurrier than allowed, in words; a reading that is unknown is not below the target."""
    if target is None:
        return []
    read = [(row["title"], row["blur"][PRIMARY]) for row in found.rows[1:]]
    return [f"{title} reads {blur['text']}" for title, blur in read if not blur["value"] <= target]


def as_json(found: Comparison, target: float | None, failing: Sequence[str]) -> bytes:
    """Every number, for machines; what lies beyond the calibrated range is null beside its words."""
    values = {key: value for key, value in vars(found).items() if key != "strips"}
    content = {
        "schema_version": SCHEMA_VERSION,
        **values,
        "target": target,
        "passed": None if target is None else not failing,
        "versions": versions(),
    }
    return (json.dumps(finite(content), indent=1) + "\n").encode()
