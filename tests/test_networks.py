"""Released parameter counts and layer shapes; every size, width, channel count and normalisation."""

import itertools

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from vaegan.networks import cppn
from vaegan.networks.architectures import ARCHITECTURES
from vaegan.networks.building import build
from vaegan.networks.colour import gain_for, vivid
from vaegan.networks.convolutional import RELEASED_FEATURES, Discriminator, feature_count, parameter_count
from vaegan.networks.normalisation import WeightNormLinear, normalise

NAMES = ("encoder", "decoder", "discriminator")


def networks(channels=3, image_size=32, width=0.0625, latent_dim=8, norm="batch", seed=0):
    shape = {"channels": channels, "image_size": image_size, "width": width}
    return build(NAMES, **shape, latent_dim=latent_dim, norm=norm, seed=seed)


def test_parameter_counts_are_the_released_ones():
    full = networks(image_size=64, width=1, latent_dim=128)
    assert [parameter_count(full[n]) for n in NAMES] == [18_071_360, 4_693_155, 10_953_857]


def test_released_layers_at_64():
    full = networks(image_size=64, width=1, latent_dim=128)
    kernels = {n: [tuple(m.weight.shape) for m in full[n].modules() if isinstance(m, nn.Conv2d)] for n in NAMES}
    assert kernels["encoder"] == [(64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5)]
    assert kernels["decoder"] == [(3, 32, 5, 5)]
    assert kernels["discriminator"] == [(32, 3, 5, 5), (128, 32, 5, 5), (256, 128, 5, 5), (256, 256, 5, 5)]
    transposed = [tuple(m.weight.shape) for m in full["decoder"].modules() if isinstance(m, nn.ConvTranspose2d)]
    assert transposed == [(256, 256, 5, 5), (256, 128, 5, 5), (128, 32, 5, 5)]


@pytest.mark.parametrize("image_size,depth,maps", [(32, 3, 192), (64, 4, 256), (128, 5, 256), (256, 6, 256)])
def test_dis_l_is_the_released_convolution_before_its_normalisation(image_size, depth, maps):
    """`recon_depth` 6 in the script for 32 pixels, 9 in that for 64; ours for 128 has as many places."""
    dis = networks(image_size=image_size, width=1)["discriminator"].eval()
    x = torch.rand(2, 3, image_size, image_size)
    dis_l, logit = dis(x)
    assert dis_l.shape == (2, maps, 8, 8) and logit.shape == (2,)
    assert dis_l[0].numel() == maps * 64 == feature_count(image_size, 1) == dis.feature_count
    convolutions = [m for m in dis.modules() if isinstance(m, nn.Conv2d)]
    assert dis.features[-1] is convolutions[depth - 1] and isinstance(dis.verdict[0], nn.BatchNorm2d)
    assert (dis_l < 0).any()  # a ReLU would have removed these
    torch.testing.assert_close(dis.verdict(dis_l).squeeze(1), logit)


def test_dis_of_the_released_32_pixel_script_has_four_convolutions_wherever_dis_l_lies():
    dis = networks(image_size=32, width=1)["discriminator"]
    assert [tuple(m.weight.shape) for m in dis.modules() if isinstance(m, nn.Conv2d | nn.Linear)] == [
        (32, 3, 5, 5), (128, 32, 5, 5), (192, 128, 5, 5), (256, 192, 5, 5), (512, 256 * 4 * 4), (1, 512),
    ]  # fmt: skip
    assert feature_count(64, 1) == RELEASED_FEATURES


@pytest.mark.parametrize(
    "channels,image_size,norm,width",
    [
        *itertools.product((1, 3), (32, 64, 128), ("batch", "group"), (0.0625, 0.3)),
        (3, 256, "group", 0.0625),
        (3, 512, "batch", 0.0625),
    ],
)
def test_shapes_and_ranges(channels, image_size, norm, width):
    nets = networks(channels, image_size, width, norm=norm)
    x = torch.rand(3, channels, image_size, image_size) * 2 - 1
    mu, logvar = nets["encoder"](x)
    x_tilde = nets["decoder"](mu)
    dis_l, logit = nets["discriminator"](x_tilde)
    assert mu.shape == logvar.shape == (3, 8) and logit.shape == (3,) and dis_l.ndim == 4
    assert x_tilde.shape == x.shape and x_tilde.abs().max() <= 1


@pytest.mark.parametrize("norm,code_norm", [("batch", "none"), ("group", "none"), ("group", "weight")])
@pytest.mark.parametrize("latent_dim", [2, 64])
def test_the_decoder_sees_the_length_of_a_code(norm, code_norm, latent_dim):
    """A norm over all units of a bias-free dense layer divides by |z|: a code of two numbers would be an angle."""
    shape = {"channels": 3, "image_size": 32, "width": 0.25, "latent_dim": latent_dim}
    decoder = build(("decoder",), **shape, norm=norm, code_norm=code_norm, seed=0)["decoder"].eval()
    z = torch.randn(8, latent_dim)
    by_angle = (decoder(z) - decoder(z.flip(0))).abs().mean()
    assert (decoder(10 * z) - decoder(z)).abs().mean() > 0.05 * by_angle


def test_weight_norm_gives_prior_codes_variance_one_and_the_units_what_batch_norm_would():
    dense, z = WeightNormLinear(5, 7), torch.randn(4000, 5)
    h = dense(z) - dense.bias
    batch = nn.functional.batch_norm(nn.functional.linear(z, dense.weight), None, None, training=True)
    torch.testing.assert_close(h.var(0), torch.ones(7), rtol=0.1, atol=0)
    torch.testing.assert_close(h, batch, rtol=0, atol=0.3)
    torch.testing.assert_close(dense(3 * z) - dense.bias, 3 * h)
    with torch.no_grad():
        dense.weight.mul_(100)
    torch.testing.assert_close(dense(z) - dense.bias, h)


@pytest.mark.parametrize("norm,across", [("batch", True), ("group", False)])
def test_only_batch_norm_looks_across_the_batch(norm, across):
    dis = networks(norm=norm)["discriminator"].train()
    x = torch.rand(8, 3, 32, 32)
    alone, together = dis(x[:4])[1], dis(x)[1][:4]
    assert torch.allclose(alone, together, atol=1e-5) != across


class GroupNormCalls(TorchDispatchMode):
    """What PyTorch's group norm is handed as x, forward and backward, while this is active: its layout decides."""

    def __init__(self):
        super().__init__()
        self.inputs = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if "native_group_norm" in func.__name__:
            self.inputs.append(args["backward" in func.__name__])
        return func(*args, **(kwargs or {}))


def test_group_norm_never_takes_the_slow_path_and_the_maps_stay_channels_last():
    layer = normalise("group", 8, 2)
    x = torch.randn(3, 8, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    with GroupNormCalls() as calls:
        y = layer(x)
        (gradient,) = torch.autograd.grad(y.square().sum(), x)
    assert len(calls.inputs) == 2 and all(t.is_contiguous() for t in calls.inputs)
    assert y.is_contiguous(memory_format=torch.channels_last)
    reference = nn.functional.group_norm(x, 2, layer.weight, layer.bias)
    torch.testing.assert_close(y, reference)
    torch.testing.assert_close(gradient, torch.autograd.grad(reference.square().sum(), x)[0])


def test_batch_norm_keeps_nine_tenths():
    """0.9 in the released code is what is kept; two ports pass it as PyTorch's update factor."""
    momenta = {
        m.momentum for n in networks().values() for m in n.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    }
    assert momenta == {0.1}


def test_modes_share_starting_weights_and_seeds_do_not():
    alone = build(("decoder",), channels=3, image_size=32, width=0.0625, latent_dim=8, norm="batch", seed=0)
    for name, weight in networks(seed=0)["decoder"].state_dict().items():
        assert torch.equal(weight, alone["decoder"].state_dict()[name])
    a, b = networks(seed=0)["encoder"].mu.weight, networks(seed=1)["encoder"].mu.weight
    assert not torch.equal(a, b)


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    networks()
    assert torch.equal(before, torch.get_rng_state())


def test_width_scales_every_layer_but_keeps_sixteen_channels_at_full_resolution():
    small = [p.shape for p in Discriminator(3, 32, 0.25, "batch").parameters()]
    full = [p.shape for p in Discriminator(3, 32, 1.0, "batch").parameters()]
    kept, scaled = slice(0, 2), slice(2, None)  # weight and bias of the convolution that looks at pixels
    assert all(s[0] * 4 == f[0] or s[0] == f[0] == 1 for s, f in zip(small[scaled], full[scaled], strict=True))
    assert all(s[0] == 16 and f[0] == 32 for s, f in zip(small[kept], full[kept], strict=True))


def test_colours_are_seen_multiplied_and_grey_as_it_is():
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    seen = vivid(x, 3.0)
    torch.testing.assert_close(seen.mean(1), x.mean(1))
    torch.testing.assert_close(seen[:, 0] - seen[:, 2], 3 * (x[:, 0] - x[:, 2]))
    grey = torch.randn(2, 1, 4, 4)
    assert vivid(grey, 3.0) is grey and vivid(x, 1.0) is x


@pytest.mark.parametrize("architecture", ["convolutional", "cppn"])
def test_a_gain_of_colour_is_the_same_discriminator_with_other_first_weights(architecture):
    shape = {"channels": 3, "image_size": 32, "width": 0.25, "latent_dim": 8, "norm": "group", "seed": 0}
    plain, gained = (
        build(("discriminator",), **shape, architecture=architecture, colour_gain=gain)["discriminator"].double()
        for gain in (1.0, 3.0)
    )
    matrix = vivid(torch.eye(3, dtype=torch.float64)[:, :, None, None], 3.0).flatten(1)
    with torch.no_grad():
        plain.features[0].weight.copy_(torch.einsum("oihw,ji->ojhw", gained.features[0].weight, matrix))
    x = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(plain(x).features, gained(x).features)
    assert not torch.allclose(gained(x).features, gained(x.mean(1, keepdim=True).expand_as(x)).features)


def test_the_gain_of_a_data_set_is_what_makes_its_colours_vary_as_its_grey():
    light, colours = (torch.randn(600, n, 16, 16, generator=torch.Generator().manual_seed(n)) for n in (1, 3))
    colours = colours - colours.mean(1, keepdim=True)

    def gain(strength):
        return gain_for((128 + 20 * (light + strength * colours)).round().byte())

    gains = [gain(strength) for strength in (1.0, 0.5, 0.25)]
    assert gains == [2.0, 4.0, 5.0]  # colours' variance is 2/3 of strength^2: ratios 1.2, 2.4 and 4.9, times 1.5, to 5
    assert gain(0.0) == gain_for(light.byte()) == 1.0  # grey, in three channels or in one
    assert gain(5.0) == 1.0  # never less than as they are


# --- the other architectures


def coders(architecture, image_size=28, width=1.0, latent_dim=20, channels=1):
    return build(
        NAMES[:2], channels=channels, image_size=image_size, width=width, latent_dim=latent_dim, norm="batch", seed=0,
        architecture=architecture,
    )  # fmt: skip


@pytest.mark.parametrize(
    "architecture,size", [(name, size) for name, row in ARCHITECTURES.items() for size in row.sizes]
)
def test_every_architecture_does_the_sizes_it_names(architecture, size):
    nets = coders(architecture, size, width=0.0625, latent_dim=5, channels=3)
    x = torch.rand(2, 3, size, size) * 2 - 1
    mu, logvar = nets["encoder"](x)
    x_tilde = nets["decoder"](mu)
    assert mu.shape == logvar.shape == (2, 5) and x_tilde.shape == x.shape and x_tilde.abs().max() <= 1


@pytest.mark.parametrize("size", [26, 28])
def test_the_discriminator_does_small_sizes(size):
    dis = build(
        ("discriminator",), channels=1, image_size=size, width=0.0625, latent_dim=5, norm="batch", seed=0,
        architecture="mlp",
    )["discriminator"]  # fmt: skip
    dis_l, logit = dis(torch.rand(2, 1, size, size))
    assert dis_l[0].numel() == feature_count(size, 0.0625) and logit.shape == (2,)


def test_the_mlp_is_jmetzens():
    nets = coders("mlp")
    shapes = [tuple(m.weight.shape) for n in ("encoder", "decoder") for m in nets[n].modules() if hasattr(m, "weight")]
    assert shapes == [(500, 784), (500, 500), (20, 500), (20, 500), (500, 20), (500, 500), (784, 500)]
    weights = nets["encoder"].hidden[0].weight
    bound = (6 / (784 + 500)) ** 0.5
    assert 0.99 * bound < weights.abs().max() <= bound and not nets["encoder"].hidden[0].bias.any()
    z = torch.randn(3, 20)
    hidden = nets["decoder"].hidden(z)
    expected = torch.sigmoid(nets["decoder"].pixels(hidden))
    torch.testing.assert_close((1 + nets["decoder"](z).flatten(1)) / 2, expected)


def test_kvfrans_is_the_posts_network():
    nets = coders("kvfrans")
    shapes = [tuple(m.weight.shape) for n in ("encoder", "decoder") for m in nets[n].modules() if hasattr(m, "weight")]
    assert shapes == [
        (16, 1, 5, 5), (32, 16, 5, 5), (20, 7 * 7 * 32), (20, 7 * 7 * 32),
        (7 * 7 * 32, 20), (32, 16, 5, 5), (16, 1, 5, 5),
    ]  # fmt: skip
    assert nets["encoder"].mu.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_a_cppn_is_one_function_read_at_more_places():
    decoder, z = coders("cppn", 26, width=0.25, latent_dim=3)["decoder"], torch.randn(2, 3)
    small, large = decoder(z), decoder(z, size=78)
    assert small.shape == (2, 1, 26, 26) and large.shape == (2, 1, 78, 78)
    torch.testing.assert_close(large[..., 1::3, 1::3], small, rtol=1e-4, atol=1e-5)
    assert torch.equal(decoder(z, size=26), small)


def test_a_cppn_in_parts_is_the_cppn_whole(monkeypatch):
    decoder, z = coders("cppn", 26, width=0.25, latent_dim=3)["decoder"], torch.randn(2, 3)
    whole = decoder(z, size=40)
    monkeypatch.setattr(cppn, "POINTS", 100)
    torch.testing.assert_close(decoder(z, size=40), whole, rtol=1e-4, atol=1e-5)


def test_places_run_from_corner_to_corner_row_by_row():
    places = cppn.coordinates(3, trained=3)
    torch.testing.assert_close(places[:, :2], torch.tensor([[x, y] for y in (-8.0, 0, 8) for x in (-8.0, 0, 8)]))
    torch.testing.assert_close(places[:, 2], places[:, :2].norm(dim=1))


def test_a_size_divides_the_square_that_the_trained_pixels_cover():
    small, large = (cppn.coordinates(size, trained=4).view(size, size, 3)[..., :2] for size in (4, 12))
    means = large.unflatten(0, (4, 3)).unflatten(2, (4, 3)).mean(dim=(1, 3))
    torch.testing.assert_close(means, small)


def test_the_papers_encoder_is_wider_than_the_released_one():
    nets = coders("larsen-paper", 64, latent_dim=128, channels=3)
    assert nets["encoder"].mu.weight.shape == (128, 2048)
    assert parameter_count(nets["decoder"]) == 4_693_155
