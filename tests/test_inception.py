"""eval.features.inception: the FID Inception from a file, equal to torch-fidelity's own, and every wrong file."""

import hashlib
import json
import sys
import time
import urllib.error
from pathlib import Path
from unittest import mock

import pytest
import torch
from folders import save_folder
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

from eval.distances import __main__ as distances
from eval.distances.frechet import frechet
from eval.distances.kid import kernel_distance, kernel_of
from eval.distances.moments import moments
from eval.features import inception
from eval.features.choice import choose
from vaegan.data import ImageSet
from vaegan.errors import UserError

torch_fidelity = pytest.importorskip("torch_fidelity")

REAL = 64  # images of each folder, when not many
SIZES = {"CIFAR": (3, 32), "grey": (1, 28)}


def random_images(count: int, channels: int, size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, size, size), generator=generator, dtype=torch.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Weights of the architecture that nobody trained, with features of the order of 1."""
    architecture = inception._architecture()
    nothing = mock.patch("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", return_value={})
    with nothing, mock.patch.object(architecture, "load_state_dict"):
        network = architecture("inception-v3-compat", ["2048"])
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, generator=generator)
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def extractor(file) -> inception.Inception:
    return inception.load(file)


class Rgb(torch.utils.data.Dataset):
    """Single RGB images, as torch-fidelity takes them."""

    def __init__(self, images: torch.Tensor):
        self.images = images.repeat(1, 3 // images.shape[1], 1, 1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> torch.Tensor:
        return self.images[i]


def theirs(images: torch.Tensor, file: Path) -> torch.Tensor:
    """torch-fidelity's features, from its own extractor in its own loop over a data set."""
    from torch_fidelity.utils import create_feature_extractor, get_featuresdict_from_dataset

    cuda = torch.cuda.is_available()
    network = create_feature_extractor(
        "inception-v3-compat", ["2048"], cuda=cuda, feature_extractor_weights_path=str(file), verbose=False
    )
    return get_featuresdict_from_dataset(Rgb(images), network, 5, cuda, save_cpu_ram=True, verbose=False)["2048"]


@pytest.mark.parametrize("count", [1, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", SIZES)
def test_features_equal_torch_fidelitys(extractor, file, kind, count):
    images = random_images(count, *SIZES[kind])
    ours = extractor.features(images)
    assert ours.shape == (count, 2048) and ours.dtype == torch.float32 and 0.1 < ours.std() < 100
    torch.testing.assert_close(ours, theirs(images, file), rtol=1e-5, atol=1e-5)


def test_distances_of_the_same_features_equal_torch_fidelitys():
    """Its kernel distance in double precision: in single, as it computes, it was off by 4e-5 for 2,048 features."""
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(96, 96, generator=generator) * torch.logspace(0, -2, 96)
    a, b = ((torch.randn(300, 96, generator=generator) @ mix + shift).relu() for shift in (0, 0.05))
    fid = fid_statistics_to_metric(*map(fid_features_to_statistics, (a, b)), verbose=False)
    kid = kid_features_to_metric(a.double(), b.double(), kid_subsets=1, kid_subset_size=300, verbose=False)
    assert frechet(moments(a), moments(b)) == pytest.approx(fid["frechet_inception_distance"], rel=1e-6)
    found = kernel_distance(kernel_of(a), kernel_of(b)).value
    assert found == pytest.approx(kid["kernel_inception_distance_mean"], rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIZES)
def test_frechet_and_kernel_distance_of_images_equal_torch_fidelitys(extractor, file, kind):
    """From uint8 images to the numbers, each by its own path. 48 images leave the covariances singular, where roots of
    eigenvalues lose half their digits: with 2,048 vectors the two agree to 1e-8."""
    images = random_images(96, *SIZES[kind])
    a, b = images[:48], images[48:] // 2
    metrics = torch_fidelity.calculate_metrics(
        input1=Rgb(a), input2=Rgb(b), cuda=torch.cuda.is_available(), fid=True, kid=True, kid_subsets=1,
        kid_subset_size=48, feature_extractor_weights_path=str(file), cache=False, verbose=False,
    )  # fmt: skip
    ours = [extractor.features(x) for x in (a, b)]
    assert frechet(*map(moments, ours)) == pytest.approx(metrics["frechet_inception_distance"], rel=1e-5)
    found = kernel_distance(*map(kernel_of, ours)).value
    assert found == pytest.approx(metrics["kernel_inception_distance_mean"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("count", [REAL, 1000])
def test_two_folders_of_real_images_equal_torch_fidelitys(shared_data, file, tmp_path, count):
    """By its own command line's function and by ours: all files of both, decoding and resizing included. Of many files
    ours takes no more of the processor, beside a tenth for the machine's other work; of few its second Frechet
    distance, the floor's, is a large part.

    Its kernel is summed in double precision here: in single, as it is, it was off by 3e-4.
    """
    from torch_fidelity import metric_kid

    single = metric_kid.kid_features_to_metric
    double = mock.patch.object(metric_kid, single.__name__, lambda a, b, **k: single(a.double(), b.double(), **k))
    folders = [
        save_folder(tmp_path / name, tiles(shared_data / "cifar10" / "test" / f"{name}.jpg")[:count])
        for name in ("3_cat", "5_dog")
    ]
    begun = time.process_time()
    with double:
        metrics = torch_fidelity.calculate_metrics(
            input1=str(folders[0]), input2=str(folders[1]), cuda=torch.cuda.is_available(), fid=True, kid=True,
            kid_subsets=1, kid_subset_size=count, feature_extractor_weights_path=str(file), cache=False, verbose=False,
        )  # fmt: skip
    words = [folders[0], "--reference", folders[1], "--features", file, "--json", tmp_path / "x.json"]
    their_end = time.process_time()
    distances.main([str(word) for word in words])
    theirs_took, ours_took = their_end - begun, time.process_time() - their_end
    row = json.loads((tmp_path / "x.json").read_text())["rows"][-1]
    assert row["title"] == str(folders[0]) and row["fingerprint"]["count"] == count
    assert row["frechet"] == pytest.approx(metrics["frechet_inception_distance"], rel=1e-4)
    assert row["kernel"] == pytest.approx(1000 * metrics["kernel_inception_distance_mean"], rel=1e-4)
    off = [
        abs(ours / theirs - 1)
        for ours, theirs in (
            (row["frechet"], metrics["frechet_inception_distance"]),
            (row["kernel"], 1000 * metrics["kernel_inception_distance_mean"]),
        )
    ]
    print(f"Frechet, kernel apart by {off[0]:.1e}, {off[1]:.1e}; {ours_took:.1f} s against {theirs_took:.1f} s")
    assert count == REAL or ours_took <= 1.1 * theirs_took


def tiles(sheet: Path, side: int = 32) -> torch.Tensor:
    """The images of a sheet, uint8 (N, 3, side, side)."""
    pixels = pil_to_tensor(Image.open(sheet).convert("RGB"))
    return pixels.unfold(1, side, side).unfold(2, side, side).flatten(1, 2).transpose(0, 1).contiguous()


def test_weights_that_are_not_the_published_ones_are_named_so(extractor, file):
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    plain = f"inception, weights {sha256[:8]}, not the published ones"
    assert not extractor.is_fid
    assert extractor.identity() == {"extractor": plain, "sha256": sha256, "resize": inception.RESIZE_RULE}
    assert extractor.name == f"{plain} ({sha256[:8]}; {inception.RESIZE_RULE})" and "299 px" in extractor.name


def test_only_the_published_weights_may_be_called_fid(extractor, monkeypatch):
    assert inception.PUBLISHED_SHA256.startswith(Path(inception.FILE_NAME).stem.rpartition("-")[2])
    monkeypatch.setattr(inception, "PUBLISHED_SHA256", extractor.sha256)
    assert extractor.is_fid and extractor.identity()["extractor"] == "inception"


@pytest.mark.parametrize(("images", "words"), [(torch.rand(1, 3, 8, 8), "uint8"), (random_images(1, 2, 8), "grey or")])
def test_what_is_no_image_is_one_line(extractor, images, words):
    with pytest.raises(UserError, match=words):
        extractor.features(images)


# --- files


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_text("not a pickle"),
        lambda file: torch.save(torch.nn.Linear(2, 2).state_dict(), file),
        lambda file: torch.save([1, 2], file),
        lambda file: torch.save(Path("code"), file),  # would be run by pickle
    ],
)
def test_a_file_that_holds_other_things_is_one_line_and_stays(file, tmp_path, damage):
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(file.read_bytes())
    damage(damaged)
    before = damaged.read_bytes()
    with pytest.raises(UserError, match="holds no weights of the FID Inception network") as error:
        inception.load(damaged)
    assert "\n" not in str(error.value) and damaged.read_bytes() == before


def test_a_name_that_promises_another_hash_is_one_line(tmp_path):
    (tmp_path / inception.FILE_NAME).write_bytes(b"cut short")
    with pytest.raises(UserError, match="its name promises 6726825d...: it is truncated or another file"):
        inception.load(tmp_path / inception.FILE_NAME)
    with pytest.raises(UserError, match="cannot read the Inception weights .*No such file"):
        inception.load(tmp_path / "absent.pth")


def test_absent_and_offline_says_which_file_and_where(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise urllib.error.URLError("no network\nat all")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(UserError) as error:
        inception.published()
    message, place = str(error.value), tmp_path / "hub" / "checkpoints" / inception.FILE_NAME
    assert all(word in message for word in (inception.URL, inception.PUBLISHED_SHA256, str(place), "--features FILE"))
    assert "\n" not in message and not place.exists()


def test_the_cache_of_torch_hub_is_where_it_is_looked_for(file, tmp_path, monkeypatch):
    place = tmp_path / "hub" / "checkpoints" / inception.FILE_NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another file of that name")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match="6726825d"):
        inception.published()
    assert place.read_bytes() == b"another file of that name"


def test_without_torch_fidelity_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match="needs torch-fidelity; install it with: pip install torch-fidelity$"):
        inception.published()


def test_a_pth_file_is_chosen_by_its_path(file):
    digits = ImageSet("mnist", "test", random_images(2, 1, 32))
    extractor, own = choose(str(file), digits)
    assert isinstance(extractor, inception.Inception) and not own
