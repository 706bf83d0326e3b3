"""An objective is a row of switches; Algorithm 1 of Larsen et al. (arXiv 1512.09300) on one screen.

    Enc <- L_prior + L_llike        Dec <- gamma * L_llike - L_GAN        Dis <- L_GAN

No adversarial gradient reaches Enc, no reconstruction gradient reaches Dis, gamma appears only for Dec, and every
gradient is taken before any network steps.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vaegan import losses

Networks = dict[str, nn.Module]
Losses = dict[str, dict[str, Tensor]]  # network -> route -> scalar
Gradients = dict[str, tuple[Tensor, ...]]  # network -> one gradient a parameter


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
    """Numbers of an objective; the trainer's config documents each."""

    beta: float = 1.0
    gamma: float = 1.0
    likelihood: str = "gaussian"
    feature_precision: float = 1.0
    adversarial_loss: str = "nonsaturating"
    fakes: Literal["prior", "reconstruction", "both"] = "both"
    gate: tuple[float, float] | None = None  # equilibrium, margin


@dataclass(frozen=True)
class Forward:
    """One forward pass through all networks: what the losses are made of; None where a row has no use for it."""

    x: Tensor
    mu: Tensor | None
    logvar: Tensor | None
    x_tilde: Tensor | None
    x_p: Tensor | None
    dis_x: tuple[Tensor, Tensor] | None  # Dis_l and logit of "real", from Discriminator
    dis_x_tilde: tuple[Tensor, Tensor] | None
    dis_x_p: tuple[Tensor, Tensor] | None


def forward(
    objective: Objective,
    settings: Settings,
    networks: Networks,
    x: Tensor,
    eps: Tensor,
    z_p: Tensor,
    y: Tensor | None = None,
) -> Forward:
    """Run x (B, C, S, S), posterior noise eps (B, D) and prior codes z_p (B, D) through the networks of a row.

    Conditional networks are told y (B, A), the labels of x; prior samples are drawn for, and judged with, the same.
    """
    told = () if y is None else (y,)
    mu = logvar = x_tilde = x_p = dis_x = dis_x_tilde = dis_x_p = None
    if objective.reconstruction:
        mu, logvar = networks["encoder"](x, *told)
        # Without a prior term nothing keeps the noise finite, so an autoencoder decodes its mean.
        x_tilde = networks["decoder"](mu + eps * (0.5 * logvar).exp() if objective.prior else mu, *told)
    prior_fakes, reconstructed_fakes = fakes(objective, settings)
    if prior_fakes:
        x_p = networks["decoder"](z_p, *told)
    if "discriminator" in objective.needs:
        # One pass a kind of image: see Discriminator for what its batch norm sees.
        dis_x = networks["discriminator"](x, *told)
        if reconstructed_fakes or objective.reconstruction == "features":
            dis_x_tilde = networks["discriminator"](x_tilde, *told)
        if prior_fakes:
            dis_x_p = networks["discriminator"](x_p, *told)
    return Forward(x, mu, logvar, x_tilde, x_p, dis_x, dis_x_tilde, dis_x_p)


def fakes(objective: Objective, settings: Settings) -> tuple[bool, bool]:
    """Return which fakes the discriminator sees: decoded prior samples, reconstructions (Eq. 10 has both)."""
    if not objective.adversarial:
        return False, False
    if not objective.reconstruction:
        return True, False
    return settings.fakes != "reconstruction", settings.fakes != "prior"


def terms(objective: Objective, settings: Settings, f: Forward) -> dict[str, Tensor]:
    """Return the per-sample terms (B,) of a row, in nats."""
    t = {}
    if objective.prior:
        t["prior"] = losses.kl_divergence(f.mu, f.logvar)
    if objective.reconstruction == "pixels":
        t["pixels"] = losses.PIXEL_NLL[objective.likelihood or settings.likelihood](f.x, f.x_tilde)
    if objective.reconstruction == "features":
        # Dis_l(x) is the target: it does not depend on Enc or Dec.
        t["features"] = losses.gaussian_nll(f.dis_x[0].detach(), f.dis_x_tilde[0], settings.feature_precision)
    if objective.adversarial:
        on = fakes(objective, settings)
        logits = [dis[1] for dis, used in zip((f.dis_x_p, f.dis_x_tilde), on, strict=True) if used]
        adversarial = losses.ADVERSARIAL[settings.adversarial_loss]
        t["gan_real"] = losses.real_cost(f.dis_x[1])
        # Eq. 10 adds the two kinds of fakes; their mean keeps real and fake in balance, as the gate's log 2 assumes.
        t["gan_fake"] = sum(map(losses.fake_cost, logits)) / len(logits)
        t["gan_decoder"] = sum(map(adversarial, logits)) / len(logits)
    return t


def route(objective: Objective, settings: Settings, t: dict[str, Tensor]) -> Losses:
    """Say which mean term trains which network: Algorithm 1, and nothing else decides it."""
    mean = {name: term.mean() for name, term in t.items()}
    llike = mean.get("pixels", mean.get("features"))
    gamma = settings.gamma if objective.adversarial else 1.0  # gamma weighs L_llike against L_GAN: no L_GAN, no gamma
    routes: Losses = {name: {} for name in objective.trains}
    if objective.prior:
        routes["encoder"]["prior"] = settings.beta * mean["prior"]
    if objective.reconstruction:
        routes["encoder"]["reconstruction"] = llike
        routes["decoder"]["reconstruction"] = gamma * llike
    if objective.adversarial:
        routes["decoder"]["adversarial"] = mean["gan_decoder"]
        routes["discriminator"]["adversarial"] = mean["gan_real"] + mean["gan_fake"]
    return routes


def gate(settings: Settings, real: float, fake: float) -> set[str]:
    """Return the networks to skip, by the authors' rule on the discriminator's two mean costs.

    A discriminator with a cost below equilibrium - margin is winning and waits; a decoder facing one with a cost above
    equilibrium + margin has won and waits; when both would wait, neither does.
    """
    if settings.gate is None:
        return set()
    equilibrium, margin = settings.gate
    skip = set()
    if min(real, fake) < equilibrium - margin:
        skip.add("discriminator")
    if max(real, fake) > equilibrium + margin:
        skip.add("decoder")
    return skip if len(skip) == 1 else set()


def gradients(networks: Networks, routes: Losses, skip: set[str] = frozenset()) -> Gradients:
    """Differentiate each network's own losses by its own parameters; a skipped network costs no backward work."""
    return {
        # materialize: an autoencoder's variance head belongs to no loss and gets zeros
        name: torch.autograd.grad(
            sum(parts.values()), tuple(networks[name].parameters()), retain_graph=True, materialize_grads=True
        )
        for name, parts in routes.items()
        if name not in skip
    }


def route_norms(networks: Networks, routes: Losses) -> dict[str, float]:
    """Return the gradient norm of every route, "encoder/prior" and so on; as dear as a backward pass for each."""
    norms = {}
    for name, parts in routes.items():
        parameters = tuple(networks[name].parameters())
        for part, loss in parts.items():
            grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
            norms[f"{name}/{part}"] = torch.stack([g.norm() for g in grads if g is not None]).norm().item()
    return norms
