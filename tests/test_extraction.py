"""eval.distances.extraction: the same features however they are streamed, shared out or cached."""

import subprocess
import sys

import pytest
import safetensors.torch
import torch
from stand_in import dead_leaves
from toy_extractor import Tiles

from eval.distances import extraction
from eval.distances.extraction import content, extract, extract_cached, of_tensor
from eval.distances.frechet import frechet
from eval.distances.moments import merged
from vaegan.errors import UserError
from vaegan.machine import processes

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def images() -> torch.Tensor:
    return dead_leaves(130)


def distance(a, b) -> float:
    return frechet(merged(a.blocks), merged(b.blocks))


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_batches_do_not_matter(images, batch, monkeypatch):
    whole, other = extract(130, of_tensor(images), Tiles()), Tiles().features(dead_leaves(100, seed=1))
    reference = extract(100, of_tensor(dead_leaves(100, seed=1)), Tiles())
    monkeypatch.setattr(extraction, "BATCH", batch)
    found = extract(130, of_tensor(images), Tiles())
    assert torch.equal(found.vectors, whole.vectors) and found.count == 130 and len(other) == 100
    assert distance(found, reference) == pytest.approx(distance(whole, reference), rel=1e-10)


def test_a_long_stream_keeps_its_first_vectors_and_the_moments_of_all(images, monkeypatch):
    monkeypatch.setattr(extraction, "BATCH", 30)
    whole, found = extract(130, of_tensor(images), Tiles()), extract(130, of_tensor(images), Tiles(), most_kept=50)
    assert torch.equal(found.vectors, whole.vectors[:50]) and found.count == 130
    assert distance(found, whole) < 1e-12


@pytest.mark.parametrize("count", [2, 3])
def test_processes_share_the_work_and_agree_with_one(images, count, monkeypatch):
    monkeypatch.setattr(extraction, "BATCH", 20)
    whole, shares, networks = extract(130, of_tensor(images), Tiles()), [], [Tiles() for _ in range(count)]
    monkeypatch.setattr(processes, "count", lambda: count)
    for rank, network in enumerate(networks):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        monkeypatch.setattr(extraction, "_of_all_processes", lambda value: shares.append(value) or [value])
        extract(130, of_tensor(images), network)
    monkeypatch.setattr(extraction, "_of_all_processes", lambda value: shares)
    found = extract(130, of_tensor(images), Tiles())
    assert sum(network.calls for network in networks) == 130 and max(n.calls for n in networks) <= 80
    assert torch.equal(found.vectors, whole.vectors)
    for a, b in zip(found.blocks, whole.blocks, strict=True):
        torch.testing.assert_close(a.scatter, b.scatter, rtol=1e-12, atol=1e-12)


# --- the cache


def test_the_second_time_nothing_is_extracted(images):
    first, second = Tiles(), Tiles()
    whole, again = extract_cached(images, first), extract_cached(images, second)
    assert first.calls == 130 and second.calls == 0
    assert torch.equal(again.vectors, whole.vectors) and again.count == 130


def test_other_images_or_another_network_are_another_file(images, cache):
    extract_cached(images, Tiles())
    changed = images.clone()
    changed[0, 0, 0, 0] ^= 1
    for args in ((changed, Tiles()), (images[:100], Tiles()), (images, Tiles(side=2))):
        extract_cached(*args)
    assert len(list(cache.glob("features-*.safetensors"))) == 4 and not list(cache.glob("*.partial"))


def test_content_depends_on_shape_type_and_every_byte(images):
    changed = images.clone()
    changed[-1, 0, 5, 5] ^= 1
    assert len({content(i) for i in (images, changed, images.reshape(130, 1, 16, 64), images[:129])}) == 4
    assert content(images) == content(images.clone())


def damage(file, how):
    data = file.read_bytes()
    if how == "truncated":
        file.write_bytes(data[:-40])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "a flipped bit":
        file.write_bytes(data[:-3] + bytes([data[-3] ^ 4]) + data[-2:])
    elif how == "another version":
        vectors = safetensors.torch.load(data)
        safetensors.torch.save_file(vectors, file, {"format": "0"})
    elif how == "other vectors":
        safetensors.torch.save_file({"vectors": torch.zeros(3, 2)}, file, {"format": extraction.CACHE_FORMAT})
    elif how == "no vectors":
        safetensors.torch.save_file({"x": torch.zeros(3, 2)}, file, {"format": extraction.CACHE_FORMAT})


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "a flipped bit", "another version", "other vectors", "no vectors"]
)
def test_a_damaged_cache_is_made_anew_and_says_so_in_one_line(images, cache, how):
    whole = extract_cached(images, Tiles())
    (file,) = cache.glob("features-*.safetensors")
    damage(file, how)
    said, network = [], Tiles()
    assert torch.equal(extract_cached(images, network, say=said.append).vectors, whole.vectors)
    assert network.calls == 130 and len(said) == 1 and str(file) in said[0] and "anew" in said[0]
    assert extract_cached(images, Tiles(), say=said.append) and len(said) == 1


def test_a_cache_that_cannot_be_written_is_one_line(images, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAEGAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot write .* set VAEGAN_CACHE"):
        extract_cached(images, Tiles())


def test_two_processes_at_once(tmp_path, cache):
    script = (
        "import sys; sys.path[:0] = ['tests']\n"
        "from stand_in import dead_leaves; from toy_extractor import Tiles\n"
        "from eval.distances.extraction import extract_cached\n"
        "for seed in range(5): print(float(extract_cached(dead_leaves(60, seed=seed), Tiles()).vectors.sum()))"
    )
    both = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert said[0] == said[1] and len(said[0].splitlines()) == 5
    assert len(list(cache.glob("features-*"))) == 5 and not list(cache.glob("*.partial"))
