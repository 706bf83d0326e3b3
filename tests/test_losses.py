"""Closed forms, references from torch.distributions, and the sign of the adversarial losses."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from vaegan import losses
from vaegan.networks.outputs import image_of

torch.manual_seed(0)


def test_kl_is_the_posts_formula_and_torchs():
    mu, logvar = torch.randn(5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    std = (0.5 * logvar).exp()
    by_hand = 0.5 * (mu**2 + std**2 - torch.log(std**2) - 1).sum(1)
    reference = kl_divergence(Normal(mu, std), Normal(torch.zeros_like(mu), torch.ones_like(std))).sum(1)
    torch.testing.assert_close(losses.kl_divergence(mu, logvar), by_hand)
    torch.testing.assert_close(losses.kl_divergence(mu, logvar), reference)


def test_kl_of_the_prior_is_zero_and_of_anything_else_positive():
    zero = torch.zeros(1, 4)
    assert losses.kl_divergence(zero, zero).item() == 0
    assert losses.kl_divergence(zero, zero - 1).item() > 0 and losses.kl_divergence(zero, zero + 1).item() > 0


def test_gaussian_is_the_normal_density_up_to_its_constant():
    x, x_tilde = torch.rand(3, 2, 4, 4, dtype=torch.float64), torch.rand(3, 2, 4, 4, dtype=torch.float64)
    constant = 0.5 * 32 * math.log(2 * math.pi)
    reference = -Normal(x_tilde, torch.ones_like(x)).log_prob(x).flatten(1).sum(1) - constant
    torch.testing.assert_close(losses.gaussian_nll(x, x_tilde), reference)


def test_bernoulli_of_a_diverged_image_is_nan_and_no_exception():
    x, logit = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    logit[1, 0, 2, 2] = math.nan
    nll = losses.bernoulli_nll(x, logit)
    assert nll[0].item() == pytest.approx(16 * math.log(2)) and nll[1].isnan()


def test_bernoulli_reads_pixels_as_probabilities():
    x, logit = (torch.rand(3, 1, 4, 4) * 2 - 1).sign(), torch.randn(3, 1, 4, 4)
    reference = -Bernoulli((1 + image_of(logit)) / 2).log_prob((1 + x) / 2).flatten(1).sum(1)
    torch.testing.assert_close(losses.bernoulli_nll(x, logit), reference)


@pytest.mark.parametrize("pre_activation", [9.0, 12.0, 40.0])
def test_bernoulli_of_a_saturated_pixel_is_exact_and_so_is_its_gradient(pre_activation):
    """White where the target is black: tanh(9) is 1 in float32, and the exact loss 18, with a gradient of 2."""
    a = torch.full((1, 1, 1, 1), pre_activation, requires_grad=True)
    nll = losses.bernoulli_nll(-torch.ones(1, 1, 1, 1), 2 * a)  # tanh(a) is the image of the logit 2 a
    (gradient,) = torch.autograd.grad(nll.sum(), a)
    assert nll.item() == pytest.approx(2 * pre_activation) and gradient.item() == pytest.approx(2)
    assert losses.bernoulli_nll(torch.ones(1, 1, 1, 1), 2 * a).item() == pytest.approx(0, abs=1e-6)


def test_optimal_variance_beats_every_other():
    x, x_tilde = torch.randn(8, 1, 4, 4, dtype=torch.float64), torch.randn(8, 1, 4, 4, dtype=torch.float64)
    fitted = losses.optimal_gaussian_nll(x, x_tilde).mean()
    for sigma in (0.3, 0.9, 1.1, 3.0):
        fixed = -Normal(x_tilde, sigma).log_prob(x).flatten(1).sum(1).mean() - 0.5 * 16 * math.log(2 * math.pi)
        assert fitted < fixed


def test_the_optimal_variance_of_a_perfect_reconstruction_has_a_floor():
    """Without one the likelihood of an image met exactly is infinite, and 0 / 0 its gradient."""
    x = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    x_tilde = x.clone().requires_grad_()
    nll = losses.optimal_gaussian_nll(x, x_tilde)
    (gradient,) = torch.autograd.grad(nll.sum(), x_tilde)
    assert nll.tolist() == pytest.approx([8 * math.log(1e-8)] * 2) and not gradient.any()


def test_optimal_variance_gradient_is_that_of_the_profile_likelihood():
    x = torch.randn(8, 1, 4, 4, dtype=torch.float64)
    x_tilde = torch.randn(8, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    (ours,) = torch.autograd.grad(losses.optimal_gaussian_nll(x, x_tilde).mean(), x_tilde)
    profile = 0.5 * 16 * (x - x_tilde).square().mean().log()
    (reference,) = torch.autograd.grad(profile, x_tilde)
    torch.testing.assert_close(ours, reference)


def test_discriminator_costs_are_cross_entropies_with_equilibrium_log_two():
    logit = torch.randn(9, dtype=torch.float64)
    torch.testing.assert_close(losses.real_cost(logit), -torch.log(logit.sigmoid()))
    torch.testing.assert_close(losses.fake_cost(logit), -torch.log(1 - logit.sigmoid()))
    assert losses.real_cost(torch.zeros(1)).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", losses.ADVERSARIAL)
def test_the_decoder_wants_what_the_discriminator_does_not(name):
    logit = torch.linspace(-5, 5, 11, requires_grad=True)
    (decoder,) = torch.autograd.grad(losses.ADVERSARIAL[name](logit).sum(), logit)
    (discriminator,) = torch.autograd.grad(losses.fake_cost(logit).sum(), logit)
    assert (decoder < 0).all() and (discriminator > 0).all()


def test_only_the_nonsaturating_loss_is_strong_while_the_discriminator_wins():
    logit = torch.tensor([-8.0], requires_grad=True)
    (minimax,) = torch.autograd.grad(losses.minimax(logit).sum(), logit)
    (nonsaturating,) = torch.autograd.grad(losses.nonsaturating(logit).sum(), logit)
    assert minimax.abs() < 1e-3 and nonsaturating.abs() > 0.99


def test_every_loss_is_per_sample_and_sums_over_dimensions():
    x, y = torch.rand(6, 3, 4, 4), torch.rand(6, 3, 4, 4)  # y also serves as logits
    for loss in (losses.gaussian_nll, losses.bernoulli_nll):
        assert loss(x, y).shape == (6,)
        torch.testing.assert_close(loss(x, y)[:2], loss(x[:2], y[:2]))
        torch.testing.assert_close(loss(x, y), sum(loss(x[..., i : i + 1], y[..., i : i + 1]) for i in range(4)))
