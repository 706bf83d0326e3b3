"""What Dis is told of a batch's diversity: its closed form, its gradients, and which runs have it."""

import numpy as np
import pytest
import torch
from algorithm_rows import ROWS, SETTINGS, drawn_batch, networks
from test_objective import check_gradients, ours
from tiny_faces import save_faces, train_tiny

import vaegan
from vaegan import algorithm
from vaegan.networks.architectures import ARCHITECTURES
from vaegan.networks.building import build
from vaegan.networks.normalisation import MinibatchStd, mixes_images
from vaegan.run import resolve


def test_the_map_more_is_the_mean_deviation_over_the_batch():
    x = torch.randn(7, 5, 3, 2, generator=torch.Generator().manual_seed(0)).double()
    out = MinibatchStd()(x)
    assert out.shape == (7, 6, 3, 2) and torch.equal(out[:, :5], x)
    np.testing.assert_allclose(out[:, 5], np.full((7, 3, 2), x.numpy().std(0).mean()), rtol=1e-6)


def test_a_batch_of_one_picture_has_none_and_a_gradient_that_is_finite():
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    spread = MinibatchStd()(x)[:, 2]
    spread.sum().backward()
    assert float(spread.detach().max()) < 1e-3 and bool(torch.isfinite(x.grad).all())
    assert float(MinibatchStd()(x[:1])[:, 2].detach().max()) < 1e-3  # of one image nothing is not a number


@pytest.mark.parametrize("mode", [mode for mode, row in ROWS.items() if row.adversarial])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_each_network_still_gets_the_gradient_of_its_own_loss(mode, norm):
    check_gradients(ours, ROWS[mode], SETTINGS, drawn_batch(), norm, minibatch_std=True)


def test_a_verdict_that_depends_on_the_batch_is_not_taken_for_one_that_does_not(monkeypatch):
    """The backward pass that Dec and Dis share is right for a Dis that judges one by one alone."""
    assert mixes_images(networks(minibatch_std=True)["discriminator"])
    monkeypatch.setattr(algorithm, "mixes_images", lambda network: False)
    check_gradients(ours, ROWS["gan"], SETTINGS, drawn_batch())
    with pytest.raises(AssertionError):
        check_gradients(ours, ROWS["gan"], SETTINGS, drawn_batch(), minibatch_std=True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_dis_can_be_told_and_its_dis_l_is_the_same(architecture, channels):
    shape = {"channels": channels, "image_size": 32, "width": 0.125, "latent_dim": 8, "architecture": architecture}
    told, plain = (
        build(("discriminator",), **shape, norm="group", seed=0, minibatch_std=std)["discriminator"]
        for std in (True, False)
    )
    x = torch.rand(6, channels, 32, 32) * 2 - 1
    assert torch.equal(told(x).features, plain(x).features) and told(x).logit.shape == (6,)
    assert told.feature_count == plain.feature_count
    alone, together = told(x[:3]).logit, told(x).logit[:3]
    assert not torch.allclose(alone, together) and torch.allclose(plain(x[:3]).logit, plain(x).logit[:3], atol=1e-5)


@pytest.mark.parametrize(("mode", "has"), [("gan", "yes"), ("vaegan", "few"), ("vaegan-pixel", "few")])
def test_the_gan_always_has_it_others_where_images_are_few_and_a_flag_wins(mode, has):
    assert resolve(["--mode", mode])[0].minibatch_std == has
    for other in ("no", "few", "yes"):
        assert resolve(["--mode", mode, "--minibatch-std", other])[0].minibatch_std == other


def test_a_run_with_it_opens_again(tmp_path):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "run", "--mode", "gan", "--steps", "2", "--minibatch-std", "yes") == 0
    flags = ("--mode", "vae-disl", "--discriminator", str(tmp_path / "run"), "--steps", "2")
    assert train_tiny(tmp_path, "metric", *flags) == 0  # a metric of it, which need not be told
    assert vaegan.load(tmp_path / "metric").config.minibatch_std == "yes"
    model = vaegan.load(tmp_path / "run")
    assert any(isinstance(layer, MinibatchStd) for layer in model.networks["discriminator"].modules())
    assert model.sample(3).shape[0] == 3
