"""Conditional models: labels become numbers, follow their images, reach every network, and survive a resume."""

import pytest
import torch
from tiny_faces import NAMES, call, faces, save_faces, train_tiny

import vaegan
from eval.evidence import collection
from eval.sources import runs as sources
from vaegan import conditions, sample
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.data.batches import batch_indices
from vaegan.errors import UsageError, UserError
from vaegan.machine import processes
from vaegan.storage import checkpoint
from vaegan.training import loop


def digits(labels):
    return ImageSet(
        "digits", "train", torch.zeros(len(labels), 1, 32, 32).byte(), torch.tensor(labels), ("a", "b", "c")
    )


@pytest.fixture
def run_train(tmp_path, capsys):
    """The real command on faces; returns what it printed."""
    save_faces(tmp_path)

    def run(name, *flags, data="faces", code=0):
        capsys.readouterr()
        left = train_tiny(tmp_path, name, *flags, data=data)
        printed = capsys.readouterr()
        assert left == code, printed.err
        return printed

    return run


def test_attributes_become_signs_and_classes_one_hot():
    told = conditions.of_images("attributes", faces())
    assert told.numbers(told.labels[5:6]).tolist() == [[1, -1, 1]]
    told = conditions.of_images("classes", digits([2, 0]))
    assert told.numbers(told.labels).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    "kind,images,words",
    [
        ("classes", faces(), r"faces has attributes \(Bangs, Smiling, Wearing_Hat\): use --condition attributes"),
        ("attributes", digits([0, 1]), r"digits has classes \(a, b, c\): use --condition classes"),
        ("attributes", faces(labels=False), "no labels"),
        ("classes", digits([0, -1]), "incomplete labels"),
    ],
)
def test_labels_that_the_data_lack_are_one_line(kind, images, words):
    with pytest.raises(UsageError, match=words):
        conditions.of_images(kind, images)
    assert conditions.of_images("none", images).names == ()


def test_draws_are_prefix_stable_and_have_the_training_frequencies():
    told = conditions.of_images("attributes", faces())
    assert torch.equal(told.draw(7, seed=3), told.draw(4000, seed=3)[:7])
    assert not torch.equal(told.draw(50, seed=3), told.draw(50, seed=4))
    assert (told.draw(4000, 0).float().mean(0) - told.labels.float().mean(0)).abs().max() < 0.03


def test_a_checkpoint_keeps_labels_of_all_classes(monkeypatch):
    monkeypatch.setattr(conditions, "MOST_KEPT", 9)
    told = Conditions(("a", "b"), torch.arange(2).repeat_interleave(50))  # sorted by class, as folders are
    kept = conditions.restored(told.state())
    assert len(kept.labels) == 9 and kept.labels.bincount().tolist() in ([4, 5], [5, 4]) and kept.names == told.names
    assert conditions.restored(None) is conditions.UNCONDITIONAL


@pytest.mark.parametrize("shares", [1, 2])
def test_labels_follow_their_images_through_batches_and_shares(shares, monkeypatch):
    images, config = faces(), Config(batch_size=8, steps=20, seed=1)
    told = conditions.of_images("attributes", images)
    monkeypatch.setattr(processes, "count", lambda: shares)
    numbers = {}
    for rank in range(shares):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        for step, x, y in loop.load_batches(config, images, told, torch.device("cpu"), start=3):
            number = ((x[:, 0, 0, 0] + 1) * 127.5).round().long()
            assert torch.equal(y, told.numbers(images.labels[number])) and len(y) == 8 // shares
            numbers.setdefault(step, []).extend(number.tolist())
    for step, found in numbers.items():
        assert sorted(found) == sorted(batch_indices(60, 8, 1, step).tolist())


def test_resumed_equals_uninterrupted_and_the_labels_matter(run_train, tmp_path, capsys):
    run_train("whole", "--condition", "attributes", "--steps", 6)
    run_train("parts", "--condition", "attributes", "--steps", 3)
    run_train("parts", "--resume", "--steps", 6)
    whole, parts = (checkpoint.read(tmp_path / name)["networks"] for name in ("whole", "parts"))
    for network in ("encoder", "decoder", "discriminator"):
        assert all(torch.equal(value, parts[network][name]) for name, value in whole[network].items())
    assert (
        "cannot change condition attributes -> none"
        in run_train("parts", "--resume", "--condition", "none", code=2).err
    )

    model = vaegan.load(tmp_path / "whole")
    assert model.is_conditional and model.conditions.names == NAMES
    plain, smiling = (model.attributes(5, 0, Smiling=value) for value in (0, 1))
    assert (plain[:, 1] == 0).all() and (smiling[:, 1] == 1).all() and torch.equal(plain[:, ::2], smiling[:, ::2])
    assert not torch.equal(model.sample(5, 0, plain), model.sample(5, 0, smiling))
    assert torch.equal(model.sample(5), model.sample(300)[:5])
    x = model.sample(5)
    assert torch.equal(model.reconstruct(x, plain), model.decode(model.encode(x, plain)[0], plain))
    assert torch.equal(
        model.decode(torch.zeros(3, 4), smiling[0]), model.decode(torch.zeros(3, 4), smiling[:1].repeat(3, 1))
    )
    check_misuse(model, x, plain)
    check_sources(tmp_path / "whole")
    check_sample(tmp_path / "whole", capsys)


def check_misuse(model, x, labels):
    for use, words in (
        (lambda: model.encode(x), r"give attributes \(Bangs, Smiling, Wearing_Hat\)"),
        (lambda: model.reconstruct(x, labels[:2]), r"shape \(2, 3\) do not fit: need \(5, 3\)"),
        (lambda: model.sample(2, attributes=torch.full((2, 3), 2)), "whole numbers from 0 to 1"),
        (lambda: model.attributes(2, Smilin=1), "no attribute 'Smilin'; did you mean 'Smiling'"),
    ):
        with pytest.raises(UserError, match=words):
            use()


def check_sources(run_dir):
    """What compare.py measures of a conditional run: told the held-out labels, and the same samples as the model's."""
    (run,) = sources.open_runs([run_dir])
    test = sources.load_split(run, "test")
    held_out = sources.held_out(test, 100, seed=0)
    every = [*collection.image_sources([run], held_out, 0), *collection.extra_sources([run], held_out, test, 0)]
    images = {source.id: torch.cat(list(source.batches())) for source in every}
    want = run.model.reconstruct(held_out.report, held_out.report_labels)
    assert torch.equal(images["vaegan/reconstructions"], want)
    assert torch.equal(images["vaegan/samples"], run.model.sample(len(want), 0))
    assert set(images) >= {"vaegan/posterior", "vaegan/average/samples", "vaegan/average/reconstructions"}


def check_sample(run_dir, capsys):
    """Pictures of a conditional run, and one line for an attribute that it does not know."""
    out = run_dir.parent / "picture.png"
    for kind, *flags in (("samples", "--attributes", "Smiling"), ("reconstructions", "--n", 3)):
        assert call(sample.main, run_dir, "--out", out, "--kind", kind, *flags) == 0 and out.stat().st_size
    capsys.readouterr()
    assert call(sample.main, run_dir, "--out", out, "--kind", "attributes", "--attributes", "Smilin") == 2
    assert "Smiling" in capsys.readouterr().err


def test_a_conditional_discriminator_serves_as_the_metric(run_train, tmp_path):
    run_train("gan", "--mode", "gan", "--condition", "attributes", "--steps", 1)
    flags = ["--discriminator", tmp_path / "gan", "--condition", "attributes", "--steps", 1]
    run_train("run", "--mode", "vae-disl", *flags)
    assert vaegan.load(tmp_path / "run").sample(3).shape == (3, 1, 32, 32)
    for flag, value in (("--norm", "batch"), ("--colour-gain", 2), ("--width", 0.5)):  # it could not be loaded again
        printed = run_train("bad", "--mode", "vae-disl", *flags, flag, value, code=2)
        assert f"give {flag}" in printed.err and not (tmp_path / "bad").exists()


def test_bad_conditions_are_one_line_and_write_nothing(run_train, tmp_path):
    for flags, data, words in (
        (["--condition", "attributes"], "bare", "bare.npz has no labels"),
        (["--condition", "classes"], "faces", "use --condition attributes"),
    ):
        printed = run_train("bad", *flags, data=data, code=2)
        assert words in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "bad").exists()
    run_train("plain", "--mode", "gan", "--steps", 1)
    flags = ["--mode", "vae-disl", "--condition", "attributes", "--discriminator", tmp_path / "plain"]
    assert "give both the same" in run_train("bad", *flags, code=2).err
    with pytest.raises(UserError, match="unconditional and takes no attributes"):
        vaegan.load(tmp_path / "plain").sample(2, attributes=torch.zeros(2, 3))


def test_the_metric_does_not_depend_on_the_condition():
    shape = {"channels": 1, "image_size": 32, "width": 0.0625, "latent_dim": 4, "norm": "group", "seed": 0}
    dis = vaegan.model.build(("discriminator",), **shape, conditions=3)["discriminator"]
    x = torch.rand(2, 1, 32, 32)
    first, second = dis(x, torch.ones(2, 3)), dis(x, -torch.ones(2, 3))
    assert torch.equal(first[0], second[0]) and not torch.equal(first[1], second[1])
