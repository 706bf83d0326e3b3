"""Flags, presets, resume rules: what a command line means, and what it may not."""

import dataclasses

import pytest

from vaegan import config as configuration
from vaegan import config_json, run
from vaegan.config import Config
from vaegan.errors import UsageError, UserError
from vaegan.machine import devices
from vaegan.presets import PRESETS


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_are_written_once():
    config, notes = run.resolve(["--device", "cpu"])
    assert dataclasses.replace(config, run_dir=None, preset=None) == dataclasses.replace(
        Config(), device="cpu", precision=devices.precision("auto", "cpu"), **PRESETS["cpu"]
    )
    assert notes == []


def test_flags_win_over_a_preset_and_say_so():
    config, notes = run.resolve(["--preset", "larsen-code", "--width", "0.5"])
    assert config.width == 0.5 and config.optimizer == "rmsprop" and config.gamma == 1e-6
    assert notes == ["--width 0.5 overrides preset larsen-code's 1.0"]


def test_a_mode_has_defaults_of_its_own_which_presets_and_flags_win_over():
    def rate(*words):
        return run.resolve(["--mode", "gan", "--device", "cpu", *words])[0].learning_rate

    assert rate() == 2e-4 and Config().learning_rate == 1e-3
    assert rate("--learning-rate", "0.5") == 0.5 and rate("--preset", "larsen-code") == 3.9e-4


def test_every_preset_names_real_settings():
    for row in PRESETS.values():
        configuration.check(dataclasses.replace(Config(), **row))


@pytest.mark.parametrize("name", [name for name, row in PRESETS.items() if "mode" in row])
def test_a_preset_that_is_a_system_names_its_runs(name):
    config, _ = run.resolve(["--preset", name, "--seed", "3"])
    assert str(config.run_dir) == f"runs/{config.dataset}-{name}-s3"


@pytest.mark.parametrize("latent_dim", [20, 2])
def test_the_jmetzen_presets_train_75_epochs_of_55_000_digits_and_log_each(latent_dim):
    config, _ = run.resolve(["--preset", f"jmetzen-{latent_dim}d"])
    assert config.steps * config.batch_size == 75 * (60_000 - config.validation_images)
    assert config.log_every * config.batch_size == 55_000 and config.save_every % config.log_every == 0
    assert (config.latent_dim, config.image_size, config.width) == (latent_dim, 28, 1.0)


def test_the_two_larsen_presets_differ_where_paper_and_code_do():
    code, paper = PRESETS["larsen-code"], PRESETS["larsen-paper"]
    assert {k for k in code if code[k] != paper[k]} == {"architecture", "fakes", "gate_margin"}
    assert code.keys() == paper.keys()


def test_a_run_of_an_older_version_takes_defaults_for_what_it_does_not_name():
    old = {k: v for k, v in config_json.to_dict(Config()).items() if k not in ("architecture", "adam_beta1")}
    assert config_json.from_dict(old, "config.json") == Config()


@pytest.mark.parametrize(
    "flags,message",
    [
        (["--stesp", "3"], "unknown argument '--stesp'; did you mean '--steps'?"),
        (["--preset", "larsen-cod"], "unknown preset 'larsen-cod'; did you mean 'larsen-code'?"),
        (["--steps", "many"], "--steps: invalid"),
        (["--steps", "0"], "--steps 0 is not possible"),
        (["--image-size", "48"], "use 32, 64, 128, 256 or 512"),
        (["--image-size", "28"], "--image-size 28 is not possible: use 32, 64, 128, 256 or 512, or --architecture"),
        (["--architecture", "mpl"], "unknown architecture 'mpl'; did you mean 'mlp'?; known are convolutional, "),
        (["--architecture", "kvfrans", "--image-size", "26"], "use 28, 32, 64, 128, 256 or 512, or --architecture"),
        (["--adam-beta1", "1"], "--adam-beta1 1.0 is not possible"),
        (["--validation-images", "-1"], "use 0 or more"),
        (["--batch-size", "1"], "batch norm needs two images"),
        (["--learning-rate", "nan"], "--learning-rate nan"),
        (["--norm", "layer"], "--norm"),
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["--resume"], "nothing to resume"),
    ],
)
def test_usage_errors_are_one_line_and_name_the_remedy(flags, message):
    with pytest.raises(UsageError) as error:
        run.resolve(flags)
    assert message in str(error.value) and "\n" not in str(error.value) and error.value.exit_code == 2


def started(*flags) -> Config:
    config, _ = run.resolve(flags)
    run.claim(config)
    return config


def test_a_run_directory_is_not_taken_twice():
    config = started("--steps", "5")
    with pytest.raises(UsageError, match="exists already: add --resume"):
        run.claim(config)


def test_resume_takes_the_runs_own_settings():
    started("--steps", "5", "--width", "0.125", "--gamma", "0.5", "--run-dir", "r")
    config, _ = run.resolve(["--resume", "--run-dir", "r"])
    assert (config.width, config.gamma, config.steps, config.resume) == (0.125, 0.5, 5, True)


def test_what_is_kept_of_a_run_does_not_say_how_often_it_was_continued():
    config = configuration.Config(mode="vae")
    assert config_json.to_dict(dataclasses.replace(config, resume=True)) == config_json.to_dict(config)


def test_resume_lists_each_changed_setting():
    started("--steps", "5", "--run-dir", "r")
    with pytest.raises(UsageError) as error:
        run.resolve(["--resume", "--run-dir", "r", "--gamma", "0.5", "--width", "1", "--log-every", "7"])
    assert "gamma 0.006 -> 0.5" in str(error.value) and "width 0.25 -> 1.0" in str(error.value)
    assert "log_every" not in str(error.value)


def test_a_run_may_be_made_longer_but_not_where_steps_shape_the_schedule():
    started("--steps", "5", "--learning-rate-decay", "1", "--run-dir", "r")
    assert run.resolve(["--resume", "--run-dir", "r", "--steps", "9"])[0].steps == 9
    started("--steps", "5", "--run-dir", "s")
    with pytest.raises(UsageError, match="steps 5 -> 9"):
        run.resolve(["--resume", "--run-dir", "s", "--steps", "9"])


def test_precision_is_decided_once(monkeypatch):
    monkeypatch.setattr(devices, "matrix_units", lambda device: "AMX")
    assert started("--device", "cpu", "--run-dir", "r").precision == "bf16"
    monkeypatch.setattr(devices, "matrix_units", lambda device: None)
    for words in ([], ["--precision", "auto"]):
        config, notes = run.resolve(["--resume", "--run-dir", "r", *words])
        assert config.precision == "bf16" and notes == [devices.EMULATED]
    assert run.resolve(["--device", "cpu"])[0].precision == "fp32"
    assert run.resolve(["--device", "cpu", "--precision", "bf16"])[1] == [devices.EMULATED]


@pytest.mark.parametrize(
    ("words", "processes", "message"),
    [
        (["--batch-size", "2", "--norm", "batch"], "2", "batch norm needs two images in each; use 4 or more"),
        (["--batch-size", "3", "--norm", "group"], "2", "use a multiple of 2"),
    ],
)
def test_every_process_needs_its_share_of_a_batch(monkeypatch, words, processes, message):
    monkeypatch.setenv("WORLD_SIZE", processes)
    with pytest.raises(UsageError, match=message):
        run.resolve(["--device", "cpu", *words])
    run.resolve(["--device", "cpu", "--batch-size", "2", "--norm", "group"])


def test_config_survives_json_and_damage_is_one_line(tmp_path):
    config = started("--dataset", "npz:some/file.npz", "--run-dir", "r")
    assert config_json.read(tmp_path / "r").dataset == config.dataset
    (tmp_path / "r" / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        config_json.read(tmp_path / "r")
    with pytest.raises(UserError, match="is not a run"):
        config_json.read(tmp_path)


def test_run_directories_are_file_names():
    config = dataclasses.replace(Config(), dataset="npz:/a b/c.npz", mode="vae", seed=3)
    assert str(configuration.default_run_dir(config)) == "runs/npz-a-b-c.npz-vae-s3"


def test_the_gpu_preset_takes_the_size_of_the_data():
    config, notes = run.resolve(["--preset", "gpu"])
    assert config.image_size is None and config.width == 1.0 and not notes
    assert run.resolve(["--preset", "gpu", "--image-size", "64"])[0].image_size == 64
