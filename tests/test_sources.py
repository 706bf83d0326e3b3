"""Sources: uint8 streams whose names, order and seeds are what they say."""

import pytest
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run

import vaegan
from eval.blur.measures import gaussian_blur
from eval.sources import controls
from eval.sources import runs as sources
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.errors import UsageError, UserError


def image_set(count: int) -> ImageSet:
    return ImageSet("leaves", "test", dead_leaves(count))


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Open stand-in runs of the given configs."""

    def open_all(*configs, sigma=0.5):
        directories = [save_run(tmp_path / f"run{i}", config) for i, config in enumerate(configs)]
        by_directory = dict(zip(directories, configs, strict=True))
        monkeypatch.setattr(vaegan, "load", lambda d, weights="raw", device="cpu": Blurrer(by_directory[d], sigma))
        return sources.open_runs(directories)

    return open_all


def gathered(source) -> torch.Tensor:
    images = torch.cat(list(source.batches()))
    assert images.dtype == torch.uint8 and len(images) == source.count
    return images


def test_halves_are_disjoint_of_one_size_and_fixed_by_the_seed():
    images = image_set(41)
    held_out = sources.held_out(images, samples=100, seed=3)
    assert len(held_out.calibration) == len(held_out.report) == 20
    both = torch.cat([held_out.calibration, held_out.report]).flatten(1)
    assert len(both.unique(dim=0)) == 40
    again = sources.held_out(images, samples=100, seed=3)
    assert torch.equal(again.report, held_out.report)
    assert not torch.equal(sources.held_out(images, samples=100, seed=4).report, held_out.report)
    assert len(sources.held_out(images, samples=5, seed=3).report) == 5


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_held_out_images_is_one_line(count):
    with pytest.raises(UserError, match=f"{count} held-out image"):
        sources.held_out(ImageSet("few", "test", dead_leaves(4)[:count]), samples=10, seed=0)


def test_reconstructions_are_paired_and_in_order(opened):
    (run,) = opened(Config(mode="vae"))
    images = dead_leaves(sources.BATCH + 7)
    source = sources.reconstructions(run, images)
    assert source.paired and torch.equal(gathered(source), gaussian_blur(images, 0.5))


def test_samples_depend_on_the_seed_alone(opened):
    (run,) = opened(Config(mode="vae"))
    count = sources.BATCH + 7
    first = gathered(sources.prior_samples(run, count, seed=0))
    assert torch.equal(first, gathered(sources.prior_samples(run, count, seed=0)))
    assert not torch.equal(first, gathered(sources.prior_samples(run, count, seed=1)))


def test_known_blur_and_controls_leave_the_originals_alone():
    images = dead_leaves(10)
    before = images.clone()
    assert torch.equal(gathered(controls.known_blur(images, 1.0)), gaussian_blur(images, 1.0))
    for source in controls.damaged(images, seed=0):
        assert source.paired and not torch.equal(gathered(source), images)
        assert torch.equal(gathered(source), gathered(source))
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ([("vae", 0), ("vaegan", 0)], ["vae", "vaegan"]),
        ([("vae", 0), ("vae", 1), ("vaegan", 0)], ["vae-s0", "vae-s1", "vaegan-s0"]),
        ([("vae", 0), ("vae", 0)], ["vae-run0", "vae-run1"]),
    ],
)
def test_labels_are_short_and_unique(opened, settings, labels):
    assert [run.label for run in opened(*(Config(mode=mode, seed=seed) for mode, seed in settings))] == labels


def test_titles_are_for_people(opened):
    assert [run.title for run in opened(Config(mode="vae"), Config(mode="vaegan"))] == ["VAE", "VAE/GAN"]


@pytest.mark.parametrize(
    ("change", "words"), [({"dataset": "mnist"}, "different data sets"), ({"image_size": 64}, "different image sizes")]
)
def test_runs_that_cannot_be_compared_are_refused(opened, change, words):
    with pytest.raises(UsageError, match=words):
        opened(Config(mode="vae", image_size=32), Config(**{"mode": "vaegan", "image_size": 32, **change}))


def test_one_run_given_twice_is_refused(tmp_path):
    directory = save_run(tmp_path / "run", Config())
    with pytest.raises(UsageError, match="given 2 times"):
        sources.open_runs([directory, tmp_path / "." / "run"])


def test_what_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no such run directory"):
        sources.open_runs([tmp_path / "nothing"])
    with pytest.raises(UserError, match="no config.json"):
        sources.open_runs([tmp_path])
    with pytest.raises(UserError, match="no checkpoint"):
        sources.open_runs([save_run(tmp_path / "unfinished", Config())])


def test_a_truncated_checkpoint_is_one_line(tmp_path):
    directory = save_run(tmp_path / "run", Config())
    (directory / "checkpoints").mkdir()
    (directory / "checkpoints" / "last.pt").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(UserError, match="damaged"):
        sources.open_runs([directory])


def test_data_dir_overrides_where_the_run_found_its_data(opened, tmp_path):
    dataset = save_npz(tmp_path / "leaves.npz", dead_leaves(20))
    (run,) = opened(Config(mode="vae", dataset=dataset, image_size=32))
    assert len(sources.load_split(run, "test").images) == 4
    assert len(sources.load_split(run, "train", tmp_path).images) == 16


def test_posterior_draws_are_fixed_by_the_seed_and_come_in_the_order_of_the_images(opened, monkeypatch):
    (run,) = opened(Config(mode="vae"))
    images, seen = dead_leaves(sources.BATCH + 7), []
    monkeypatch.setattr(Blurrer, "decode", lambda self, z: seen.append(z) or torch.zeros(len(z), 1, 32, 32).byte())
    for seed in (0, 0, 1):
        gathered(sources.posterior_samples(run, images, seed))
    first, again, other = (torch.cat(seen[i : i + 2]) for i in (0, 2, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    mu, logvar = run.model.encode(images)
    eps = (first - mu) / (0.5 * logvar).exp()
    assert eps.mean().abs() < 0.1 and eps.std() == pytest.approx(1, abs=0.05)
    assert not torch.allclose(eps, vaegan.model.prior_codes(len(images), 8, 0), atol=1e-3)


def test_averaged_weights_are_loaded_for_their_own_sources_and_are_of_no_compared_kind(opened, monkeypatch):
    (run,) = opened(Config(mode="vae"))
    loaded = []
    monkeypatch.setattr(vaegan, "load", lambda d, weights, device: loaded.append(weights) or Blurrer(run.config, 1.0))
    images = dead_leaves(10)
    found = sources.averaged(run, images, seed=0)
    assert loaded == ["ema"]
    assert [s.title for s in found] == ["VAE reconstructions, averaged weights", "VAE samples, averaged weights"]
    assert {s.kind for s in found} == {"average"} and {s.run for s in found} == {"vae"}
    assert torch.equal(gathered(found[0]), gaussian_blur(images, 1.0)) and len({s.id for s in found}) == 2
    assert run.model.sigma == 0.5  # the run itself keeps its raw weights


def test_a_run_that_stopped_early_says_so_in_its_title(opened, monkeypatch):
    (run,) = opened(Config(mode="vae", steps=1500))
    monkeypatch.setattr(vaegan, "load", lambda d, weights="raw", device="cpu": Blurrer(run.config, 0.5, step=300))
    assert sources.open_runs([run.directory])[0].title == "VAE (stopped at step 300 of 1,500)"


def test_weights_that_are_no_numbers_are_one_line(opened, monkeypatch):
    (run,) = opened(Config(mode="vae"))
    broken = torch.nn.Linear(2, 2)
    broken.weight.data[0, 0] = float("nan")
    model = Blurrer(run.config, 0.5)
    model.networks = {"decoder": broken}
    monkeypatch.setattr(vaegan, "load", lambda d, weights="raw", device="cpu": model)
    with pytest.raises(UserError, match="decoder whose weights are not finite"):
        sources.open_runs([run.directory])
