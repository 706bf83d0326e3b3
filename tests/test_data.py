"""vaegan.data: what each loader yields, how splits and caches are made, and one clear line for every bad input."""

import io
import multiprocessing
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaegan.data import DATASETS, SIZES, load, native_size
from vaegan.data import cache as caching
from vaegan.data.batches import batch_indices
from vaegan.data.cache import cached_array
from vaegan.data.fitting import fit
from vaegan.data.readers import torchvision_sets
from vaegan.errors import UsageError, UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder for every test."""
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def save_image(path: Path, size=(40, 32), value=0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value // 2, 255 - value)).save(path)


@pytest.fixture
def tree(tmp_path) -> Path:
    """20 images of two classes; image i of class c has red value 100 * c + i."""
    for label, name in enumerate(["cat", "dog"]):
        for i in range(10):
            save_image(tmp_path / "tree" / name / f"{i:02d}.png", value=100 * label + i)
    (tmp_path / "tree" / "README.txt").write_text("not an image")
    return tmp_path / "tree"


def save_npz(path: Path, count=20, shape=(32, 32, 3), **arrays) -> Path:
    images = np.arange(count, dtype=np.uint8).reshape(-1, *[1] * len(shape)) * np.ones((1, *shape), np.uint8)
    np.savez(path, **{"images": images, **arrays})
    return path


# --- batches


def test_an_epoch_holds_every_image_once_and_epochs_differ():
    batches = torch.stack([batch_indices(12, 4, seed=0, step=step) for step in range(6)])
    first, second = batches.view(2, 12)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()


def test_epochs_are_laid_end_to_end_when_the_batch_does_not_divide_them():
    drawn = torch.cat([batch_indices(10, 4, seed=0, step=step) for step in range(5)])
    assert sorted(drawn.tolist()) == sorted(2 * list(range(10)))
    assert sorted(batch_indices(3, 7, seed=0, step=0)[:6].tolist()) == [0, 0, 1, 1, 2, 2]


def test_a_batch_depends_on_seed_and_step_alone():
    expected = batch_indices(1000, 16, seed=3, step=70)
    batch_indices(1000, 16, seed=4, step=71).zero_()
    torch.manual_seed(9)
    assert torch.equal(batch_indices(1000, 16, seed=3, step=70), expected)
    assert not torch.equal(batch_indices(1000, 16, seed=4, step=70), expected)


# --- fitting


def test_28_pixels_are_padded_not_resampled():
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    fitted = fit(images, 32)
    assert torch.equal(fitted[..., 2:30, 2:30], images)
    black = fit(images, 32, black_ground=True)
    assert torch.equal(black[..., 2:30, 2:30], images) and black[..., :2, :].sum() == black[..., :, 30:].sum() == 0


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (5, 3, 28, 28)])
def test_padding_draws_no_frame(shape):
    images = torch.randint(60, 256, shape, dtype=torch.uint8)
    fitted = fit(images, 32)
    assert fitted.min() >= 60 and torch.equal(fitted[..., 2:30, 1], images[..., :, 0])
    images[..., :1, :], images[..., -1:, :], images[..., :1], images[..., -1:] = 5, 5, 5, 5
    assert fit(images, 32)[..., :2].max() == 0  # black goes on as black, noise of a JPEG or not


def test_digits_and_clothes_are_padded_alike_by_name_and_by_sight(shared_data):
    for name, differing in (("mnist", 0), ("fashion-mnist", 10)):
        padded = load(name, "test", data_dir=shared_data).images
        by_sight = fit(padded[..., 2:30, 2:30], 32)
        assert (by_sight != padded).flatten(1).any(dim=1).sum() <= differing


def test_28_pixels_stay_or_lose_their_border_at_small_sizes():
    images = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    assert torch.equal(fit(images, 28), images)
    assert torch.equal(fit(images, 26), images[..., 1:27, 1:27])


def test_wide_images_are_cropped_to_the_centre_and_reduced_with_antialiasing():
    stripes = torch.zeros(1, 3, 64, 100, dtype=torch.uint8)
    stripes[..., ::2] = 255
    fitted = fit(stripes, 32)
    assert fitted.shape == (1, 3, 32, 32)
    assert 120 <= fitted[..., 1:-1].min() and fitted[..., 1:-1].max() <= 135  # without antialiasing: 0 or 255


# --- named sets


@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_mnist(shared_data, split, count):
    digits = load("mnist", split, data_dir=shared_data)
    assert digits.images.shape == (count, 1, 32, 32) and digits.images.dtype == torch.uint8
    assert digits.labels.shape == (count,) and digits.labels.dtype == torch.int64
    assert digits.label_names == tuple("0123456789") and digits.note == ""
    assert digits.images[..., 2:30, 2:30].float().mean() / 255 == pytest.approx(0.1307, abs=0.003)


def test_fashion_mnist_enlarged_says_so(shared_data):
    clothes = load("fashion-mnist", "test", image_size=64, data_dir=shared_data)
    assert clothes.images.shape == (10_000, 1, 64, 64)
    assert clothes.note == "images enlarged from 28 to 64 pixels"


@pytest.mark.parametrize("name", torchvision_sets.SETS)
def test_absent_and_offline_names_the_file_looked_for(name, tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", offline)
    with pytest.raises(UserError, match=f"{name} is not in .*{tmp_path}.*looked for .*could not be downloaded"):
        load(name, "train", data_dir=tmp_path)


def test_a_damaged_set_is_one_line_and_is_not_deleted(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"\0\0\x08\x03 cut short")
    with pytest.raises(UserError, match="cannot read mnist"):
        load("mnist", "train", data_dir=tmp_path)
    assert len(list(raw.iterdir())) == 4


def save_cifar10(data_dir: Path, count=4) -> None:
    folder = data_dir / "cifar-10-batches-py"
    folder.mkdir()
    for i, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        rows = np.full((count, 3072), i, np.uint8)
        rows[:, :1024] += 100  # the first plane is red
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": [i] * count}))


def test_cifar10_is_read_from_files_that_are_not_the_publishers_own(tmp_path):
    save_cifar10(tmp_path)
    train, test = (load("cifar10", split, data_dir=tmp_path) for split in ("train", "test"))
    assert train.images.shape == (20, 3, 32, 32) and train.labels.tolist() == [i for i in range(5) for _ in range(4)]
    assert test.images[0, :, 0, 0].tolist() == [105, 5, 5] and test.label_names[5] == "dog"


def test_a_truncated_cifar10_is_one_line(tmp_path):
    save_cifar10(tmp_path)
    file = tmp_path / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot read cifar10"):
        load("cifar10", "test", data_dir=tmp_path)


def test_synthfaces_are_drawn_once_then_mapped(monkeypatch):
    from vaegan.data.readers import embedded
    from vaegan.data.synthfaces import renderer as synthfaces

    monkeypatch.setattr(embedded, "COUNTS", {"train": 5, "test": 3})
    monkeypatch.setattr(embedded, "CHUNK", 2)
    faces = load("synthfaces", "test", image_size=32)
    assert faces.images.shape == (3, 3, 32, 32) and faces.images.dtype == torch.uint8
    assert torch.equal(faces.images, torch.as_tensor(synthfaces.render(1, torch.arange(3), 32)))
    assert faces.labels.shape == (3, len(faces.label_names)) and faces.labels.dtype == torch.uint8
    monkeypatch.setattr(embedded, "_rendered", None)  # a second drawing would fail
    assert torch.equal(load("synthfaces", "test", image_size=32).images, faces.images)
    assert native_size("synthfaces") == 64


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="unknown data set 'minst'; did you mean 'mnist'.*known are synthfaces, mnist"):
        load("minst", "train")
    with pytest.raises(UsageError, match="did you mean 'folder:'"):
        native_size("foldr:somewhere")
    with pytest.raises(UsageError, match="'npz:' names no path"):
        load("npz:", "train")


@pytest.mark.parametrize("size", [0, 48, 1024])
def test_impossible_image_sizes_are_refused(size):
    with pytest.raises(UsageError, match=f"image size {size} is not one of 32, 64, 128, 256, 512"):
        load("synthfaces", "train", image_size=size)


def test_every_named_set_has_a_native_size_the_networks_can_do(tmp_path):
    assert {native_size(name, tmp_path) for name in DATASETS} <= set(SIZES)


# --- folder:


def test_labelled_tree(tree):
    train, test = load(f"folder:{tree}", "train"), load(f"folder:{tree}", "test")
    levels = [part.images[:, 0, 0, 0].tolist() for part in (train, test)]
    assert sorted(levels[0] + levels[1]) == [*range(10), *range(100, 110)]
    assert levels == [sorted(part) for part in levels] and test.label_names == ("cat", "dog")
    for part in (train, test):
        assert torch.equal(part.labels, (part.images[:, 0, 0, 0] >= 100).long()) and part.labels.unique().tolist() == [
            0,
            1,
        ]
    assert f"{len(levels[1])} of 20 images" in train.note and "held out" in train.note


def test_train_and_test_folders_are_the_splits(tmp_path):
    for i, (split, name) in enumerate([("train", "a"), ("train", "b"), ("train", "b"), ("train", "a"), ("test", "b")]):
        save_image(tmp_path / split / name / f"{i}.png", value=40 * i)
    train, test = load(f"folder:{tmp_path}", "train"), load(f"folder:{tmp_path}", "test")
    assert train.label_names == test.label_names == ("a", "b")
    assert train.labels.tolist() == [0, 0, 1, 1] and test.labels.tolist() == [1]
    assert "train/ and test/" in test.note
    save_image(tmp_path / "test" / "loose.png", value=9)
    assert load(f"folder:{tmp_path}", "train").labels is None
    (tmp_path / "test" / "loose.png").rename(tmp_path / "test" / "b" / "loose.png")
    save_image(tmp_path / "test" / "c" / "x.png", value=7)
    assert "class 'c' of" in load(f"folder:{tmp_path}", "test").unusable_labels


def test_unlabelled_nested_tree_in_every_format(tmp_path):
    for i, suffix in enumerate(["png", "JPG", "bmp", "webp", "tiff", "ppm"]):
        save_image(tmp_path / "all" / str(i % 2) / f"{i}.{suffix}")
    save_image(tmp_path / "all" / ".hidden" / "thumbnail.png")
    (tmp_path / "all" / "._0.png").write_text("a resource fork, not an image")
    images = load(f"folder:{tmp_path}", "train")
    assert len(images.images) == 3 and images.labels is None and images.label_names == ()


@pytest.mark.parametrize(
    ("modes", "channels"), [(["L", "LA", "1"], 1), (["L", "RGB", "L"], 3), (["RGBA", "P", "LA"], 3)]
)
def test_folders_are_grey_only_when_every_file_is(tmp_path, modes, channels):
    (tmp_path / "all").mkdir()
    for i, mode in enumerate(modes):
        Image.new(mode, (32, 32)).save(tmp_path / "all" / f"{i}.png")
    assert load(f"folder:{tmp_path / 'all'}", "train").channels == channels


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([(70, 64), (250, 65)], 64), ([(63, 200), (64, 64)], 32), ([(20, 20), (28, 28)], 32), ([(500, 128)] * 2, 128)],
)
def test_default_size_enlarges_nothing(tmp_path, sizes, expected):
    for i, size in enumerate(sizes):
        save_image(tmp_path / f"{i}.png", size=size)
    assert native_size(f"folder:{tmp_path}") == expected
    assert load(f"folder:{tmp_path}", "train").image_size == expected


def test_enlarged_images_are_counted_in_the_note(tree):
    assert " images are smaller than 64 pixels" in load(f"folder:{tree}", "train", image_size=64).note


def test_turned_photographs_are_set_upright(tmp_path):
    upright = np.zeros((32, 40, 3), np.uint8)
    upright[:16] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    for i in range(2):
        Image.fromarray(upright).save(tmp_path / f"{i}.png", exif=exif)
    image = load(f"folder:{tmp_path}", "train").images[0]
    assert image[:, 0].max() == 0 and image[:, -1].min() == 255


def test_corrupt_images_are_counted_and_named(tree):
    (tree / "cat" / "03.png").write_bytes(b"no image at all")
    (tree / "dog" / "05.png").write_bytes(b"")
    with pytest.raises(UserError, match="2 of 20 images cannot be read, first .*cat/03.png"):
        load(f"folder:{tree}", "train")


def test_a_truncated_image_is_named_and_nothing_is_cached(tree, cache):
    file = tree / "cat" / "03.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:3000])
    for _ in range(2):
        with pytest.raises(UserError, match="1 of 20 images cannot be read, first .*cat/03.png"):
            load(f"folder:{tree}", "train")
    assert len(list(cache.glob("*.npy"))) == 1  # the headers alone


def test_sixteen_bit_images_are_refused_rather_than_clipped(tmp_path):
    for i in range(2):
        Image.fromarray(np.full((32, 32), 40_000, np.uint16)).save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match="2 of 2 images cannot be read.*not 8-bit"):
        load(f"folder:{tmp_path}", "train")


def test_folders_without_enough_images(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        load(f"folder:{tmp_path / 'nowhere'}", "train")
    with pytest.raises(UserError, match="no images under"):
        load(f"folder:{tmp_path}", "train")
    save_image(tmp_path / "only.png")
    with pytest.raises(UserError, match="a single image"):
        load(f"folder:{tmp_path}", "train")
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(UserError, match="no images under .*train"):
        load(f"folder:{tmp_path}", "train")


def test_a_changed_folder_is_decoded_anew(tree):
    load(f"folder:{tree}", "train")
    save_image(tree / "cat" / "00.png", size=(32, 32), value=77)
    assert 77 in torch.cat([load(f"folder:{tree}", split).images[:, 0, 0, 0] for split in ("train", "test")])


# --- npz:


def test_npz_of_classes(tmp_path):
    file = save_npz(tmp_path / "a.npz", labels=np.arange(20) % 3 - 1, label_names=np.array(["no", "yes"]))
    train, test = load(f"npz:{file}", "train"), load(f"npz:{file}", "test")
    assert len(train.images) + len(test.images) == 20 and train.images.shape[1:] == (3, 32, 32)
    for part in (train, test):
        assert torch.equal(part.labels, part.images[:, 0, 0, 0].long() % 3 - 1)
    assert train.label_names == ("no", "yes") and "of 20 images of a.npz" in train.note


def test_npz_of_attributes_and_grey(tmp_path):
    file = save_npz(tmp_path / "a.npz", shape=(28, 28), labels=np.ones((20, 4), bool))
    train = load(f"npz:{file}", "train")
    assert train.images.shape[1:] == (1, 32, 32)
    assert train.labels.shape == (len(train.images), 4) and train.labels.dtype == torch.uint8
    assert train.label_names == ("0", "1", "2", "3")


def test_npz_with_a_test_sibling(tmp_path):
    file = save_npz(tmp_path / "faces_train.npz")
    save_npz(tmp_path / "faces_test.npz", images=np.full((5, 32, 32, 3), 99, np.uint8))
    train, test = load(f"npz:{file}", "train"), load(f"npz:{file}", "test")
    assert (len(train.images), len(test.images)) == (20, 5)
    assert train.note == "the test split is the file faces_test.npz" and test.note.startswith(train.note)


@pytest.mark.parametrize(("side", "expected"), [(20, 32), (28, 32), (40, 32), (60, 64), (64, 64), (100, 128)])
def test_npz_default_size_is_the_nearest(tmp_path, side, expected):
    file = save_npz(tmp_path / "a.npz", images=np.full((2, side, side + 3, 1), 99, np.uint8))
    assert native_size(f"npz:{file}") == expected
    assert load(f"npz:{file}", "train").image_size == expected


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"images": np.zeros((9, 32, 32, 3), np.float32)}, "has type float32; it must be uint8"),
        ({"images": np.zeros((9, 3, 32, 32), np.uint8)}, r"shape \(9, 3, 32, 32\); it must be \(N, H, W, C\)"),
        ({"images": np.zeros((32, 32), np.uint8)}, r"shape \(32, 32\); it must be"),
        ({"images": np.zeros((9, 3, 32, 32), np.uint8)}, r"transpose it with \(0, 2, 3, 1\)"),
        ({"images": np.zeros((32, 32, 3), np.uint8)}, "32 rows of 3 pixels"),
        ({"images": np.zeros((28, 28, 900), np.uint8)}, "28 rows of 900 pixels"),
        ({"images": np.eye(32, dtype=np.uint8)[None].repeat(9, 0)}, "are all 0 or 1, which is black"),
        ({"images": np.zeros((0, 32, 32, 3), np.uint8)}, "at least two images"),
        ({"images": np.zeros((9, 0, 32, 3), np.uint8)}, "at least two images"),
        ({"x": np.zeros(3)}, "no array named 'images'"),
        ({"images": np.array([{}, {}], dtype=object)}, "not a readable .npz"),
        ({"labels": np.zeros(7, int)}, r"'labels'.*shape \(7,\); with 20 images"),
        ({"labels": np.zeros(20)}, "'labels'.*float64"),
        ({"labels": np.full((20, 3), 2)}, "attributes other than 0 and 1"),
        ({"labels": np.full(20, -2)}, "class -2"),
        ({"labels": np.arange(20), "label_names": np.array(["a"])}, "1 names for 20 labels"),
    ],
)
def test_npz_of_the_wrong_kind(tmp_path, arrays, complaint):
    file = tmp_path / "a.npz"
    save_npz(file, **arrays) if "labels" in arrays else np.savez(file, **arrays)
    with pytest.raises(UserError, match=complaint) as error:
        load(f"npz:{file}", "train")
    assert str(file) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_npz(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{tmp_path / 'a.npz'}", "train")


@pytest.mark.parametrize("shape", [(10**6, 1000, 1000, 3), (2**62, 8)])
@pytest.mark.parametrize("key", ["images", "labels"])
def test_a_header_that_claims_more_than_its_file_holds_is_refused_before_allocating(tmp_path, shape, key, monkeypatch):
    file = save_npz(tmp_path / "a.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{key}.npy", header.getvalue() + b"x" * 100)
    monkeypatch.setattr(np, "load", None)  # it would allocate
    with pytest.raises(UserError, match=f"{key}.npy claims"):
        load(f"npz:{file}", "train")


def test_other_npz_files(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 32, 32, 3), np.uint8))
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{tmp_path / 'a.npy'}", "train")
    cut = save_npz(tmp_path / "cut.npz")
    cut.write_bytes(cut.read_bytes()[:-50])
    with pytest.raises(UserError, match="not a readable .npz"):
        load(f"npz:{cut}", "train")
    with pytest.raises(UserError, match="no such file"):
        load(f"npz:{tmp_path / 'nowhere.npz'}", "train")


# --- cache


def count_rows(key="k", value=1) -> np.ndarray:
    return cached_array(key, (4, 2), np.uint8, lambda: (np.full((2, 2), value) for _ in range(2)))


def test_an_array_is_made_once_and_writing_to_it_leaves_the_file_alone(cache):
    first = count_rows(value=1)
    first[:] = 9
    assert (count_rows(value=2) == 1).all()
    assert sorted(file.name for file in cache.iterdir()) == ["k.npy", "k.sha256"]


@pytest.mark.parametrize("kind", ["k.npy", "k.sha256"])
@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"garbage", lambda data: b"", None])
def test_a_damaged_cache_is_made_anew(cache, damage, kind):
    count_rows(value=1)
    file = cache / kind
    file.write_bytes(damage(file.read_bytes())) if damage else file.unlink()
    made = count_rows(value=2)
    assert (made == 2).all() or (kind == "k.sha256" and (made == 1).all())  # only the state may be lost unharmed


def test_every_flipped_bit_of_a_cached_array_is_found(cache):
    draw = np.random.default_rng(0)
    for _ in range(30):
        count_rows(value=1)
        file = cache / "k.npy"
        data = bytearray(file.read_bytes())
        bit = int(draw.integers(8 * len(data)))
        data[bit // 8] ^= 1 << bit % 8
        times = file.stat()
        file.write_bytes(data)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had been
        assert (count_rows(value=2) == 2).all()
        file.unlink()


def test_an_array_is_read_through_once_for_each_state_of_its_file(cache, monkeypatch):
    compared = []
    digest = caching._digest
    monkeypatch.setattr(caching, "_digest", lambda path: compared.append(path) or digest(path))
    for _ in range(3):
        count_rows()
    assert len(compared) == 1
    (cache / "k.npy").touch()
    count_rows()
    assert len(compared) == 2


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(cache):
    pytest.importorskip("fcntl")
    cache.mkdir()
    for name in ("tmpdead.partial", "tmplive.partial"):
        (cache / name).write_bytes(b"x")
        os.utime(cache / name, (0, 0))
    with open(cache / "tmplive.partial", "rb") as live:
        caching._lock(live)
        count_rows()
    assert sorted(file.name for file in cache.glob("tmp*")) == ["tmplive.partial"]


def test_an_array_that_the_disk_cannot_hold_is_refused_before_it_is_made(cache):
    def never():
        raise AssertionError

    with pytest.raises(UserError, match="cannot write .* MB to the cache folder"):
        cached_array("k", (2**40, 2**10), np.uint8, never)
    assert not list(cache.iterdir())


def test_a_cache_of_another_shape_is_made_anew(cache):
    cached_array("k", (1, 2), np.uint8, lambda: [np.zeros((1, 2))])
    assert (count_rows(value=2) == 2).all()


def test_failing_half_way_leaves_nothing_behind(cache):
    def fails():
        yield np.zeros((2, 2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_array("k", (4, 2), np.uint8, fails)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot write 0 MB to the cache folder .*set VAEGAN_CACHE"):
        count_rows()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(cache, monkeypatch):
    monkeypatch.setattr("vaegan.data.cache.tempfile.NamedTemporaryFile", lambda **_: open("/dev/full", "wb"))
    monkeypatch.setattr("vaegan.data.cache.Path.unlink", lambda *_, **__: None)
    with pytest.raises(UserError, match="No space left on device"):
        count_rows()


def test_two_processes_at_once(cache):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(count_rows, ["k"] * 8)
    assert all((result == 1).all() for result in results)
    assert sorted(file.name for file in cache.iterdir()) == ["k.npy", "k.sha256"]
