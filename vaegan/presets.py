"""Named sets of defaults, a row each; flags given beside a preset win."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # The defaults of `Config` but for batch norm, under which samples of short runs vary less (docs/choices.md).
    "cpu": {"norm": "group"},
    # The released network at the data's own size, with the losses and stabilisers of the CPU default.
    "gpu": {
        "image_size": None,
        "width": 1.0,
        "latent_dim": 128,
        "steps": 20_000,
        "log_every": 100,
        "images_every": 1000,
    },
    # The authors' released CelebA script as far as facts about it go: summed losses, gamma 1e-6, RMSProp whose rate
    # falls from 3.9e-4 to 1.6e-7, 62,500 updates, prior-only fakes, minimax, batch norm.
    "larsen-code": {
        "image_size": 64,
        "width": 1.0,
        "latent_dim": 128,
        "steps": 62_500,
        "learning_rate": 3.9e-4,
        "discriminator_learning_rate": 3.9e-4,
        "learning_rate_decay": 1.6e-7 / 3.9e-4,
        "optimizer": "rmsprop",
        "weight_decay": 1e-5,
        "gamma": 1e-6,
        "adversarial_loss": "minimax",
        "fakes": "prior",
        "norm": "batch",
        "log_every": 100,
        "images_every": 1000,
        "save_every": 2500,
    },
}
