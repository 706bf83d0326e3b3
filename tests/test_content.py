"""Content matching: what is drawn no longer counts as blur, and blur still does, although the network sees it."""

import pytest
import torch
from stand_in import dead_leaves

from eval.blur.calibration import calibrate
from eval.blur.measures import MEASURES, PRIMARY, gaussian_blur
from eval.evidence import content
from eval.evidence.content import Matcher, disagree, nearest, ridge
from eval.experiments import content_controls
from eval.uncertainty.estimates import Interval
from vaegan.data import ImageSet, load
from vaegan.errors import UserError

ENERGY = MEASURES[PRIMARY].function


class SeesBlur:
    """A "feature network" that sees the kind of image, what is where and, to its cost, the measured sharpness too."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        places = torch.nn.functional.avg_pool2d(images.float() / 255, 16).flatten(1)
        kind = 10 * images[:, 0, :8, :8].float().mean(dim=(1, 2)) / 255
        return torch.cat([kind[:, None], places, 0.3 * ENERGY(images).log()[:, None].float()], dim=1)


def of_kind(count: int, seed: int, coarse: bool) -> torch.Tensor:
    """Images with a white corner, or coarser ones with a black corner: the second kind measures as blurrier."""
    images = dead_leaves(count, size=32, seed=seed)
    if coarse:
        images = torch.nn.functional.interpolate(images[..., :20, :20].float(), size=32, mode="bilinear").round().byte()
    images[..., :8, :8] = 0 if coarse else 255
    return images


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    images = torch.cat([of_kind(300, 0, coarse=False), of_kind(300, 1, coarse=True)])
    images = images[torch.randperm(600, generator=torch.Generator().manual_seed(0))]
    return Matcher(calibrate(MEASURES[PRIMARY], images), images, SeesBlur())


def read(matcher: Matcher, images: torch.Tensor) -> tuple[Interval, Interval]:
    values, features = ENERGY(images), matcher.network.features(images)
    return matcher.calibration.estimate(values).interval, matcher.estimate(values, features).interval


def test_other_content_is_not_called_blur(matcher):
    plain, matched = read(matcher, of_kind(200, 2, coarse=True))
    assert plain.low > 0.2 and matched.low <= 0.03 and matched.value < plain.value
    assert matched.high >= -0.03


def test_blur_is_still_found_although_the_network_sees_it(matcher):
    images = gaussian_blur(torch.cat([of_kind(150, 2, coarse=False), of_kind(150, 3, coarse=True)]), 1.0)
    plain, matched = read(matcher, images)
    assert matched.value == pytest.approx(1.0, abs=0.06) and plain.low < matched.high and matched.low < plain.high
    values, features = ENERGY(images), matcher.network.features(images)
    hidden = matcher.calibration.against(values, *matcher.level(features, 0.0, 0)).interval
    assert hidden.value < 0.9  # without blurring the calibration images first, blur hides itself


def test_features_are_kept_by_blur_and_the_ends_of_the_range_are_the_last(matcher):
    assert matcher.features_under(0.52) is matcher.features_under(0.48)
    assert torch.equal(matcher.features_under(float("inf")), matcher.features_under(matcher.calibration.limits[1]))
    sharp, real = ENERGY(content.under_blur(matcher.images, -0.5)), ENERGY(matcher.images)
    assert sharp.mean() > real.mean()


def test_nearest_is_what_all_distances_say():
    features, reference = torch.randn(7, 3), torch.randn(20, 3)
    expected = (features[:, None] - reference).norm(dim=2).argsort(dim=1)[:, :4]
    assert torch.equal(torch.from_numpy(nearest(features, reference, 4)), expected)
    assert nearest(features, reference, 50).shape == (7, 20)


def test_ridge_is_the_linear_function_it_was_given():
    x = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    y = (2 + x @ torch.tensor([1.0, -2.0, 0.5])).double().numpy()
    assert ridge(x, y)(x[:5]) == pytest.approx(y[:5], abs=0.15)
    assert ridge(torch.ones(5, 3), y[:5])(torch.ones(2, 3)) == pytest.approx([y[:5].mean()] * 2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Interval(0.1, 0.06, 0.14), True),
        (Interval(-0.1, -0.14, -0.06), True),
        (Interval(0.1, -0.01, 0.2), False),
        (Interval(0.04, 0.03, 0.05), False),
        (Interval(float("nan"), -float("inf"), float("inf")), False),
    ],
)
def test_disagreement_needs_an_interval_off_zero_and_a_visible_difference(found, expected):
    assert disagree(found) is expected


def test_real_digits_of_one_kind_and_real_blurred_digits(shared_data):
    rows = list(content_controls.readings(load("mnist", "test", image_size=32, data_dir=shared_data), images=1500))
    assert len(rows) == 9 and all(row.ok for row in rows), content_controls.table(rows)
    by_key = {(row.kind, row.applied): row for row in rows}
    for kind in {row.kind for row in rows} - {"all"}:
        assert by_key[kind, 0.0].plain.low > 0.1 or by_key[kind, 0.0].plain.high < -0.1  # plain reading is wrong
    assert by_key["all", 1.0].matched.value == pytest.approx(1.0, abs=0.05)
    assert by_key["all", 1.0].unblurred.value < 0.95  # the remedy is needed


def test_controls_need_labels_and_enough_images():
    with pytest.raises(UserError, match="no labels"):
        list(content_controls.readings(ImageSet("leaves", "test", dead_leaves(10)), images=5))
    few = ImageSet("mnist", "test", dead_leaves(40), torch.arange(40) % 2, ("even", "odd"))
    with pytest.raises(UserError, match="50 images in each half"):
        list(content_controls.readings(few, images=20))
