"""Named sets of defaults, a row each; flags given beside a preset win."""

import math
from typing import Any

# What Dis sees of images goes with them: how much of their colours, and how little it may know them (docs/choices.md).
LOOKED_AT: dict[str, Any] = {"colour_gain": None, "minibatch_std": "few", "augment": "few"}
AS_THEY_ARE: dict[str, Any] = {"colour_gain": 1.0, "minibatch_std": "no", "augment": "no"}  # as in every paper here

# The authors' released CelebA script (github.com/andersbll/autoencoding_beyond_pixels) as far as one process here can
# follow it: one pass a kind of image, no augmentation, no 1e-3 inside the logarithms.
LARSEN_CODE: dict[str, Any] = {
    **AS_THEY_ARE,
    "image_size": 64,
    "architecture": "convolutional",  # encoder's dense layer of 1,024
    "width": 1.0,
    "latent_dim": 128,
    "norm": "batch",
    "batch_size": 64,
    "steps": 62_500,
    "optimizer": "rmsprop",
    "learning_rate": 3.9e-4,
    "discriminator_learning_rate": 3.9e-4,
    "learning_rate_decay": 1.6e-7 / 3.9e-4,
    "learning_rate_schedule": "arithmetic",
    "weight_decay": 2 * 1e-5 / 64,  # deeppy adds 2 * 1e-5 * W to a gradient summed over 64 images, not to their mean
    "gamma": 1e-6,
    "adversarial_loss": "minimax",
    "fakes": "prior",  # as every released script; the first commit had both
    "gate_equilibrium": 0.68,
    "gate_margin": 0.35,
    "log_every": 100,
    "images_every": 1000,
    "save_every": 2500,
}

# The released script for CIFAR-10, where it differs: 32 pixels, and so Dis_l is the third convolution of Dis.
LARSEN_CODE_32: dict[str, Any] = {**LARSEN_CODE, "image_size": 32, "gamma": 1e-5, "feature_precision": 1.0}

# What the paper (arXiv 1512.09300) prints where the released code does something else. Rates, gamma and weight decay
# are the code's here too; no script for the paper's table of results was released, so neither preset can remake it.
LARSEN_PAPER: dict[str, Any] = {
    **LARSEN_CODE,
    "architecture": "larsen-paper",  # Table 1: 2,048 units in the encoder's dense layer, against 1,024
    "fakes": "both",  # Eq. 10: decoded prior samples and reconstructions, against prior samples alone
    "gate_margin": math.inf,  # Algorithm 1: every network steps every time, against the gate of 0.68 and 0.35
}

# MNIST as TensorFlow's tutorials gave it to both authors: 28 pixels a side, 55,000 training digits. 550 updates are an
# epoch, so that every line of metrics.jsonl is the mean of one: losses/encoder is the training cost in nats.
TENSORFLOW_MNIST: dict[str, Any] = {
    "mode": "vae",
    "dataset": "mnist",
    "image_size": 28,
    "validation_images": 5000,
    "likelihood": "bernoulli",
    "width": 1.0,
    "latent_dim": 20,
    "batch_size": 100,
    "optimizer": "adam",
    "adam_beta1": 0.9,  # with 0.999, TensorFlow's and PyTorch's default
    "learning_rate": 1e-3,
    "learning_rate_decay": 1.0,
    "log_every": 550,
    "save_every": 2750,
    "images_every": 2750,
}

# jmetzen.github.io/2015-11-27/vae.html: 75 epochs.
JMETZEN: dict[str, Any] = {**TENSORFLOW_MNIST, "architecture": "mlp", "steps": 75 * 550}

# github.com/hardmaru/cppn-gan-vae-tensorflow, `train.py`: 100 epochs of 60,000 digits in batches of 500.
OTORO: dict[str, Any] = {
    **AS_THEY_ARE,
    "mode": "vaegan-pixel",
    "dataset": "mnist",
    "image_size": 26,  # deviation: the centre of 28 pixels, where the original cuts at random
    "architecture": "cppn",
    "schedule": "otoro",
    "likelihood": "bernoulli",
    "width": 1.0,
    "latent_dim": 32,
    "norm": "batch",
    "batch_size": 500,
    "steps": 100 * 120,
    "optimizer": "adam",
    "adam_beta1": 0.65,
    "learning_rate": 1e-3,  # 5e-3 beside the adversary (vaegan/schedules.py)
    "learning_rate_decay": 1.0,
    "discriminator_learning_rate": 1e-3,
    "gamma": 1 / 26**2,  # the original's VAE loss is a mean over pixels, its adversary's is not
    "fakes": "reconstruction",
    "gate_margin": math.inf,  # the schedule has bounds of its own
    "log_every": 120,
    "images_every": 600,
    "save_every": 600,
}

# Without an adversary Adam's usual momentum and a rate along a cosine get further in as many updates, and an update
# costs little enough for a network twice as wide and a run twice as long: the VAE of faces gains 8 nats of bound and
# reads 0.24 px less, and a VAE of photographs, or with a fitted noise scale, loses to a linear one without them. A
# group norm drops an image's own scale (docs/choices.md).
CODERS: dict[str, Any] = {
    "adam_beta1": 0.9,
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "norm": "batch",
    "width": 0.5,
    "steps": 6000,
}

# A prior term of full weight switches dimensions off before Dec has learned to use them, and they stay off: the bound
# of faces was lower than a linear model's (docs/choices.md).
VARIATIONAL: dict[str, Any] = CODERS | {"beta_warmup": 0.3}

# What a mode needs where the defaults do not fit it; flags win, and presets but for `cpu` (`defaults`).
MODES: dict[str, dict[str, Any]] = {
    "ae": CODERS,
    "vae": VARIATIONAL,
    "vae-sigma": VARIATIONAL,
    # What a frozen Dis_l is blind to nothing else would hold: grain (docs/choices.md). The paper's has no pixels.
    "vae-disl": {"pixel_weight": 1.0},
    # Beside Dis_l faces lose their grain at a gain of 3; beside pixels one seed of three kept it (docs/choices.md).
    "vaegan-pixel": {"colour_gain": 5.0},
    # DCGAN's rate (arXiv 1511.06434): with 1e-3, and no reconstruction to hold it, Dec falls to one picture; with the
    # gate, with momentum, or where Dis judges images one by one, to a few; with less colour grain passes
    # (docs/choices.md).
    "gan": {
        "learning_rate": 2e-4,
        "discriminator_learning_rate": 2e-4,
        "adam_beta1": 0.0,
        "gate_margin": math.inf,
        "minibatch_std": "yes",
        "colour_gain": 5.0,
    },
}

PRESETS: dict[str, dict[str, Any]] = {
    # The defaults of `Config`, but for what Dis needs, and for batch norm, under which samples of short runs vary less.
    "cpu": {"norm": "group", **LOOKED_AT},
    # The released network at the data's own size, with the losses and stabilisers of the CPU default.
    "gpu": {
        **LOOKED_AT,
        "image_size": None,
        "width": 1.0,
        "latent_dim": 128,
        "steps": 20_000,
        "log_every": 100,
        "images_every": 1000,
    },
    "larsen-code": LARSEN_CODE,
    "larsen-code-32": LARSEN_CODE_32,
    "larsen-paper": LARSEN_PAPER,
    "jmetzen-20d": JMETZEN,
    "jmetzen-2d": {**JMETZEN, "latent_dim": 2},
    # github.com/kvfrans/variational-autoencoder, the code of the post: 10 epochs. The post says squared error, the code
    # has the cross-entropy. Deviation: a log variance head (vaegan/networks/kvfrans.py).
    "kvfrans": {**TENSORFLOW_MNIST, "architecture": "kvfrans", "steps": 10 * 550, "images_every": 550},
    "otoro": OTORO,
}


def defaults(preset: str, mode: str) -> dict[str, Any]:
    """Return what a preset (a key of PRESETS) and a mode set, the preset winning: it is somebody's experiment, whole.

    `cpu` is none, only what suits a small processor, so a mode's needs win over it.
    """
    needs, row = MODES.get(mode, {}), PRESETS[preset]
    return row | needs if preset == "cpu" else needs | row
