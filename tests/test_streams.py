"""eval.images.files and streams: every file of a folder, once, at its own size, or one line that says why not."""

import numpy as np
import pytest
import torch
from folders import save_folder
from PIL import Image
from stand_in import dead_leaves, save_npz

from eval.images import streams
from eval.images.files import folder, listed, size_of
from eval.images.streams import as_grey, coloured, digests, of_tensor, open_stream
from vaegan.errors import UsageError


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (28, 40)), (3, (64, 33))])
def test_every_file_comes_back_pixel_for_pixel(tmp_path, channels, size):
    images = dead_leaves(23, size=64, channels=channels)[..., : size[0], : size[1]]
    save_folder(tmp_path / "a", images[:10])
    save_folder(tmp_path / "a" / "more", images[10:], first=10)
    stream = open_stream(str(tmp_path / "a"))
    assert stream.count == 23 and stream.shape == (channels, *size) and not stream.note
    assert torch.equal(torch.cat(list(stream.batches())), images)
    assert torch.equal(stream.images([20, 3, 3]), images[[20, 3, 3]])
    assert stream.names[0] == "00000" and stream.names[-1] == "more/00022"


def test_batches_hold_a_bounded_number_of_pixels(monkeypatch):
    monkeypatch.setattr(streams, "BATCH_PIXELS", 5 * 32 * 32)
    images = dead_leaves(23)
    sizes = [len(batch) for batch in of_tensor("x", images).batches()]
    assert sizes == [5, 5, 5, 5, 3]
    assert of_tensor("x", images[:, :, :28, :28]).batch == 6


def test_hidden_files_are_left_out_and_a_linked_file_counts_once(tmp_path):
    root = save_folder(tmp_path / "a", dead_leaves(4))
    save_folder(root / ".thumbnails", dead_leaves(4))
    (root / ".00009.png").write_bytes(b"no image")
    (root / "notes.txt").write_text("no image")
    (root / "again.png").symlink_to(root / "00001.png")
    (root / "round").symlink_to(root)  # a circle
    assert len(listed(root)) == 4


def test_a_folder_turned_upright_has_the_size_it_is_decoded_to(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "abc":
        Image.fromarray(np.zeros((30, 50, 3), np.uint8)).save(tmp_path / f"{name}.jpg", exif=exif)
    stream = open_stream(str(tmp_path))
    assert stream.size == (50, 30) == tuple(stream.images([0]).shape[-2:])


def test_a_resize_takes_the_whole_image_and_is_named(tmp_path):
    root = save_folder(tmp_path / "a", dead_leaves(3, size=64))
    save_folder(root, dead_leaves(3, size=48), first=3)
    stream = open_stream(str(root), resize=(32, 40))
    assert stream.images(range(6)).shape == (6, 1, 32, 40)
    assert stream.note == "resized from 64x64, 48x48"


@pytest.mark.parametrize(("spec", "size"), [("64", (64, 64)), ("192x256", (256, 192)), (None, None)])
def test_sizes_are_width_by_height(spec, size):
    assert size_of(spec) == size


@pytest.mark.parametrize("spec", ["", "0", "64x", "x", "64x64x3", "-5", "64 px", "0x7"])
def test_what_is_no_size(spec):
    with pytest.raises(UsageError, match="is no size"):
        size_of(spec)


def two_sizes(root):
    save_folder(save_folder(root, dead_leaves(3)), dead_leaves(1, size=40), first=7)


def sixteen_bits(root):
    save_folder(root, dead_leaves(3))
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(root / "00001.png")


def damaged(root):
    save_folder(root, dead_leaves(3))
    (root / "00001.png").write_bytes(b"\x89PNG nothing")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_sizes, "two sizes: 00000.png is 32x32 and 00007.png is 40x40.*--resize 32x32"),
        (sixteen_bits, "00001.png has 'I;16' pixels"),
        (damaged, "00001.png cannot be read"),
        (lambda root: root.mkdir(), "no images under"),
        (lambda root: None, "no such folder"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, make, words):
    make(tmp_path / "a")
    with pytest.raises(UsageError, match=words) as refused:
        open_stream(f"folder:{tmp_path / 'a'}")
    assert "\n" not in str(refused.value)


def test_a_file_cut_off_after_its_header_is_named_when_it_is_decoded(tmp_path):
    root = save_folder(tmp_path / "a", dead_leaves(3, size=64), suffix="jpg")
    data = (root / "00001.jpg").read_bytes()
    (root / "00001.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(UsageError, match="00001.jpg cannot be read"):
        folder(root).images(range(3))


def test_npz_files_keep_their_size_and_all_of_their_images(tmp_path):
    images = dead_leaves(11, size=40, channels=3)
    stream = open_stream(save_npz(tmp_path / "x.npz", images))
    assert torch.equal(stream.images(range(11)), images)
    assert open_stream(f"npz:{tmp_path / 'x.npz'}", resize=(32, 32)).images([0, 1]).shape == (2, 3, 32, 32)


@pytest.mark.parametrize(("source", "words"), [("mnits", "did you mean 'mnist'"), ("npz:nowhere.npz", "no such file")])
def test_an_unknown_source_is_one_line(source, words):
    with pytest.raises(UsageError, match=words):
        open_stream(source)


def test_grey_is_red_equals_green_equals_blue():
    grey = dead_leaves(5)
    rgb = grey.expand(-1, 3, -1, -1).clone()
    assert torch.equal(as_grey(of_tensor("x", rgb)).images(range(5)), grey)
    assert digests(rgb).tolist() == digests(grey).tolist()
    rgb[3, 2, 7, 7] ^= 1
    assert coloured(rgb).tolist() == [False, False, False, True, False]
    assert (digests(rgb) == digests(grey)).tolist() == [True, True, True, False, True]
    with pytest.raises(UsageError, match="x is in colour"):
        as_grey(of_tensor("x", rgb)).images(range(5))
