"""The certificate of convergence: it fails what a linear model beats, and nothing else."""

import dataclasses
from pathlib import Path

import pytest
import torch
from stand_in import dead_leaves

from baselines import ppca
from eval.evidence import bounds, certificate
from eval.sources.runs import Run
from vaegan.config import Config
from vaegan.data import ImageSet

LEAVES = dead_leaves(400, 28, seed=2)
DATA = ImageSet("leaves", "test", LEAVES, None, ())


def run_of(model, **settings):
    """A run whose networks are a linear VAE's."""
    config = Config(**{"mode": "vae", "image_size": 28, "latent_dim": 12, **settings})
    return Run("r", "A run", Path(), Configured(model, config))


class Configured:
    """A linear VAE with the config of a run."""

    def __init__(self, model, config):
        self.model, self.config = model, config

    def __getattr__(self, name):
        return getattr(self.model, name)


def row_of(run):
    few = dataclasses.replace(DATA, images=LEAVES[:8])
    return bounds.diagnose(run, DATA, few, DATA, DATA, seed=0)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(bounds, "DRAWS", (1, 8))


@pytest.mark.parametrize("settings", [{}, {"beta": 4.0}, {"mode": "vae-sigma"}])
def test_the_linear_vae_itself_is_at_its_own_likelihood(settings):
    """Constants, beta and fitted variance: the opponent's own bound differs from its likelihood by nothing."""
    linear = certificate.opponent(run_of(None, **settings), LEAVES)
    found = row_of(run_of(linear, **settings))["certificate"]
    assert found["difference"]["value"] == pytest.approx(0, abs=2.0)  # vae-sigma's variance is estimated from draws
    assert abs(found["linear"]["value"]) > 100


def test_one_that_lags_is_not_converged_and_says_by_how_much():
    blurred = ppca.of_variance(ppca.fit(LEAVES, 12), 8.0)  # too much noise for unit variance
    row = row_of(run_of(blurred))
    found = row["certificate"]
    assert not found["converged"] and found["difference"]["high"] < 0
    assert found["text"].startswith("not converged: the bound is") and "importance-weighted" in found["text"]
    assert certificate.withheld([row]) == {"r": f"A run is {found['text']}"}


def test_a_bound_above_is_converged():
    exact = torch.linspace(-5, 5, 100).double()
    found = certificate.certify(exact + 2, exact, gain=1.0)
    assert found.converged and found.weighted == pytest.approx(3) and "2.0 nats higher" in found.text
    assert certificate.withheld([{"run": "r", "title": "A", "certificate": certificate.entry(found)}]) == {}
    assert not certificate.certify(exact - 0.5, exact).converged


@pytest.mark.parametrize(
    "settings",
    [
        {"likelihood": "bernoulli"},
        {"mode": "vaegan"},
        {"mode": "vaegan-pixel"},
        {"mode": "ae"},
        {"mode": "gan"},
        {"mode": "vae-sigma", "beta": 2.0},
        {"latent_dim": 500},
    ],
)
def test_where_no_closed_form_is_known_there_is_no_certificate(settings):
    assert certificate.opponent(run_of(None, **settings), LEAVES) is None
