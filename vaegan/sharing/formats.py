"""The formats of an exported network, a row each: how it is written, and how it is read back to be compared."""

import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vaegan.errors import UserError

Outputs = tuple[Tensor, ...]
TOLERANCE = 1e-5  # largest difference from the original that an export may show


@dataclass(frozen=True)
class Format:
    """One row: the file's ending, the packages it needs, and its two directions."""

    title: str
    suffix: str
    write: Callable[[nn.Module, tuple[Tensor, ...], Path], None]
    read: Callable[[nn.Module, Path], Callable[..., Outputs]]  # of the original, for formats of weights only
    needs: tuple[str, ...] = ()


def _write_safetensors(network: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    save_file({name: t.contiguous() for name, t in network.state_dict().items()}, path)


def _read_safetensors(network: nn.Module, path: Path) -> Callable[..., Outputs]:
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)  # what the file does not bring would show
    other.load_state_dict(load_file(path))
    return lambda *inputs: outputs(other(*inputs))


def _exported(network: nn.Module, example: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    """Trace with a free batch size; a batch of 1 would be taken for a constant."""
    batch = torch.export.Dim("batch", min=1)
    shapes = (tuple({0: batch} for _ in example),)  # one argument, *inputs
    return torch.export.export(_Plain(network), example, dynamic_shapes=shapes)


class _Plain(nn.Module):
    """A network whose outputs are a plain tuple, which a program can hold without this package."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Outputs:
        return outputs(self.network(*inputs))


def _write_torch_export(network: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    with _quiet():
        torch.export.save(_exported(network, example), path)


def _read_torch_export(network: nn.Module, path: Path) -> Callable[..., Outputs]:
    with _quiet():
        program = torch.export.load(path).module()
    return lambda *inputs: outputs(program(*inputs))


def _write_onnx(network: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    with _quiet():
        torch.onnx.export(_exported(network, example), (), str(path), dynamo=True, external_data=False, verbose=False)


def _read_onnx(network: nn.Module, path: Path) -> Callable[..., Outputs]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def run(*inputs: Tensor) -> Outputs:
        made = session.run(None, {name: t.numpy() for name, t in zip(names, inputs, strict=True)})
        return tuple(torch.from_numpy(array) for array in made)

    return run


FORMATS = {
    "safetensors": Format("weights alone, for PyTorch", ".safetensors", _write_safetensors, _read_safetensors),
    "torch-export": Format("a program, for PyTorch alone", ".pt2", _write_torch_export, _read_torch_export),
    "onnx": Format(
        "a graph, for ONNX runtimes", ".onnx", _write_onnx, _read_onnx, ("onnx", "onnxscript", "onnxruntime")
    ),
}


def require_packages(name: str) -> None:
    """Raise UserError, with the remedy, when a format's packages are not installed."""
    absent = [package for package in FORMATS[name].needs if find_spec(package) is None]
    if absent:
        raise UserError(f"--format {name} needs the package {absent[0]}: pip install 'vaegan[export]'")


def outputs(made: Tensor | Outputs) -> Outputs:
    """Return what a network gave as a tuple: an encoder and a discriminator give two tensors, a decoder one."""
    return (made,) if isinstance(made, Tensor) else tuple(made)


@torch.no_grad()
def largest_difference(network: nn.Module, again: Callable[..., Outputs], inputs: tuple[Tensor, ...]) -> float:
    """Return the largest difference between a network and its export, on a batch and on its first row alone."""
    first = tuple(t[:1] for t in inputs)
    pairs = [(a, b) for batch in (inputs, first) for a, b in zip(outputs(network(*batch)), again(*batch), strict=True)]
    return max(float((a - b).abs().max()) for a, b in pairs)


@contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch's exporter prints progress and warns of its own internals; neither is the user's concern."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
