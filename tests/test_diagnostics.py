"""Bounds against a model whose log-likelihood is known, codes against closed forms, and the command on real runs."""

import itertools
import json
import math

import pytest
import torch
from tiny_faces import call, save_faces, train_tiny
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

from eval import diagnostics as door
from eval.evidence import bounds
from eval.evidence.bounds import importance_weighted_bound, log_weights
from eval.sources import runs as sources
from vaegan import losses, posterior
from vaegan.training import collapse

GENERATOR = torch.Generator().manual_seed(0)


class LinearGaussian:
    """x = W z + b + noise of variance 1, W with orthogonal columns: log p(x) and the posterior are known."""

    w = torch.linalg.qr(torch.randn(6, 2, generator=GENERATOR).double())[0] * torch.tensor([2.0, 0.7])
    b = torch.linspace(-1, 1, 6).double()
    x = torch.randn(40, 6, generator=GENERATOR).double()

    def log_likelihood(self):
        return MultivariateNormal(self.b, self.w @ self.w.T + torch.eye(6).double()).log_prob(self.x)

    def posterior(self):
        precision = 1 + self.w.square().sum(0)
        return (self.x - self.b) @ self.w / precision, -precision.log().expand(len(self.x), 2)

    def weights(self, mu, logvar, draws):
        eps = torch.randn(len(self.x), draws, 2, generator=torch.Generator().manual_seed(1)).double()
        z = mu[:, None] + (0.5 * logvar[:, None]).exp() * eps
        x_tilde = z @ self.w.T + self.b
        x = self.x[:, None].expand_as(x_tilde)
        log_px = bounds.gaussian_log_likelihood(x.flatten(0, 1), x_tilde.flatten(0, 1)).view(len(x), draws)
        return log_weights(log_px, mu[:, None], logvar[:, None], eps)


def test_with_the_true_posterior_every_draw_gives_the_log_likelihood():
    model = LinearGaussian()
    weights = model.weights(*model.posterior(), draws=8)
    torch.testing.assert_close(weights, model.log_likelihood()[:, None].expand(-1, 8))


def test_a_wrong_posterior_costs_its_divergence_and_more_draws_win_it_back():
    model = LinearGaussian()
    mu, logvar = model.posterior()
    weights = model.weights(mu + 0.3, logvar + 0.5, draws=4096)
    bounds = {k: importance_weighted_bound(weights, k).mean() for k in (1, 8, 64, 512)}
    bounds = {k: bound.item() for k, bound in bounds.items()}
    gap = (
        kl_divergence(Normal(mu + 0.3, (0.5 * logvar + 0.25).exp()), Normal(mu, (0.5 * logvar).exp()))
        .sum(1)
        .mean()
        .item()
    )
    truth = model.log_likelihood().mean().item()
    assert bounds[1] == pytest.approx(truth - gap, abs=0.02) and gap > 0.1
    assert bounds[1] < bounds[8] < bounds[64] < bounds[512] < truth + 0.005
    assert bounds[512] == pytest.approx(truth, abs=0.005)


def test_gaussian_constants_are_those_of_the_density():
    x, x_tilde = torch.rand(2, 5, 3, 4, 4, generator=GENERATOR) * 2 - 1
    want = Normal(x_tilde, 0.3**0.5).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(bounds.gaussian_log_likelihood(x, x_tilde, 0.3), want)


def test_bernoulli_bounds_the_likelihood_of_binarised_images():
    """Over all binary images of three pixels: the bound with grey targets is below the mean of theirs."""
    grey, means = torch.tensor([[0.2, 0.7, 0.9]]), torch.rand(64, 3, generator=GENERATOR) * 0.8 + 0.1
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)))
    chance = Bernoulli(grey).log_prob(every).sum(1).exp()  # of each binary image
    log_p = Bernoulli(means).log_prob(every[:, None]).sum(2)  # (8, 64)
    soft = bounds.bernoulli_log_likelihood(2 * grey.expand(64, 3) - 1, 2 * means - 1)
    torch.testing.assert_close(soft, chance @ log_p)
    for k in (1, 8, 64):
        bound = importance_weighted_bound(soft[None], k)
        assert bound <= chance @ importance_weighted_bound(log_p, k) + 1e-6
        assert bound <= chance @ (log_p.logsumexp(1) - math.log(64)) + 1e-6


def test_kl_by_dimension_sums_to_the_prior_term_and_idle_dimensions_are_not_active():
    mu, logvar = torch.randn(500, 3, generator=GENERATOR), torch.randn(500, 3, generator=GENERATOR)
    assert posterior.kl_by_dimension(mu, logvar).sum() == pytest.approx(losses.kl_divergence(mu, logvar).mean().item())
    mu = mu * torch.tensor([1.0, 0.2, 0.02]) + torch.tensor([0.0, 0.0, 5.0])
    assert posterior.active_units(mu) == 2
    assert posterior.scalars(mu, logvar)["posterior/active_units"] == 2
    empty = torch.tensor([[0.4, 0.5, 0.0]]) * torch.tensor([[1.0], [-1.0]])  # 0.08, 0.125 and 0 nats
    assert posterior.informative_units(empty, torch.zeros(2, 3)) == 1


@pytest.mark.parametrize("active,warns", [(0, True), (3, True), (4, False), (64, False)])
def test_a_collapsed_posterior_is_one_line_with_a_remedy(active, warns):
    message = collapse.posterior_collapsed(active, 64)
    assert bool(message) == warns and (not warns or f"{active} of 64" in message and "--beta" in message)


def test_the_aggregated_posterior_has_the_moments_of_its_draws():
    mu = torch.randn(400, 2, generator=GENERATOR) @ torch.tensor([[1.0, 0.5], [0.0, 0.3]]) + 0.7
    logvar = torch.full_like(mu, -1.0) + 0.1 * mu
    z = mu[:, None] + (0.5 * logvar[:, None]).exp() * torch.randn(400, 500, 2, generator=GENERATOR)
    mean, covariance = bounds.moments(mu, logvar)
    torch.testing.assert_close(mean, z.flatten(0, 1).mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(covariance, torch.cov(z.flatten(0, 1).T), atol=0.02, rtol=0)


def test_distance_to_the_prior_is_the_closed_form_and_bounds_that_of_a_mixture_from_below():
    mean, covariance = torch.tensor([0.5, -1.0]).double(), torch.tensor([[0.8, 0.2], [0.2, 1.7]]).double()
    want = kl_divergence(MultivariateNormal(mean, covariance), MultivariateNormal(0 * mean, torch.eye(2).double()))
    assert bounds.gaussian_kl_to_prior(mean, covariance) == pytest.approx(want.item())
    assert bounds.gaussian_kl_to_prior(torch.zeros(3), torch.eye(3)) == pytest.approx(0)

    mu, logvar = torch.tensor([[-1.2], [1.2]]).double(), torch.full((2, 1), -2.0).double()
    z = torch.linspace(-8, 8, 20_001).double()
    log_q = Normal(mu, (0.5 * logvar).exp()).log_prob(z).logsumexp(0) - math.log(2)
    true = torch.trapezoid(log_q.exp() * (log_q - Normal(0, 1).log_prob(z)), z).item()
    assert 0 < bounds.gaussian_kl_to_prior(*bounds.moments(mu, logvar)) < true


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Tiny runs: a VAE and a sigma-VAE told attributes, a Bernoulli VAE, and modes without a bound."""
    folder = tmp_path_factory.mktemp("runs")
    save_faces(folder)
    told = ("--condition", "attributes", "--steps", 2)
    assert train_tiny(folder, "vae", "--mode", "vae", *told) == 0
    assert train_tiny(folder, "sigma", "--mode", "vae-sigma", *told) == 0
    assert train_tiny(folder, "bernoulli", "--mode", "vae", "--likelihood", "bernoulli", "--steps", 2) == 0
    for mode in ("gan", "vaegan", "ae"):
        assert train_tiny(folder, mode, "--mode", mode, "--steps", 1) == 0
    return folder


def test_the_command_prints_bounds_or_why_there_are_none(trained, capsys, monkeypatch):
    monkeypatch.setattr(bounds, "DRAWS", (1, 4, 16))
    runs = [trained / name for name in ("vae", "sigma", "bernoulli", "gan", "vaegan", "ae")]
    capsys.readouterr()
    assert call(door.main, *runs, "--json", trained / "found.json") == 0
    printed = capsys.readouterr().out
    value = json.loads((trained / "found.json").read_text())
    rows = dict(zip([run.name for run in runs], value["rows"], strict=True))
    assert rows["gan"]["why"] == "no encoder" and "Dis_l" in rows["vaegan"]["why"] and "mean" in rows["ae"]["why"]
    for name in ("vae", "sigma", "bernoulli"):
        found, code = rows[name]["bounds"], rows[name]["code"]
        assert found["1"]["value"] < found["4"]["value"] < found["16"]["value"]
        assert sum(code["kl_by_dimension"]) == pytest.approx(code["kl"]["value"], abs=1e-3)
    assert rows["gan"]["code"] is None and rows["ae"]["code"] is None and rows["vaegan"]["bounds"] is None
    assert all(line in printed for line in ("held-out images (seed 0)", "- (no encoder)", "Gaussian, variance 1"))


def test_the_elbo_is_what_the_networks_say(trained, monkeypatch):
    """Against the losses of training: their constants and the KL put together by hand, for the mean over many draws."""
    (run,) = sources.open_runs([trained / "vae"])
    images = sources.load_split(run, "test")
    mu, logvar = run.model.encode(images.images, images.labels)
    got = bounds.weights(run, bounds.gaussian_log_likelihood, images, mu, logvar, 100, seed=0).mean()
    x = bounds.to_float(images.images)
    draws = torch.Generator().manual_seed(5)
    nll = [
        losses.gaussian_nll(x, run.model.decode_mean(mu + (0.5 * logvar).exp() * eps, images.labels)).mean()
        for eps in torch.randn(100, *mu.shape, generator=draws)
    ]
    constant = 0.5 * x[0].numel() * math.log(2 * math.pi)
    want = -torch.stack(nll).mean() - constant - losses.kl_divergence(mu, logvar).mean()
    assert got.item() == pytest.approx(want.item(), abs=3.0) and abs(want) > 900


def test_a_fitted_variance_comes_from_training_images(trained):
    (run,) = sources.open_runs([trained / "sigma"])
    training = sources.load_split(run, "train")
    log_likelihood, words, _ = bounds.likelihood_of(run, training, seed=0)
    x = bounds.to_float(training.images)
    perfect = log_likelihood(x, x)[0].item()  # -n/2 log(2 pi s^2)
    variance = math.exp(-2 * perfect / x[0].numel()) / (2 * math.pi)
    error = (x - run.model.decode_mean(run.model.encode(training.images, training.labels)[0], training.labels)).square()
    assert variance == pytest.approx(error.mean().item(), rel=0.2) and "fitted" in words


def test_bad_input_is_one_line(trained, capsys):
    for words, message, code in (
        ([], "no run given", 2),
        ([trained / "vae", "--images", 1], "--images 1 is not possible", 2),
        ([trained / "nothing"], "no such run", 1),
    ):
        capsys.readouterr()
        assert call(door.main, *words) == code
        printed = capsys.readouterr().err
        assert message in printed and len(printed.strip().splitlines()) == 1
