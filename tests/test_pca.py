"""PCA against the singular value decomposition, and its closed forms."""

from pathlib import Path

import pytest
import torch

from baselines import pca, principal
from eval.sources import runs as sources
from vaegan import data
from vaegan.errors import UsageError, UserError
from vaegan.pixels import to_float

IMAGES = torch.randint(0, 256, (60, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_directions_are_the_right_singular_vectors_of_the_centred_images():
    x = to_float(IMAGES).flatten(1).double()
    _, singular, vectors = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    fitted = principal.fit(IMAGES, 5)
    torch.testing.assert_close(
        (fitted.directions.double() @ vectors[:5].T).abs(), torch.eye(5).double(), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(fitted.spreads.double(), singular[:5] / 60**0.5, atol=1e-5, rtol=1e-4)
    assert fitted.explained == pytest.approx(float(singular[:5].square().sum() / singular.square().sum()), rel=1e-4)


def test_many_pixels_come_near_the_exact_decomposition_and_no_other_draw_is_disturbed():
    faces = data.drawn("synthfaces", "train", torch.arange(400), 16)
    x = to_float(faces).flatten(1).double()
    _, singular, vectors = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    state = torch.get_rng_state()
    fitted = principal.fit(faces, 20)
    assert torch.equal(torch.get_rng_state(), state)
    lost = (x - x.mean(0) - (x - x.mean(0)) @ fitted.directions.T.double() @ fitted.directions.double()).square().sum()
    assert float(lost / singular[20:].square().sum()) == pytest.approx(1, abs=1e-3)


def test_as_many_directions_as_pixels_lose_nothing():
    assert (principal.fit(IMAGES, 16).reconstruct(IMAGES).int() - IMAGES.int()).abs().max() <= 1


def test_codes_of_the_fitted_images_are_white_and_carry_no_noise():
    mu, logvar = principal.fit(IMAGES, 6).encode(IMAGES)
    torch.testing.assert_close(mu.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(mu.T @ mu / len(mu), torch.eye(6), atol=1e-3, rtol=0)
    assert (0.5 * logvar).exp().max() == 0


def test_images_on_a_line_need_one_number():
    t = torch.linspace(40, 200, 30)[:, None, None, None]
    line = (t * torch.linspace(0.2, 1, 9).view(1, 1, 3, 3)).round().byte()
    fitted = principal.fit(line, 1)
    assert fitted.explained > 0.999 and (fitted.reconstruct(line).int() - line.int()).abs().max() <= 1


def test_no_projection_of_this_size_is_nearer():
    fitted = principal.fit(IMAGES, 4)
    basis = torch.linalg.qr(torch.randn(16, 4, generator=torch.Generator().manual_seed(1))).Q
    x = to_float(IMAGES).flatten(1) - fitted.mean
    best, other = (x - x @ b @ b.T for b in (fitted.directions.T, basis))
    assert best.square().sum() < other.square().sum()


def test_samples_do_not_depend_on_how_many_and_bad_shapes_are_one_line():
    fitted = principal.fit(IMAGES, 4)
    assert torch.equal(fitted.sample(8)[:3], fitted.sample(3))
    with pytest.raises(UserError, match="this model takes"):
        fitted.decode(torch.zeros(2, 5))
    with pytest.raises(UserError, match="need uint8"):
        fitted.encode(IMAGES.float())
    with pytest.raises(UsageError, match="17 directions is not possible: 60 images have 16 at most"):
        principal.fit(IMAGES, 17)


def test_the_command_needs_a_run(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        pca.main([str(tmp_path / "none")])
    assert stop.value.code == 1 and "has no checkpoint" in capsys.readouterr().err


def test_it_is_a_source_that_reports_measure():
    fitted = principal.fit(IMAGES, 4)
    run = sources.Run("pca", "PCA, 4 numbers", Path(), fitted)
    reconstructed, sampled = sources.reconstructions(run, IMAGES), sources.prior_samples(run, 7, seed=0)
    assert torch.equal(torch.cat(list(reconstructed.batches())), fitted.reconstruct(IMAGES)) and reconstructed.paired
    assert torch.equal(torch.cat(list(sampled.batches())), fitted.sample(7))


def test_reports_have_it_at_a_latent_size_that_is_possible():
    assert sources.linear(IMAGES, IMAGES, 16, seed=0) == []
    reconstructed, sampled, *fitted = sources.linear(IMAGES, IMAGES[:9], 4, seed=0)
    assert [source.id for source in fitted] == ["linear-4-fitted/reconstructions", "linear-4-fitted/samples"]
    assert {reconstructed.kind, sampled.kind} == {"baseline"} and reconstructed.paired and sampled.count == 9
    assert reconstructed.title.startswith("Linear VAE, 4 numbers, unit variance (") and reconstructed.run is None
