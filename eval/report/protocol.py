"""How a report was made: counts, seeds, versions, settings, and the commands that make it again."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.blur.calibration import AUDIT_FACTOR
from eval.blur.measures import MEASURES, PRIMARY
from eval.evidence import audit, learning, steadiness
from eval.evidence.evidence import COMPARED, Evidence
from eval.evidence.findings import qualities
from eval.evidence.measuring import QUALITY_COUNT
from eval.sources.controls import CONTROL_COUNT
from eval.sources.runs import POSTERIOR_COUNT
from eval.uncertainty.estimates import ALPHA, MINIMAL_EFFECT
from eval.versions import versions
from eval.words import dataset_title, shown
from vaegan import config as configuration
from vaegan import config_json, presets
from vaegan.commandline.arguments import flag
from vaegan.config import Config

RULE = (
    f"supported: the difference is at least {MINIMAL_EFFECT:g} px, its p-value, "
    f"corrected by Holm for all hypotheses of this report, is below {ALPHA:g}; refuted: the same with the opposite "
    "sign; inconclusive: anything else"
)
INTERVALS = (
    "95 % intervals: over images by the variance of bootstrap replicates and, where there are several, over seeds by "
    "Student's t (of a difference, one for either side), in signed px², in which blurs add up"
)
EXECUTION = configuration.EXECUTION - {"data_dir", "run_dir"}  # settings that a run's command need not repeat


def describe(evidence: Evidence, given: Sequence[Path], flags: Sequence[str]) -> dict:
    """The part of report.json that says how its numbers came about; `given` and `flags` are the command's own."""
    held_out, configs = evidence.held_out, {run.label: run.config for run in evidence.runs}
    return {
        "dataset": {
            "name": evidence.runs[0].config.dataset,
            "title": dataset_title(evidence.runs[0].config.dataset),
            "image_size": held_out.report.shape[-1],
            "channels": held_out.report.shape[1],
            "held_out": held_out.available,
            "note": held_out.note,
        },
        "seeds": {"split": evidence.seed, "samples": evidence.seed, "bootstrap": evidence.seed},
        "protocol": {"count": len(held_out.report), **sentences(evidence)},
        "protocol_lines": lines(evidence),
        "thresholds": {"diversity": audit.MIN_DIVERSITY, "nearest": audit.MIN_NEAREST, "nyquist": audit.MOST_GRAIN}
        | {"flat": learning.FLAT},
        "qualities": qualities(),
        "price": any(run.model.has_encoder for run in evidence.runs),
        "configs": {label: config_json.to_dict(config) for label, config in configs.items()},
        "differences": differences(configs),
        "commands": [*map(train_command, configs.values()), compare_command(given, flags)],
        "versions": versions(),
    }


def sentences(evidence: Evidence) -> dict[str, str]:
    """What stands beneath the tables."""
    network, compared = evidence.network.name, min(QUALITY_COUNT, len(evidence.held_out.report))
    return {
        "interval": (
            f"Brackets: {INTERVALS}. Power near Nyquist above 1 means grain or a checkerboard: then the sharpness "
            "beside it is not detail."
        ),
        "instrument": (
            "Read by the primary measure. A reading is right when its 95 % interval comes within the allowed error of "
            "the truth and reaches, in px², no further than ±15 % of what is read (of 1 px at least) do; one wrong "
            "reading and the report has no verdict."
        ),
        "laplacian": (
            "Laplacian variance is named as in the WAE paper, whose code reports the minimum over the plotted images: "
            "that falls with their number, so median, minimum and count stand together."
        ),
        "quality": f"Means over the first {compared:,} reconstructions, 95 % bootstrap intervals.",
        "audits": (
            "Diversity: mean pairwise distance among prior samples, in the 8x8 maps of the feature network (what is "
            "where) and, not judged, in its last features (which attributes, and how clearly); nearest pair: the "
            "smallest distance among 64 of them in the last features; all divided by the same figure of held-out "
            f"images, by {network}. Dis must be "
            f"neither blind (p(real) − p(fake) below {audit.BLIND}) nor certain (above {audit.CERTAIN}) in the last "
            "tenth of training. Power near Nyquist and speckle, of reconstructions too: at most "
            f"{audit.MOST_GRAIN:g} times real images'. A verdict says “with grain” where its sharper side has more of "
            f"them than {AUDIT_FACTOR:g} times what real images blurred as much as it reads have (and what nobody "
            "sees), for certain (95 %); “weak opponent” where its blurrier side is blurrier, for certain, than the "
            f"linear VAE of the same likelihood, by {MINIMAL_EFFECT:g} px or more."
        ),
    }


def lines(evidence: Evidence) -> list[list[str]]:
    """The protocol as (term, text)."""
    held_out, size = evidence.held_out, evidence.held_out.report.shape[-1]
    note = f"; {held_out.note}" if held_out.note else ""
    seeds = [str(run.config.seed) for run in evidence.runs]
    return [
        ["Images", f"{evidence.runs[0].config.dataset} at {size}×{size}, {held_out.available:,} held out{note}"],
        ["Calibration", f"{len(held_out.calibration):,} held-out images, blurred by known Gaussians"],
        ["Reported", f"{len(held_out.report):,} others, and as many prior samples"],
        ["Reconstructions", "decoded posterior means of the reported images, each read against its own original"],
        ["Controls", f"{min(CONTROL_COUNT, len(held_out.report)):,} of the reported, blurred or damaged on purpose"],
        ["Posterior draws", f"codes drawn from q(z|x) of up to {POSTERIOR_COUNT:,} training images, decoded"],
        ["Weights", "raw, in evaluation mode; averaging the decoder's weights blurs: shown, never judged"],
        ["Snapshots", snapshots(evidence)],
        ["Quantisation", "every source is uint8 before anything is measured: clamp, scale, round"],
        ["Primary measure", f"{MEASURES[PRIMARY].title}, declared before looking; the others are for comparison"],
        ["Rule", RULE],
        ["Features", evidence.network.name],
        ["Seeds", f"split, samples and bootstrap {evidence.seed}; runs {', '.join(seeds)}"],
        ["Steps", ", ".join(f"{run.title} {run.model.step:,}" for run in evidence.runs)],
    ]  # fmt: skip


def snapshots(evidence: Evidence) -> str:
    """Over how many sets of weights a reading is a mean."""
    counts = sorted({1 + len(evidence.snapshots.get(m.source.id, ())) for m in evidence.of(*COMPARED)})
    if counts == [1]:
        return "none: every reading is of a run's last weights"
    some = min(steadiness.COUNT, len(evidence.held_out.report))
    return (
        f"readings of runs by the primary measure are means in signed px² over {' or '.join(map(str, counts))} "
        "snapshots of the last tenth of training: the last weights on all images, moved by what earlier ones differ by "
        f"on the first {some:,}. Pictures, the other measures, audits, distances and bounds are of the last weights"
    )


def differences(configs: dict[str, Config]) -> list[dict]:
    """Settings that two runs disagree on, by run."""
    dicts = {label: config_json.to_dict(config) for label, config in configs.items()}
    names = [field.name for field in dataclasses.fields(Config) if field.name not in configuration.EXECUTION]
    rows: list[dict[str, Any]] = [
        {"setting": n, "values": {label: str(values[n]) for label, values in dicts.items()}} for n in names
    ]
    return [row for row in rows if len(set(row["values"].values())) > 1]


def train_command(config: Config) -> str:
    """The command that trains a run on any machine: its mode and preset, and every setting that is not theirs."""
    preset = config.preset or "cpu"
    usual = dataclasses.replace(Config(), **presets.defaults(preset, config.mode))
    words = ["python", "-m", "vaegan.train", "--mode", config.mode, "--preset", preset]
    for field in dataclasses.fields(Config):
        value = getattr(config, field.name)
        if field.name not in EXECUTION | {"mode"} and value != getattr(usual, field.name):
            words += [flag(field.name), shown(value) if isinstance(value, Path) else str(value)]
    return shlex.join(words)


def compare_command(runs: Sequence[Path], flags: Sequence[str]) -> str:
    """The command that makes the report."""
    return shlex.join(["python", "-m", "eval.compare", *map(shown, runs), *flags])
