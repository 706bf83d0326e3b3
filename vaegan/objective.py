"""An objective is a row of switches: which terms exist, and by that which networks train (vaegan/algorithm.py)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Objective:
    """A row of switches: which terms exist, and by that which networks train."""

    title: str
    prior: bool
    reconstruction: Literal["pixels", "features", None]
    adversarial: bool
    likelihood: str | None = None  # overrides the configured pixel likelihood

    @property
    def trains(self) -> tuple[str, ...]:
        """Networks that move, in routing order."""
        switches = {"encoder": self.reconstruction, "decoder": True, "discriminator": self.adversarial}
        return tuple(name for name, on in switches.items() if on)

    @property
    def needs(self) -> tuple[str, ...]:
        """Networks that must exist: those that train, and a frozen discriminator where Dis_l is the metric."""
        frozen = ("discriminator",) if self.reconstruction == "features" and not self.adversarial else ()
        return self.trains + frozen


OBJECTIVES = {"vaegan": Objective("VAE/GAN", prior=True, reconstruction="features", adversarial=True)}


@dataclass(frozen=True)
class Settings:
    """Numbers of an objective; their defaults and meanings are the config's."""

    beta: float
    gamma: float
    likelihood: str
    feature_precision: float
    pixel_weight: float
    adversarial_loss: str
    fakes: Literal["prior", "reconstruction", "both"]
    gate: tuple[float, float] | None  # equilibrium, margin
