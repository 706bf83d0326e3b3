"""Algorithm 1 of Larsen et al. (arXiv 1512.09300) on one screen, for every row of switches (vaegan/objective.py).

    Enc <- L_prior + L_llike        Dec <- gamma * L_llike - L_GAN        Dis <- L_GAN

No adversarial gradient reaches Enc, no reconstruction gradient reaches Dis, gamma appears only for Dec, and every
gradient is taken before any network steps.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from vaegan import losses, posterior
from vaegan.networks.augmentation import altered
from vaegan.networks.normalisation import mixes_images, unrecorded
from vaegan.networks.outputs import Judged, image_of, logit_of
from vaegan.objective import Objective, Settings

Networks = dict[str, nn.Module]
Routes = dict[str, dict[str, float]]  # network -> term -> weight
Gradient = tuple[Tensor, ...]
Gradients = dict[str, Gradient]  # network -> one gradient a parameter
Part = TypeVar("Part")

PARTS = {"prior": "prior", "pixels": "reconstruction", "features": "reconstruction"} | dict.fromkeys(
    ("gan_decoder", "gan_real", "gan_fake"), "adversarial"
)
LEAST = 1e-24  # gradients at a logit that are smaller would lose digits on their way down to the images


@dataclass(frozen=True)
class Forward:
    """One forward pass through all networks: what the losses are made of; None where a row has no use for it."""

    x: Tensor
    mu: Tensor | None
    logvar: Tensor | None
    logit: Tensor | None  # of x_tilde's pixels
    x_tilde: Tensor | None
    x_p: Tensor | None
    dis_x: Judged | None
    dis_x_tilde: Judged | None
    dis_x_p: Judged | None


def forward(
    objective: Objective,
    settings: Settings,
    networks: Networks,
    x: Tensor,
    eps: Tensor,
    z_p: Tensor,
    y: Tensor | None = None,
    u: Tensor | None = None,
) -> Forward:
    """Run x (B, C, S, S), posterior noise eps (B, D) and prior codes z_p (B, D) through the networks of a row.

    Conditional networks are told y (B, A), the labels of x; prior samples are drawn for, and judged with, the same. Dis
    sees all images altered as u (B, 5) says, where there is one (vaegan/networks/augmentation.py).
    """
    told = () if y is None else (y,)
    decoder = networks["decoder"]
    mu = logvar = logit = x_tilde = x_p = dis_x = dis_x_tilde = dis_x_p = None
    prior_fakes, reconstructed_fakes = fakes(objective, settings)
    if objective.reconstruction:
        mu, logvar = networks["encoder"](x, *told)
        # Without a prior term nothing keeps the noise finite, so an autoencoder decodes its mean.
        logit = logit_of(decoder, posterior.draw(mu, logvar, eps) if objective.prior else mu, *told)
        x_tilde = image_of(logit)
    # One pass a kind of image, so that batch norm never sees a mixture. In evaluation Enc and Dis have the averages of
    # real images, Dec those of reconstructions, as released, and of prior samples where it makes nothing else.
    if prior_fakes:
        with unrecorded(decoder) if objective.reconstruction else nullcontext():
            x_p = decoder(z_p, *told)
    if "discriminator" in objective.needs:
        discriminator = networks["discriminator"]
        dis_x = discriminator(altered(x, u), *told)
        with unrecorded(discriminator):
            if reconstructed_fakes or objective.reconstruction == "features":
                dis_x_tilde = discriminator(altered(made(x_tilde), u), *told)
            if prior_fakes:
                dis_x_p = discriminator(altered(made(x_p), u), *told)
    return Forward(x, mu, logvar, logit, x_tilde, x_p, dis_x, dis_x_tilde, dis_x_p)


def fakes(objective: Objective, settings: Settings) -> tuple[bool, bool]:
    """Return which fakes the discriminator sees: decoded prior samples, reconstructions (Eq. 10 has both)."""
    if not objective.adversarial:
        return False, False
    if not objective.reconstruction:
        return True, False
    return settings.fakes != "reconstruction", settings.fakes != "prior"


def terms(objective: Objective, settings: Settings, f: Forward) -> dict[str, Tensor]:
    """Return the per-sample terms (B,) of a row, in nats."""
    t: dict[str, Tensor] = {}
    if objective.prior:
        t["prior"] = losses.kl_divergence(made(f.mu), made(f.logvar))
    if "pixels" in likelihoods(objective, settings):
        nll = losses.PIXEL_NLL[objective.likelihood or settings.likelihood]
        t["pixels"] = nll(f.x, made(f.x_tilde), made(f.logit))
    if objective.reconstruction == "features":
        # Dis_l(x) is the target: it does not depend on Enc or Dec.
        target, features = made(f.dis_x).features.detach(), made(f.dis_x_tilde).features
        t["features"] = losses.gaussian_nll(target, features, settings.feature_precision)
    if objective.adversarial:
        on = fakes(objective, settings)
        logits = [made(dis).logit for dis, used in zip((f.dis_x_p, f.dis_x_tilde), on, strict=True) if used]
        adversarial = losses.ADVERSARIAL[settings.adversarial_loss]
        t["gan_real"] = losses.real_cost(made(f.dis_x).logit)
        # Eq. 10 adds the two kinds of fakes; their mean keeps real and fake in balance, as the gate's log 2 assumes.
        t["gan_fake"] = added([losses.fake_cost(logit) for logit in logits]) / len(logits)
        t["gan_decoder"] = added([adversarial(logit) for logit in logits]) / len(logits)
    return t


def made(part: Part | None) -> Part:
    """Return a part of a forward pass, of a row that has a use for it."""
    assert part is not None
    return part


def added(parts: Sequence[Tensor]) -> Tensor:
    """Return the sum of one tensor or more."""
    return sum(parts[1:], start=parts[0])


def route(objective: Objective, settings: Settings) -> Routes:
    """Say with what weight the mean of each term trains which network: Algorithm 1, and nothing else decides it."""
    gamma = settings.gamma if objective.adversarial else 1.0  # gamma weighs L_llike against L_GAN: no L_GAN, no gamma
    routes: Routes = {name: {} for name in objective.trains}
    if objective.prior:
        routes["encoder"]["prior"] = settings.beta
    for term, weight in likelihoods(objective, settings).items():
        routes["encoder"][term] = weight
        routes["decoder"][term] = gamma * weight
    if objective.adversarial:
        routes["decoder"]["gan_decoder"] = 1.0
        routes["discriminator"] = {"gan_real": 1.0, "gan_fake": 1.0}
    return routes


def likelihoods(objective: Objective, settings: Settings) -> dict[str, float]:
    """Say with what weight each term of L_llike counts: pixels, or Dis_l and, where they have a weight, pixels too."""
    weights = {"pixels": 1.0}
    if objective.reconstruction == "features":
        weights = {"features": 1.0, "pixels": settings.pixel_weight}
    return {term: weight for term, weight in weights.items() if weight and objective.reconstruction}


def weighed(weights: dict[str, float], t: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum of mean terms, a scalar: with a network's routes, its loss."""
    return torch.stack([weight * t[name].mean() for name, weight in weights.items()]).sum()


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


def gradients(
    networks: Networks, routes: Routes, t: dict[str, Tensor], f: Forward, skip: set[str] | frozenset[str] = frozenset()
) -> Gradients:
    """Differentiate each network's own loss by its own parameters; a skipped network costs no backward work.

    Enc and Dec meet every term but the prior's in x_tilde, which is to say its logit, and x_p: a term goes back through
    Dis to these images once, and from there Enc and Dec take it on with their own weights.
    """
    own = {name: tuple(networks[name].parameters()) for name in routes if name not in skip}
    images = {image: dis for image, dis in ((f.logit, f.dis_x_tilde), (f.x_p, f.dis_x_p)) if image is not None}
    gradient: Gradients = {}
    at_images: dict[str, Gradient] = {}  # term -> its gradient at each image
    if "discriminator" in own:
        loss = weighed(routes["discriminator"], t)
        shared = tuple(images) if "decoder" in own and judges_one_by_one(networks, routes) else ()
        both = differentiate([loss], own["discriminator"] + shared)
        gradient["discriminator"], climbs = both[: len(own["discriminator"])], both[len(own["discriminator"]) :]
        if shared and (turned := turn(climbs, loss, t["gan_decoder"].mean(), list(images.values()))):
            at_images["gan_decoder"] = turned
    for name in (name for name in own if name != "discriminator"):
        weights = dict(routes[name])
        prior = [weighed({"prior": weights.pop("prior")}, t)] if "prior" in weights else []
        for term in weights:
            at_images[term] = at_images.get(term) or differentiate([t[term].mean()], tuple(images))
        pulls = [added([w * at_images[term][i] for term, w in weights.items()]) for i in range(len(images))]
        gradient[name] = differentiate([*images, *prior], own[name], [*pulls, *(None for _ in prior)])
    return {name: gradient[name] for name in own}


def judges_one_by_one(networks: Networks, routes: Routes) -> bool:
    """Say whether Dis's loss reaches each image through that image's own logit alone."""
    return not mixes_images(networks["discriminator"]) and routes["discriminator"].keys() <= {"gan_real", "gan_fake"}


def turn(climbs: Gradient, loss: Tensor, other: Tensor, dis: list[Judged | None]) -> Gradient | None:
    """Return the gradients of `other` at images from those of `loss`, both functions of the images' logits alone.

    What they send back through Dis differs by a factor for each image, the ratio of their gradients at its logit (Shen
    et al., arXiv 2103.00430): a backward pass through Dis is saved. None where a gradient is too small to be scaled up.
    """
    logits = [judged.logit for judged in dis if judged is not None]
    ours, theirs = differentiate([loss], tuple(logits)), differentiate([other], tuple(logits))
    if any(((a.abs() < LEAST) & (b != 0)).any() for a, b in zip(ours, theirs, strict=True)):
        return None
    ratios = iter(torch.where(b == 0, 0, b / a)[:, None, None, None] for a, b in zip(ours, theirs, strict=True))
    return tuple(climb if judged is None else next(ratios) * climb for climb, judged in zip(climbs, dis, strict=True))


def differentiate(outputs: list[Tensor], inputs: Gradient, pulls: list[Tensor | None] | None = None) -> Gradient:
    """Return the gradient of the outputs' sum, each weighted by its entry of `pulls`; 0 for what they do not depend on,
    as an autoencoder's variance head."""
    return torch.autograd.grad(outputs, inputs, pulls, retain_graph=True, materialize_grads=True)


def route_norms(networks: Networks, routes: Routes, t: dict[str, Tensor]) -> dict[str, float]:
    """Return the gradient norm of every route, "encoder/prior" and so on; as dear as a backward pass for each."""
    norms = {}
    for name, weights in routes.items():
        parts = {PARTS[term]: {k: w for k, w in weights.items() if PARTS[k] == PARTS[term]} for term in weights}
        for part, own in parts.items():
            grads = differentiate([weighed(own, t)], tuple(networks[name].parameters()))
            norms[f"{name}/{part}"] = torch.stack([g.norm() for g in grads]).norm().item()
    return norms
