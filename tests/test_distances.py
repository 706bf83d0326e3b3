"""The table of distances and its command: what is measured, what it is called, what is refused."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from stand_in import Blurrer, dead_leaves, save_npz, save_run
from toy_extractor import Tiles

import vaegan
from eval.distances import columns as distances
from eval.distances import command as distance_command
from eval.distances import table as distance_table
from eval.distances.__main__ import main
from eval.distances.reference import prepared
from eval.distances.table import FLOORS, Set
from eval.sources.held_out import halves
from vaegan.config import Config
from vaegan.data import ImageSet, load
from vaegan.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def extractor(monkeypatch) -> Tiles:
    """Every command's extractor."""
    tiles = Tiles()
    monkeypatch.setattr(distance_command.features, "choose", lambda spec, images: (tiles, True))
    return tiles


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> str:
    return save_npz(tmp_path_factory.mktemp("data") / "leaves.npz", dead_leaves(3000))


def split(images, name) -> ImageSet:
    return ImageSet("leaves", name, images)


def measured(sets: dict[str, torch.Tensor], count=150) -> dict[str, dict]:
    """Rows by title of sets against leaves, the floors included."""
    test, train = split(dead_leaves(400, seed=1), "test"), split(dead_leaves(600, seed=2), "train")
    parts = tuple(test.images[rows] for rows in halves(test, count, 0))
    protocol, floors = prepared(test, train, parts, Tiles(), 0)
    own = [Set(title, title, distance_table.of_vectors(Tiles().features(x[:count]))) for title, x in sets.items()]
    return {row["title"]: row for row in distance_table.rows([*floors, *own], protocol)}


# --- the table


def test_real_images_are_at_the_floor_and_worse_ones_above_it():
    rows = measured({"others": dead_leaves(150, seed=7), "dark": dead_leaves(150, seed=7) // 2})
    assert rows["others"]["frechet_limit"] < 0.2 * rows["others"]["frechet"]
    assert rows["dark"]["frechet_limit"] > 10 * rows["others"]["frechet"]
    low, high = rows["others"]["kernel_interval"]
    assert low < 0 < high and rows["dark"]["kernel_interval"][0] > 0
    assert rows["others"]["coverage"] > 0.9 > 0.5 > rows["dark"]["coverage"]
    assert not rows["others"]["flags"] and rows["dark"]["flags"]


def test_a_generator_that_repeats_is_flagged_by_coverage_and_by_its_copies():
    rows = measured({"repeats": dead_leaves(600, seed=2)[:10].repeat(15, 1, 1, 1)})
    assert rows["repeats"]["copies"] == rows["repeats"]["nearer"] == 1
    said = " ".join(rows["repeats"]["flags"])
    assert "covers" in said and "100% are as near to a training image as 1% of held-out images are" in said


def test_the_floor_of_training_images_has_no_copies_to_speak_of():
    rows = measured({})
    assert rows[FLOORS[0]]["copies"] is None and rows[FLOORS[1]]["copies"] == pytest.approx(0.01, abs=0.01)


def test_every_number_carries_its_protocol():
    rows = measured({"others": dead_leaves(150, seed=7)})
    table = distance_table.table(list(rows.values()))
    for row in table["rows"]:
        assert row["fingerprint"] == table["fingerprint"]
    assert table["fingerprint"]["count"] == 150 and table["fingerprint"]["training_count"] == 600
    assert "150 images against 150 of leaves 32x32, part of the 400 held out" in table["protocol"]
    assert json.loads(json.dumps(table)) == table


def test_two_references_do_not_share_a_table():
    rows = [*measured({"others": dead_leaves(150, seed=7)}).values(), *measured({}, count=100).values()]
    with pytest.raises(UserError, match="cannot stand in one column: reference_count is 150 for the first and 100"):
        distance_table.table(rows)


def test_only_the_published_inception_makes_a_fid():
    rows = list(measured({}).values())
    named = [column["title"] for column in distance_table.table(rows)["columns"]]
    assert not any("FID" in name or "KID" in name for name in named)
    fid = [{**row, "fingerprint": replace(row["fingerprint"], is_fid=True)} for row in rows]
    assert [column["title"] for column in distance_table.table(fid)["columns"]][:3] == [
        "FID",
        "FID, N → ∞",
        "KID × 1000",
    ]


def test_fewer_images_than_features_is_a_warning_not_a_failure():
    rows = list(measured({}, count=12).values())
    assert all(row["frechet"] >= 0 and row["frechet_limit"] is None for row in rows)
    assert "12 images for 16 features" in " ".join(distance_table.table(rows)["notes"])


@pytest.mark.parametrize("count", [1, distances.LEAST - 1])
def test_hardly_any_images_are_one_line(count):
    with pytest.raises(UserError, match="at least 6"):
        measured({}, count=max(2, count))


# --- the command


def call(*arguments) -> None:
    main([str(argument) for argument in arguments])


def failed(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        call(*arguments)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ")
    return stop.value.code, said


@pytest.fixture
def runs(tmp_path, dataset, monkeypatch) -> list[Path]:
    blurs = {"vae": 1.5, "vaegan": 0.3}
    configs = {mode: Config(mode=mode, dataset=dataset, image_size=32) for mode in blurs}
    monkeypatch.setattr(
        vaegan, "load", lambda d, weights="raw", device="cpu": Blurrer(configs[Path(d).name], blurs[Path(d).name])
    )
    return [save_run(tmp_path / mode, config) for mode, config in configs.items()]


def test_runs_are_measured_and_written_and_read_again(runs, extractor, tmp_path, capsys):
    call(*runs, "--samples", 100, "--json", tmp_path / "d.json")
    said, rows = capsys.readouterr().out, json.loads((tmp_path / "d.json").read_text())["rows"]
    found = {row["title"]: row["frechet"] for row in rows}
    assert list(found)[:2] == list(FLOORS) and len(found) == 6
    assert found["VAE reconstructions"] > found["VAE/GAN reconstructions"] > 0
    assert "tiles (sha256 000000000000)" in said and "| VAE samples" in said
    call(tmp_path / "d.json")
    assert capsys.readouterr().out == said


def test_the_second_time_only_the_runs_images_are_extracted(dataset, runs, extractor, capsys):
    call(*runs, "--samples", 100)
    first, extractor.calls = extractor.calls, 0
    call(*runs, "--samples", 100)
    assert extractor.calls == 400 and first == 400 + 200 + len(load(dataset, "train").images)


def test_generated_images_in_a_folder_against_a_data_set(dataset, extractor, tmp_path, capsys):
    generated = save_npz(tmp_path / "generated.npz", dead_leaves(90, seed=9))
    call(generated, "--reference", dataset)
    assert "90 images against 3,000 of" in capsys.readouterr().out


def test_tables_of_two_protocols_are_not_merged(runs, extractor, tmp_path, capsys):
    call(runs[0], "--samples", 100, "--json", tmp_path / "a.json")
    call(runs[1], "--samples", 80, "--json", tmp_path / "b.json")
    code, said = failed(capsys, tmp_path / "a.json", tmp_path / "b.json")
    assert code == 1 and "cannot stand in one column" in said and "measure both anew" in said


def test_what_was_measured_apart_by_one_protocol_makes_one_table(runs, extractor, tmp_path, capsys):
    for run, name in zip(runs, "ab", strict=True):
        call(run, "--samples", 100, "--json", tmp_path / f"{name}.json")
    capsys.readouterr()
    call(tmp_path / "a.json", tmp_path / "b.json")
    said = capsys.readouterr().out
    assert said.count("| Held-out images (floor)") == 1 and said.count("samples ") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "nothing to measure"),
        (["npz:x.npz"], 2, "against which data set"),
        (["npz:x.npz", "--reference", "mnits"], 2, "did you mean 'mnist'"),
        (["nowhere"], 1, "no such run directory"),
        (["nowhere", "--reference", "npz:x.npz"], 2, "no such folder or run: nowhere"),
        (["x.npz", "--reference", "npz:x.npz"], 2, "x.npz is no folder; give a folder of images, npz:FILE"),
        (["pipe", "--reference", "npz:x.npz"], 2, "pipe is no folder"),
        (["npz:x.npz", "--reference", "pipe"], 2, "pipe is no folder"),
        (["npz:x.npz", "--reference", "npz:x.npz", "--json", "x.npz/a.json"], 1, "cannot be written"),
        (["npz:x.npz", "--reference", "npz:x.npz", "--device", "tpu"], 2, "unknown device 'tpu'"),
        (["npz:x.npz", "--reference", "npz:x.npz", "--features", "clip-vit-b-32"], 2, "its weights are not here"),
        (["npz:x.npz", "--reference", "npz:x.npz", "--features", "dinov2-vit-s-14"], 2, "its weights are not here"),
        (["x.json"], 1, "cannot read x.json"),
        (["x", "--samples", "3"], 2, "use 6 or more"),
        (["x", "--seed", "-1"], 2, "use 0 or more"),
    ],
)
def test_bad_commands_are_one_line(arguments, code, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    if "npz:x.npz" in arguments:
        save_npz(tmp_path / "x.npz", dead_leaves(20))
    if "pipe" in arguments:
        os.mkfifo("pipe")
    found, said = failed(capsys, *arguments)
    assert found == code and words in said


@pytest.mark.parametrize(
    ("images", "words"), [(dead_leaves(30, size=64), "64x64"), (dead_leaves(30, channels=3), "is in colour")]
)
def test_two_sizes_and_grey_against_colour_are_refused(images, words, dataset, extractor, tmp_path, capsys):
    generated = save_npz(tmp_path / "generated.npz", images)
    code, said = failed(capsys, generated, "--reference", dataset)
    assert code == 2 and words in said


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": [{}]}', '{"rows": 3}'])
def test_a_file_that_is_no_table_is_one_line(content, tmp_path, capsys):
    (tmp_path / "x.json").write_text(content)
    code, said = failed(capsys, tmp_path / "x.json")
    assert code == 1 and "was not written by" in said


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(dataset, tmp_path):
    generated = save_npz(tmp_path / "generated.npz", dead_leaves(1400, seed=9) // 2)
    file = ROOT / "eval" / "features" / "weights" / "mnist.safetensors"
    command = ["-m", "eval.distances", generated, "--reference", dataset, "--features", str(file), "--json"]
    found = {}
    for name, launch in (("one", []), ("two", ["-m", "torch.distributed.run", "--nproc-per-node", "2"])):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "VAEGAN_CACHE": str(tmp_path / f"cache-{name}")}
        out = tmp_path / f"{name}.json"
        subprocess.run([sys.executable, *launch, *command, out], cwd=ROOT, env=environment, check=True)
        found[name] = json.loads(out.read_text())["rows"]
    for one, two in zip(found["one"], found["two"], strict=True):
        assert one.keys() == two.keys()
        for key in ("frechet", "frechet_limit", "kernel", "density", "coverage", "copies"):
            assert two[key] == (one[key] if one[key] is None else pytest.approx(one[key], rel=1e-10)), key
