"""Networks of a run in a format that other programs read, with their card."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from vaegan import pretrained
from vaegan.errors import UsageError, UserError
from vaegan.model import Model, load, prior_codes, stored
from vaegan.sharing.card import COMPARED, card
from vaegan.sharing.formats import FORMATS, TOLERANCE, largest_difference, outputs, require_packages
from vaegan.storage.writing import replacing_folder

DRAWING = ("encoder", "decoder")  # what images are drawn with, from images and from codes


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
    with _appearing(out) as folder:
        file = folder / f"{part}{form.suffix}"
        form.write(network, inputs, file)
        difference = largest_difference(network, form.read(network, file), inputs)
        if not difference <= TOLERANCE:
            raise UserError(f"the {kind} of {run} differs by {difference:.1e} from the original: use another --format")
        (folder / "README.md").write_text(card(model, part, kind, file.name, difference, run))
        file.chmod(0o644)
    return difference


def export_all(run: Path, out: Path, half: bool) -> float:
    """Write encoder and decoder, and the averaged decoder of a mode with an adversary, as a folder that `load` opens;
    return the largest difference of a decoded code. Raises UserError as `export`, with no bound on what `half` costs.
    """
    model, (state, _) = load(run), stored(pretrained.located(run), None)
    state = state | {"networks": {part: weights for part, weights in state["networks"].items() if part in DRAWING}}
    if "discriminator" not in model.networks:  # its averaged weights would be nearly the same
        state.pop(pretrained.AVERAGED)
    inputs = example(model, "decoder")
    with _appearing(out) as folder:
        pretrained.write(folder, state, half)
        again = load(folder).networks["decoder"]
        difference = largest_difference(model.networks["decoder"], lambda *x: outputs(again(*x)), inputs)
        if not half and not difference <= TOLERANCE:
            raise UserError(f"what was written of {run} differs by {difference:.1e} from the original: keep the run")
        (folder / "README.md").write_text(card(model, "all", "safetensors", pretrained.WEIGHTS, difference, run))
    return difference


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """Yield a folder that becomes `out` when the block ends well. Raises UserError when it cannot be written."""
    try:
        with replacing_folder(out) as partial:
            yield partial
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}): choose another --out") from None


def example(model: Model, part: str) -> tuple[Tensor, ...]:
    """Return inputs of a part: codes from N(0, I), or noise in the shape of images; and labels, if it is told any."""
    size = model.config.side
    images = torch.rand(COMPARED, model.channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    first = prior_codes(COMPARED, model.latent_dim, 0) if part == "decoder" else images
    told = model.prior_attributes(COMPARED)
    return (first,) if told is None else (first, model.conditions.numbers(told))
