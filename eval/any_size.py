"""python -m eval.any_size RUN: is a CPPN's large image the small one, drawn sharper?

Each code is drawn at the trained size, at 32 pixels and large. A classifier must see the same class in all three, and
the large drawing is held against the small one enlarged: by how many pixels of Gaussian blur is that softer?
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import tyro
from torch import Tensor
from torch.nn import functional as F

import vaegan
from eval.blurriness import gaussian_blur, gradient_energy
from eval.features import FeatureNetwork, for_dataset
from vaegan import data
from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly
from vaegan.model import Model, prior_codes
from vaegan.networks.architectures import ARCHITECTURES
from vaegan.writing import check_writable, write_whole

ENLARGEMENTS = ("nearest", "bilinear", "bicubic")
SMALL = 32  # px; what the classifier was trained on
BLURRED = 24  # images whose blur is fitted: a blur at 1024 pixels costs about 0.1 s each
HALVINGS = 12  # of the interval that holds the fitted blur: to 0.02 px


@dataclass(frozen=True)
class Arguments:
    """Draw codes small and large; count equal classes, and measure how much sharper than an enlargement is large."""

    run: tyro.conf.Positional[Path]
    """Run directory of a CPPN (--preset otoro)."""
    size: int = 1024
    """Pixels a side of the large images."""
    n: int = 200
    """Codes from the prior, and as many of held-out images."""
    seed: int = 0
    """Decides the codes."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    json: Path | None = None
    """Also write the figures here."""


@exits_cleanly
def main() -> None:
    """Draw, classify, measure, print."""
    arguments = parse(Arguments, prog="python -m eval.any_size")
    if arguments.json:
        check_writable(arguments.json)
    if arguments.n < 1 or arguments.size <= SMALL:
        raise UsageError(
            f"--n {arguments.n} --size {arguments.size}: use 1 or more codes, and more than {SMALL} pixels"
        )
    model = vaegan.load(arguments.run)
    network = classifier(arguments, model)
    results = {}
    for kind, z in codes(arguments, model).items():
        results[kind] = compared(model, network, z, arguments.size)
        print(line(kind, results[kind], arguments.size))
    if arguments.json:
        protocol = {"classifier": network.name, **{k: str(v) for k, v in asdict(arguments).items()}}
        write_whole(arguments.json, (json.dumps({"protocol": protocol, **results}, indent=2) + "\n").encode())


def classifier(arguments: Arguments, model: Model) -> FeatureNetwork:
    """Return the shipped classifier of the run's data. Raises UsageError for a run of another kind."""
    config = model.config
    if not ARCHITECTURES[config.architecture].any_size:
        raise UsageError(
            f"{arguments.run} has a {config.architecture} decoder, which draws {config.image_size} px alone"
        )
    network = for_dataset(config.dataset)
    if network is None:
        raise UserError(f"no feature network is shipped for {config.dataset}: nothing can tell its classes")
    return network


def codes(arguments: Arguments, model: Model) -> dict[str, Tensor]:
    """Return codes (N, D) of held-out images and from the prior."""
    config = model.config
    where = arguments.data_dir or config.data_dir
    held_out = data.load(config.dataset, "test", image_size=config.image_size, data_dir=where).images[: arguments.n]
    prior = prior_codes(arguments.n, model.latent_dim, arguments.seed)
    return {"reconstructions": model.encode(held_out)[0], "samples": prior}


def compared(model: Model, network: FeatureNetwork, z: Tensor, size: int) -> dict[str, float]:
    """Return how often classes agree between sizes, in [0, 1], and the blur of enlargements in pixels at `size`."""
    own, small = model.decode(z), model.decode(z, size=SMALL)
    seen = network.predict(own), network.predict(small)
    agree, kept = [0, 0], None
    for part, classes in zip(z.split(8), zip(*(s.split(8) for s in seen), strict=True), strict=True):
        large = model.decode(part, size=size)  # 8 MB at 1024, so few at a time
        agree = [a + int((network.predict(large) == c).sum()) for a, c in zip(agree, classes, strict=True)]
        kept = large if kept is None else torch.cat([kept, large])[:BLURRED]
    blur = {f"{mode}_sigma": sigma_of(enlarged(own[: len(kept)], size, mode), kept) for mode in ENLARGEMENTS}
    return {"agree_own": agree[0] / len(z), f"agree_{SMALL}": agree[1] / len(z), **blur}


def enlarged(images: Tensor, size: int, mode: str) -> Tensor:
    """Enlarge uint8 images the way one would without a CPPN."""
    corners = {} if mode == "nearest" else {"align_corners": True}  # as a CPPN's grid: outermost pixels stay outermost
    return F.interpolate(images.float(), size=(size, size), mode=mode, **corners).clamp(0, 255).round().byte()


def sigma_of(soft: Tensor, sharp: Tensor) -> float:
    """Return the Gaussian blur in pixels, 0 or more, under which `sharp` has `soft`'s median gradient energy."""
    wanted, low, high = gradient_energy(soft).median(), 0.0, float(sharp.shape[-1]) / 8
    if gradient_energy(sharp).median() <= wanted:
        return 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        sharper = gradient_energy(gaussian_blur(sharp, middle)).median() > wanted
        low, high = (middle, high) if sharper else (low, middle)
    return (low + high) / 2


def line(kind: str, found: dict[str, float], size: int) -> str:
    """Put one kind of codes into words."""
    blurs = ", ".join(f"{mode} {found[f'{mode}_sigma']:.1f}" for mode in ENLARGEMENTS)
    return (
        f"{kind}: the class at {size} px is that at the trained size for {found['agree_own']:.1%}, at {SMALL} px for "
        f"{found[f'agree_{SMALL}']:.1%}; the small image enlarged is softer by a Gaussian of (px) {blurs}"
    )


if __name__ == "__main__":
    main()
