"""Metrics, pictures and warnings of one run while it trains."""

import copy
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from vaegan import config_json, data, posterior
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.machine import processes
from vaegan.machine.progress import Bar
from vaegan.model import Model
from vaegan.pictures.panels import COLUMNS, Panels, encoded
from vaegan.storage.metrics import Averager, MetricsWriter, not_finite
from vaegan.training import collapse
from vaegan.training.trainer import Trainer

SHOWN = 16  # held-out images in the panels
WATCHED = 256  # held-out images whose posterior is logged: a variance over 16 would be luck


Measure = Callable[[Model], dict[str, float]]  # what a learning curve reads of the model as it is, by name


class Reporter:
    """Metrics, pictures and warnings of one run; only process 0 writes."""

    def __init__(self, config: Config, told: Conditions, trainer: Trainer, start: int, measured: Measure | None = None):
        self.config, self.trainer, self.told, self.measured = config, trainer, told, measured
        self.averager, self.warned = Averager(), set[str]()
        self.last: dict[str, float] = {}
        self.clock = (time.monotonic(), start)
        self.writer: MetricsWriter | None = None
        if processes.rank() == 0:
            held_out = data.load(config.dataset, "test", image_size=config.image_size, data_dir=config.data_dir)
            self.real = held_out.images[:64]
            self.panels = panels(config, told, held_out, trainer.device)
            self.watched = watched(told, held_out, trainer.device)
            self.writer = MetricsWriter(config.directory, start)

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer:
            self.writer.close()

    def add(self, scalars: dict[str, Tensor | float]) -> None:
        """Take in one step."""
        self.averager.add(scalars)

    def log(self, step: int) -> None:
        """Write the means since the last line. Raises UserError on every process for a loss that is not finite."""
        values = self.averager.take()
        now = time.monotonic()
        values["images_per_second"] = (step - self.clock[1]) * self.config.batch_size / max(now - self.clock[0], 1e-9)
        self.clock = (now, step)
        bad = not_finite(values)
        if processes.any_process(bad is not None, self.trainer.device):
            raise collapse.diverged(f"{bad or 'a loss'} is not finite", step)
        self.last = values
        if self.writer:
            self.writer.scalars(step, values)
            self.warn("discriminator", step, lambda: collapse.discriminator_lost(values))

    def look(self, step: int) -> None:
        """Take in the posterior of held-out images, and look for its collapse; costs one pass of the encoder."""
        if not self.writer or "encoder" not in self.trainer.networks or not self.trainer.objective.prior:
            return
        scalars = posterior.scalars(*encoded(self.trainer.networks, *self.watched))
        self.averager.add(scalars)
        used = scalars["posterior/informative_units"]
        self.warn("posterior", step, lambda: collapse.posterior_collapsed(used, self.config.latent_dim))

    def measure(self, step: int) -> None:
        """Take in a point of the learning curve; the clock of the run's speed stands meanwhile."""
        if not self.writer or not self.measured:
            return
        begun = time.monotonic()
        networks = copy.deepcopy(self.trainer.networks)  # a model in eval mode, and the trainer's stay as they are
        channels, device = self.real.shape[1], str(self.trainer.device)
        self.averager.add(self.measured(Model(self.config, networks, step, channels, device, self.told)))
        self.clock = (self.clock[0] + time.monotonic() - begun, self.clock[1])

    def draw(self, step: int) -> None:
        """Write pictures and histograms, and look for constant samples."""
        if not self.writer:
            return
        posteriors = self.panels.posteriors(self.trainer.networks)
        if "mu" in posteriors and not posteriors["mu"].isfinite().all():  # codes beyond float32 of finite weights
            raise collapse.diverged("posterior/mu is not finite", step)
        samples = self.panels.samples(self.trainer.networks)
        for name, picture in self.panels.draw(self.trainer.networks, samples).items():
            self.writer.image(name, picture, step)
            to_pil_image(picture).save(self.config.directory / "samples" / f"{name}-{step:07d}.png")
        for name, values in posteriors.items():
            if values.isfinite().all():  # nothing trains the variances of mode ae
                self.writer.histogram(f"posterior/{name}", values, step)
        self.warn("samples", step, lambda: collapse.samples_constant(samples, self.real))

    def warn(self, subject: str, step: int, sign: Callable[[], str | None]) -> None:
        """Print a sign of collapse once; the first steps of a run prove nothing."""
        if subject in self.warned or step < min(200, self.config.steps):
            return
        if message := sign():
            self.warned.add(subject)
            Bar.write(f"warning: step {step}: {message}", file=sys.stderr)

    def finish(self) -> None:
        """Write the run's row of TensorBoard's hyper-parameter table."""
        if self.writer and self.last:
            results = {f"final/{name}": value for name, value in self.last.items()}
            self.writer.hparams(config_json.to_dict(self.config), results, self.clock[1])


def panels(config: Config, told: Conditions, held_out: ImageSet, device: torch.device) -> Panels:
    """Return the panels of a run: the first held-out images, with their labels where networks are told them."""
    y = y_p = None
    if told.names:
        y = told.numbers(held_out.known_labels[:SHOWN])
        y_p = told.numbers(told.draw(COLUMNS * COLUMNS, seed=0))
    return Panels(held_out.images[:SHOWN], config.latent_dim, device, y, y_p)


def watched(told: Conditions, held_out: ImageSet, device: torch.device) -> tuple[Tensor, ...]:
    """Return the held-out images whose posterior is logged, with what networks are told of them."""
    y = (told.numbers(held_out.known_labels[:WATCHED]).to(device),) if told.names else ()
    return held_out.images[:WATCHED].to(device), *y
