"""Which device and precision a run gets, on machines that this one only plays; several processes and their end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vaegan.errors import UsageError
from vaegan.machine import devices, processes


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that a number of CUDA devices are there."""

    def pretend(count: int, capability=(8, 0)) -> None:
        monkeypatch.setattr(devices, "has_driver", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "GPU")

    return pretend


@pytest.mark.parametrize(
    ("name", "count", "rank", "device"),
    [
        ("auto", 0, 1, "cpu"),
        ("auto", 2, 0, "cuda:0"),
        ("auto", 2, 1, "cuda:1"),
        ("cuda", 2, 1, "cuda:1"),
        ("cpu", 2, 1, "cpu"),
    ],
)
def test_every_process_has_a_device_of_its_own(gpus, name, count, rank, device):
    gpus(count)
    assert str(devices.find(name, rank, 2)) == device


def test_one_process_may_choose(gpus):
    gpus(2)
    assert str(devices.find("cuda:1")) == "cuda:1" and devices.on_cuda("cuda:1") and not devices.on_cuda("cpu")


@pytest.mark.parametrize(
    ("name", "count", "rank", "processes", "message"),
    [
        ("cuda", 0, 0, 1, "--device cuda is not possible: no CUDA device is available; use --device cpu"),
        ("cuda:2", 2, 0, 1, "--device cuda:2 is not possible: 2 CUDA devices are available; use --device cuda:1"),
        ("cuda", 2, 2, 3, "2 CUDA devices are available; use --device cuda:1 or fewer processes"),
        ("cuda:1", 2, 0, 2, "--device cuda:1 is one device for 2 processes"),
        ("cuba", 2, 0, 1, "unknown device 'cuba'; did you mean 'cuda'"),
        ("cuda:", 2, 0, 1, "unknown device 'cuda:'"),
        ("cuda:-1", 2, 0, 1, "unknown device 'cuda:-1'"),
        ("", 2, 0, 1, "unknown device ''"),
    ],
)
def test_a_device_that_is_not_there_is_refused_in_one_line(gpus, name, count, rank, processes, message):
    gpus(count)
    with pytest.raises(UsageError) as error:
        devices.find(name, rank, processes)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_an_apple_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no Apple GPU is available"):
        devices.find("mps")


def test_the_gpu_is_chosen_before_the_processes_join(monkeypatch):
    order = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: order.append(str(device)))
    monkeypatch.setattr(processes.dist, "init_process_group", order.append)
    processes.start(torch.device("cuda", 1))
    assert order == ["cuda:1", "nccl"]


LEAVES = """
import os, torch, torch.distributed as dist
from vaegan.machine import devices, processes
devices.processes = lambda: 2  # the only one of two
processes.start(torch.device("cpu"))
torch.optim.Adam([torch.zeros(1, requires_grad=True)])
dist.all_reduce(torch.ones(3))
def threads():
    for number in os.listdir("/proc/self/task"):
        try:
            yield open(f"/proc/self/task/{number}/comm").read().strip()
        except OSError:  # ended since
            pass
print(sum("gloo" in name for name in threads()) > 0)
processes.stop()
print([name for name in threads() if "gloo" in name])
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux lists a process's threads")
def test_no_thread_of_the_group_is_left_to_free_tensors_while_python_ends():
    """Such a thread aborted one of two processes in a few of a hundred trainings, after all was written."""
    environment = {**os.environ, "WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, "-c", LEAVES], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0 and done.stdout.split("\n")[:2] == ["True", "[]"], done.stderr


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("flags\t\t: fpu avx2 fma", None),
        ("flags\t\t: fpu avx512f avx512_bf16", "AVX512-BF16"),
        ("flags\t\t: avx512_bf16 amx_bf16 amx_tile", "AMX"),
        ("model name: x\n", None),
    ],
)
def test_matrix_units_of_a_processor(tmp_path, text, units):
    (tmp_path / "cpuinfo").write_text(f"processor: 0\n{text}\n")
    assert devices.processor_units(tmp_path / "cpuinfo") == units
    assert devices.processor_units(tmp_path / "absent") is None


def test_precision_of_gpus(gpus):
    gpus(1, (9, 0))
    assert devices.precision("auto", "cuda") == "bf16" and devices.notes("bf16", "cuda") == []
    gpus(1, (7, 0))
    assert devices.precision("auto", "cuda:0") == "fp32" and devices.notes("bf16", "cuda") == [devices.EMULATED]
