"""vaegan.data.readers.listing and decoding: every real file once, none left out in silence, none misread."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaegan.data import load
from vaegan.data.readers import decoding, listing
from vaegan.errors import UserError

UNPRIVILEGED = os.name == "posix" and os.geteuid() != 0


pytestmark = pytest.mark.usefixtures("cache")


def save(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (value, value // 2, 255 - value)).save(path)


@pytest.fixture
def tree(tmp_path) -> Path:
    for i in range(12):
        save(tmp_path / "tree" / "a" / f"{i:02d}.png", 10 * i)
    return tmp_path / "tree"


def lfw(tmp_path) -> Path:
    for i in range(20):
        save(tmp_path / "lfw-py" / "lfw" / f"P{i:02d}" / f"P{i:02d}_0001.png", 10 * i)
    for file in (tmp_path / "lfw-py").rglob("*.png"):
        Image.open(file).resize((250, 250)).save(file.with_suffix(".jpg"))
        file.unlink()
    return tmp_path


LINKS = {
    "to itself": ("self", "."),
    "to its parent": ("a/up", ".."),
    "to a sibling": ("latest", "a"),
    "to a sibling that sorts first": ("0", "a"),
    "to a file": ("b.png", "a/03.png"),
    "to a file of its folder": ("a/0.png", "03.png"),
}


@pytest.mark.parametrize("link", LINKS)
def test_links_double_nothing(tree, link):
    plain = listing.image_files(tree).files
    name, target = LINKS[link]
    (tree / name).symlink_to(target)
    assert listing.image_files(tree).files == plain


def test_a_file_of_two_names_is_one_image(tree):
    plain = listing.image_files(tree).files
    os.link(tree / "a" / "03.png", tree / "z.png")
    os.link(tree / "a" / "03.png", tree / "a" / "30.png")
    assert listing.image_files(tree).files == plain


def test_the_whole_disk_is_refused(tree):
    (tree / "disk").symlink_to("/")
    for root in (Path("/"), tree / "disk"):
        with pytest.raises(UserError, match="is the whole disk"):
            listing.image_files(root)


def test_what_lies_elsewhere_is_read_through_a_link(tree, tmp_path):
    save(tmp_path / "elsewhere" / "x.png", 200)
    (tree / "b").symlink_to(tmp_path / "elsewhere")
    assert Path("b/x.png") in listing.image_files(tree).files


JUNK = [".hidden/x.png", ".ipynb_checkpoints/x.png", "__MACOSX/x.png", "@eaDir/x.png", "a/._00.png", "a/.x.png"]


@pytest.mark.parametrize("junk", [*JUNK, "Thumbs.db"])
def test_hidden_and_resource_files_are_no_images_and_no_people(tree, tmp_path, junk):
    people = lfw(tmp_path)
    held_out = load("lfw", "test", image_size=32, data_dir=people).images
    for root in (tree, people / "lfw-py" / "lfw"):
        (root / junk).parent.mkdir(parents=True, exist_ok=True)
        (root / junk).write_bytes(b"\0\5\x16\7")
    assert len(listing.image_files(tree).files) == 12 and not listing.image_files(tree).left_out
    assert torch.equal(load("lfw", "test", image_size=32, data_dir=people).images, held_out)


def test_every_folder_that_cannot_be_listed_is_named(tree, monkeypatch):
    for name in ("b", "c"):
        save(tree / name / "x.png", 3)
    scandir = os.scandir

    def denied(folder):
        if Path(folder).name in ("b", "c"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(listing.os, "scandir", denied)
    with pytest.raises(UserError, match=r"cannot list .*/[bc] \(Permission denied\), .*/[bc] \(Permission denied\)"):
        load(f"folder:{tree}", "train")


@pytest.mark.skipif(not UNPRIVILEGED, reason="root may list every folder")
def test_a_folder_without_permissions_is_refused(tree):
    (tree / "a").chmod(0)
    with pytest.raises(UserError, match="cannot list"):
        load(f"folder:{tree}", "train")
    (tree / "a").chmod(0o700)


def test_left_out_files_are_counted_in_the_note(tree):
    for name in ("a/1.heic", "a/2.heic", "a/list.TXT", "notes"):
        (tree / name).write_bytes(b"x")
    note = load(f"folder:{tree}", "train").note
    assert "left out: 2 .heic" in note and "1 .txt" in note and "1 without a suffix" in note


@pytest.mark.parametrize("suffix", ["gif", "jfif", "jpe", "avif", "tga", "webp", "bmp"])
def test_formats_that_pillow_reads(tree, suffix):
    if f".{suffix}" not in listing.SUFFIXES:
        pytest.skip("this Pillow cannot")
    save(tree / "a" / f"new.{suffix.upper()}", 200)
    assert sum(len(load(f"folder:{tree}", split).images) for split in ("train", "test")) == 13


def test_a_pipe_is_never_waited_for(tree):
    os.mkfifo(tree / "a" / "pipe.png")
    assert "1 that are no regular files" in load(f"folder:{tree}", "train").note
    (tree / "a" / "linked.png").symlink_to("pipe.png")  # a link counts as a file, which is then refused
    with pytest.raises(UserError, match="linked.png .not a regular file"):
        load(f"folder:{tree}", "train")


def test_all_broken_files_are_named_at_once(tree):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    noise.save(tree / "a" / "cut.png")
    (tree / "a" / "cut.png").write_bytes((tree / "a" / "cut.png").read_bytes()[:3000])
    (tree / "a" / "empty.png").write_bytes(b"")
    (tree / "a" / "dangling.png").symlink_to("nowhere.png")
    (tree / "a" / "loop.png").symlink_to("loop.png")
    Image.new("RGB", (400, 40)).save(tree / "a" / "strip.png")
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(tree / "a" / "deep.png")
    with pytest.raises(UserError, match="6 of 18 images cannot be read, first .*cut.png.*dangling.png.*deep") as error:
        load(f"folder:{tree}", "train")
    assert "\n" not in str(error.value) and "and 1 more" in str(error.value)


# --- pixels


def glyph(mode: str, hidden, ink) -> Image.Image:
    """A disc of ink on nothing, whose hidden colour is `hidden`."""
    y, x = np.mgrid[:32, :32]
    disc = (x - 16) ** 2 + (y - 16) ** 2 < 64
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[..., :3], pixels[disc, :3], pixels[..., 3] = hidden, ink, 255 * disc
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(("mode", "suffix"), [("RGBA", "png"), ("LA", "png"), ("RGBA", "webp"), ("RGBA", "tiff")])
@pytest.mark.parametrize("hidden", [0, 90])
def test_transparent_parts_are_white_whatever_lies_beneath(tmp_path, mode, suffix, hidden):
    file = tmp_path / f"x.{suffix}"
    glyph(mode, hidden, 0).save(file, **({"lossless": True} if suffix == "webp" else {}))
    pixels = decoding.pixels(file)
    assert pixels[0, 0].tolist() == [255] * 3 and pixels[16, 16].tolist() == [0] * 3


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_means_transparent_is_white(tmp_path, mode):
    image = Image.new(mode, (32, 32), 0)
    image.paste(7 if mode != "RGB" else (7, 7, 7), (8, 8, 24, 24))
    image.save(tmp_path / "x.png", transparency=0 if mode != "RGB" else (0, 0, 0))
    assert decoding.pixels(tmp_path / "x.png")[0, 0].tolist() == [255] * 3


def test_what_was_done_to_the_pixels_stands_in_the_note(tmp_path):
    for i in range(6):
        glyph("RGBA", i, (200, i, 0)).resize((48, 40)).save(tmp_path / f"{i}.png")
    frames = [Image.new("RGB", (40, 40), (i, 90, 0)) for i in (0, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    notes = "".join(load(f"folder:{tmp_path}", split, image_size=32).note for split in ("train", "test"))
    for words in ("not square and were cropped", "laid over white", "animated"):
        assert words in notes
