"""The benchmark runs every mode at toy size and writes what it printed."""

import dataclasses
import json
import math

import pytest
import torch

from baselines import updates
from vaegan import bench, model
from vaegan.config import Config
from vaegan.machine import devices
from vaegan.objective import OBJECTIVES
from vaegan.training import timing
from vaegan.training.trainer import Trainer


def test_figures_cover_every_mode_and_are_ratios_within_one_run(tmp_path, monkeypatch, capsys):
    path = tmp_path / "bench.json"
    flags = ["--width", "0.0625", "--batch-size", "4", "--rounds", "1", "--device", "cpu", "--json", str(path)]
    flags += ["--widths", "0.0625", "--threads", "1"]
    monkeypatch.setattr(timing, "FACES", 4)
    bench.main(flags)
    figures = json.loads(path.read_text())["figures"]
    assert {f["name"] for f in figures if f["group"] == "update"} == set(bench.MODES)
    assert all(f["milliseconds"] > 0 for f in figures) and figures[0]["ratio"] == 1
    assert len(capsys.readouterr().out.splitlines()) == len(figures)
    ways = {f["name"]: f for f in figures if f["group"] == "width 0.0625, threads 1"}
    assert {"this project", "a backward pass a network", "textbook"} <= set(ways)
    x_tilde_and_x_p = 2 * 4 * 3 * 32 * 32 * 4 / 1e6
    assert all(f["peak_mb"] > x_tilde_and_x_p for f in ways.values())


@pytest.mark.parametrize(("units", "precision"), [("AMX", "bf16"), (None, "fp32")])
def test_updates_are_timed_in_the_precision_that_a_run_would_take(monkeypatch, units, precision):
    asked = []
    monkeypatch.setattr(devices, "matrix_units", lambda device: units)
    monkeypatch.setattr(timing, "figures", lambda config, *_: asked.append(config.precision) or [])
    bench.main(["--device", "cpu"])
    assert asked == [precision]


@pytest.mark.parametrize("way", [updates.apart, updates.textbook])
def test_other_ways_to_update_are_the_same_update(way):
    """What is timed beside the project's update leaves the same weights: only the work differs."""
    config = Config(width=0.0625, latent_dim=4, batch_size=4, norm="group", gate_margin=math.inf)
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ours, theirs = (
        Trainer(
            config, OBJECTIVES["vaegan"], model.networks_of(config, OBJECTIVES["vaegan"].needs, 3), torch.device("cpu")
        )
        for _ in range(2)
    )
    ours.update(0, x)
    way(updates.with_plain_norm(theirs), x)
    for name, network in ours.networks.items():
        for a, b in zip(network.parameters(), theirs.networks[name].parameters(), strict=True):
            # Adam's first step has the sign of the gradient: where that is rounding, so is the step.
            assert ((a - b).abs() > 1e-6).float().mean() < 0.02, name


@pytest.mark.parametrize("flags", [["--rounds", "0"], ["--threads", "0"], ["--widths", "0"]])
def test_bad_numbers(flags):
    with pytest.raises(SystemExit) as stop:
        bench.main(flags)
    assert stop.value.code == 2


def test_pythaes_update_moves_every_network_where_pythae_is_installed():
    pytest.importorskip("pythae")
    config = Config(width=0.0625, latent_dim=4, batch_size=4, norm="group")
    networks = model.networks_of(config, OBJECTIVES["vaegan"].needs, 3)
    trainer = Trainer(config, OBJECTIVES["vaegan"], networks, torch.device("cpu"))
    before = [p.clone() for network in networks.values() for p in network.parameters()]
    updates.pythae_update(trainer, torch.rand(4, 3, 32, 32) * 2 - 1)()
    after = [p for network in networks.values() for p in network.parameters()]
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.slow
def test_a_compiled_update_is_the_same_update():
    """Compiling takes a minute: torch.compile writes C++ for every network."""
    config = Config(width=0.0625, latent_dim=4, batch_size=4, norm="group", precision="fp32", gate_margin=math.inf)
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    plain, compiled = (
        Trainer(own, OBJECTIVES["vaegan"], model.networks_of(own, OBJECTIVES["vaegan"].needs, 3), torch.device("cpu"))
        for own in (config, dataclasses.replace(config, compile=True))
    )
    found = [trainer.update(0, x) for trainer in (plain, compiled)]
    assert found[0].keys() == found[1].keys()
    assert all(
        float(found[1][name]) == pytest.approx(float(value), rel=1e-3, abs=1e-5) for name, value in found[0].items()
    )
    assert plain.state()["networks"]["encoder"].keys() == compiled.state()["networks"]["encoder"].keys()
