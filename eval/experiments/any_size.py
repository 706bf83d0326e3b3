"""Is a CPPN's large image the small one, drawn sharper?

Each code is drawn at 32 pixels and large. A classifier must see the same class, or attributes, in both, and the large
drawing is held against the one of the trained size enlarged; on synthfaces both are held against the truth.
"""

from pathlib import Path

from eval.evidence import large
from eval.evidence.large import Way
from eval.features.choice import for_dataset
from eval.features.network import FeatureNetwork
from eval.sources.held_out import shuffled
from eval.sources.runs import Run, load_split, open_runs
from eval.words import markdown_table
from vaegan import data
from vaegan.errors import UsageError, UserError, impossible
from vaegan.generator import told
from vaegan.model import prior_codes

# Share of codes whose class is the same small and large, and each way to a large image.
Findings = tuple[float, list[Way]]


def measured(
    directory: Path, n: int, size: int, seed: int, data_dir: Path | None, device: str
) -> tuple[str, dict[str, Findings]]:
    """Open a run, draw `n` codes of each kind at `size` px; the classifier's name, and what was found by kind."""
    run = checked(directory, size, device)
    network = for_dataset(run.config.dataset)
    if network is None:
        raise UserError(f"no feature network is shipped for {run.config.dataset}: nothing can tell its classes")
    network.to(run.device)
    by_kind = {
        "reconstructions": held_out(run, network, n, size, seed, data_dir),
        "samples": prior(run, network, n, size, seed),
    }
    return network.name, by_kind


def entry(findings: Findings) -> dict:
    """What --json says of a kind of codes."""
    same, ways = findings
    return {"agreement": same, "ways": [way.entry() for way in ways]}


def checked(directory: Path, size: int, device: str) -> Run:
    """Open the run. Raises UsageError for one that draws one size, or that was trained at this one or above."""
    (run,) = open_runs([directory], device=device)
    config = run.config
    least = max(config.image_size, large.SMALL)
    if size <= least:
        raise impossible(f"--size {size}", f"use more than {least} pixels")
    if not large.able(run):
        raise UsageError(
            f"{directory} has a {config.architecture} decoder, which draws {config.image_size} px alone: train a "
            "run with --preset otoro"
        )
    return run


def held_out(run: Run, network: FeatureNetwork, n: int, size: int, seed: int, data_dir: Path | None) -> Findings:
    """Codes of held-out images chosen by the seed, against the truth where the data have one."""
    images = load_split(run, "test", data_dir)
    rows = shuffled(len(images.images), seed)[:n]
    labels = told(run.model, images.labels if images.labels is None else images.labels[rows])
    z = run.model.encode(images.images[rows], *labels)[0]
    truth = data.drawn(run.config.dataset, "test", rows[: large.COUNT], size)
    ways = large.compared(run.model, z, labels, size, truth, images.images[rows])
    return large.agreement(run.model, network, z, labels, size), ways


def prior(run: Run, network: FeatureNetwork, n: int, size: int, seed: int) -> Findings:
    """Codes from the prior, which have no truth."""
    z = prior_codes(n, run.model.latent_dim, seed)
    labels = told(run.model, run.model.prior_attributes(n, seed))
    ways = large.compared(run.model, z, labels, size, None)
    return large.agreement(run.model, network, z, labels, size), ways


def table(kind: str, findings: Findings, n: int, size: int) -> str:
    """One kind of codes in words and Markdown."""
    same, ways = findings
    truth = any(way.pixel_error for way in ways)
    reference = "the truth at that size" if truth else "the decoder's own large drawing"
    said = [
        f"\n{kind}: what the classifier sees at {size:,} px is what it sees at {large.SMALL} px for {same:.1%} of {n}",
        f"softer than {reference}, px of Gaussian blur at {size:,} px, of {large.COUNT} images at most:",
    ]
    lines = []
    for way in ways:
        error = f"{way.pixel_error['value']:.1f}" if way.pixel_error else "-"
        soft = "{value:.1f} [{low:.1f}, {high:.1f}]".format(**way.softness)
        lines.append([way.title, soft, str(way.sharper), error])
    return "\n".join([*said, markdown_table(["image", "softer by, px", "sharper", "pixel error"], lines, range(1, 4))])
