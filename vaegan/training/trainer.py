"""One update of one objective: for each phase of its schedule forward, route, all gradients, then all steps."""

import contextlib
import copy
import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from vaegan import algorithm
from vaegan.config import Config
from vaegan.machine import processes
from vaegan.networks import augmentation
from vaegan.networks.convolutional import RELEASED_FEATURES
from vaegan.networks.outputs import Judges
from vaegan.objective import Objective, Settings
from vaegan.schedules import LEARNING_RATES, SCHEDULES, Phase, inside
from vaegan.storage import fitting

HEADS = ("mu.", "logvar.")
STREAMS = 1_000_003  # more than any run's steps, so that (seed, step) never names two draws


class Trainer:
    """Networks, optimizers and the decoder's average; `update` moves them by one step."""

    def __init__(self, config: Config, objective: Objective, networks: dict[str, nn.Module], device: torch.device):
        self.config, self.objective, self.device = config, objective, device
        self.settings = Settings(
            beta=config.beta,
            gamma=config.gamma,
            likelihood=config.likelihood,
            # The paper's unit variance at its size; fewer features weigh as much, so beta and gamma keep their meaning.
            feature_precision=config.feature_precision or RELEASED_FEATURES / feature_count(networks),
            pixel_weight=config.pixel_weight,
            adversarial_loss=config.adversarial_loss,
            fakes=config.fakes,
            gate=(config.gate_equilibrium, config.gate_margin),
        )
        self.networks = {name: network.to(device) for name, network in networks.items()}
        for name in set(self.networks) - set(objective.trains):
            self.networks[name].eval().requires_grad_(False)  # the frozen metric of vae-disl
        self.phases = SCHEDULES[config.schedule]
        self.optimizers = {
            self.key(phase, name): optimizer(config, name, self.networks[name])
            for phase in self.phases
            for name in phase.trains(objective)
        }
        self.decoder_ema = copy.deepcopy(self.networks["decoder"]).requires_grad_(False)
        self.called = {name: compiled(n) if config.compile else n for name, n in self.networks.items()}  # by a pass

    def update(
        self, step: int, x: Tensor, y: Tensor | None = None, measure_routes: bool = False
    ) -> dict[str, Tensor | float]:
        """Take step number `step` on this process's images x (b, C, S, S), which conditional networks are told y (b, A)
        of, and return its named scalars.

        Where a schedule passes through the networks more than once, a scalar is that of the last pass that has it.
        """
        draws = noise(self.config, step)
        scalars: dict[str, Tensor | float] = {}
        for phase in self.phases:
            passes = 0
            for _ in range(phase.times):
                described, costs, stepped = self.one_pass(phase, step, (x, y), next(draws), measure_routes)
                scalars |= described
                passes += stepped
                if not stepped or phase.until and inside(phase.until, costs):
                    break
            if len(self.phases) > 1:
                scalars[f"passes/{phase.name}"] = float(passes)
        return scalars

    def one_pass(
        self,
        phase: Phase,
        step: int,
        batch: tuple[Tensor, Tensor | None],
        draw: tuple[Tensor, ...],
        measure_routes: bool,
    ) -> tuple[dict[str, Tensor | float], dict[str, float], bool]:
        """Pass once through a phase's networks; return its scalars, the adversary's costs, and whether they stepped."""
        objective, (x, y) = phase.objective(self.objective), batch
        eps, z_p, *u = (processes.shard(n).to(self.device) for n in draw)
        with self.autocast():
            f = algorithm.forward(objective, self.settings, self.called, x, eps, z_p, y, *u)
        t = algorithm.terms(objective, self.settings, f)
        routes = algorithm.route(objective, replace(self.settings, beta=beta(self.config, step)))
        routes = {name: weights for name, weights in routes.items() if name in phase.moves}
        costs = adversarial_costs(t)
        skip = algorithm.gate(self.settings, costs["real"], costs["fake"]) if costs else set()
        scalars = describe(routes, t, f, skip)
        if measure_routes:
            norms = algorithm.route_norms(self.networks, routes, t)
            scalars |= {f"grad/{name}": norm for name, norm in norms.items()}
        stepping = inside(phase.when, costs)
        if stepping:
            self.step(phase, step, algorithm.gradients(self.networks, routes, t, f, skip))
        return scalars, costs, stepping

    def key(self, phase: Phase, name: str) -> str:
        """Name a network's optimizer: each phase of a schedule has its own."""
        return name if len(self.phases) == 1 else f"{phase.name}/{name}"

    def step(self, phase: Phase, step: int, gradients: algorithm.Gradients) -> None:
        """Average gradients over processes, step every network that has some, then average the decoder."""
        for name, grads in gradients.items():
            processes.average(grads)
            for parameter, grad in zip(self.networks[name].parameters(), grads, strict=True):
                parameter.grad = grad
            optimizer = self.optimizers[self.key(phase, name)]
            for group in optimizer.param_groups:
                group["lr"] = phase.rate * learning_rate(self.config, name, step)
            optimizer.step()
            optimizer.zero_grad()
        if "decoder" in gradients:
            self.average_decoder(step)

    @torch.no_grad()
    def average_decoder(self, step: int) -> None:
        """Move the averaged decoder; its decay warms up, so that it does not remember the starting weights."""
        decay = min(self.config.ema_decay, (1 + step) / (10 + step))
        raw = self.networks["decoder"].state_dict()
        for name, averaged in self.decoder_ema.state_dict().items():
            if averaged.is_floating_point():
                averaged.lerp_(raw[name], 1 - decay)
            else:
                averaged.copy_(raw[name])

    def autocast(self) -> contextlib.AbstractContextManager:
        """Return the context of the networks' arithmetic."""
        if self.config.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def state(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "decoder_ema": self.decoder_ema.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
        }

    def not_finite(self) -> str | None:
        """Return the name of a network with a weight that is NaN or infinite."""
        parts = {**self.networks, "decoder_ema": self.decoder_ema}
        weights = {
            name: [v for v in part.state_dict().values() if v.is_floating_point()] for name, part in parts.items()
        }
        return next((name for name, vs in weights.items() if not all(v.isfinite().all() for v in vs)), None)

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from `state()`. Raises ValueError, before anything is changed, for one that does not fit."""
        parts = {**self.networks, "decoder_ema": self.decoder_ema}
        given = {**state["networks"], "decoder_ema": state["decoder_ema"]}
        stored = state["optimizers"]
        unknown = map(str, given.keys() - parts.keys() | stored.keys() - self.optimizers.keys())
        wrong: list[tuple[str, str | None]] = [
            (name[:60], "is none of this mode's networks") for name in sorted(unknown)
        ]
        wrong += [(name, fitting.misfit(part.state_dict(), given.get(name))) for name, part in parts.items()]
        wrong += [
            (f"{name} optimizer", fitting.optimizer_misfit(o, stored.get(name))) for name, o in self.optimizers.items()
        ]
        for name, why in wrong:
            if why:
                raise ValueError(f"its {name} {why}")
        for name, part in parts.items():
            part.load_state_dict(given[name])
        for name, o in self.optimizers.items():
            o.load_state_dict({**o.state_dict(), "state": stored[name]["state"]})


def noise(config: Config, step: int) -> Iterator[tuple[Tensor, ...]]:
    """Yield posterior noise and prior codes, each (batch_size, latent_dim), for one pass of a step after the other;
    with `--augment` also how what Dis sees is altered, (batch_size, 5).

    A pure function of (seed, step): all random state of a run is its step number. Drawn on the CPU: every device gets
    the same numbers.
    """
    generator = torch.Generator().manual_seed(config.seed * STREAMS + step)
    while True:
        eps, z_p = torch.randn(2, config.batch_size, config.latent_dim, generator=generator)
        yield (eps, z_p, *([augmentation.draw(config.batch_size, generator)] if config.augment == "yes" else []))


def adversarial_costs(t: dict[str, Tensor]) -> dict[str, float]:
    """Return the adversary's mean costs in nats, the same on every process; {} without one."""
    if "gan_real" not in t:
        return {}
    costs = torch.stack([t[name].detach().mean() for name in ("gan_real", "gan_fake", "gan_decoder")])
    processes.average([costs])
    real, fake, decoder = costs.tolist()
    return {"real": real, "fake": fake, "discriminator": (real + fake) / 2, "decoder": decoder}


def feature_count(networks: dict[str, nn.Module]) -> int:
    """Return how many numbers Dis_l holds; without a discriminator nobody asks, and it is the released number."""
    if "discriminator" not in networks:
        return RELEASED_FEATURES
    return cast(Judges, networks["discriminator"]).feature_count  # modules in a dict have no types of their own


def compiled(network: nn.Module) -> nn.Module:
    """Return a network of the same layers, of which what an update calls is compiled: a decoder's logit."""
    network, called = copy.copy(network), "logit" if hasattr(network, "logit") else "forward"
    functorch: Any = importlib.import_module("torch._functorch.config")
    functorch.donated_buffer = False  # gradients go through a network's graph more than once
    setattr(network, called, torch.compile(getattr(network, called)))
    return network


def optimizer(config: Config, name: str, network: nn.Module) -> torch.optim.Optimizer:
    """Return a network's own optimizer."""
    groups, lr = decayed(network, config.weight_decay), learning_rate(config, name, 0)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr, alpha=0.9)
    return torch.optim.Adam(groups, lr, betas=(config.adam_beta1, 0.999), fused=True)


def decayed(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return an optimizer's groups: weights of convolutions and dense layers decay, as in the released code; norms,
    biases and the two heads of a posterior do not."""
    decays: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in network.named_parameters():
        decays[parameter.ndim > 1 and not name.startswith(HEADS)].append(parameter)
    return [{"params": decays[True], "weight_decay": weight_decay}, {"params": decays[False], "weight_decay": 0.0}]


def learning_rate(config: Config, name: str, step: int) -> float:
    """Return a network's rate at one step, on the way from the first to the last."""
    first = config.discriminator_learning_rate if name == "discriminator" else config.learning_rate
    last = first * config.learning_rate_decay
    return first - LEARNING_RATES[config.learning_rate_schedule](step / config.steps) * (first - last)


def beta(config: Config, step: int) -> float:
    """Return the prior term's weight at one step: it rises along a line from 0 (Sonderby et al., arXiv 1602.02282)."""
    rising = config.beta_warmup * config.steps
    return config.beta * min(1.0, step / rising) if rising else config.beta


def describe(
    routes: algorithm.Routes, t: dict[str, Tensor], f: algorithm.Forward, skip: set[str]
) -> dict[str, Tensor | float]:
    """Name what a step measured; the same names go to metrics.jsonl, TensorBoard and the report."""
    scalars: dict[str, Tensor | float] = {f"terms/{name}": term.detach().mean() for name, term in t.items()}
    scalars |= {f"losses/{name}": algorithm.weighed(weights, t).detach() for name, weights in routes.items()}
    for name, dis in (("real", f.dis_x), ("reconstruction", f.dis_x_tilde), ("prior", f.dis_x_p)):
        if dis is not None and "discriminator" in routes:
            scalars[f"dis/{name}"] = dis.logit.detach().sigmoid().mean()
    if "discriminator" in routes:
        scalars |= {f"gate/{name}": float(name in skip) for name in ("discriminator", "decoder")}
    return scalars
