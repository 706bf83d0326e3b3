"""What a part of a study has of its own: a plan's tables [[override]], by mode and by data set."""

from dataclasses import replace
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz
from test_grid import ask

import eval.study
from eval.studies import asked, grid, plans
from vaegan.presets import MODES

PLAN = """
dataset = ["mnist", "fashion-mnist"]
modes = ["vae", "vaegan"]
seeds = [0, 1, 2]
steps = 30

[[override]]
modes = "vae"
norm = "batch"
width = 0.5

[[override]]
dataset = "fashion-mnist"
modes = "vae"
seeds = [0, 4]
steps = 60
"""


def saved(folder: Path, text: str = PLAN) -> Path:
    (folder / "plan.toml").write_text(text)
    return folder / "plan.toml"


def test_an_override_is_of_its_data_sets_and_modes_alone(tmp_path):
    study = ask("--plan", saved(tmp_path), "--out", tmp_path)
    assert study.own("mnist", "vae") == {"norm": "batch", "width": 0.5}
    assert study.own("fashion-mnist", "vae") == {"norm": "batch", "width": 0.5, "steps": 60}
    assert study.own("mnist", "vaegan") == {} and study.seeds_of("mnist", "vae") == (0, 1, 2)
    assert study.seeds_of("fashion-mnist", "vae") == (0, 4) and grid.size(study) == 3 * 3 + 2
    clothes = plans.plan_run(study, "fashion-mnist", "vae", 4)
    assert (clothes.config.norm, clothes.config.width, clothes.config.steps) == ("batch", 0.5, 60)
    plain = plans.plan_run(study, "mnist", "vaegan", 0)
    assert (plain.config.norm, plain.config.width, plain.config.steps) == ("group", 0.25, 30)
    # Between modes they differ on purpose; two modes that differ in anything else are still refused.
    plans.check_alike(study, "fashion-mnist", [clothes, plans.plan_run(study, "fashion-mnist", "vaegan", 0)])
    odd = replace(plain, config=replace(plain.config, latent_dim=3))
    with pytest.raises(plans.UsageError, match="--latent-dim"):
        plans.check_alike(study, "mnist", [plans.plan_run(study, "mnist", "vae", 0), odd])


def test_a_later_override_wins_and_a_flag_beside_the_plan_wins_over_all(tmp_path):
    twice = saved(tmp_path, PLAN + "\n[[override]]\nmodes = 'vae'\nwidth = 1.0\n")
    assert ask("--plan", twice).own("mnist", "vae")["width"] == 1.0
    beside = ask("--plan", twice, "--width", 0.125, "--seeds", 7, "--steps=5")
    assert beside.own("fashion-mnist", "vae") == {"norm": "batch"}
    assert beside.seeds_of("fashion-mnist", "vae") == (7,) and beside.fixed == {"width": 0.125, "steps": 5}


def test_a_plan_with_overrides_is_saved_and_read_again(tmp_path):
    said = ask("--plan", saved(tmp_path), "--beta", 2)
    (tmp_path / "study.toml").write_text(asked.toml(said))
    again = ask("--plan", tmp_path / "study.toml")
    assert replace(again, plan=None) == replace(said, plan=None) and len(again.overrides) == 2


def test_what_a_mode_needs_can_be_denied(tmp_path):
    text = "modes = ['gan', 'vaegan']\n[[override]]\nmodes = 'gan'\nminibatch-std = 'no'\n"
    denied = ask("--plan", saved(tmp_path, text), "--out", tmp_path)
    flags = ask("--modes", "gan", "--minibatch-std", "no", "--out", tmp_path)
    for study, has in ((denied, "no"), (flags, "no"), (ask("--modes", "gan", "--out", tmp_path), "yes")):
        assert plans.plan_run(study, "synthfaces", "gan", 0).config.minibatch_std == has
    (tmp_path / "study.toml").write_text(asked.toml(denied))
    assert ask("--plan", tmp_path / "study.toml").overrides == denied.overrides
    assert ask("--plan", tmp_path / "study.toml", "--minibatch-std", "yes").own("synthfaces", "gan") == {}


def test_a_mode_may_have_no_runs_of_a_data_set(tmp_path):
    text = "dataset = ['mnist', 'synthfaces']\nmodes = ['vae', 'vaegan']\nsteps = 3\n"
    text += "[[override]]\ndataset = 'mnist'\nmodes = 'vae'\nseeds = []\n"
    study = ask("--plan", saved(tmp_path, text), "--out", tmp_path)
    assert study.seeds_of("mnist", "vae") == () and study.seeds_of("mnist", "vaegan") == (0,) and grid.size(study) == 3
    (tmp_path / "study.toml").write_text(asked.toml(study))
    assert ask("--plan", tmp_path / "study.toml").overrides == study.overrides


def test_a_mode_by_need_gives_way_to_an_override(tmp_path):
    text = "modes = ['vae', 'vae-sigma']\n[[override]]\nmodes = 'vae-sigma'\nwidth = 0.125\n"
    study = ask("--plan", saved(tmp_path, text), "--out", tmp_path)
    assert MODES["vae-sigma"]["width"] != 0.125
    assert plans.plan_run(study, "synthfaces", "vae-sigma", 0).config.width == 0.125


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("override = 3", "has an override that is no table"),
        ("override = [1]", "has an override that is no table"),
        ("[override]\nsteps = 3", "has an override that is no table"),
        ("[[override]]\nstepps = 3", "has the unknown key 'stepps'; did you mean 'steps'?"),
        ("[[override]]\nsamples = 3", "has the unknown key 'samples'"),
        ("[[override]]\ndevice = 'cpu'", "has the unknown key 'device'"),
        ("[[override]]\nmodes = 'vae-sigma'", "has an override of vae-sigma, which is not in its --modes"),
        ("[[override]]\ndataset = 'mnist'", "has an override of mnist, which is not in its --dataset"),
        ("[[override]]\nmodes = []", "has an override with an empty modes"),
        ("[[override]]\nsteps = [3, 4]", "has an override with several values of steps"),
        ("[[override]]\nsteps = 'many'", "Error parsing --steps"),
        ("[[override]]\nmodes = 'vae'\ngamma = 1.0", "--gamma of an override has no use in mode vae"),
        ("beta = [1.0, 2.0]\n[[override]]\nbeta = 3.0", "--beta has several values and one of an override"),
    ],
)
def test_an_override_that_cannot_be_is_one_line(tmp_path, command_line, text, says):
    words = ["--plan", saved(tmp_path, text), "--out", tmp_path / "runs"]
    err = command_line(eval.study.main, *words, code=2).err
    assert says in err and err.count("\n") == 1 and not (tmp_path / "runs").exists()


def test_a_dry_run_lists_each_part_as_it_would_be_trained(tmp_path, command_line):
    dataset = save_npz(tmp_path / "leaves.npz", dead_leaves(60))
    text = f"dataset = '{dataset}'\nsteps = 3\nwidth = 0.0625\nbatch-size = 4\n"
    text += "[[override]]\nmodes = 'vae'\nseeds = [0, 1]\nsteps = 5\n"
    words = ["--plan", saved(tmp_path, text), "--out", tmp_path / "runs", "--dry-run"]
    said = command_line(eval.study.main, *words).out.splitlines()
    assert [line.partition(",")[0] for line in said[:3]] == [
        "[1/3] leaves vae seed 0: train 5 updates", "[2/3] leaves vaegan seed 0: train 3 updates",
        "[3/3] leaves vae seed 1: train 5 updates",
    ]  # fmt: skip
