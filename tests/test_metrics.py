"""eval.metrics: torchmetrics' conventions, and the numbers of the commands."""

import copy
import json
import pickle
import warnings

import pytest
import torch
from folders import save_folder
from stand_in import dead_leaves
from torch import Tensor
from toy_extractor import Tiles

from eval.blur.__main__ import main as blur_main
from eval.blur.measures import PRIMARY, gaussian_blur
from eval.distances import command as distance_command
from eval.distances.__main__ import main as distance_main
from eval.metrics import DensityCoverage, EquivalentBlur, FrechetDistance, KernelDistance, functional
from vaegan.errors import UserError

pytestmark = pytest.mark.usefixtures("short_ladder")


@pytest.fixture(scope="module")
def real() -> Tensor:
    return dead_leaves(60, seed=1)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return gaussian_blur(dead_leaves(45, seed=2), 0.8)


@pytest.fixture(scope="module")
def blur(real) -> EquivalentBlur:
    return EquivalentBlur(real, interval=True)


@pytest.fixture
def metrics(real, blur) -> dict:
    """A fresh one of each."""
    blur.reset()
    rest = {row.__name__: row(real, features=Tiles()) for row in (FrechetDistance, KernelDistance, DensityCoverage)}
    return {"EquivalentBlur": copy.deepcopy(blur), **rest}


def values(found) -> list[float]:
    return [float(value) for value in (found.values() if isinstance(found, dict) else [found])]


def loop(metric, images: Tensor, batch: int = 13) -> list[float]:
    for part in images.split(batch):
        metric.update(part)
    return values(metric.compute())


@pytest.mark.parametrize("name", ["EquivalentBlur", "FrechetDistance", "KernelDistance", "DensityCoverage"])
def test_the_conventions_of_torchmetrics(metrics, images, name):
    metric = metrics[name]
    whole = loop(metric, images)
    assert all(torch.tensor(whole).isfinite()) and metric.update_called
    with pytest.raises(Exception, match="images"):
        metric.reset()
        metric.compute()
    metric.reset()
    assert loop(metric, images.flip(0), batch=7) == pytest.approx(whole, rel=1e-9, abs=1e-12)
    metric.reset()
    first = values(metric(images[:20]))  # forward: the batch's value, added to the state
    metric.update(images[20:])
    assert values(metric.compute()) == pytest.approx(whole, rel=1e-9, abs=1e-12)
    metric.reset()
    assert values(metric(images[:20])) == first
    again = pickle.loads(pickle.dumps(metric.clone()))
    again.update(images[20:])
    assert values(again.compute()) == pytest.approx(whole, rel=1e-9, abs=1e-12)
    figure, _ = again.plot()
    assert figure is not None


@pytest.mark.parametrize("name", ["EquivalentBlur", "FrechetDistance", "KernelDistance", "DensityCoverage"])
def test_processes_reduce_to_the_value_of_one(metrics, images, name):
    """As torchmetrics does it over processes: states gathered, then each by its reduction."""
    from torchmetrics.utilities.data import dim_zero_cat, dim_zero_sum

    metric = metrics[name]
    whole = loop(metric, images)
    shares = [metric.clone() for _ in range(2)]
    for rank, share in enumerate(shares):
        share.reset()
        loop(share, images[rank::2])
    together = metric.clone()
    for state, reduction in metric._reductions.items():
        parts = [getattr(share, state) for share in shares]
        if reduction == dim_zero_sum:
            setattr(together, state, torch.stack(parts).sum(dim=0))
        else:
            assert reduction == dim_zero_cat
            setattr(together, state, [dim_zero_cat(part) for part in parts if len(part)])
    together._computed = None
    assert values(together.compute()) == pytest.approx(whole, rel=1e-9, abs=1e-12)


def test_equivalent_blur_is_the_commands_to_the_last_digit(tmp_path, real, images, capsys):
    save_folder(tmp_path / "real", real)
    save_folder(tmp_path / "x", images)
    arguments = [str(tmp_path / "x"), "--reference", str(tmp_path / "real"), "--json", str(tmp_path / "x.json")]
    blur_main(arguments)
    row = json.loads((tmp_path / "x.json").read_text())["rows"][1]["blur"][PRIMARY]
    metric = EquivalentBlur(tmp_path / "real", interval=True)
    loop(metric, images)
    assert values(metric.compute()) == [row["value"], row["low"], row["high"]]
    assert float(functional.equivalent_blur(images, real)) == row["value"]


def test_distances_are_the_commands(tmp_path, real, images, capsys, monkeypatch):
    save_folder(tmp_path / "real", real)
    save_folder(tmp_path / "x", images)
    monkeypatch.setattr(distance_command.features, "choose", lambda spec, images: (Tiles(), True))
    arguments = [str(tmp_path / "x"), "--reference", str(tmp_path / "real"), "--json", str(tmp_path / "x.json")]
    distance_main(arguments)
    row = json.loads((tmp_path / "x.json").read_text())["rows"][-1]
    reference = tmp_path / "real"
    found = functional.density_coverage(images, reference, features=Tiles())
    found = {name: float(value) for name, value in found.items()}
    found["frechet"] = float(functional.frechet_distance(images, reference, features=Tiles()))
    found["kernel"] = 1000 * float(functional.kernel_distance(images, reference, features=Tiles()))
    assert found == pytest.approx({name: row[name] for name in found}, rel=1e-9)


def test_floats_are_quantised_as_files_are(real, images):
    metric = FrechetDistance(real.float() / 255, features=Tiles(), normalize=True)
    whole = loop(FrechetDistance(real, features=Tiles()), images)
    assert loop(metric, images.float() / 255) == pytest.approx(whole, rel=1e-12)
    metric.reset()
    outside = (images.float() / 255 - 0.3) * 1.7  # clamped: never wrapped round
    bytes_of = (255 * outside.clamp(0, 1)).round().byte()
    assert loop(metric, outside) == pytest.approx(loop(FrechetDistance(real, features=Tiles()), bytes_of), rel=1e-12)


def test_too_few_images_of_either_side_are_a_warning(blur, real, images):
    blur.reset()
    blur.update(images[:29])
    with pytest.warns(UserWarning, match="29 images given to EquivalentBlur are no measurement, give 30 or more"):
        blur.compute()
    blur.update(images[29:30])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        blur.compute()
    with pytest.warns(UserWarning, match="20 images of the reference are no measurement"):
        EquivalentBlur(real[:20])


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_pairs_cancel_content(real, sigma):
    metric = EquivalentBlur(real, paired=True)
    for part in real[:30].split(7):
        metric.update(gaussian_blur(part, sigma), part)
    assert float(metric.compute()) == pytest.approx(sigma, abs=max(0.05 * sigma, 0.03))


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (torch.rand(4, 1, 32, 32), "normalize=True"),
        (torch.zeros(4, 32, 32, dtype=torch.uint8), "must be a tensor of shape"),
        (torch.zeros(4, 2, 32, 32, dtype=torch.uint8), "must be a tensor of shape"),
        (torch.zeros(4, 1, 32, 40, dtype=torch.uint8), "40x32 and the reference of 32x32"),
        (torch.zeros(4, 1, 32, 32, dtype=torch.int32), "must be uint8"),
    ],
)
def test_what_cannot_be_measured_says_so(blur, batch, words):
    with pytest.raises(UserError, match=words):
        blur.update(batch)


def test_numbers_that_are_not_finite_say_so(real):
    metric = FrechetDistance(real, features=Tiles())
    metric.normalize = True
    with pytest.raises(UserError, match="not finite"):
        metric.update(torch.full((4, 1, 32, 32), torch.nan))


def test_a_state_is_moments_or_a_number_an_image(metrics, images):
    loop(metrics["FrechetDistance"], images)
    loop(metrics["EquivalentBlur"], images)
    size = sum(getattr(metrics["FrechetDistance"], name).numel() for name in ("count", "total", "scatter"))
    assert size == 1 + 16 + 16 * 16
    assert sum(part.numel() for part in metrics["EquivalentBlur"].values) == len(images)


def test_a_lightning_loop(real, images, metrics):
    lightning = pytest.importorskip("lightning.pytorch")
    logged = {}

    class Watched(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.frechet = metrics["FrechetDistance"]
            self.blur = EquivalentBlur(real)

        def validation_step(self, batch, index):
            for name in ("frechet", "blur"):
                metric = getattr(self, name)
                metric.update(batch)
                self.log(name, metric)

        def on_validation_epoch_end(self):
            logged.update(frechet=float(self.frechet.compute()), blur=float(self.blur.compute()))

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "barebones": False}
    trainer = lightning.Trainer(accelerator="cpu", devices=1, enable_model_summary=False, **quiet)
    trainer.validate(Watched(), torch.utils.data.DataLoader(images, batch_size=10), verbose=False)
    fresh = FrechetDistance(real, features=Tiles())
    assert logged["frechet"] == pytest.approx(loop(fresh, images)[0], rel=1e-9)
    assert logged["blur"] == float(functional.equivalent_blur(images, real))
    assert float(trainer.callback_metrics["blur"]) == pytest.approx(logged["blur"], rel=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_agrees(metrics, images, real):
    whole = {name: loop(metric, images) for name, metric in metrics.items()}
    for name, metric in metrics.items():
        metric.reset()
        assert loop(metric.to("cuda"), images.cuda()) == pytest.approx(whole[name], rel=1e-4)
