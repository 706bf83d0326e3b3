"""What Dis sees of few images: alterations in closed form, their gradients, and which runs have them."""

import dataclasses

import numpy as np
import pytest
import torch
from algorithm_rows import ROWS, SETTINGS, B, drawn_batch, networks
from test_objective import differentiated, reference
from tiny_faces import save_faces, train_tiny

import vaegan
from vaegan.config import Config
from vaegan.data.imageset import ImageSet
from vaegan.networks.augmentation import altered, draw, shifted
from vaegan.presets import PRESETS
from vaegan.run import resolve
from vaegan.training import by_images
from vaegan.training.trainer import noise

AS_IT_IS = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.5])  # the middle of every range
BRIGHT, SATURATION, CONTRAST, DOWN, RIGHT = range(5)


def pictures(n=3, channels=3, size=16):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(2)).double() * 2 - 1


def one(x, number, value):
    """Images altered by one of the five numbers alone."""
    u = AS_IT_IS.repeat(len(x), 1).double()
    u[:, number] = value
    return altered(x, u)


def test_the_middle_of_every_range_and_no_numbers_change_nothing():
    x = pictures()
    assert altered(x, None) is x
    torch.testing.assert_close(altered(x, AS_IT_IS.repeat(len(x), 1)), x)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_number_does_what_it_is_named_for(channels):
    x = pictures(channels=channels)
    grey, mean = x.mean(1, keepdim=True), x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(one(x, BRIGHT, 0.75), x + 0.25)
    torch.testing.assert_close(one(x, SATURATION, 0.0), grey.expand_as(x))
    torch.testing.assert_close(one(x, SATURATION, 0.75), grey + 1.5 * (x - grey))
    torch.testing.assert_close(one(x, CONTRAST, 0.25), mean + 0.75 * (x - mean))


@pytest.mark.parametrize(("number", "axis"), [(DOWN, 2), (RIGHT, 3)])
def test_a_shift_moves_whole_pixels_up_to_an_eighth_and_grey_follows(number, axis):
    x = pictures(size=16) + 4  # nothing of the image is 0
    seen = set()
    for value in np.linspace(0, 1, 20, endpoint=False):
        moved = one(x, number, value)
        by = next(k for k in range(-2, 3) if torch.allclose(moved, rolled(x, k, axis)))
        seen.add(by)
    assert seen == {-2, -1, 0, 1, 2}


def rolled(x, by, axis):
    """A shift the plain way."""
    out = torch.zeros_like(x)
    n = x.shape[axis]
    out.narrow(axis, max(0, -by), n - abs(by)).copy_(x.narrow(axis, max(0, by), n - abs(by)))
    return out


def test_every_image_has_a_shift_of_its_own_and_all_are_as_frequent():
    u = draw(5000, torch.Generator().manual_seed(0))
    assert u.shape == (5000, 5) and float(u.min()) >= 0 and float(u.max()) < 1
    dots = torch.zeros(5000, 1, 16, 16)
    dots[:, :, 8, 8] = 1
    places = shifted(dots, u[:, 3:]).mean(0)[0]
    assert (places > 0).sum() == 25  # 5 x 5 places, 1/25 each, and nowhere else
    torch.testing.assert_close(places[places > 0], torch.full((25,), 0.04), atol=0.01, rtol=0)


def test_gradients_pass_through_it():
    x, u = pictures(2).requires_grad_(), draw(2, torch.Generator().manual_seed(3)).double()
    assert torch.autograd.gradcheck(lambda x: altered(x, u), (x,), fast_mode=True)


class Altering(torch.nn.Module):
    """A Dis that alters what it is given, as the reference of a step has it."""

    def __init__(self, dis, u):
        super().__init__()
        self.dis, self.u = dis, u

    def forward(self, x, *told):
        return self.dis(altered(x, self.u), *told)


@pytest.mark.parametrize("mode", [mode for mode, row in ROWS.items() if "discriminator" in row.needs])
@pytest.mark.parametrize("std", [False, True])
def test_each_network_gets_the_gradient_of_its_loss_of_altered_images(mode, std):
    """x, x_tilde and x_p are altered alike, for L_GAN and for Dis_l; without one of them this fails."""
    u, nets = draw(B, torch.Generator().manual_seed(4)).double(), networks(minibatch_std=std)
    got = differentiated(ROWS[mode], SETTINGS, nets, nets, (*drawn_batch(), None, u), lambda routes: None)
    altering = nets | {"discriminator": Altering(nets["discriminator"], u)}
    want = reference(ROWS[mode], SETTINGS, altering, drawn_batch())
    assert set(got) == set(want)
    for name in want:
        torch.testing.assert_close(list(got[name]), want[name], rtol=1e-6, atol=1e-9)


def test_a_run_without_it_draws_what_it_always_drew():
    plain, altering = Config(batch_size=8), Config(batch_size=8, augment="yes")
    (a, b), (c, d, u) = next(noise(plain, 5)), next(noise(altering, 5))
    assert torch.equal(a, c) and torch.equal(b, d) and u.shape == (8, 5)
    assert not torch.equal(u, next(noise(altering, 6))[2])


def test_a_run_without_a_discriminator_has_neither_whatever_it_starts_from(tmp_path, capsys):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "first", "--mode", "vaegan", "--steps", "2") == 0
    capsys.readouterr()
    flags = ("--mode", "vae", "--norm", "group", "--steps", "2", "--init", str(tmp_path / "first"))
    assert train_tiny(tmp_path, "second", *flags) == 0
    assert "shifted" not in capsys.readouterr().out
    config = vaegan.load(tmp_path / "second").config
    assert (config.augment, config.minibatch_std) == ("no", "no")


def images(n):
    return ImageSet("drawn", "train", torch.zeros(n, 3, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize("name", ["augment", "minibatch_std"])
@pytest.mark.parametrize(("mode", "n", "has"), [("vaegan", 9_999, "yes"), ("vaegan", 10_000, "no"), ("vae", 5, "no")])
def test_few_images_decide_it_and_a_flag_wins(name, mode, n, has):
    config = resolve(["--mode", mode])[0]
    objective = ROWS[mode]
    assert getattr(config, name) == "few" and PRESETS["gpu"][name] == "few"
    assert getattr(by_images.decide(config, objective, images(n)), name) == has
    for said in ("yes", "no"):
        asked = dataclasses.replace(config, **{name: said})
        assert getattr(by_images.decide(asked, objective, images(n)), name) == said


@pytest.mark.parametrize("mode", [mode for mode, row in ROWS.items() if row.adversarial])
@pytest.mark.parametrize("preset", [name for name in PRESETS if name.startswith("larsen") or name == "otoro"])
def test_the_discriminators_of_papers_see_images_as_they_are(preset, mode):
    config = resolve(["--preset", preset, "--mode", mode])[0]
    assert (config.colour_gain, config.minibatch_std, config.augment) == (1.0, "no", "no")


def test_a_run_on_few_images_has_both_says_so_and_opens_again(tmp_path, capsys):
    save_faces(tmp_path)
    assert train_tiny(tmp_path, "run", "--mode", "vaegan", "--steps", "2") == 0
    assert "shifted and recoloured" in capsys.readouterr().out
    config = vaegan.load(tmp_path / "run").config
    assert (config.augment, config.minibatch_std) == ("yes", "yes")
    assert train_tiny(tmp_path, "plain", "--mode", "vaegan", "--steps", "2", "--augment", "no") == 0
    assert "shifted" not in capsys.readouterr().out
    weights = [vaegan.load(tmp_path / run).networks["discriminator"].state_dict() for run in ("run", "plain")]
    assert any(not torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))


@pytest.mark.parametrize("has", ["yes", "no"])
def test_a_run_goes_on_from_another_discriminator_whatever_that_was_told(tmp_path, has):
    """`--init` of a run on many images, to go on with few: the map more would not fit its weights."""
    save_faces(tmp_path)
    flags = ("--mode", "vaegan", "--steps", "2")
    assert train_tiny(tmp_path, "first", *flags, "--minibatch-std", has, "--augment", has) == 0
    assert train_tiny(tmp_path, "second", *flags, "--init", str(tmp_path / "first")) == 0
    config = vaegan.load(tmp_path / "second").config
    assert (config.minibatch_std, config.augment) == (has, has)
