"""eval.distances.fingerprint: a number says how it was made, and numbers made differently never share a column."""

import pytest
from example_report import example_fingerprint as example

from eval.distances.fingerprint import DECIDING, of_dict, one_column
from vaegan.errors import UserError


def test_it_survives_json_and_names_every_library():
    whole = example()
    assert of_dict(whole.to_dict()) == whole
    assert {"torch", "torchvision", "numpy", "vaegan"} <= set(whole.versions)
    assert whole.quantisation == "uint8: clamp, scale, round"


def test_the_short_form_names_network_resize_counts_and_reference():
    for words in ("66eca541", "32 px", "5,000 images against 5,000 of synthfaces"):
        assert words in example().short


def test_alike_protocols_share_a_column_whatever_the_draw_and_the_libraries():
    other = example(seed=1)
    assert one_column([("a", example()), ("b", other)]) == example()


@pytest.mark.parametrize("field", DECIDING)
def test_a_difference_that_matters_is_refused_with_the_remedy(field):
    value = getattr(example(), field)
    changed = value + 1 if isinstance(value, int) else f"other {value}"
    if field == "quantisation":
        other = of_dict({**example().to_dict(), field: changed})
    else:
        other = example(**{field: changed})
    with pytest.raises(
        UserError, match=f"VAE and GAN cannot stand in one column: {field} is .*python -m eval.distance"
    ):
        one_column([("VAE", example()), ("GAN", other)])


def test_a_fingerprint_of_another_version_is_one_line():
    with pytest.raises(UserError, match="another version"):
        of_dict({**example().to_dict(), "temperature": 1})
