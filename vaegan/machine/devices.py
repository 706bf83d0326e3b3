"""On which device a run computes, and in which arithmetic; torch, seconds to import, is asked only of a GPU."""

import ctypes
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaegan.errors import UsageError, impossible, nearest

if TYPE_CHECKING:
    import torch

NAMES = ("auto", "cpu", "cuda", "cuda:N", "mps")
MATRIX_UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}  # Linux's names of what multiplies bfloat16 matrices
# A VAE/GAN update of 64 images at width 0.25 on one thread of a processor with AVX2: 7.5 s in bf16, 0.86 s in fp32.
EMULATED = "bf16 is emulated here: about 9 times slower than fp32 where it was measured (AVX2); use --precision auto"


def processes() -> int:
    """Return how many processes torchrun started; it sets all of its variables or none."""
    return number("WORLD_SIZE", 1)


def local_rank() -> int:
    """Return this process's number on its machine, which is that of its GPU."""
    return number("LOCAL_RANK", 0)


def number(variable: str, default: int) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.isdecimal() else default


def check(name: str) -> None:
    """Raise UsageError for a device that is unknown, or that has no driver here; torch is not asked."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", name):
        raise UsageError(f"unknown device {name!r}{nearest(name, NAMES)}; use auto, cpu, cuda, cuda:1 or mps")
    if name.startswith("cuda") and not has_driver():
        raise impossible(f"--device {name}", "no CUDA device is available; use --device cpu")


def has_driver() -> bool:
    """Whether this machine has a driver that torch could find a CUDA (or ROCm) device with."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        return True
    except OSError:
        return Path("/dev/kfd").exists()


def find(name: str, rank: int = 0, count: int = 1) -> "torch.device":
    """Return the device that `--device` means for this process: under torchrun each has a GPU of its own.

    Raises UsageError when it is not there.
    """
    check(name)
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or name == "auto" and not there:
        return torch.device("cpu")
    if count > 1 and name not in ("auto", "cuda"):
        raise UsageError(f"--device {name} is one device for {count} processes: use --device cuda, one for each")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise impossible("--device mps", "no Apple GPU is available; use --device cpu")
        return torch.device("mps")
    index = int(name.partition(":")[2] or rank)
    if index >= there:
        remedy = f"use --device cuda:{there - 1} or fewer processes" if there else "use --device cpu"
        raise impossible(f"--device {name}", f"{there} CUDA devices are available; {remedy}")
    return torch.device("cuda", index)


def own(name: str) -> "torch.device":
    """Return the device that `--device` means for this process, of as many as torchrun started; errors as `find`."""
    return find(name, local_rank(), processes())


def on_cuda(name: str) -> bool:
    """Whether a run will be on a CUDA device."""
    check(name)
    return name not in ("cpu", "mps") and has_driver() and find(name).type == "cuda"


def matrix_units(name: str) -> str | None:
    """Return the name of what multiplies bfloat16 matrices on a device, None where it is emulated or unknown."""
    if on_cuda(name):
        import torch

        device = find(name)
        native = torch.cuda.get_device_capability(device) >= (8, 0) or torch.version.hip
        return torch.cuda.get_device_name(device) if native else None
    return processor_units() if name != "mps" else None


def processor_units(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """Return which matrix units the processor has by Linux's account of it, None for none or on another system."""
    try:
        flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith(("flags", "Features"))), "")
    except OSError:
        return None
    return next((title for flag, title in MATRIX_UNITS.items() if flag in flags.split()), None)


def precision(asked: Literal["auto", "fp32", "bf16"], device: str) -> Literal["fp32", "bf16"]:
    """Return the precision of a run, auto decided: bf16 where the device multiplies it fast, fp32 elsewhere."""
    return asked if asked != "auto" else "bf16" if matrix_units(device) else "fp32"


def described(precision: str, device: str) -> str:
    """Return a precision with what there is to say for or against it on a device."""
    units = matrix_units(device)
    if precision == "bf16":
        return f"bf16 ({units} multiplies it)" if units else "bf16 (emulated)"
    return "fp32" if units else "fp32 (no matrix units for bf16 are known here)"


def notes(precision: str, device: str) -> list[str]:
    """Return what to tell a user whose precision costs time on a device."""
    return [EMULATED] if precision == "bf16" and not matrix_units(device) else []
