"""Planning a study: what is there, what is left, and everything that cannot be, before anything is trained."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from stand_in import dead_leaves, save_npz, save_run

from eval.studies import plans
from eval.studies.asked import Study
from eval.studies.plans import Plan
from vaegan.config import Config
from vaegan.errors import UsageError, UserError
from vaegan.machine import devices
from vaegan.presets import PRESETS
from vaegan.run import resolve
from vaegan.storage import checkpoint


def finish(directory: Path, step: int) -> None:
    """Leave a checkpoint that says how far a run got."""
    parts = {"config": {}, "decoder_ema": {}, "optimizers": {}, "random_state": {}}
    checkpoint.save(directory, {"step": step, "channels": 1, "networks": {"decoder": {}}, **parts})


def stored(out: Path, step: int | None = 5, **settings) -> Path:
    """A run as a default study would have made it, stopped at `step`."""
    settings = {"mode": "vae", "dataset": "mnist", "steps": 5, "preset": "cpu", **PRESETS["cpu"]} | settings
    settings = {"precision": devices.precision("auto", "cpu")} | settings
    config = Config(**settings)
    directory = save_run(out / f"{config.dataset}-{config.mode}-s{config.seed}", config)
    if step is not None:
        finish(directory, step)
    return directory


def study(out: Path, dataset=("mnist",), modes=("vae", "vaegan"), seeds=(0,), samples=10_000, **settings) -> Study:
    """A study; of a setting one value or a tuple of several."""
    values = {name: value if isinstance(value, tuple) else (value,) for name, value in settings.items()}
    return Study(dataset=dataset, modes=modes, seeds=seeds, out=out, samples=samples, settings=values)


def planned(out: Path, mode: str = "vae", seed: int = 0, **settings) -> Plan:
    return plans.plan_run(study(out, **settings), "mnist", mode, seed)


def test_a_missing_run_is_trained(tmp_path):
    plan = planned(tmp_path, steps=5)
    assert not plan.exists and not plan.finished and plan.directory == tmp_path / "mnist-vae-s0"
    assert " ".join(plan.flags).startswith("--mode vae --dataset mnist --seed 0 --steps 5 --run-dir ")
    assert plan.config.steps == 5 and plan.title == "MNIST vae seed 0"


@pytest.mark.parametrize(("step", "asked", "finished"), [(5, None, True), (5, 5, True), (3, 5, False), (5, 8, False)])
def test_finished_means_the_checkpoint_is_at_the_last_step(tmp_path, step, asked, finished):
    stored(tmp_path, step, learning_rate_decay=1.0)  # a rate that falls fixes the number of steps
    plan = planned(tmp_path, **({"steps": asked} if asked else {}))
    assert plan.finished is finished and plan.step == step and plan.config.steps == (asked or 5)


def test_a_run_stopped_before_its_first_checkpoint_is_resumed(tmp_path):
    stored(tmp_path, None)
    plan = planned(tmp_path)
    assert plan.exists and plan.step == 0 and not plan.finished


def test_the_flags_that_resume_a_run_are_accepted_by_the_trainer(tmp_path):
    directory = stored(
        tmp_path, 3, width=1.0, mode="vae-disl", discriminator=Path("elsewhere"), learning_rate_decay=1.0
    )
    with pytest.raises(UsageError, match="a run with --discriminator elsewhere"):
        planned(tmp_path, "vae-disl", steps=8, width=1.0)
    assert not planned(tmp_path / "other", steps=8).exists
    directory = stored(tmp_path, 3, width=1.0, learning_rate_decay=1.0)
    plan = planned(tmp_path, steps=8, width=1.0, data_dir=Path("D"), preset="cpu")
    config, _ = resolve(plan.flags)
    assert (config.run_dir, config.steps, config.width, config.resume) == (directory, 8, 1.0, True)


@pytest.mark.parametrize("other", [{"steps": 3}, {"width": 1.0}, {"image_size": 64}, {"preset": "larsen-code"}])
def test_a_run_of_other_settings_is_not_taken_for_ours(tmp_path, other):
    stored(tmp_path)
    with pytest.raises(UsageError, match="choose another --out"):
        planned(tmp_path, **other)


def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "mnist-vae-s0").mkdir()
    assert not planned(tmp_path).exists
    (tmp_path / "mnist-vae-s0" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="is no run"):
        planned(tmp_path)


def test_runs_of_one_study_differ_in_nothing_but_mode_and_seed(tmp_path):
    stored(tmp_path)
    alike = partial(plans.check_alike, study(tmp_path), "mnist")
    alike([planned(tmp_path), planned(tmp_path, "vaegan", 3, steps=5)])
    with pytest.raises(UsageError, match=r"--steps is 5 in .*vae-s0 and \d+ in .*vaegan-s3: give --steps"):
        alike([planned(tmp_path), planned(tmp_path, "vaegan", 3)])
    stored(tmp_path, seed=1, gamma=0.5)
    with pytest.raises(UsageError, match=r"--gamma is 0.006 .* and 0.5 .*: .*choose another --out"):
        alike([planned(tmp_path), planned(tmp_path, seed=1)])


def test_a_setting_that_a_mode_needs_may_differ_and_any_other_value_of_it_may_not(tmp_path):
    (name, needed), *_ = plans.MODES["vae"].items()
    fresh = [planned(tmp_path, mode) for mode in ("vaegan", "vae")]
    assert getattr(fresh[0].config, name) != getattr(fresh[1].config, name) == needed
    plans.check_alike(study(tmp_path), "mnist", fresh)
    odd = replace(fresh[1], config=replace(fresh[1].config, **{name: 0.123}))
    with pytest.raises(UsageError, match="choose another --out"):
        plans.check_alike(study(tmp_path), "mnist", [fresh[0], odd])


def test_the_donor_of_a_discriminator_is_trained_first(tmp_path):
    asked = study(tmp_path, modes=("vae-disl", "vae", "vaegan"))
    assert plans.training_order(asked) == ["vae", "vaegan", "vae-disl"]
    plan = plans.plan_run(asked, "synthfaces", "vae-disl", 1)
    assert plan.config.discriminator == tmp_path / "synthfaces-vaegan-s1"
    assert plan.flags[plan.flags.index("--discriminator") + 1] == str(tmp_path / "synthfaces-vaegan-s1")
    with pytest.raises(UsageError, match="add vaegan"):
        plans.training_order(study(tmp_path, modes=("vae", "vae-disl")))


def test_a_discriminator_is_the_same_by_any_path_to_it(tmp_path, monkeypatch):
    stored(tmp_path / "runs", mode="vae-disl", discriminator=Path("runs/mnist-vaegan-s0"))
    monkeypatch.chdir(tmp_path)
    asked = study(tmp_path / "runs", modes=("vaegan", "vae-disl"))
    assert plans.plan_run(asked, "mnist", "vae-disl", 0).finished


def test_every_data_set_mode_and_seed_is_planned_seed_by_seed(tmp_path):
    sets = tuple(save_npz(tmp_path / f"{name}.npz", dead_leaves(60)) for name in ("a", "b"))
    found = plans.plan(study(tmp_path, sets, seeds=(0, 1), samples=5))
    assert [plan.title for plan in found] == [
        f"{name} {mode} seed {seed}" for name in "ab" for seed in (0, 1) for mode in ("vae", "vaegan")
    ]
    assert len({plan.directory for plan in found}) == 8


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"modes": ("vea",)}, "unknown mode 'vea'; did you mean 'vae'"),
        ({"dataset": ("mnits",)}, "unknown data set 'mnits'; did you mean 'mnist'"),
        ({"dataset": ("synthfaces", "folders:x")}, "did you mean 'folder:'"),
        ({"dataset": ("synthfaces", "synthfaces")}, "--dataset synthfaces synthfaces: .* only once"),
        ({"dataset": ("npz:a/b.npz", "npz:a-b.npz")}, "would share"),
        ({"preset": "cpv"}, "did you mean 'cpu'"),
        ({"modes": ()}, "--modes"),
        ({"seeds": (0, 0)}, "--seeds 0 0"),
        ({"seeds": (-1,)}, "--seed -1 is not possible"),
        ({"steps": 0}, "--steps 0 is not possible"),
        ({"samples": 0}, "--samples 0"),
    ],
)
def test_a_study_that_cannot_be_is_refused_before_training(tmp_path, settings, words):
    with pytest.raises(UsageError, match=words):
        plans.plan(study(tmp_path, **{"dataset": ("synthfaces",), **settings}))
    assert not list(tmp_path.iterdir())


def test_too_few_held_out_images_are_found_before_training(tmp_path):
    few = save_npz(tmp_path / "few.npz", dead_leaves(7))
    with pytest.raises(UserError, match=r"3 held-out image\(s\); comparing needs at least 4$"):
        plans.plan(study(tmp_path, (few,)))


def test_data_that_lie_elsewhere_say_that_one_folder_serves_all(tmp_path):
    enough = save_npz(tmp_path / "enough.npz", dead_leaves(60))
    missing = f"npz:{tmp_path / 'missing.npz'}"
    with pytest.raises(UserError, match="missing.npz.*one --data-dir serves every data set"):
        plans.plan(study(tmp_path, (enough, missing)))
