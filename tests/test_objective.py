"""The routing of Algorithm 1, for every row, against an independent derivation; and mutants that must fail."""

import copy
import dataclasses

import pytest
import torch
from algorithm_rows import ROWS, SETTINGS, B, drawn_batch, networks

from vaegan import algorithm, losses


@pytest.fixture
def batch():
    return drawn_batch()


@pytest.fixture
def conditional_batch(batch):
    return *batch, torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]]).repeat(B // 2, 1).double()


def ours(row, settings, nets, batch):
    """The project's gradients of one step."""
    return differentiated(row, settings, nets, nets, batch, lambda routes: None)


def differentiated(row, settings, nets, passes, batch, change):
    """The gradients of one step whose routes were changed by `change`."""
    f = algorithm.forward(row, settings, passes, *batch)
    routes = algorithm.route(row, settings)
    change(routes)
    return algorithm.gradients(nets, routes, algorithm.terms(row, settings, f), f)


def own_loss(name, row, settings, nets, batch):
    """One network's loss written down from the paper, independently of the project's routing."""
    x, eps, z_p, *y = batch
    loss = 0.0
    if row.reconstruction:
        mu, logvar = nets["encoder"](x, *y)
        x_tilde = nets["decoder"](mu + eps * torch.exp(logvar / 2) if row.prior else mu, *y)
        llike = 0.0
        if row.reconstruction == "features":
            error = nets["discriminator"](x, *y)[0] - nets["discriminator"](x_tilde, *y)[0]
            llike = 0.5 * settings.feature_precision * (error**2).sum() / B
        if pixel_weight := 1.0 if row.reconstruction == "pixels" else settings.pixel_weight:
            nll = {"gaussian": losses.gaussian_nll, "optimal-gaussian": losses.optimal_gaussian_nll}
            nll["bernoulli"] = lambda x, x_tilde: (
                -(1 + x) / 2 * ((1 + x_tilde) / 2).log() - (1 - x) / 2 * ((1 - x_tilde) / 2).log()
            )
            llike = llike + pixel_weight * nll[row.likelihood or settings.likelihood](x, x_tilde).sum() / B
    if name == "encoder":
        kl = 0.5 * (mu**2 + torch.exp(logvar) - logvar - 1).sum() / B if row.prior else 0.0
        return settings.beta * kl + llike
    if row.adversarial:
        fakes = [nets["decoder"](z_p, *y)] + ([x_tilde] if row.reconstruction else [])
        d_fakes = [torch.sigmoid(nets["discriminator"](fake, *y)[1]) for fake in fakes]
        if name == "discriminator":
            d_x = torch.sigmoid(nets["discriminator"](x, *y)[1])
            return -torch.log(d_x).mean() - sum(torch.log(1 - d).mean() for d in d_fakes) / len(d_fakes)
        if settings.adversarial_loss == "minimax":
            loss = sum(torch.log(1 - d).mean() for d in d_fakes) / len(d_fakes)
        else:
            loss = -sum(torch.log(d).mean() for d in d_fakes) / len(d_fakes)
    if row.reconstruction:
        loss = loss + (settings.gamma if row.adversarial else 1.0) * llike
    return loss


def reference(row, settings, nets, batch):
    """Each network's gradient of its own loss, on copies in which nothing else can receive any."""
    gradients = {}
    for name in row.trains:
        own = copy.deepcopy(nets)
        for other in set(own) - {name}:
            own[other].requires_grad_(False)
        own_loss(name, row, settings, own, batch).backward()
        gradients[name] = [torch.zeros_like(p) if p.grad is None else p.grad for p in own[name].parameters()]
    return gradients


def check_gradients(step, row, settings, batch, norm="group", **judge):
    """Raise AssertionError unless `step` gives exactly the listed networks the gradients of their own losses."""
    nets = networks(norm, conditions=sum(y.shape[1] for y in batch[3:]), **judge)
    got, want = step(row, settings, nets, batch), reference(row, settings, nets, batch)
    assert set(got) == set(want)
    for name in want:
        for mine, theirs in zip(got[name], want[name], strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("mode", ROWS)
@pytest.mark.parametrize("adversarial_loss", losses.ADVERSARIAL)
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_each_network_gets_the_gradient_of_its_own_loss_alone(mode, adversarial_loss, norm, batch):
    settings = dataclasses.replace(SETTINGS, adversarial_loss=adversarial_loss)
    check_gradients(ours, ROWS[mode], settings, batch, norm)


@pytest.mark.parametrize("mode", ["vae", "vaegan-pixel"])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_likelihood_of_logits_reaches_its_networks(mode, norm, batch):
    check_gradients(ours, ROWS[mode], dataclasses.replace(SETTINGS, likelihood="bernoulli"), batch, norm)


@pytest.mark.parametrize("mode", ["vae-disl", "vaegan", "vae"])
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_pixels_beside_features_weigh_what_is_asked(mode, likelihood, batch):
    """In a row of features only: pixels are not counted twice."""
    check_gradients(ours, ROWS[mode], dataclasses.replace(SETTINGS, likelihood=likelihood, pixel_weight=0.4), batch)


@pytest.mark.parametrize("mode", ROWS)
def test_conditional_networks_get_the_gradients_of_their_own_losses(mode, conditional_batch):
    check_gradients(ours, ROWS[mode], SETTINGS, conditional_batch, "batch")


class Deaf(torch.nn.Module):
    """A network that sees zeros where it should see y."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def logit(self, h, y):
        return self.network.logit(h, torch.zeros_like(y))

    def forward(self, h, y):
        return self.network(h, torch.zeros_like(y))


@pytest.mark.parametrize("network", ["encoder", "decoder", "discriminator"])
def test_a_network_that_is_not_told_the_labels_is_caught(network, conditional_batch):
    """A mutant whose `network` sees zeros where it should see y."""

    def deaf(row, settings, nets, batch):
        return differentiated(row, settings, nets, {**nets, network: Deaf(nets[network])}, batch, lambda routes: None)

    with pytest.raises(AssertionError):
        check_gradients(deaf, ROWS["vaegan"], SETTINGS, conditional_batch)


def mutant(change):
    """Return a step whose routes were changed by `change(routes)`."""
    return lambda row, settings, nets, batch: differentiated(row, settings, nets, nets, batch, change)


def wrong_sign(routes):  # pythae: the decoder follows the discriminator's own gradient
    routes["decoder"]["gan_fake"] = routes["decoder"].pop("gan_decoder")


def uncleared(routes):  # three backward() calls without clearing: Dis minimises the reconstruction too
    routes["discriminator"]["features"] = 1.0


def adversary_reaches_encoder(routes):
    routes["encoder"]["gan_decoder"] = 1.0


def gamma_everywhere(routes):
    routes["encoder"]["features"] = SETTINGS.gamma


def gamma_on_the_adversary(routes):
    routes["decoder"] = {"features": 1.0, "gan_decoder": SETTINGS.gamma}


def discriminator_never_stepped(routes):
    del routes["discriminator"]


def kl_reaches_nothing(routes):
    del routes["encoder"]["prior"]


def discriminator_sees_no_real_images(routes):
    del routes["discriminator"]["gan_real"]


MUTANTS = [
    wrong_sign,
    uncleared,
    adversary_reaches_encoder,
    gamma_everywhere,
    gamma_on_the_adversary,
    discriminator_never_stepped,
    kl_reaches_nothing,
    discriminator_sees_no_real_images,
]


@pytest.mark.parametrize("bug", MUTANTS, ids=lambda f: f.__name__)
def test_known_bugs_are_caught(bug, batch):
    check_gradients(mutant(lambda routes: None), ROWS["vaegan"], SETTINGS, batch)
    with pytest.raises(AssertionError):
        check_gradients(mutant(bug), ROWS["vaegan"], SETTINGS, batch)


def step_between_gradients(row, settings, nets, batch):
    """A mutant that steps Enc before it takes Dec's gradient, as loops of backward() and step() do."""
    gradients = {}
    for name in row.trains:
        gradients |= {name: ours(row, settings, nets, batch)[name]}
        with torch.no_grad():
            for p, g in zip(nets[name].parameters(), gradients[name], strict=True):
                p.sub_(0.1 * g)
    return gradients


def reconstruction_without_gradient(row, settings, nets, batch):
    """A mutant that measures the reconstruction under no_grad, as a perceptual loss was in one script."""
    f = algorithm.forward(row, settings, nets, *batch)
    t = algorithm.terms(row, settings, f)
    t["features"] = t["features"].detach() + 0 * f.x_tilde.sum()
    return algorithm.gradients(nets, algorithm.route(row, settings), t, f)


@pytest.mark.parametrize("bug", [step_between_gradients, reconstruction_without_gradient], ids=lambda f: f.__name__)
def test_known_bugs_outside_the_routing_are_caught(bug, batch):
    with pytest.raises(AssertionError):
        check_gradients(bug, ROWS["vaegan"], SETTINGS, batch)


@pytest.mark.parametrize("mode", [mode for mode, row in ROWS.items() if row.adversarial])
@pytest.mark.parametrize("adversarial_loss", losses.ADVERSARIAL)
def test_decoder_moves_fakes_against_the_discriminator(mode, adversarial_loss, batch):
    """Along the decoder's adversarial descent the discriminator's cost of fakes rises."""
    row, settings, nets = ROWS[mode], dataclasses.replace(SETTINGS, adversarial_loss=adversarial_loss), networks()
    t = algorithm.terms(row, settings, algorithm.forward(row, settings, nets, *batch))
    parameters = tuple(nets["decoder"].parameters())
    decoder = torch.autograd.grad(t["gan_decoder"].mean(), parameters, retain_graph=True)
    discriminator = torch.autograd.grad(t["gan_fake"].mean(), parameters)
    flat_a, flat_b = (torch.cat([g.flatten() for g in grads]) for grads in (decoder, discriminator))
    cosine = torch.cosine_similarity(flat_a, flat_b, dim=0).item()
    assert cosine < -0.9  # exactly -1 for minimax; non-saturating weighs samples differently


@pytest.mark.parametrize("mode", ROWS)
def test_a_row_trains_and_needs_what_its_switches_say(mode):
    row = ROWS[mode]
    assert ("encoder" in row.trains) == (row.reconstruction is not None)
    assert ("discriminator" in row.trains) == row.adversarial
    assert ("discriminator" in row.needs) == (row.adversarial or row.reconstruction == "features")


def test_the_four_modes_are_a_two_by_two_table():
    modes = ("vae", "vae-disl", "vaegan-pixel", "vaegan")
    cells = {(ROWS[m].reconstruction, ROWS[m].adversarial) for m in modes}
    assert cells == {("pixels", False), ("features", False), ("pixels", True), ("features", True)}


def test_a_route_norm_is_that_of_the_whole_gradient_and_scales_with_the_weight(batch):
    row, nets = ROWS["vaegan"], networks()
    routes = algorithm.route(row, SETTINGS)
    t = algorithm.terms(row, SETTINGS, algorithm.forward(row, SETTINGS, nets, *batch))
    norms = algorithm.route_norms(nets, routes, t)
    assert set(norms) == {
        "encoder/prior",
        "encoder/reconstruction",
        "decoder/reconstruction",
        "decoder/adversarial",
        "discriminator/adversarial",
    }
    loss = t["gan_real"].mean() + t["gan_fake"].mean()
    whole = torch.autograd.grad(loss, tuple(nets["discriminator"].parameters()), retain_graph=True)
    assert norms["discriminator/adversarial"] == pytest.approx(torch.cat([g.flatten() for g in whole]).norm().item())
    prior = torch.autograd.grad(
        SETTINGS.beta * t["prior"].mean(), tuple(nets["encoder"].parameters()), retain_graph=True
    )
    assert norms["encoder/prior"] == pytest.approx(torch.cat([g.flatten() for g in prior]).norm().item())
    twice = algorithm.route_norms(nets, {"decoder": {k: 2 * w for k, w in routes["decoder"].items()}}, t)
    assert twice["decoder/adversarial"] == pytest.approx(2 * norms["decoder/adversarial"])
    assert twice["decoder/reconstruction"] == pytest.approx(2 * norms["decoder/reconstruction"])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [-200, 200])
def test_a_certain_discriminator_pulls_the_decoder_as_its_loss_says(bias, kind, batch):
    """Sure of a fake, Dis has a gradient too small to be scaled up; fooled, it pulls and Dec has nothing to gain."""
    row, nets = ROWS["gan"], {name: network.to(kind) for name, network in networks().items()}
    with torch.no_grad():
        nets["discriminator"].verdict[-1].bias.add_(bias)
    batch = [part.to(kind) for part in batch]
    got, want = ours(row, SETTINGS, nets, batch)["decoder"], reference_decoder(nets, batch)
    assert any(g.abs().max() > 0 for g in got) or bias > 0
    for mine, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4 if kind == torch.float32 else 1e-6, atol=1e-9)


def reference_decoder(nets, batch):
    logit = nets["discriminator"](nets["decoder"](batch[2])).logit
    return torch.autograd.grad(torch.nn.functional.softplus(-logit).mean(), tuple(nets["decoder"].parameters()))
