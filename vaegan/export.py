"""python -m vaegan.export RUN --out DIR: one network of a run in a format that other programs read, with its card."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from torch import Tensor

from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly, nearest
from vaegan.model import Model, load, prior_codes
from vaegan.sharing.card import COMPARED, card
from vaegan.sharing.formats import FORMATS, TOLERANCE, largest_difference, require_packages

PARTS = ("decoder", "encoder", "discriminator")


@dataclass(frozen=True)
class Arguments:
    """Export one network of a run; it is read back and compared with the original before anything is kept."""

    run: tyro.conf.Positional[Path]
    """Directory of the run."""
    out: Path
    """Folder that gets the file and its card, README.md; it must be new or empty."""
    format: str = "safetensors"
    """safetensors, torch-export or onnx."""
    part: str = "decoder"
    """decoder, encoder or discriminator."""


@exits_cleanly
def main(args: Sequence[str] | None = None) -> None:
    """Entry point of `python -m vaegan.export`."""
    asked = parse(Arguments, args, prog="python -m vaegan.export")
    check(asked)
    model = load(asked.run)
    if asked.part not in model.networks:
        raise UsageError(
            f"{asked.run} has no {asked.part}: a run of mode {model.config.mode} has {', '.join(model.networks)}"
        )
    difference = export(model, asked)
    print(f"wrote {asked.out}: {asked.part} as {asked.format}, equal to the original to {difference:.1e}")


def check(asked: Arguments) -> None:
    """Raise UsageError or UserError for what cannot be, before a network is loaded."""
    for name, value, known in (("format", asked.format, FORMATS), ("part", asked.part, PARTS)):
        if value not in known:
            raise UsageError(f"unknown {name} {value!r}{nearest(value, known)}; known are {', '.join(known)}")
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        raise UsageError(f"--out {asked.out} exists already: choose a new folder")
    require_packages(asked.format)


def export(model: Model, asked: Arguments) -> float:
    """Write the folder whole or not at all; return the largest difference. Raises UserError when it is too large."""
    form, network = FORMATS[asked.format], model.networks[asked.part]
    inputs = example(model, asked.part)
    try:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=asked.out.parent, prefix=f".{asked.out.name}.") as partial:
            file = Path(partial) / f"{asked.part}{form.suffix}"
            form.write(network, inputs, file)
            difference = largest_difference(network, form.read(network, file), inputs)
            if not difference <= TOLERANCE:
                raise UserError(
                    f"the {asked.format} of {asked.run} differs by {difference:.1e} from the original: "
                    "use another --format"
                )
            text = card(model, asked.part, asked.format, file.name, difference, asked.run)
            (Path(partial) / "README.md").write_text(text)
            os.chmod(partial, 0o755)  # temporary folders are private
            file.chmod(0o644)
            if asked.out.is_dir():
                asked.out.rmdir()
            shutil.copytree(partial, asked.out)
    except OSError as error:
        raise UserError(f"{asked.out} cannot be written ({error.strerror or error}): choose another --out") from None
    return difference


def example(model: Model, part: str) -> tuple[Tensor, ...]:
    """Return inputs of a part: codes from N(0, I), or noise in the shape of images; and labels, if it is told any."""
    size = model.config.image_size
    images = torch.rand(COMPARED, model.channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    first = prior_codes(COMPARED, model.latent_dim, 0) if part == "decoder" else images
    if not model.is_conditional:
        return (first,)
    return first, model.conditions.numbers(model.attributes(COMPARED))


if __name__ == "__main__":
    main()
