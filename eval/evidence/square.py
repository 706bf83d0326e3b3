"""The table {pixels, Dis_l} x {no adversary, adversary}: its modes, and whether runs of them are told apart by nothing
else."""

from collections.abc import Iterable

from vaegan.config import Config

SQUARE = ("vae", "vae-disl", "vaegan-pixel", "vaegan")
# What its cells must share, or an effect would be the network's or the length's.
SHARED = ("architecture", "width", "latent_dim", "norm", "code_norm", "batch_size", "steps")


def apart(configs: Iterable[Config]) -> str:
    """What sets the cells apart beside their objectives, "width 0.5 and 0.25", or nothing."""
    cells = [config for config in configs if config.mode in SQUARE]
    found = {name: list(dict.fromkeys(str(getattr(config, name)) for config in cells)) for name in SHARED}
    return ", ".join(f"{name.replace('_', ' ')} {' and '.join(v)}" for name, v in found.items() if len(v) > 1)
