"""Sources: anything that yields images to be measured, all uint8 (N, C, H, W), streamed in batches."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

import vaegan
from baselines import ppca
from baselines.objectives import OBJECTIVES as BASELINES
from eval.sources.held_out import halves
from vaegan import posterior, pretrained
from vaegan.commandline.commands import spoken
from vaegan.data import ImageSet, load
from vaegan.errors import UsageError, UserError, nearest
from vaegan.generator import told
from vaegan.model import Model, prior_codes
from vaegan.objective import OBJECTIVES as VAEGAN

BATCH = 250  # images a batch: 12 MB of float32 at 64x64 RGB, so that memory does not grow with the number of images
POSTERIOR_COUNT = 2000  # posterior draws a run: unpaired images need more than controls; they cost a second or two
AVERAGE_COUNT = 1000  # images of each source with averaged weights: two rows of a table, on which nothing rests
OBJECTIVES = VAEGAN | BASELINES


@dataclass(frozen=True)
class Run:
    """A trained run opened for measuring: its short unique label, its title for people, its directory and its model."""

    label: str
    title: str
    directory: Path
    model: Any = field(repr=False)  # a Generator; one that was trained also has a config, a step and networks

    @property
    def config(self) -> Any:  # as the model is
        return self.model.config

    @property
    def device(self) -> str:
        """Where its networks compute; what needs none is on the CPU."""
        return getattr(self.model, "device", "cpu")

    @property
    def name(self) -> str:
        """What a run is called among those of its mode: "seed 0", or what its directory is called."""
        suffix = self.label.removeprefix(self.config.mode)
        return f"seed {self.config.seed}" if suffix in ("", f"-s{self.config.seed}") else suffix.lstrip("-")


@dataclass(frozen=True)
class HeldOut:
    """Images no run was trained on, uint8 (N, C, H, W): one half calibrates the measures, the other is reported.

    `report_labels` are the labels of the reported ones, which conditional runs are told, None where there are none;
    `report_rows` are their numbers in the split.
    """

    dataset: str
    available: int
    note: str
    calibration: Tensor = field(repr=False)
    report: Tensor = field(repr=False)
    report_labels: Tensor | None = field(repr=False, default=None)
    report_rows: Tensor | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Source:
    """A named stream of images; `originals` are the held-out images that a paired source is a version of."""

    id: str
    title: str
    kind: str  # real | reconstructions | samples | baseline | posterior | average | blurred | control
    count: int
    batches: Callable[[], Iterator[Tensor]] = field(repr=False)
    run: str | None = None
    originals: Tensor | None = field(default=None, repr=False)
    applied_sigma: float | None = None  # px of Gaussian blur put there on purpose
    linear: tuple[int, str] | None = None  # of a linear VAE: how many numbers, "unit" or "fitted" variance

    @property
    def paired(self) -> bool:
        """Whether image i is a version of image i of the report half."""
        return self.originals is not None


def open_runs(directories: Sequence[Path], weights: Literal["raw", "ema"] = "raw", device: str = "cpu") -> list[Run]:
    """Load every run directory, its networks to `device`, and give it a unique label; a run stopped before its last
    step says so in its title.

    UserError where one cannot be loaded, UsageError where two cannot be compared (other data set or image size) or are
    the same directory.
    """
    resolved = [pretrained.located(directory).resolve() for directory in directories]
    for directory, times in Counter(resolved).items():
        if times > 1:
            raise UsageError(f"run given {times} times: {directory}; name each run once")
    models = [_open(directory, weights, device) for directory in resolved]
    _check_comparable(resolved, [model.config for model in models])
    labels = _labels(resolved, [model.config for model in models])
    return [
        Run(label, _title(label, model), directory, model)
        for label, directory, model in zip(labels, resolved, models, strict=True)
    ]


def _open(directory: Path, weights: Literal["raw", "ema"], device: str) -> Model:
    if not directory.is_dir():
        remedy = nearest(directory.name, pretrained.NAMES) or f"; train one with {spoken('train')}"
        raise UserError(f"no such run directory: {directory}{remedy}")
    if not (directory / "config.json").is_file():
        raise UserError(f"not a run directory (no config.json): {directory}; give the folder that training wrote")
    model = vaegan.load(directory, weights=weights, device=device)
    for name, network in model.networks.items():
        if not all(torch.isfinite(values).all() for values in network.state_dict().values()):
            raise UserError(
                f"{directory} has a {name} whose weights are not finite numbers: it diverged, train it again"
            )
    return model


def _title(label: str, model: Model) -> str:
    """The mode in words with what makes the label unique, and where a run that is not finished stopped."""
    title = OBJECTIVES[model.config.mode].title + label[len(model.config.mode) :]
    finished = model.step >= model.config.steps
    return title if finished else f"{title} (stopped at step {model.step:,} of {model.config.steps:,})"


def _check_comparable(directories: Sequence[Path], configs: Sequence) -> None:
    for key, words in (("dataset", "data sets"), ("image_size", "image sizes")):
        values = [getattr(config, key) for config in configs]
        for directory, value in zip(directories[1:], values[1:], strict=True):
            if value != values[0]:
                raise UsageError(
                    f"runs of different {words} cannot be compared: {directories[0].name} has {values[0]}, "
                    f"{directory.name} has {value}"
                )


def _labels(directories: Sequence[Path], configs: Sequence) -> list[str]:
    """The mode where that is unique, else mode and seed, else mode and directory name."""
    for describe in (
        lambda directory, config: config.mode,
        lambda directory, config: f"{config.mode}-s{config.seed}",
        lambda directory, config: f"{config.mode}-{directory.name}",
        lambda directory, config: f"{config.mode}-{directory.parent.name}-{directory.name}",
    ):
        labels = [describe(d, c) for d, c in zip(directories, configs, strict=True)]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{config.mode}-{i}" for i, config in enumerate(configs)]


def load_split(run: Run, split: str, data_dir: Path | None = None) -> ImageSet:
    """The run's own data set and size, `split` "train" or "test"; `data_dir` overrides where the run found its data.

    UserError, saying what differs, where they are not what it was trained with.
    """
    return load(
        run.config.dataset,
        split,
        image_size=run.config.image_size,
        data_dir=Path(data_dir or run.config.data_dir),
        trained_on=getattr(run.model, "data", None),
    )


def held_out(images: ImageSet, samples: int, seed: int) -> HeldOut:
    """Shuffle the held-out images by `seed` and split them in two disjoint halves of at most `samples` images each."""
    calibration, report = halves(images, samples, seed)
    return HeldOut(
        dataset=images.name,
        available=len(images.images),
        note=images.note,
        calibration=images.images[calibration],
        report=images.images[report],
        report_labels=None if images.labels is None else images.labels[report],
        report_rows=report,
    )


def real(images: Tensor) -> Source:
    """Held-out images as they are: the floor every other source is read against."""
    return Source("real", "Held-out images", "real", len(images), lambda: iter(images.split(BATCH)))


def reconstructions(run: Run, images: Tensor, labels: Tensor | None = None) -> Source:
    """The run's reconstructions of `images` from the posterior mean, in the same order (paired); a conditional run is
    told their `labels`."""
    return Source(
        f"{run.label}/reconstructions",
        f"{run.title} reconstructions",
        "reconstructions",
        len(images),
        lambda: (run.model.reconstruct(*batch) for batch in _batches(run, images, labels)),
        run=run.label,
        originals=images,
    )


def prior_samples(run: Run, count: int, seed: int) -> Source:
    """`count` decoded draws from the prior: the same images as `run.model.sample(count, seed)`."""
    z_p = prior_codes(count, run.model.latent_dim, seed)
    labels = run.model.attributes(count, seed) if run.model.is_conditional else None
    return Source(
        f"{run.label}/samples",
        f"{run.title} samples",
        "samples",
        count,
        lambda: (run.model.decode(*batch) for batch in _batches(run, z_p, labels)),
        run=run.label,
    )


def posterior_samples(run: Run, images: Tensor, seed: int, labels: Tensor | None = None) -> Source:
    """Decoded draws from the aggregated posterior: z ~ q(z|x) for every x of `images`, which are none of the reported.

    The codes that the decoder was trained on: where prior samples are blurrier, the prior misses them.
    """
    eps = prior_codes(len(images), run.model.latent_dim, (seed, 1))  # another stream than the prior samples'

    def drawn(noise: Tensor, x: Tensor, *also: Tensor) -> Tensor:
        mu, logvar = run.model.encode(x, *also)
        return run.model.decode(posterior.draw(mu, logvar, noise), *also)

    return Source(
        f"{run.label}/posterior",
        f"{run.title} aggregated-posterior samples",
        "posterior",
        len(images),
        lambda: (drawn(e, *batch) for batch, e in zip(_batches(run, images, labels), eps.split(BATCH), strict=True)),
        run=run.label,
    )


def _batches(run: Run, inputs: Tensor, labels: Tensor | None) -> Iterator[tuple[Tensor, ...]]:
    """Inputs in batches; with their labels beside them for a conditional run, which cannot do without."""
    parts = (inputs, *told(run.model, labels))
    return zip(*(part.split(BATCH) for part in parts), strict=True)


def linear(training: Tensor, images: Tensor, latent_dim: int, seed: int) -> list[Source]:
    """Reconstructions of `images` by linear VAEs of a run's latent size, with unit and with fitted variance, and as
    many samples of each: what needs no training. None where the training images cannot have that many directions."""
    if latent_dim >= min(len(training), training[0].numel()):
        return []
    components = ppca.fit(training, latent_dim)
    scales = {"unit": ppca.of_variance(components), "fitted": ppca.of_maximum_likelihood(components)}
    sources = []
    for scale, model in scales.items():
        title = f"Linear VAE, {latent_dim} numbers, {scale} variance ({model.rate:.1f} nats),"
        run = Run(f"linear-{latent_dim}-{scale}", title, Path(), model)
        drawn = (reconstructions(run, images), prior_samples(run, len(images), seed))
        sources += [replace(s, kind="baseline", run=None, linear=(latent_dim, scale)) for s in drawn]
    return sources


def averaged(run: Run, images: Tensor, seed: int, labels: Tensor | None = None) -> list[Source]:
    """What the decoder's averaged weights make of `images` and of as many prior draws: shown, never judged, because
    averaging is itself a blur."""
    model = vaegan.load(run.directory, weights="ema", device=run.device)
    average = replace(run, label=f"{run.label}/average", model=model)
    sources = [reconstructions(average, images, labels)] if model.has_encoder else []
    sources.append(prior_samples(average, len(images), seed))
    return [replace(s, title=f"{s.title}, averaged weights", kind="average", run=run.label) for s in sources]
