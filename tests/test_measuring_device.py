"""Every command that runs a network takes --device, and what it computes there comes back to the CPU.

No GPU is needed: torch's fake tensors have a device and no numbers, and refuse to mix devices as real ones do.
"""

import importlib

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import vaegan
from eval.features.choice import for_dataset
from eval.features.network import FeatureNetwork
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.errors import UsageError
from vaegan.machine import devices
from vaegan.model import Model, networks_of

COMMANDS = {
    "eval.compare": ["RUN"],
    "eval.health": ["RUN"],
    "eval.diagnostics": ["RUN"],
    "eval.similarity": ["RUN"],
    "eval.attribute_vectors": ["RUN"],
    "eval.any_size": ["RUN"],
    "eval.blur.__main__": ["RUN"],
    "eval.distances.__main__": ["RUN"],
    "eval.distance_controls": [],
    "eval.content_controls": [],
    "eval.health_controls": [],
    "vaegan.sample": ["RUN", "--out", "x.png"],
    "vaegan.projector": ["RUN"],
    "vaegan.bench": [],
    "baselines.pca": ["RUN"],
}


@pytest.mark.parametrize("device", ["cuda", "tpu"])
@pytest.mark.parametrize("module", COMMANDS)
def test_a_device_that_is_not_there_is_a_usage_error(module, device, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(devices, "has_driver", lambda: False)
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(module).main([*COMMANDS[module], "--device", device])
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert stop.value.code == 2 and device in line and ("use --device cpu" in line or "use auto" in line)
    assert not list(tmp_path.iterdir())


def test_an_unknown_device_is_refused_in_python(tmp_path):
    with pytest.raises(UsageError, match="unknown device 'gpu0'"):
        vaegan.load("synthfaces-vae", device="gpu0")


@pytest.fixture(scope="module")
def card():
    return for_dataset("synthfaces").card


@pytest.fixture
def fake_gpu(monkeypatch):
    """Modules made inside are on a GPU that holds no numbers; images stay on a CPU that holds none either."""
    monkeypatch.setattr(nn.Module, "to", lambda module, *_, **__: module)  # fake weights cannot be moved
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield torch.device("cuda", 0)


@pytest.mark.parametrize("condition", ["none", "attributes"])
def test_a_model_takes_images_from_the_cpu_and_gives_them_back(fake_gpu, condition, monkeypatch):
    monkeypatch.setattr(Conditions, "checked", lambda told, labels, n: labels)  # it looks at values, and there are none
    config = Config(mode="vaegan", image_size=32, width=0.0625, latent_dim=4, condition=condition)
    told = Conditions(("hat",), torch.ones(3, 1)) if condition == "attributes" else None
    with torch.device(fake_gpu):
        networks = networks_of(config, ("encoder", "decoder"), 3, 1 if told else 0)
    model = Model(config, networks, 1, 3, str(fake_gpu), *([told] if told else []))
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    labels = (torch.ones(2, 1),) if told else ()
    mu, logvar = model.encode(images, *labels)
    found = (
        mu,
        logvar,
        model.reconstruct(images, *labels),
        model.sample(2, 0, *labels),
        model.decode_mean(mu, *labels),
    )
    assert networks["decoder"].convolutions[0].weight.device == fake_gpu
    assert [part.device.type for part in found] == ["cpu"] * 5


@pytest.mark.parametrize("call", ["features", "maps", "logits", "predict"])
def test_a_feature_network_takes_images_from_the_cpu_and_gives_figures_back(card, fake_gpu, call):
    with torch.device(fake_gpu):
        network = FeatureNetwork(card).eval()
    images = torch.zeros(3, card.channels, 32, 32, dtype=torch.uint8)
    assert network.head.weight.device == fake_gpu
    assert getattr(network, call)(images, 2).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_and_describes_what_the_cpu_does():
    here, there = (vaegan.load("synthfaces-vaegan", device=device) for device in ("cpu", "cuda"))
    images = here.sample(200)
    assert (images.int() - there.sample(200).int()).abs().float().mean() < 0.5  # TF32 convolutions keep 10 bits
    network = for_dataset("synthfaces")
    features = network.features(images)
    moved = network.to("cuda").features(images)
    assert (moved - features).norm() < 1e-2 * features.norm()
