"""Attribute vectors measured on a stand-in whose codes are attributes: the real judge sees what was edited, exactly."""

from types import SimpleNamespace

import pytest
import torch

from eval.attribute_vectors import main
from eval.evidence import editing
from eval.evidence.editing import Effect
from eval.experiments import attribute_vectors
from eval.experiments.attribute_vectors import Row, Trial, margin, summary
from eval.features.choice import for_dataset
from vaegan import data, latent
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.pictures.kinds import VECTORS

NAMES = synthfaces.ATTRIBUTES
SEED = 1


class Drawer:
    """A "model" whose code is a face's number and its attributes: it decodes by drawing the face anew at 32 pixels."""

    def encode(self, images):
        indices = images[:, 0, 0, 0].long()  # the "images" of this model are numbers of faces
        attributes = synthfaces.attributes(SEED, indices).float()
        return torch.cat([indices[:, None].float(), attributes], dim=1), torch.zeros(len(indices), 1 + len(NAMES))

    def decode(self, z):
        numbers = z[:, 0].round().abs().long()
        return synthfaces.render(SEED, numbers, 32, attributes=(z[:, 1:] > 0.5).to(torch.uint8))


@pytest.fixture(scope="module")
def shown() -> editing.Faces:
    numbers = torch.arange(60)
    labels = synthfaces.attributes(SEED, numbers)
    return editing.faces(Drawer(), for_dataset("synthfaces").predict, numbers[:, None, None, None], labels)


def exact(name: str) -> torch.Tensor:
    """The code's step that switches one attribute and nothing else."""
    return torch.eye(1 + len(NAMES))[1 + NAMES.index(name)]


def by_vector(shown, step):
    return editing.by_vector(Drawer(), shown, step)


@pytest.mark.parametrize("name", ["Eyeglasses", "Wearing_Hat"])
def test_an_exact_edit_changes_its_attribute_in_every_face_and_moves_no_other(shown, name):
    place = NAMES.index(name)
    judge = for_dataset("synthfaces").predict
    found = editing.effect(judge, shown, place, by_vector(shown, exact(name)), exempt=set())
    assert found.added >= 95 and found.removed >= 85  # the judge itself errs on a few of 17 faces
    assert found.mean < 5 and place not in found.moved and len(found.moved) == len(NAMES) - 1
    assert shown.drawn(place, 1) >= 95 and shown.drawn(place, 0) >= 95


def test_an_edit_of_another_attribute_is_seen_as_moving_it(shown):
    glasses, tie = NAMES.index("Eyeglasses"), NAMES.index("Wearing_Necktie")
    both = exact("Eyeglasses") + exact("Wearing_Necktie")
    judge = for_dataset("synthfaces").predict
    found = editing.effect(judge, shown, glasses, by_vector(shown, both), exempt=set())
    assert found.worst == found.moved[tie] > 25
    spared = editing.effect(judge, shown, glasses, by_vector(shown, both), exempt={tie})
    assert tie not in spared.moved and spared.worst < found.worst


def test_no_edit_changes_nothing(shown):
    judge = for_dataset("synthfaces").predict
    found = editing.effect(judge, shown, 0, by_vector(shown, torch.zeros(1 + len(NAMES))), exempt=set())
    assert (found.added, found.removed, found.worst) == (0, 0, 0)


def test_partial_effects_of_codes_that_are_attributes_are_exact():
    labels = synthfaces.attributes(0, torch.arange(2000))
    vectors = latent.partial_effects(torch.cat([torch.ones(2000, 1), labels.float()], dim=1), labels)
    assert torch.allclose(vectors, torch.eye(1 + len(NAMES))[1:], atol=1e-4)


def test_what_never_occurs_together_is_exempt():
    exempt = editing.never_together(synthfaces.attributes(0, torch.arange(2000)))
    named = {NAMES[i]: {NAMES[j] for j in others} for i, others in enumerate(exempt)}
    assert named["Black_Hair"] == {"Blond_Hair", "Brown_Hair", "Gray_Hair"}
    assert named["Straight_Hair"] == {"Wavy_Hair"} and named["Eyeglasses"] == set()
    assert named["Wearing_Lipstick"] == {"Goatee", "Mustache"}


def test_the_margin_is_the_shorter_way_to_missing_the_goal():
    assert margin(Effect(90, 85, {0: (4.0, -1.0), 1: (2.0, -5.0)})) == 5
    assert margin(Effect(90, 85, {0: (0.0, -20.0), 1: (8.0, 0.0)})) == 1 and margin(Effect(99, 70, {})) == -10
    assert margin(Effect(float("nan"), 99, {})) == float("-inf")


def test_beyond_is_what_a_true_edit_does_not_move():
    true, found = Effect(99, 99, {0: (20.0, 0.0), 1: (0.0, -5.0)}), Effect(99, 99, {0: (18.0, 1.0), 1: (0.0, 8.0)})
    assert found.beyond(true) == {0: 2.0, 1: 13.0} and true.beyond(true) == {0: 0.0, 1: 0.0}
    assert found.worst == 18 and found.mean == 13


def test_a_true_edit_is_the_drawing_with_that_attribute_turned_over():
    numbers = torch.arange(40)
    labels = synthfaces.attributes(SEED, numbers)
    hair = {NAMES.index(colour) for colour in ("Blond_Hair", "Brown_Hair", "Gray_Hair")}
    black = NAMES.index("Black_Hair")
    edit = editing.by_drawing("synthfaces", numbers, labels, 32, black, hair)
    without = (labels[:, black] == 0).nonzero()[:, 0]
    wanted = labels[without].clone()
    wanted[:, black], wanted[:, sorted(hair)] = 1, 0
    assert torch.equal(edit(without, 0), synthfaces.render(SEED, without, 32, wanted))


def test_the_summary_counts_the_goal_in_parts():
    def row(changed, worst, mean):
        return Row("a", "means", 1.0, 99.0, 99.0, changed, 99.0, mean, worst, "b", worst - 8, "c")

    (said,) = summary([row(90, 10, 5), row(90, 20, 5), row(90, 40, 20), row(10, 0, 0)])
    assert said.startswith("means: of 4 attributes 3 change")
    assert summary([row(90, 10, 5)], tuned=True)[0].startswith("tuned: of 1 attributes")
    assert "of these 2 move" in said and "1 every single one, 2 every single one beyond" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "no run given"),
        (["runs/x", "--vectors", "mean"], "--vectors mean is not possible: use means, partial, calibrated"),
        (["runs/x", "--faces", "1"], "--faces 1 is not possible"),
    ],
)
def test_bad_input_is_one_line(flags, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(flags)
    assert stop.value.code == 2 and words in capsys.readouterr().err


class Pixels:
    """A "model" and its judge: a pixel an attribute, white when it is there."""

    has_encoder, is_conditional = True, False

    def encode(self, images):
        return images.flatten(1).float() / 255, None

    def decode(self, z):
        return (255 * (z > 0.5)).to(torch.uint8)[:, None, None]

    def predict(self, images):
        return (images.flatten(1) > 127).to(torch.uint8)

    def to(self, device):
        assert device == "cpu"  # its run's
        return self


@pytest.mark.parametrize("tune", [False, True])
def test_a_run_gets_a_row_for_every_attribute(tune, monkeypatch, tmp_path):
    """The command's own loop; codes are attributes, so that both kinds of vectors change each in every face."""
    model, labels = Pixels(), synthfaces.attributes(SEED, torch.arange(400))
    split = ImageSet("synthfaces", "test", model.decode(labels), labels, NAMES)
    run = SimpleNamespace(device="cpu", model=model, config=Config(), directory=tmp_path, label="x")
    model.card = SimpleNamespace(kind="attributes", output_names=NAMES, name="pixels")
    monkeypatch.setattr(attribute_vectors, "for_dataset", lambda _: model)
    monkeypatch.setattr(attribute_vectors, "load_split", lambda *_: split)
    monkeypatch.setattr(
        data, "drawn", lambda name, split, rows, size, attributes=labels: model.decode(attributes[: len(rows)])
    )
    rows = list(attribute_vectors.examine(run, Trial(faces=100, vectors=VECTORS, tune=tune)))
    assert [row.attribute for row in rows] == [name for name in NAMES for _ in range(2 if tune else 4)]
    drawn, rows = ([row for row in rows if (row.vectors == "drawn anew") is so] for so in (True, False))
    assert len(drawn) == len(NAMES) and all(row.beyond is None and row.changes for row in drawn)
    assert all(row.changes and row.drawn_with == row.drawn_without == 100 for row in rows)
    assert all(row.others_worst == 0 and row.amount == 1 for row in rows if row.vectors != "means")
