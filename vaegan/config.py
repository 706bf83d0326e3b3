"""What a run is: one frozen dataclass, every default written here once, flags made from it."""

import dataclasses
import re
from pathlib import Path
from typing import Any, Literal

from vaegan.commandline.arguments import require
from vaegan.networks.architectures import ARCHITECTURES, row
from vaegan.schedules import LEARNING_RATES, SCHEDULES


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a VAE, a VAE/GAN or a mode between them; defaults are sized for a CPU, a GPU takes `--preset gpu`."""

    mode: str = "vaegan"
    """Objective: ae, vae, vae-sigma, vae-disl, gan, vaegan-pixel or vaegan."""
    dataset: str = "synthfaces"
    """synthfaces, mnist, fashion-mnist, cifar10, celeba, lfw, folder:DIR or npz:FILE."""
    data_dir: Path = Path("data")
    """Where downloaded data sets lie, in torchvision's layout."""
    preset: str | None = None
    """Named set of defaults (vaegan/presets.py); flags given beside it win."""
    validation_images: int = 0
    """First training images that are left out; 5,000 leaves the 55,000 digits of TensorFlow's MNIST."""

    image_size: int | None = 32
    """Pixels a side: a power of two, 32 to 512 (mlp and cppn also 26, and with kvfrans 28); none: the data's own."""
    architecture: str = "convolutional"
    """convolutional (Larsen et al.), larsen-paper, kvfrans, mlp (jmetzen), cppn (hardmaru), or package.module:Name."""
    width: float = 0.25
    """Multiplies every layer's channels (16 at least at full resolution); 1 is the released network."""
    latent_dim: int = 64
    """Numbers in a code."""
    norm: Literal["batch", "group"] = "batch"
    """Normalisation in every network; batch is the paper's."""
    code_norm: Literal["none", "weight"] = "none"
    """What the decoder's first layer has under --norm group; both keep the length of z, which a group norm drops."""
    colour_gain: float | None = 1.0
    """Times which Dis sees colours, the channels' departures from grey; 1: the paper's; none: what the images need."""
    minibatch_std: Literal["no", "few", "yes"] = "no"
    """Show Dis how much a batch's images differ (Karras et al. 2018), or alike samples pass; few: as below."""
    augment: Literal["no", "few", "yes"] = "no"
    """Shift and recolour all that Dis sees (Zhao et al. 2020), or it knows few images by heart; few: under 10,000."""

    schedule: str = "together"
    """When which network steps: together (Algorithm 1), or otoro, the original's turns (vaegan/schedules.py)."""
    steps: int = 3000
    """Updates."""
    batch_size: int = 64
    """Images an update, over all processes."""
    learning_rate: float = 1e-3
    """Step size of encoder and decoder."""
    discriminator_learning_rate: float = 3e-4
    """Step size of the discriminator; below the decoder's, or it wins (docs/choices.md)."""
    seed: int = 0
    """Decides the starting weights, the order of images and every draw of noise."""

    beta: float = 1.0
    """Weight of the prior term (beta-VAE); 1 is the ELBO."""
    beta_warmup: float = 0.0
    """Share of the updates over which beta rises from 0, so that the prior term switches no dimension off early."""
    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """Pixel likelihood; gaussian has unit variance on [-1, 1], as in the paper."""
    gamma: float = 6e-3
    """Weight of the decoder's reconstruction against its adversarial loss, both summed over dimensions."""
    feature_precision: float | None = None
    """Inverse variance of the Gaussian on Dis_l; none: 16,384 over its size, so 1 at the released size."""
    pixel_weight: float = 0.0
    """Weight of the pixels' likelihood beside Dis_l's, in modes that reconstruct Dis_l; 0 is the paper's."""
    adversarial_loss: Literal["nonsaturating", "minimax"] = "nonsaturating"
    """What the decoder minimises; minimax is Algorithm 1's."""
    fakes: Literal["prior", "reconstruction", "both"] = "both"
    """Fakes the discriminator sees; both is Eq. 10, prior is what the released scripts do."""
    gate_equilibrium: float = 0.68
    """Centre of the authors' gate on the discriminator's costs, in nats."""
    gate_margin: float = 0.35
    """Half width of the gate; inf never skips an update."""
    discriminator: Path | None = None
    """Run whose frozen discriminator is the metric of mode vae-disl."""
    init: Path | None = None
    """Run whose weights training starts from, as far as it has the networks; the others start anew."""
    condition: Literal["none", "attributes", "classes"] = "none"
    """attributes or classes: every network is told the image's labels."""

    optimizer: Literal["adam", "rmsprop"] = "adam"
    """rmsprop is the paper's."""
    adam_beta1: float = 0.5
    """Decay of adam's first moment; 0.5 is the usual choice against an adversary (DCGAN, arXiv 1511.06434)."""
    learning_rate_decay: float = 0.01
    """Last learning rate over the first; 1 keeps it, and then a VAE/GAN's last weights wander (docs/choices.md)."""
    learning_rate_schedule: str = "arithmetic"
    """How the rate falls with every update: arithmetic, first - (first - last) (step / steps)^0.75, or cosine."""
    weight_decay: float = 0.0
    """L2 penalty, times the weight added to a gradient, on convolutions and dense layers but the two heads of Enc."""
    ema_decay: float = 0.999
    """Decay of the decoder's averaged weights, kept beside the raw ones."""

    run_dir: Path | None = None
    """Where the run is written; default runs/<dataset>-<mode>-s<seed>."""
    resume: bool = False
    """Continue the run in its directory from the last checkpoint."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps; auto is cuda where there is one, and under torchrun each process has its own."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 runs the networks in bfloat16, losses and weights stay float32; auto: where the device has matrix units."""
    compile: bool = False
    """Compile the networks with torch.compile."""
    log_every: int = 25
    """Updates between lines of metrics."""
    images_every: int = 250
    """Updates between image panels."""
    measure_every: int = 0
    """Updates between readings of a learning curve (blur, ELBO, distance on held-out images); 0 takes none."""
    save_every: int = 500
    """Updates between checkpoints."""
    snapshots: int = 5
    """Snapshots of the weights kept from the last tenth of the updates, for readings averaged over them."""
    dry_run: bool = False
    """Say what would run, and stop."""

    @property
    def directory(self) -> Path:
        """Where the run is written, of a config from `run.resolve`."""
        assert self.run_dir is not None
        return self.run_dir

    @property
    def side(self) -> int:
        """Pixels a side, of a config whose data were asked for theirs where it left them open."""
        assert self.image_size is not None
        return self.image_size

    @property
    def gain(self) -> float:
        """Times which Dis sees colours, of a config whose images were looked at where it left that open."""
        assert self.colour_gain is not None
        return self.colour_gain

    @property
    def may_grow(self) -> bool:
        """Whether `--steps` may grow when a run is resumed: nothing that it did so far depended on its length."""
        return self.learning_rate_decay == 1 and not self.beta_warmup


# Fields by topic, as --help shows them.
TOPICS = {
    "run": "mode preset run_dir resume steps seed log_every images_every measure_every save_every dry_run".split(),
    "data": "dataset data_dir validation_images image_size condition".split(),
    "networks": "architecture width latent_dim norm code_norm colour_gain minibatch_std augment init".split(),
    "objective": (
        "beta beta_warmup likelihood gamma feature_precision pixel_weight adversarial_loss fakes gate_equilibrium "
        "gate_margin discriminator"
    ).split(),
    "optimiser": (
        "schedule batch_size learning_rate discriminator_learning_rate optimizer adam_beta1 learning_rate_decay "
        "learning_rate_schedule weight_decay ema_decay"
    ).split(),
    "execution": "device precision compile".split(),
}
TOPICS["run"] += [n for n in Config.__dataclass_fields__ if not any(n in names for names in TOPICS.values())]

# What a run may change without becoming another run: where and how it executes, and what it prints.
EXECUTION = {"run_dir", "resume", "device", "compile", "dry_run", "data_dir", "preset", "snapshots"}
EXECUTION |= {"log_every", "images_every", "measure_every", "save_every"}


def default_run_dir(config: Config, preset: dict[str, Any] | None = None) -> Path:
    """Return runs/<dataset>-<mode>-s<seed>, with anything unfit for a file name replaced by '-'.

    A preset that decides the mode is a system of its own and stands in the mode's place.
    """
    system = config.preset if "mode" in (preset or {}) else config.mode
    dataset = re.sub(r"[^A-Za-z0-9_.]+", "-", config.dataset).strip("-.")
    return Path("runs") / f"{dataset}-{system}-s{config.seed}"


# What a config leaves to its images, and the value that does; a run's own has none of these.
BY_IMAGES = {"image_size": None, "colour_gain": None, "minibatch_std": "few", "augment": "few"}
LEFT_OPEN = ("colour_gain", "feature_precision")


def check(config: Config) -> None:
    """Raise UsageError for a number that no run can have, naming the flag."""
    for name in ("steps", "batch_size", "latent_dim", "log_every", "images_every", "save_every"):
        require(getattr(config, name) >= 1, name, getattr(config, name), "use 1 or more")
    require(config.batch_size >= 2, "batch_size", config.batch_size, "use 2 or more: batch norm needs two images")
    for name in ("validation_images", "snapshots", "measure_every"):
        require(getattr(config, name) >= 0, name, getattr(config, name), "use 0 or more")
    require(config.schedule in SCHEDULES, "schedule", config.schedule, f"known are {', '.join(SCHEDULES)}")
    rates = config.learning_rate_schedule
    require(rates in LEARNING_RATES, "learning_rate_schedule", rates, f"known are {', '.join(LEARNING_RATES)}")
    check_size(config)
    for name in ("width", "learning_rate", "discriminator_learning_rate", "learning_rate_decay", *LEFT_OPEN):
        value = getattr(config, name)
        require((value is None and name in LEFT_OPEN) or 0 < value < float("inf"), name, value, "use a positive number")
    for name in ("beta", "gamma", "pixel_weight", "weight_decay", "gate_equilibrium"):
        value = getattr(config, name)
        require(0 <= value < float("inf"), name, value, "use a finite number, 0 or more")
    require(0 <= config.beta_warmup <= 1, "beta_warmup", config.beta_warmup, "use a share of the updates, in [0, 1]")
    require(config.gate_margin >= 0, "gate_margin", config.gate_margin, "use 0 or more")
    require(0 <= config.adam_beta1 < 1, "adam_beta1", config.adam_beta1, "use a number in [0, 1)")
    require(0 <= config.ema_decay < 1, "ema_decay", config.ema_decay, "use a number in [0, 1)")
    require(0 <= config.seed < 2**31, "seed", config.seed, "use 0 or more, below 2^31")


def check_size(config: Config) -> None:
    """Raise UsageError for an image size that the config's networks cannot do."""
    sizes = row(config.architecture).sizes
    if not sizes:
        require((config.image_size or 1) >= 1, "image_size", config.image_size, "use 1 or more")
        return
    *most, last = map(str, sizes)
    remedy = f"use {' or '.join(filter(None, [', '.join(most), last]))}"
    others = sorted({name for name, row in ARCHITECTURES.items() if config.image_size in row.sizes})
    remedy += f", or --architecture {' or '.join(others)}" if others else ""
    require(config.image_size in (None, *sizes), "image_size", config.image_size, remedy)
