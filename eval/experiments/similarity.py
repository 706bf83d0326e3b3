"""Do generated faces have the attributes that were asked for? Larsen's LFW experiment (arXiv 1512.09300) with exact
attributes.

Conditional runs draw an image for each attribute vector of held-out images. A predictor that saw no run reads the
attributes back, and its reading is compared with the query. Real images with the queried attributes are the ceiling,
the same images held against each other's queries the floor.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from eval import words
from eval.features import choice as features
from eval.features import network as feature_network
from eval.features.network import FeatureNetwork
from eval.sources import runs as sources
from eval.sources.held_out import drawn_set, shuffled
from eval.sources.runs import OBJECTIVES, Run
from eval.uncertainty.estimates import Estimate, Interval, difference_interval, over_seeds, resampled_means
from vaegan.commandline.commands import spoken
from vaegan.data import ImageSet
from vaegan.errors import UsageError

SHOWN = 8  # queries of the picture: the first ones, not chosen
CELLS = {"left": 0, "right": 1, "bottom": 0, "top": 1, "wspace": 0.04, "hspace": 0.04}
CODING = "attributes as -1 and 1, a reading as 2 P(attribute) - 1"


@dataclass(frozen=True)
class Measure:
    """A column: how a reading is compared with its query, an image a value."""

    name: str
    title: str
    higher_is_better: bool
    meaning: str


MEASURES = (
    Measure("cosine", "cosine similarity", True, f"of query and reading, {CODING}; 1 is the query itself"),
    Measure("error", "error", False, "mean over attributes of (P(attribute) - query)^2, query 0 or 1 (Brier score)"),
    Measure("right", "attributes right", True, "share of attributes on the query's side of P = 0.5"),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: a mode over its runs, or real images; `estimates` by measure."""

    title: str
    kind: str  # real | model | floor
    runs: int
    estimates: dict[str, Estimate] = field(repr=False)
    by_attribute: tuple[float, ...]  # share of images right, an attribute

    def entry(self, ceiling: "Row") -> dict:
        """What --json says of the row."""
        intervals = {name: asdict(e.interval) for name, e in self.estimates.items()}
        below = {name: asdict(difference_interval(e, ceiling.estimates[name])) for name, e in self.estimates.items()}
        values = {"title": self.title, "kind": self.kind, "runs": self.runs, **intervals, "right_by": self.by_attribute}
        return values if self is ceiling else {**values, "minus_real": below}


def measure(
    directories: Sequence[Path], count: int, predictor: Path | None, seed: int, data_dir: Path | None, device: str
) -> tuple[dict, Callable[[], bytes]]:
    """Draw an image of each run for each of `count` queries and read it back: what --json holds, and the picture's
    maker."""
    runs = conditional(sources.open_runs(directories, device=device))
    queries = drawn_set(sources.load_split(runs[0], "test", data_dir), count, seed)
    network = predictor_for(queries, predictor).to(runs[0].device)
    by_mode = grouped(runs)
    images = {run.label: run.model.sample(len(queries.known_labels), seed, queries.known_labels) for run in runs}
    rows = measured(queries, by_mode, images, network, seed)
    shown = {OBJECTIVES[mode].title: images[own[0].label] for mode, own in by_mode.items()}
    return described(rows, queries, network, seed), lambda: picture(queries, {"real": queries.images, **shown})


def conditional(runs: Sequence[Run]) -> Sequence[Run]:
    """Return the runs. Raises UsageError for one that is not told attributes."""
    for run in runs:
        if run.config.condition != "attributes":
            told = {"none": "unconditional"}.get(run.config.condition, f"told {run.config.condition}")
            raise UsageError(
                f"{run.directory.name} is {told}: attribute similarity needs runs trained with --condition attributes"
            )
    return runs


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by mode, in the order of their first."""
    return {
        mode: [run for run in runs if run.config.mode == mode] for mode in dict.fromkeys(r.config.mode for r in runs)
    }


def predictor_for(images: ImageSet, file: Path | None) -> FeatureNetwork:
    """The network that reads attributes. Raises UsageError when there is none for those of `images`."""
    network = feature_network.load(file) if file else features.for_dataset(images.name)
    command = f"{spoken('features')} train {images.name} --out FILE.safetensors"
    if network is None:
        raise UsageError(f"no predictor is shipped for {images.name}: make one with {command}, then --predictor FILE")
    if network.card.kind != "attributes" or network.card.output_names != images.label_names:
        raise UsageError(
            f"{network.card.name} reads {', '.join(network.card.output_names)}, not the attributes of {images.name} "
            f"({', '.join(images.label_names)}): make one with {command}"
        )
    return network


def probabilities(network: FeatureNetwork, images: Tensor) -> Tensor:
    """The predictor's P(attribute) for uint8 images (N, C, S, S): float64 (N, A)."""
    return network.logits(images).double().sigmoid()


def scores(queries: Tensor, p: Tensor) -> dict[str, Tensor]:
    """Compare readings p (N, A) in 0..1 with queries (N, A) of 0 and 1: each of MEASURES, float64 (N,)."""
    q = queries.double()
    return {
        "cosine": torch.cosine_similarity(2 * q - 1, 2 * p - 1, dim=1),
        "error": (p - q).square().mean(dim=1),
        "right": ((p > 0.5) == (q > 0.5)).double().mean(dim=1),
    }


def measured(
    queries: ImageSet, by_mode: dict[str, list[Run]], images: dict[str, Tensor], network: FeatureNetwork, seed: int
) -> list[Row]:
    """The table's rows: real images, every mode over its runs, and the floor."""
    real = probabilities(network, queries.images)
    others = real[shuffled(len(real), seed + 1)]
    read = {label: probabilities(network, drawn) for label, drawn in images.items()}
    rows = [_row("real images", "real", queries.known_labels, [real], seed)]
    for mode, runs in by_mode.items():
        rows.append(
            _row(OBJECTIVES[mode].title, "model", queries.known_labels, [read[run.label] for run in runs], seed)
        )
    return [*rows, _row("real images of other queries", "floor", queries.known_labels, [others], seed)]


def _row(title: str, kind: str, queries: Tensor, readings: Sequence[Tensor], seed: int) -> Row:
    by_run = [scores(queries, p) for p in readings]
    estimates = {name: over_seeds([_estimate(values[name], seed) for values in by_run]) for name in by_run[0]}
    right = torch.stack([((p > 0.5) == queries.bool()).double().mean(dim=0) for p in readings]).mean(dim=0)
    return Row(title, kind, len(readings), estimates, tuple(round(value, 4) for value in right.tolist()))


def _estimate(values: Tensor, seed: int) -> Estimate:
    return Estimate(float(values.mean()), resampled_means(values.numpy(), seed))


def described(rows: Sequence[Row], queries: ImageSet, network: FeatureNetwork, seed: int) -> dict:
    """What --json holds: rows, measures and the protocol that every figure of them needs."""
    return {
        "rows": [row.entry(rows[0]) for row in rows],
        "measures": [asdict(measure) for measure in MEASURES],
        "attributes": list(queries.label_names),
        "protocol": (
            f"{queries.name} {queries.image_size} px: attribute vectors of {len(queries.images):,} held-out images "
            f"(seed {seed}), the same codes z ~ N(0, I) for every run; read by {network.name}, "
            f"{network.card.accuracy:.1%} right on held-out images; 95 % intervals over queries and, where a mode has "
            "several runs, over runs"
        ),
        "warnings": warnings(rows),
    }


def warnings(rows: Sequence[Row]) -> list[str]:
    """What a reader must know before believing the table: models that read more clearly than real images."""
    ceiling = rows[0]
    above = [
        row.title
        for row in rows[1:]
        if difference_interval(row.estimates["cosine"], ceiling.estimates["cosine"]).low > 0
    ]
    return [f"{title} scores above real images: it draws attributes more clearly than they are" for title in above]


def table(value: dict) -> str:
    """The rows as aligned text under the protocol."""
    head = ["", "runs", *(measure["title"] for measure in value["measures"])]
    names = [measure["name"] for measure in value["measures"]]
    lines = []
    for row in value["rows"]:
        runs = str(row["runs"]) if row["kind"] == "model" else "-"
        lines.append([row["title"], runs, *(_shown(row[name]) for name in names)])
    notes = [f"{measure['title']}: {measure['meaning']}" for measure in value["measures"]]
    return "\n".join(
        [words.table(head, lines), "", value["protocol"], *notes, *(f"warning: {w}" for w in value["warnings"])]
    )


def _shown(interval: dict) -> str:
    own = Interval(**interval)
    return f"{own.value:.3f} [{own.low:.3f}, {own.high:.3f}]"


def picture(queries: ImageSet, rows: dict[str, Tensor]) -> bytes:
    """A PNG: a column for each of the first queries with its attributes above, a row for each entry of `rows`."""
    from matplotlib.figure import Figure  # only a picture pays for it

    count = min(SHOWN, len(queries.known_labels))
    figure = Figure(figsize=(1.25 * count, 1.25 * len(rows)), dpi=100)  # square cells; titles and labels come on top
    axes = figure.subplots(len(rows), count, squeeze=False, gridspec_kw=CELLS)
    for (title, images), line in zip(rows.items(), axes, strict=True):
        for image, ax in zip(images[:count], line, strict=True):
            ax.imshow(
                image.permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest"
            )
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=10)
    for labels, ax in zip(queries.known_labels[:count], axes[0], strict=True):
        asked = [name.replace("_", " ") for name, on in zip(queries.label_names, labels, strict=True) if on]
        ax.set_title("\n".join(asked) or "none", fontsize=6.5, va="bottom")
    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight", facecolor="white")
    return png.getvalue()
