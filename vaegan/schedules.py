"""When which network steps: a schedule is a tuple of phases, all on one batch, gone through once an update.

`together` is Algorithm 1 of Larsen et al.: every gradient first, then every step. What a step means, who gets which
gradient, is the objective's matter (vaegan/objective.py) in every schedule.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from vaegan.objective import Objective

Ranges = dict[str, tuple[float, float]]  # cost, in nats -> the open interval it must lie in


@dataclass(frozen=True)
class Phase:
    """Some networks step, `times` times or until a cost lies in its range, if costs lie in their ranges at all.

    Costs are the adversary's, means over the batch: "discriminator" (of real and fake images) and "decoder".
    """

    name: str
    moves: tuple[str, ...] = ("encoder", "decoder", "discriminator")
    adversarial: bool = True  # without it the objective is that of the row without an adversary
    times: int = 1
    rate: float = 1.0  # multiplies the networks' learning rates
    when: Ranges = field(default_factory=dict)
    until: Ranges | None = None

    def objective(self, whole: Objective) -> Objective:
        """Return the row of switches of this phase."""
        return whole if self.adversarial else replace(whole, adversarial=False)

    def trains(self, whole: Objective) -> tuple[str, ...]:
        """Return the networks that move in this phase, in routing order."""
        return tuple(name for name in self.objective(whole).trains if name in self.moves)


SCHEDULES: dict[str, tuple[Phase, ...]] = {
    "together": (Phase("together"),),
    # hardmaru/cppn-gan-vae-tensorflow, `partial_train`; its generator learns five times faster beside the adversary.
    # Each phase has its own Adam, as there. Deviation: no adversarial gradient reaches the encoder.
    "otoro": (
        Phase("vae", moves=("encoder", "decoder"), adversarial=False, times=4),
        Phase("generator", moves=("encoder", "decoder"), times=4, rate=5.0, until={"decoder": (-math.inf, 0.6)}),
        Phase(
            "discriminator",
            moves=("discriminator",),
            when={"discriminator": (0.6, math.inf), "decoder": (-math.inf, 0.75)},
        ),
    ),
}


# Share of the way from the first learning rate to the last, at share t of a run. `arithmetic` is deeppy's annealer,
# which the released scripts use; it moves once an epoch there, and with every update here.
LEARNING_RATES: dict[str, Callable[[float], float]] = {
    "arithmetic": lambda t: t**0.75,
    "cosine": lambda t: (1 - math.cos(math.pi * t)) / 2,  # arXiv 1608.03983, without restarts
}


def inside(ranges: Ranges, costs: dict[str, float]) -> bool:
    """Say whether every cost named lies in its open interval."""
    return all(low < costs[name] < high for name, (low, high) in ranges.items())
