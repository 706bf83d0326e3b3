"""A schedule decides when networks step, never what a step is."""

import copy
import dataclasses
import math

import pytest
import torch

from baselines.objectives import OBJECTIVES
from vaegan import model
from vaegan.config import Config
from vaegan.presets import PRESETS
from vaegan.schedules import LEARNING_RATES, SCHEDULES, Phase, inside
from vaegan.training.trainer import Trainer, beta, learning_rate

CONFIG = Config(
    mode="vaegan-pixel", architecture="cppn", schedule="otoro", image_size=26, width=0.0625, latent_dim=3,
    batch_size=4, fakes="reconstruction", gate_margin=math.inf, likelihood="bernoulli",
)  # fmt: skip
X = torch.rand(4, 1, 26, 26, generator=torch.Generator().manual_seed(0)) * 2 - 1


def trainer(config=CONFIG) -> Trainer:
    objective = OBJECTIVES[config.mode]
    return Trainer(config, objective, model.networks_of(config, objective.needs, 1), torch.device("cpu"))


def scheduled(monkeypatch, *phases: Phase) -> Trainer:
    monkeypatch.setitem(SCHEDULES, "otoro", (*phases, Phase("idle", when={"decoder": (1, 0)})))
    return trainer()


def moved(t: Trainer) -> set[str]:
    before = copy.deepcopy({name: network.state_dict() for name, network in t.networks.items()})
    t.update(0, X)
    return {
        name
        for name, network in t.networks.items()
        if any(not torch.equal(v, before[name][k]) for k, v in network.named_parameters())
    }


def test_a_phase_moves_its_networks_alone(monkeypatch):
    vae, generator, _ = SCHEDULES["otoro"]
    assert moved(scheduled(monkeypatch, vae)) == {"encoder", "decoder"}
    assert moved(scheduled(monkeypatch, generator)) == {"encoder", "decoder"}
    assert moved(scheduled(monkeypatch, Phase("d", moves=("discriminator",)))) == {"discriminator"}


def test_phases_repeat_until_a_cost_is_where_it_should_be_and_start_only_where_it_may(monkeypatch):
    always, never = {"decoder": (-math.inf, math.inf)}, {"decoder": (1, 0)}
    counts = scheduled(
        monkeypatch,
        Phase("four", times=4),
        Phase("once", times=4, until=always),
        Phase("all", times=3, until=never),
        Phase("none", times=4, when=never),
    ).update(0, X)
    assert {k: v for k, v in counts.items() if k.startswith("passes/")} == {
        "passes/four": 4, "passes/once": 1, "passes/all": 3, "passes/none": 0, "passes/idle": 0,
    }  # fmt: skip


def test_the_original_trains_four_times_as_a_vae_then_against_the_adversary():
    scalars = trainer().update(0, X)
    assert scalars["passes/vae"] == 4 and 1 <= scalars["passes/generator"] <= 4
    assert scalars["passes/discriminator"] in (0, 1)


@pytest.mark.parametrize("costs,holds", [((0.7, 0.7), True), ((0.5, 0.7), False), ((0.7, 0.8), False)])
def test_the_originals_discriminator_steps_when_it_loses_and_the_generator_does_not(costs, holds):
    assert inside(SCHEDULES["otoro"][-1].when, dict(zip(("discriminator", "decoder"), costs, strict=True))) == holds


def test_one_phase_of_everything_is_the_simultaneous_update(monkeypatch):
    together = trainer(dataclasses.replace(CONFIG, schedule="together"))
    one = scheduled(monkeypatch, Phase("all"))
    together.update(3, X), one.update(3, X)
    for name, network in together.networks.items():  # parameters: the idle pass moves batch norm's statistics
        for value, other in zip(network.parameters(), one.networks[name].parameters(), strict=True):
            assert torch.equal(value, other), name


def test_a_resumed_schedule_is_the_one_that_was_not_interrupted():
    whole, first, second = trainer(), trainer(), trainer()
    for step in range(2):
        whole.update(step, X)
    first.update(0, X)
    second.load_state(copy.deepcopy(first.state()))
    second.update(1, X)
    for name, network in whole.networks.items():
        for key, value in network.state_dict().items():
            assert torch.equal(value, second.networks[name].state_dict()[key]), (name, key)


def test_the_released_rate_falls_arithmetically():
    """deeppy's annealer, `start - (t / T)^0.75 (start - stop)`: at half-time 40 % of the first rate is left."""
    config = dataclasses.replace(Config(), **PRESETS["larsen-code"])
    half = learning_rate(config, "decoder", config.steps // 2)
    assert half == pytest.approx(3.9e-4 - 0.5**0.75 * (3.9e-4 - 1.6e-7), rel=1e-9) and half > 1.5e-4
    assert learning_rate(config, "discriminator", config.steps) == pytest.approx(1.6e-7)


@pytest.mark.parametrize("name", LEARNING_RATES)
def test_a_rate_falls_from_the_first_to_the_last_and_never_rises(name):
    config = Config(learning_rate=2.0, learning_rate_decay=0.01, learning_rate_schedule=name, steps=50)
    rates = [learning_rate(config, "encoder", step) for step in range(51)]
    assert rates[0] == 2.0 and rates[-1] == pytest.approx(0.02)
    assert all(a > b for a, b in zip(rates, rates[1:], strict=False))
    kept = dataclasses.replace(config, learning_rate_decay=1.0)
    assert {learning_rate(kept, "encoder", step) for step in range(51)} == {2.0}


def test_a_cosine_is_slow_at_both_ends():
    rates = [LEARNING_RATES["cosine"](t / 4) for t in range(5)]
    assert rates == pytest.approx([0, 0.146447, 0.5, 0.853553, 1], abs=1e-6)


def test_beta_rises_along_a_line_and_stays():
    config = Config(steps=100, beta=2.0, beta_warmup=0.4)
    assert [beta(config, step) for step in (0, 10, 20, 40, 100)] == [0.0, 0.5, 1.0, 2.0, 2.0]
    assert beta(Config(beta=3.0), 0) == 3.0


def test_an_update_on_the_way_up_is_one_of_that_beta():
    warm = dataclasses.replace(CONFIG, schedule="together", steps=100, beta_warmup=1.0)
    fixed = dataclasses.replace(warm, beta=0.25 * warm.beta, beta_warmup=0.0)
    states = []
    for config in (warm, fixed, dataclasses.replace(fixed, beta=warm.beta)):
        t = trainer(config)
        t.update(25, X)
        states.append(t.networks["encoder"].state_dict())
    assert all(torch.equal(v, states[1][name]) for name, v in states[0].items())
    assert any(not torch.equal(v, states[2][name]) for name, v in states[0].items())
