"""A study's grid, its plan in TOML, and what it says that it would do."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz
from test_plans import finish, study

import eval.study
from eval.studies import asked, estimate, grid, plans, preview
from vaegan.config import Config, default_run_dir
from vaegan.errors import UsageError
from vaegan.run import resolve

PROG = "python eval/study.py"


def ask(*words: object) -> asked.Study:
    return asked.ask([str(word) for word in words], PROG, {})


def test_every_flag_of_training_is_a_flag_of_the_study():
    given = set(Config.__dataclass_fields__) - asked.OF_THE_STUDY
    assert given <= set(asked.NAMES)
    found = ask("--latent-dim", 32, "--beta", 0.5, 2, "--compile", "--snapshots", 0, "--image-size", "None")
    assert found.fixed == {"latent_dim": 32, "compile": True, "snapshots": 0, "image_size": None}
    assert found.swept == {"beta": (0.5, 2.0)}


def test_several_values_make_a_grid_whose_runs_are_named_by_what_differs(tmp_path):
    swept = study(tmp_path, beta=(0.5, 1.0), latent_dim=(8, 16), width=0.25)
    points = grid.points(swept, "vae")
    assert points == [{"beta": b, "latent_dim": d} for b in (0.5, 1.0) for d in (8, 16)]
    assert grid.name("mnist", "vae", points[0], 3) == "mnist-vae-beta-0.5-latent-dim-8-s3"
    assert grid.name("mnist", "vae", {}, 3) == default_run_dir(Config(dataset="mnist", mode="vae", seed=3)).name
    plan = plans.plan_run(swept, "mnist", "vae", 0, points[-1])
    assert (plan.config.beta, plan.config.latent_dim, plan.config.width) == (1.0, 16, 0.25)
    assert plan.title == "MNIST vae beta 1, latent dim 16, seed 0"
    config, _ = resolve(plan.flags)
    assert replace(config, run_dir=None) == replace(plan.config, run_dir=None)


def test_a_mode_is_not_trained_twice_for_a_setting_that_it_does_not_look_at(tmp_path):
    swept = study(tmp_path, modes=("vae", "vaegan", "vae-disl"), gamma=(0.1, 0.2), seeds=(0, 1))
    assert [len(grid.points(swept, mode)) for mode in ("vae", "vaegan", "vae-disl")] == [1, 2, 2]
    assert grid.size(swept) == 2 * 5
    pair = plans.plan_run(swept, "mnist", "vae-disl", 0, {"gamma": 0.2})
    assert pair.config.discriminator == tmp_path / "mnist-vaegan-gamma-0.2-s0"  # that of its own gamma
    assert plans.plan_run(study(tmp_path, gamma=9.0), "mnist", "vae", 0).config.gamma == Config().gamma
    with pytest.raises(UsageError, match="--gamma has no use in mode vae: "):
        grid.check(study(tmp_path, modes=("vae",), gamma=(0.1, 0.2)))


def test_more_runs_than_were_meant_need_a_yes(tmp_path):
    many = study(tmp_path, seeds=tuple(range(50)), beta=(0.5, 1.0, 2.0))
    with pytest.raises(UsageError, match="has 300 runs: add --yes to train more than 200"):
        plans.plan(many)
    for allowed in ({"yes": True}, {"dry_run": True}, {"commands": True}):
        grid.check(replace(many, **allowed))
    with pytest.raises(UsageError, match="--beta 1.0 1.0: give each only once"):
        grid.check(study(tmp_path, beta=(1.0, 1.0)))


def test_points_that_would_share_a_directory_are_refused(tmp_path):
    twins = [Path(f"{name}.npz") for name in ("a", "b")]
    assert len({grid.name("mnist", "vae", {"beta": b}, 0) for b in (0.1, 0.1 + 1e-12)}) == 2
    same = [plans.Plan(tmp_path, Config(dataset=f"npz:{twin}"), ()) for twin in twins]
    with pytest.raises(UsageError, match="a vaegan seed 0 and b vaegan seed 0 would share"):
        plans.check_apart(same)


def test_a_plan_is_saved_and_read_again(tmp_path):
    words = ["--beta", "0.5", "1", "--gate-margin", "inf", "--image-size", "None", "--compile", "--data-dir", 'é "x"']
    said = ask(*words, "--seeds", 0, 1, "--jobs", 3)
    (tmp_path / "study.toml").write_text(asked.toml(said))
    again = ask("--plan", tmp_path / "study.toml")
    assert replace(again, plan=None, jobs=3) == said
    beside = ask("--plan", tmp_path / "study.toml", "--beta", 4, "--no-compile")
    assert beside.fixed["beta"] == 4.0 and not beside.swept and beside.fixed["compile"] is False


@pytest.mark.parametrize("words", [["--beta"], ["--beta_warmup"], ["--beta", "--seeds", "1"], ["--gamma", "--gamma"]])
def test_a_setting_without_a_value_is_not_passed_over(command_line, words):
    assert "has no value: give one" in command_line(eval.study.main, *words, "--dry-run", code=2).err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("betta = 1", "has the unknown key 'betta'; did you mean 'beta'?"),
        ("dry-run = true", "has the unknown key 'dry-run'"),
        ("beta = 'x'", "plan.toml: Error parsing --beta"),
        ("beta = {a = 1}", "plan.toml: Error parsing --beta"),
        ("beta 1", "is no TOML"),
        ("beta = []", "--beta has no value"),
        ("latent-dim = true", "--latent-dim has no value"),
        ("dataset = '--help'", "plan.toml has '--help' for a value"),
        ("modes = ['vae', '--yes']", "plan.toml has '--yes' for a value"),
        (None, "cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_is_one_line(tmp_path, command_line, text, says):
    if text is not None:
        (tmp_path / "plan.toml").write_text(text)
    err = command_line(eval.study.main, "--plan", tmp_path / "plan.toml", "--out", tmp_path / "runs", code=2).err
    assert says in err and err.count("\n") == 1 and not (tmp_path / "runs").exists()


def test_a_dry_run_says_what_would_run_and_writes_nothing(tmp_path, command_line):
    dataset = save_npz(tmp_path / "leaves.npz", dead_leaves(60))
    words = ["--dataset", dataset, "--out", tmp_path / "runs", "--beta", 0.5, 1, "--width", 0.0625, "--steps", 7]
    said = command_line(eval.study.main, *words, "--modes", "vae", "--batch-size", 4, "--dry-run").out.splitlines()
    assert said[0].startswith("[1/2] leaves vae beta 0.5, seed 0: train 7 updates, ") and len(said) == 4
    assert said[-1].startswith("2 runs to train, 14 updates: about ") and "MB of checkpoints" in said[-1]
    assert not (tmp_path / "runs").exists()


def test_a_2x2_that_would_say_nothing_is_named_before_hours_are_spent(command_line):
    four = ["--modes", "vae", "vae-disl", "vaegan-pixel", "vaegan", "--commands"]
    said = command_line(eval.study.main, *four).err
    assert "synthfaces: no 2x2 of" in said and "width 0.5 and 0.25, norm batch and group, steps 6000 and 3000" in said
    alike = ["--norm", "group", "--width", "0.25", "--steps", "3000"]
    assert "2x2" not in command_line(eval.study.main, *four, *alike).err
    assert "2x2" not in command_line(eval.study.main, "--modes", "vae", "vaegan", "--commands").err


def test_the_commands_of_a_study_train_its_runs(tmp_path):
    asked_for = study(tmp_path, ("mnist",), modes=("vae", "vae-disl", "vaegan"), beta=(0.5, 1.0))
    planned = [
        plans.plan_run(asked_for, "mnist", mode, 0, point)
        for mode in plans.training_order(asked_for)
        for point in grid.points(asked_for, mode)
    ]
    early, late = preview.commands(planned)
    assert len(early) == 4 and len(late) == 2  # those that take a discriminator come last
    for line, plan in zip([*early, *late], planned, strict=True):
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "vaegan.train"]
        config, _ = resolve(words[3:])
        assert (config.mode, config.beta, config.run_dir) == (plan.config.mode, plan.config.beta, plan.directory)
    done = [replace(plan, exists=True, step=plan.config.steps) for plan in planned]
    assert preview.commands(done) == []


def test_the_estimate_of_disk_is_what_a_run_leaves(tmp_path):
    from tiny_faces import save_faces, train_tiny

    save_faces(tmp_path)
    assert train_tiny(tmp_path, "run", "--mode", "vaegan", "--width", "0.125", "--steps", "3", data="bare") == 0
    config, _ = resolve(["--resume", "--run-dir", str(tmp_path / "run")])
    left = sum(file.stat().st_size for file in (tmp_path / "run" / "checkpoints").iterdir())
    made = replace(config, snapshots=len(list((tmp_path / "run" / "checkpoints").glob("snapshot-*"))))
    assert estimate.size(made) == pytest.approx(left, rel=0.1)


def test_the_estimate_of_time_is_of_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(estimate, "seconds_an_update", lambda config: 0.5 if config.mode == "vae" else 2.0)
    runs = [plans.Plan(tmp_path / mode, Config(mode=mode, steps=100), ()) for mode in ("vae", "vaegan")]
    assert estimate.seconds(runs, 1) == 50 + 200 and estimate.seconds(runs, 2) == 125
    assert estimate.seconds([replace(runs[0], exists=True, step=60), runs[1]], 1) == 20 + 200
    finish(tmp_path / "vae", 100)
    assert estimate.seconds([replace(runs[0], exists=True, step=100)], 1) == 0
