"""python -m eval.any_size RUN: is a CPPN's large image the small one, drawn sharper?

Each code is drawn at 32 pixels and large. A classifier must see the same class, or attributes, in both, and the large
drawing is held against the one of the trained size enlarged; on synthfaces both are held against the truth.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from eval.evidence import large
from eval.evidence.large import Way
from eval.features.choice import for_dataset
from eval.features.network import FeatureNetwork
from eval.sources.held_out import shuffled
from eval.sources.runs import Run, load_split, open_runs
from vaegan import data
from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly
from vaegan.model import prior_codes
from vaegan.writing import check_writable, write_whole


@dataclass(frozen=True)
class Arguments:
    """Draw codes small and large; count equal classes, and measure how soft each way to a large image is."""

    run: tyro.conf.Positional[Path]
    """Run directory of a CPPN (--preset otoro)."""
    size: int = large.SIZE
    """Pixels a side of the large images."""
    n: int = 200
    """Codes of held-out images, and as many from the prior; one costs about a second at 1,024 pixels."""
    seed: int = 0
    """Decides the codes."""
    data_dir: Path | None = None
    """Where the data lie, when not where the run found them."""
    json: Path | None = None
    """Also write the figures here."""


@exits_cleanly
def main() -> None:
    """Draw, classify, measure, print."""
    asked = parse(Arguments, prog="python -m eval.any_size")
    run = checked(asked)
    network = for_dataset(run.config.dataset)
    if network is None:
        raise UserError(f"no feature network is shipped for {run.config.dataset}: nothing can tell its classes")
    found = {
        kind: measure(run, network, asked) for kind, measure in (("reconstructions", held_out), ("samples", prior))
    }
    for kind, (same, ways) in found.items():
        print(table(kind, same, ways, asked))
    if asked.json:
        protocol = {"classifier": network.name, **{k: str(v) for k, v in asdict(asked).items()}}
        entries = {k: {"agreement": same, "ways": [w.entry() for w in ways]} for k, (same, ways) in found.items()}
        write_whole(asked.json, (json.dumps({"protocol": protocol, **entries}, indent=2) + "\n").encode())


def checked(asked: Arguments) -> Run:
    """Open the run. Raises UsageError for arguments that cannot mean anything and runs that draw one size."""
    if asked.json:
        check_writable(asked.json)
    (run,) = open_runs([asked.run])
    config = run.config
    least = max(config.image_size, large.SMALL)
    if asked.n < 2 or asked.size <= least:
        raise UsageError(f"--n {asked.n} --size {asked.size}: use 2 or more codes, and more than {least} pixels")
    if not large.able(run):
        raise UsageError(f"{asked.run} has a {config.architecture} decoder, which draws {config.image_size} px alone")
    return run


def held_out(run: Run, network: FeatureNetwork, asked: Arguments) -> tuple[float, list[Way]]:
    """Codes of held-out images chosen by the seed, against the truth where the data have one."""
    images = load_split(run, "test", asked.data_dir)
    rows = shuffled(len(images.images), asked.seed)[: asked.n]
    told = (images.labels[rows],) if run.model.is_conditional else ()
    z = run.model.encode(images.images[rows], *told)[0]
    truth = data.drawn(run.config.dataset, "test", rows[: large.COUNT], asked.size)
    ways = large.compared(run.model, z, told, asked.size, truth, images.images[rows])
    return large.agreement(run.model, network, z, told, asked.size), ways


def prior(run: Run, network: FeatureNetwork, asked: Arguments) -> tuple[float, list[Way]]:
    """Codes from the prior, which have no truth."""
    z = prior_codes(asked.n, run.model.latent_dim, asked.seed)
    told = (run.model.attributes(asked.n, asked.seed),) if run.model.is_conditional else ()
    ways = large.compared(run.model, z, told, asked.size, None)
    return large.agreement(run.model, network, z, told, asked.size), ways


def table(kind: str, same: float, ways: list[Way], asked: Arguments) -> str:
    """One kind of codes in words and Markdown."""
    truth = any(way.pixel_error for way in ways)
    reference = "the truth at that size" if truth else "the decoder's own large drawing"
    lines = [
        f"\n{kind}: what the classifier sees at {asked.size:,} px is what it sees at {large.SMALL} px for {same:.1%} "
        f"of {asked.n}",
        f"softer than {reference}, px of Gaussian blur at {asked.size:,} px, of {large.COUNT} images at most:",
        "| image | softer by, px | sharper | pixel error |",
        "| --- | ---: | ---: | ---: |",
    ]
    for way in ways:
        error = f"{way.pixel_error['value']:.1f}" if way.pixel_error else "-"
        soft = "{value:.1f} [{low:.1f}, {high:.1f}]".format(**way.softness)
        lines.append(f"| {way.title} | {soft} | {way.sharper} | {error} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
