"""One network of a run in a format that other programs read, with its card."""

import os
import shutil
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from vaegan.errors import UsageError, UserError
from vaegan.model import Model, load, prior_codes
from vaegan.sharing.card import COMPARED, card
from vaegan.sharing.formats import FORMATS, TOLERANCE, largest_difference, require_packages


def parted(run: Path, part: str) -> Model:
    """Open a run. Raises UsageError for one without the part."""
    model = load(run)
    if part not in model.networks:
        raise UsageError(f"{run} has no {part}: a run of mode {model.config.mode} has {', '.join(model.networks)}")
    return model


def export(run: Path, out: Path, kind: str, part: str) -> float:
    """Write the folder whole or not at all; return the largest difference. Raises UserError when it is too large."""
    require_packages(kind)
    model = parted(run, part)
    form, network = FORMATS[kind], model.networks[part]
    inputs = example(model, part)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as partial:
            file = Path(partial) / f"{part}{form.suffix}"
            form.write(network, inputs, file)
            difference = largest_difference(network, form.read(network, file), inputs)
            if not difference <= TOLERANCE:
                raise UserError(
                    f"the {kind} of {run} differs by {difference:.1e} from the original: use another --format"
                )
            text = card(model, part, kind, file.name, difference, run)
            (Path(partial) / "README.md").write_text(text)
            os.chmod(partial, 0o755)  # temporary folders are private
            file.chmod(0o644)
            if out.is_dir():
                out.rmdir()
            shutil.copytree(partial, out)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): choose another --out") from None
    return difference


def example(model: Model, part: str) -> tuple[Tensor, ...]:
    """Return inputs of a part: codes from N(0, I), or noise in the shape of images; and labels, if it is told any."""
    size = model.config.side
    images = torch.rand(COMPARED, model.channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    first = prior_codes(COMPARED, model.latent_dim, 0) if part == "decoder" else images
    if not model.is_conditional:
        return (first,)
    return first, model.conditions.numbers(model.attributes(COMPARED))
