"""Other ways to update a VAE/GAN on the same networks, which users would write or install instead of this project's:
`vaegan.bench` times them all."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from types import SimpleNamespace

from torch import Tensor, nn

from vaegan import algorithm, losses
from vaegan.networks.normalisation import GroupNorm
from vaegan.training.trainer import Trainer, noise


def with_plain_norm(trainer: Trainer) -> Trainer:
    """Return a trainer whose group norms are PyTorch's own, in the layout that their input has."""
    layers = (layer for network in trainer.networks.values() for layer in network.modules())
    norms: list[nn.GroupNorm] = [layer for layer in layers if isinstance(layer, GroupNorm)]
    for norm in norms:
        norm.__class__ = nn.GroupNorm
    return trainer


def apart(trainer: Trainer, x: Tensor) -> None:
    """Update as Algorithm 1 says it and no cleverer: one forward pass, then a backward pass a network."""
    (phase,), objective, settings = trainer.phases, trainer.objective, trainer.settings
    eps, z_p = (n.to(x.device) for n in next(noise(trainer.config, 0)))
    f = algorithm.forward(objective, settings, trainer.networks, x, eps, z_p)
    t, routes = algorithm.terms(objective, settings, f), algorithm.route(objective, settings)
    own = {name: tuple(trainer.networks[name].parameters()) for name in routes}
    trainer.step(phase, 0, {n: algorithm.differentiate([algorithm.weighed(routes[n], t)], own[n]) for n in routes})


def textbook(trainer: Trainer, x: Tensor) -> None:
    """Update a VAE/GAN with `backward()`: three times through a graph that is kept, all gradients of the other networks
    thrown away each time, a network's own cloned until every network may step."""
    networks, settings = trainer.networks, trainer.settings
    eps, z_p = (n.to(x.device) for n in next(noise(trainer.config, 0)))
    mu, logvar = networks["encoder"](x)
    x_tilde, x_p = networks["decoder"](mu + eps * (0.5 * logvar).exp()), networks["decoder"](z_p)
    real, *fakes = (networks["discriminator"](image) for image in (x, x_tilde, x_p))
    llike = losses.gaussian_nll(real.features.detach(), fakes[0].features, settings.feature_precision).mean()
    adversarial = losses.ADVERSARIAL[settings.adversarial_loss]
    loss = {
        "encoder": settings.beta * losses.kl_divergence(mu, logvar).mean() + llike,
        "decoder": settings.gamma * llike + sum(adversarial(fake.logit).mean() for fake in fakes) / 2,
        "discriminator": losses.real_cost(real.logit).mean() + sum(losses.fake_cost(f.logit).mean() for f in fakes) / 2,
    }
    gradients = {}
    for name in loss:
        for network in networks.values():
            network.zero_grad()
        loss[name].backward(retain_graph=True)
        gradients[name] = tuple(p.grad.clone() for p in networks[name].parameters() if p.grad is not None)
    trainer.step(trainer.phases[0], 0, gradients)


def pythae_update(trainer: Trainer, x: Tensor) -> Callable[[], None] | None:
    """Return an update by pythae's VAEGAN and its coupled trainer, None where pythae is not installed.

    It sees prior fakes alone, and its decoder ascends the adversary's own loss.
    """
    if find_spec("pythae") is None:
        return None
    from pythae.models import VAEGAN, VAEGANConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
    from pythae.trainers import CoupledOptimizerAdversarialTrainer

    networks, config = trainer.networks, trainer.config

    class Encoder(BaseEncoder):
        def forward(self, x: Tensor) -> ModelOutput:
            mu, logvar = networks["encoder"](x)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=networks["decoder"](z))

    class Discriminator(BaseDiscriminator):
        depth = 2  # Dis_l, and what follows it

        def forward(self, x: Tensor, output_layer_levels: list[int] | None = None) -> ModelOutput:
            if output_layer_levels:
                return ModelOutput(embedding_layer_1=networks["discriminator"].get_submodule("features")(x))
            return ModelOutput(embedding=networks["discriminator"](x).logit.sigmoid())

    shape = {"input_dim": tuple(x.shape[1:]), "latent_dim": config.latent_dim}
    model = VAEGAN(VAEGANConfig(**shape, reconstruction_layer=1), Encoder(), Decoder(), Discriminator())
    model.margin = float("inf")  # nobody waits
    steppers = SimpleNamespace(**{f"{name}_optimizer": o for name, o in trainer.optimizers.items()})

    def update() -> None:
        output = model({"data": x})
        CoupledOptimizerAdversarialTrainer._optimizers_step(steppers, output)
        for loss in (output.encoder_loss, output.decoder_loss, output.discriminator_loss, output.loss):
            loss.item()  # its loop reads these every update

    return update


WAYS: dict[str, Callable[[Trainer, Tensor], Callable[[], None] | None]] = {
    "a backward pass a network": lambda trainer, x: partial(apart, with_plain_norm(trainer), x),
    "textbook": lambda trainer, x: partial(textbook, with_plain_norm(trainer), x),
    "pythae": lambda trainer, x: pythae_update(with_plain_norm(trainer), x),
}
