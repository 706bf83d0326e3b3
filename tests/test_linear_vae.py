"""The linear VAE in closed form: against scipy, against sampling, against one that was trained."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from stand_in import dead_leaves, save_npz
from torch import nn

from baselines import linear_vae as door
from baselines import ppca
from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY
from eval.sources import runs as sources
from vaegan import losses
from vaegan.errors import UsageError, UserError
from vaegan.model import prior_codes
from vaegan.pixels import to_float, to_uint8


def images(count=400, side=6, channels=1, seed=0):
    """A few strong directions on faint noise, as uint8."""
    generator = torch.Generator().manual_seed(seed)
    pixels = channels * side * side
    mixing = torch.randn(8, pixels, generator=torch.Generator().manual_seed(7)) * torch.logspace(0, -1, 8)[:, None]
    x = (
        128
        + 25 * torch.randn(count, 8, generator=generator) @ mixing
        + 3 * torch.randn(count, pixels, generator=generator)
    )
    return x.clamp(0, 255).round().byte().unflatten(1, (channels, side, side))


IMAGES = images()
COMPONENTS = ppca.fit(IMAGES, 5)


def models():
    unit = ppca.of_variance(COMPONENTS, 0.1)
    return {
        "given": unit,
        "ml": ppca.of_maximum_likelihood(COMPONENTS),
        "rate": ppca.of_rate(COMPONENTS, 4),
    }


@pytest.mark.parametrize("name", ["given", "ml", "rate"])
def test_log_likelihood_is_scipys_multivariate_normal(name):
    model, others = models()[name], images(50, seed=3)
    x = to_float(others).flatten(1).double().numpy()
    want = multivariate_normal(model.mean.numpy(), model.covariance().numpy()).logpdf(x)
    np.testing.assert_allclose(model.log_likelihood(others).numpy(), want, rtol=1e-9)


def test_every_posterior_draw_gives_the_exact_log_likelihood():
    """log p(x|z) p(z) / q(z|x) is constant where q is the posterior: encoder, decoder, noise and likelihood agree."""
    model, x = models()["ml"], to_float(IMAGES[:20])
    mu, logvar = model.encode(IMAGES[:20])
    for seed in range(3):
        eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
        z = mu + (0.5 * logvar).exp() * eps
        nll = losses.gaussian_nll(x, model.decode_mean(z), 1 / model.variance)
        log_px = -nll - 0.5 * x[0].numel() * math.log(2 * math.pi * model.variance)
        weight = log_px + 0.5 * (eps.square() + logvar - z.square()).sum(1)
        torch.testing.assert_close(weight.double(), model.log_likelihood(IMAGES[:20]), atol=0.01, rtol=0)


def test_the_rate_is_the_mean_kl_and_water_filling_meets_any_rate():
    for nats in (0.05, 1.0, 4.0, 20.0):
        model = ppca.of_rate(COMPONENTS, nats)
        assert model.rate == pytest.approx(nats, rel=1e-9)
        kl = losses.kl_divergence(*(t.double() for t in model.encode(IMAGES))).mean()
        assert float(kl) == pytest.approx(nats, rel=0.01, abs=0.01)
    assert ppca.of_rate(COMPONENTS, 0.05).latent_dim < ppca.of_rate(COMPONENTS, 20.0).latent_dim == 5


def test_directions_below_the_noise_are_left_out_and_the_others_shrink():
    eigenvalues = COMPONENTS.spreads.double().square()
    model = ppca.of_variance(COMPONENTS, float(eigenvalues[2] + eigenvalues[3]) / 2)
    assert model.latent_dim == 3
    x = to_float(IMAGES).flatten(1).double() - model.mean
    along = x @ model.directions.T
    shrunk = (model.decode_mean(model.encode(IMAGES)[0]).flatten(1).double() - model.mean) @ model.directions.T
    want = along * (1 - model.variance / model.eigenvalues)
    torch.testing.assert_close(shrunk, want, atol=1e-5, rtol=1e-5)


def test_no_noise_scale_is_likelier_than_the_fitted_one():
    best = ppca.of_maximum_likelihood(COMPONENTS)
    for factor in (0.9, 1.1):
        other = ppca.of_variance(COMPONENTS, best.variance * factor)
        assert best.log_likelihood(IMAGES).mean() > other.log_likelihood(IMAGES).mean()


def test_samples_have_the_covariance_of_the_model():
    model, count = ppca.of_variance(COMPONENTS, 0.02), 40_000
    means = model.decode_mean(prior_codes(count, model.latent_dim, seed=1)).flatten(1).double()
    noise = torch.randn(means.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x, want = means + math.sqrt(model.variance) * noise, model.covariance()
    spread = want.diagonal().sqrt()
    error = (torch.cov(x.T) - want) / torch.outer(spread, spread)
    assert error.abs().max() < 5 * math.sqrt(2 / count)
    assert ((x.mean(0) - model.mean) / spread).abs().max() < 5 / math.sqrt(count)


def test_samples_are_the_quantised_means_of_prior_codes():
    model = ppca.of_variance(COMPONENTS, 0.1)
    assert torch.equal(model.sample(8, seed=4), to_uint8(model.decode_mean(prior_codes(8, model.latent_dim, 4))))
    assert torch.equal(model.sample(8)[:3], model.sample(3))


def test_noise_above_every_eigenvalue_leaves_the_mean():
    model = ppca.of_variance(COMPONENTS, 1e3)
    assert model.latent_dim == 0 and model.rate == 0 and len(model.sample(3)) == 3
    assert (
        model.reconstruct(IMAGES[:2]).float() - COMPONENTS.mean.add(1).mul(127.5).unflatten(0, (1, 6, 6))
    ).abs().max() <= 0.51


def test_flat_images_get_the_noise_of_rounding():
    flat = ppca.fit(torch.full((20, 1, 4, 4), 90, dtype=torch.uint8), 3)
    model = ppca.of_maximum_likelihood(flat)
    assert (
        model.variance == ppca.ROUNDING and model.log_likelihood(torch.full((2, 1, 4, 4), 90).byte()).isfinite().all()
    )


def test_it_is_a_source_that_reports_measure():
    model = ppca.of_variance(COMPONENTS, 0.1)
    run = sources.Run("linear", "linear VAE", Path(), model)
    reconstructed, sampled = sources.reconstructions(run, IMAGES), sources.prior_samples(run, 7, seed=0)
    assert torch.equal(torch.cat(list(reconstructed.batches())), model.reconstruct(IMAGES))
    assert torch.equal(torch.cat(list(sampled.batches())), model.sample(7))


def test_what_does_not_fit_is_one_line():
    model = ppca.of_variance(COMPONENTS, 0.1)
    with pytest.raises(UserError, match="this model takes"):
        model.decode(torch.zeros(2, 9))
    with pytest.raises(UserError, match="need uint8"):
        model.encode(IMAGES.float())
    for nonsense in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(UsageError, match="not possible"):
            ppca.of_variance(COMPONENTS, nonsense)
        with pytest.raises(UsageError, match="not possible"):
            ppca.of_rate(COMPONENTS, nonsense)


class Trained(nn.Module):
    """A VAE with one linear encoder, its variances free of the image, and one linear decoder."""

    def __init__(self, pixels, latent_dim):
        super().__init__()
        self.mu, self.decoder = nn.Linear(pixels, latent_dim), nn.Linear(latent_dim, pixels)
        self.logvar = nn.Parameter(torch.zeros(latent_dim))
        nn.init.normal_(self.mu.weight, std=0.01)
        nn.init.normal_(self.decoder.weight, std=0.02)

    def loss(self, x, variance):
        """The negative ELBO, its mean over posterior draws taken exactly: a linear decoder lets it."""
        mu, logvar = self.mu(x), self.logvar.expand(len(x), -1)
        nll = losses.gaussian_nll(x, self.decoder(mu), 1 / variance)
        noise = 0.5 / variance * logvar.exp() @ self.decoder.weight.square().sum(0)
        return (nll + noise + losses.kl_divergence(mu, logvar)).mean()


def trained(x, latent_dim, variance, evaluations=700):
    """Descend the negative ELBO of x (N, P) from small random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Trained(x.shape[1], latent_dim)
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=evaluations, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = model.loss(x, variance)
        loss.backward()
        return loss

    optimizer.step(closure)
    return model.requires_grad_(False)


@pytest.mark.slow
def test_a_linear_vae_that_was_trained_is_as_sharp_and_never_likelier():
    leaves, variance = dead_leaves(300, 28, seed=1), 0.7
    x = to_float(leaves).flatten(1)
    model, network = ppca.of_variance(ppca.fit(leaves, 48), variance), trained(x, 48, variance)
    constant = 0.5 * x.shape[1] * math.log(2 * math.pi * variance)
    elbo, exact = -float(network.loss(x, variance)) - constant, float(model.log_likelihood(leaves).mean())
    assert exact - 0.5 < elbo <= exact + 1e-3

    calibration = calibrate(MEASURES[PRIMARY], leaves)
    originals = calibration.measure.function(leaves)
    x_tilde = network.decoder(network.mu(x)).unflatten(1, (1, 28, 28))
    closed, learnt = (
        calibration.sigma_eq(calibration.measure.function(images), originals)
        for images in (model.reconstruct(leaves), to_uint8(x_tilde))
    )
    assert learnt == pytest.approx(closed, abs=0.03) and closed > 0.5


def test_the_command_prints_a_row_a_noise_scale(tmp_path, capsys):
    dataset = save_npz(tmp_path / "leaves.npz", dead_leaves(400))
    door.main(["--dataset", dataset, "--latent-dim", "6", "--rates", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[3:]] == ["unit variance", "maximum likelihood", "3 nats"]
    assert lines[5].split("|")[4].strip() == "3.0"
    with pytest.raises(SystemExit) as stop:
        door.main(["--dataset", dataset, "--rates", "0"])
    assert stop.value.code == 2 and "--rates 0 is not possible" in capsys.readouterr().err
