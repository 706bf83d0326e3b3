"""What an update passes through which network: fakes, the gate, passes saved, and what batch norm remembers of them."""

import copy
import dataclasses

import pytest
import torch
from algorithm_rows import ROWS, SETTINGS, drawn_batch, networks

from vaegan import algorithm, losses


@pytest.fixture
def batch():
    return drawn_batch()


@pytest.mark.parametrize("kind,expected", [("prior", (1, 0)), ("reconstruction", (0, 1)), ("both", (1, 1))])
def test_fakes_are_chosen(kind, expected, batch):
    row, nets, settings = ROWS["vaegan"], networks(), dataclasses.replace(SETTINGS, fakes=kind)
    f = algorithm.forward(row, settings, nets, *batch)
    assert (f.x_p is not None) == expected[0]
    t = algorithm.terms(row, settings, f)
    logits = [dis.logit for dis, used in zip((f.dis_x_p, f.dis_x_tilde), expected, strict=True) if used]
    want = sum(torch.nn.functional.softplus(logit) for logit in logits) / len(logits)
    torch.testing.assert_close(t["gan_fake"], want)


@pytest.mark.parametrize(
    "real,fake,skipped",
    [
        (0.68, 0.68, set()),
        (0.30, 0.68, {"discriminator"}),
        (0.68, 0.30, {"discriminator"}),
        (1.10, 0.68, {"decoder"}),
        (0.68, 1.10, {"decoder"}),
        (0.30, 1.10, set()),  # both would wait: neither does
    ],
)
def test_gate_is_the_authors_rule(real, fake, skipped):
    assert algorithm.gate(dataclasses.replace(SETTINGS, gate=(0.68, 0.35)), real, fake) == skipped
    assert algorithm.gate(SETTINGS, real, fake) == set()


@pytest.mark.parametrize("costs", [(0.5, 0.75), (0.75, 0.5), (0.75, 1.0), (1.0, 0.75)])
def test_nobody_waits_while_the_costs_are_within_the_margin(costs):
    assert algorithm.gate(dataclasses.replace(SETTINGS, gate=(0.75, 0.25)), *costs) == set()


def test_a_skipped_network_costs_no_backward(batch):
    row, nets = ROWS["vaegan"], networks()
    counted = dict.fromkeys(nets, 0)
    for name, net in nets.items():
        last = list(net.parameters())[-1]
        last.register_hook(lambda g, name=name: counted.__setitem__(name, counted[name] + 1))
    f = algorithm.forward(row, SETTINGS, nets, *batch)
    routes, t = algorithm.route(row, SETTINGS), algorithm.terms(row, SETTINGS, f)
    assert set(algorithm.gradients(nets, routes, t, f, {"discriminator"})) == {"encoder", "decoder"}
    assert counted == {"encoder": 1, "decoder": 1, "discriminator": 0}


class Passes(torch.nn.Module):
    """A network that remembers the images it was given."""

    def __init__(self, network):
        super().__init__()
        self.network, self.seen = network, []

    def forward(self, x):
        self.seen.append(x)
        return self.network(x)


@pytest.mark.parametrize(
    "mode,kind,expected",
    [
        ("vaegan", "both", ["x", "x_tilde", "x_p"]),
        ("vaegan", "prior", ["x", "x_tilde", "x_p"]),
        ("vaegan", "reconstruction", ["x", "x_tilde"]),
        ("vaegan-pixel", "both", ["x", "x_tilde", "x_p"]),
        ("vaegan-pixel", "prior", ["x", "x_p"]),
        ("gan", "both", ["x", "x_p"]),
        ("vae-disl", "both", ["x", "x_tilde"]),
        ("vae", "both", []),
    ],
)
def test_dis_passes_over_no_image_that_no_term_uses(mode, kind, expected, batch):
    nets = networks()
    dis = Passes(nets["discriminator"])
    settings = dataclasses.replace(SETTINGS, fakes=kind)
    f = algorithm.forward(ROWS[mode], settings, {**nets, "discriminator": dis}, *batch)
    assert len(dis.seen) == len(expected)
    assert all(seen is getattr(f, name) for seen, name in zip(dis.seen, expected, strict=True))


@pytest.mark.parametrize("mode,kind", [("vaegan", "both"), ("vaegan", "prior"), ("gan", "both"), ("vae", "both")])
def test_running_averages_are_of_the_passes_that_evaluation_makes(mode, kind, batch):
    """Enc and Dis have those of real images, Dec those of reconstructions; a GAN's those of prior samples."""
    nets, row, (x, eps, z_p) = networks("batch"), ROWS[mode], batch
    alone = copy.deepcopy(nets)
    algorithm.forward(row, dataclasses.replace(SETTINGS, fakes=kind), nets, *batch)
    code = z_p
    if row.reconstruction:
        mu, logvar = alone["encoder"](x)
        code = mu + eps * (0.5 * logvar).exp()
    alone["decoder"](code)
    if row.adversarial:
        alone["discriminator"](x)
    for name in row.needs:
        for (key, buffer), (_, want) in zip(nets[name].named_buffers(), alone[name].named_buffers(), strict=True):
            torch.testing.assert_close(buffer, want, msg=f"{name}.{key}")


@pytest.mark.parametrize("adversarial_loss", losses.ADVERSARIAL)
@pytest.mark.parametrize("kind", ["prior", "reconstruction", "both"])
@pytest.mark.parametrize("mode", [mode for mode, row in ROWS.items() if row.adversarial])
def test_what_is_taken_from_dis_own_backward_pass_is_the_decoders_gradient(mode, kind, adversarial_loss, batch):
    """With Dis stepping Dec takes its adversarial gradient from Dis's backward pass, without it from its own."""
    row, settings, nets = (
        ROWS[mode],
        dataclasses.replace(SETTINGS, fakes=kind, adversarial_loss=adversarial_loss),
        networks(),
    )
    f = algorithm.forward(row, settings, nets, *batch)
    routes, t = algorithm.route(row, settings), algorithm.terms(row, settings, f)
    together, apart = (algorithm.gradients(nets, routes, t, f, skip) for skip in (set(), {"discriminator"}))
    assert set(together) - set(apart) == {"discriminator"}
    for name in apart:
        for a, b in zip(together[name], apart[name], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-10)
