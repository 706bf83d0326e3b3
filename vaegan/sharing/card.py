"""The card of an exported network: what it is, how it was trained, how good it was, how it is loaded."""

import json
from pathlib import Path

from torch import nn

from vaegan import config_json
from vaegan.config import EXECUTION, Config
from vaegan.model import Model
from vaegan.storage import metrics

# Who may do what with weights trained on a data set; the weights themselves are as free as this project.
LICENCES = {
    "synthfaces": "drawn by this project, MIT",
    "mnist": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
    "fashion-mnist": "Fashion-MNIST (Zalando), MIT",
    "cifar10": "CIFAR-10 (Krizhevsky), no licence stated; research use",
    "celeba": "CelebA, non-commercial research only",
    "lfw": "Labeled Faces in the Wild, research use",
}
IMAGES = "images, float (N, {channels}, {size}, {size}) in [-1, 1]"
TAKES = {
    "encoder": IMAGES + "; gives mu and logvar, (N, {latent}) each",
    "decoder": "codes, float (N, {latent}), from N(0, I) for samples; gives " + IMAGES,
    "discriminator": IMAGES + '; gives Dis_l and the logit of "real"',
    "all": IMAGES + ", or codes, float (N, {latent})",
}
TITLES = {part: part.title() for part in TAKES} | {"all": "Encoder and decoder"}
COMPARED = 100  # inputs on which an export must equal the original
LOADING = {
    "torch-export": """import torch

{part} = torch.export.load("{file}").module()""",
    "onnx": """import onnxruntime

session = onnxruntime.InferenceSession("{file}")
{part} = lambda x: session.run(None, {{session.get_inputs()[0].name: x}})  # NumPy arrays, float32""",
}


def card(model: Model, part: str, form: str, file: str, difference: float, run: Path) -> str:
    """Return the card as Markdown."""
    config, names = model.config, ", ".join(model.conditions.names)
    told = f" A second input, (N, {len(model.conditions.names)}), tells {names}." if names else ""
    takes = TAKES[part].format(channels=model.channels, size=config.image_size, latent=config.latent_dim)
    licence = LICENCES.get(config.dataset, "Data of the exporter's own; whoever shares this file states their licence")
    return f"""# {TITLES[part]} of a {config.mode} on {config.dataset}

Trained for {model.step:,} updates of {config.batch_size} images with vaegan (after Larsen et al., arXiv 1512.09300);
exported as {form}. On {COMPARED} inputs, and on one alone, it differs from the original by at most {difference:.1e}.

**Takes** {takes}.{told}

## Load

```python
{loading(model, part, form, file)}
```

## How good it was

{measured(run)}

## Data and licence

{licence}. Weights: MIT, as the code, where the data allow it.

## Config

```json
{json.dumps(settings(config), indent=1)}
```
"""


def settings(config: Config) -> dict:
    """Return what made these weights, without where and how they were computed."""
    return {name: value for name, value in config_json.to_dict(config).items() if name not in EXECUTION}


def measured(run: Path) -> str:
    """Return the last line of the run's metrics, which are means over its last updates, on training images."""
    rows = metrics.read(run)
    if not rows:
        return "Not measured: the run kept no metrics. `vaegan compare RUN` measures blur and distances."
    last = rows[-1]
    named = {k: v for k, v in last.items() if k.startswith(("terms/", "dis/"))}
    table = [f"| `{name}` | {value:.4g} |" for name, value in sorted(named.items())]
    head = f"Means over the updates before number {last['step']:,}, training images, in nats or probabilities; blur and"
    return "\n".join([f"{head} distances stand in the run's report.", "", "| | |", "| --- | ---: |", *table])


def loading(model: Model, part: str, form: str, file: str) -> str:
    """Return code that loads the export: bare PyTorch for a stack of layers, else this package."""
    if part == "all":
        return 'import vaegan\n\nimages = vaegan.load("FOLDER").sample(64)  # this folder; uint8 (64, C, H, W)'
    layers = stack(model.networks[part]) if part == "decoder" else None  # the others branch
    if form in LOADING:
        return LOADING[form].format(part=part, file=file)
    if layers is None:
        restored = f'model.networks["{part}"].load_state_dict(load_file("{file}"))  # model = vaegan.load(RUN)'
        return f"from safetensors.torch import load_file\n\n{restored}"
    named = "\n".join(f'    ("{name}", nn.Sequential(\n        {row},\n    )),' for name, row in layers)
    return f"""from collections import OrderedDict
from safetensors.torch import load_file
from torch import nn

{part} = nn.Sequential(OrderedDict([
{named}
]))
{part}.load_state_dict(load_file("{file}"))"""


def stack(network: nn.Module) -> list[tuple[str, str]] | None:
    """Return a network as named stacks of PyTorch's own layers, each as the code that makes it; None if it is none.

    PyTorch prints a layer as the call that makes it; what is not one of its layers is no stack.
    """
    rows = []
    for name, child in network.named_children():
        plain = [made_by(layer) for layer in child] if isinstance(child, nn.Sequential) else [None]
        if None in plain:
            return None
        rows.append((name, ",\n        ".join(row for row in plain if row)))
    return rows


def made_by(layer: nn.Module) -> str | None:
    """Return the call that makes a layer of PyTorch's own, None for any other module."""
    own = next((c for c in type(layer).__mro__ if c.__module__.startswith("torch.nn.modules")), nn.Module)
    return None if own is nn.Module else f"nn.{own.__name__}({layer.extra_repr()})"
