"""Whether tensors out of a file fit what they are to be loaded into; asked before anything is loaded.

torch's own loading stops half-way, casts types, and hands optimizer states of any shape to kernels that crash on them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

STATES = {"Adam": ("step", "exp_avg", "exp_avg_sq"), "RMSprop": ("step", "square_avg")}


def misfit(expected: Mapping[str, Tensor], given: object) -> str | None:
    """Return what is wrong with weights by name, or None: the same names, shapes and types, and finite numbers."""
    if not isinstance(given, dict):
        return "has no weights by name"
    if given.keys() != expected.keys():
        first = next(iter(sorted(map(str, given.keys() ^ expected.keys()))))
        return f"has other weights than its config ({first[:60]})"
    wrong = (f"has a wrong {name}: {why}" for name, t in expected.items() if (why := tensor_misfit(t, given[name])))
    return next(wrong, None)


def tensor_misfit(expected: Tensor, given: object) -> str | None:
    """Return what is wrong with a tensor, or None."""
    if not isinstance(given, Tensor) or given.layout != torch.strided or given.device.type != "cpu":
        return "not a plain tensor"
    if given.shape != expected.shape:
        return f"shape {tuple(given.shape)}, not {tuple(expected.shape)}"
    if given.dtype != expected.dtype:
        return f"{given.dtype}, not {expected.dtype}"
    # A sum is five times faster, and NaN or infinite with any of its terms; one that overflows decides nothing.
    if given.is_floating_point() and not given.sum().isfinite() and not given.isfinite().all():
        return "numbers that are not finite"
    return None


def optimizer_misfit(optimizer: Optimizer, given: object) -> str | None:
    """Return what is wrong with a stored optimizer's state, or None; its settings are the config's and are not read."""
    if not isinstance(given, dict) or given.keys() != {"state", "param_groups"} or not isinstance(given["state"], dict):
        return "has no state, or more than that"
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    states, names = given["state"], STATES[type(optimizer).__name__]
    if not states:  # a network that the gate has held back so far
        return None
    if states.keys() != set(range(len(parameters))):
        return "has states of other weights"
    for number, parameter in enumerate(parameters):
        if not isinstance(states[number], dict) or states[number].keys() != set(names):
            return f"has another state of weight {number}"
        for name in names:
            expected = torch.zeros(()) if name == "step" else parameter.detach()
            if why := tensor_misfit(expected, states[number][name]):
                return f"has a wrong {name} of weight {number}: {why}"
    return None
