"""Checkpoints: tensors and plain values only, written whole or not at all, read without running anything in them.

A checkpoint is what torch.save writes and a checksum of it, as the zip archive's comment, where torch does not look:
`torch.load(weights_only=True)` opens it, and no changed bit passes unseen (torch ignores the archive's own sums).
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

import torch

from vaegan.errors import UserError
from vaegan.storage.reading import contents, reason
from vaegan.storage.writing import write_file

FORMAT = 2
TYPES: dict[str, type | tuple[type, ...]] = {
    "config": dict,
    "step": int,
    "channels": int,
    "networks": dict,
    "decoder_ema": dict,
    "optimizers": dict,
    "random_state": dict,
}
LAST = "last.pt"  # the newest, from which training goes on
Buffer = bytes | bytearray | memoryview
CHECKSUMS: dict[str, Callable[[Buffer], str]] = {
    "crc32": lambda content: f"{zlib.crc32(content):08x}",  # a quarter of the other's time; nobody signs these files
    "sha256": lambda content: hashlib.sha256(content).hexdigest(),  # of older checkpoints
}


def path(run_dir: Path, name: str = LAST) -> Path:
    """Return where a run keeps a checkpoint, by default its newest."""
    return run_dir / "checkpoints" / name


def save(run_dir: Path, state: dict[str, Any], name: str = LAST) -> None:
    """Write a checkpoint; a crash or a full disk leaves the previous one. Raises UserError where it is not written."""
    target = path(run_dir, name)
    try:
        write_file(target, sealed({"format": FORMAT, **state}))
    except OSError as error:
        kept = "the previous checkpoint is intact" if target.exists() else "nothing was saved before"
        raise UserError(
            f"{target} could not be saved at step {state['step']} ({error.strerror or error}); {kept}: "
            "free space, then --resume"
        ) from None


def sealed(state: dict[str, Any]) -> bytes:
    """Return a state as torch.save writes it, with its checksum as the archive's comment."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = bytearray(buffer.getbuffer())
    length = len(comment("crc32", b""))
    content[-2:] = length.to_bytes(2, "little")  # an archive ends with the length of its comment, and torch has none
    return bytes(content) + comment("crc32", content)


def comment(kind: str, content: Buffer) -> bytes:
    """Return what a file of this content ends with."""
    return f"{kind}:{CHECKSUMS[kind](content)}".encode()


def read(run_dir: Path, name: str = LAST) -> dict[str, Any]:
    """Read a run's checkpoint, by default its newest, onto the CPU.

    Raises UserError when it is missing, not ours, or differs in one bit from what was saved.
    """
    source = path(run_dir, name)
    try:
        content = contents(source)
    except FileNotFoundError:
        raise UserError(f"{run_dir} has no checkpoint ({source.relative_to(run_dir)}): train it first") from None
    except OSError as error:
        raise UserError(f"{source} cannot be read ({reason(error)}): restore it or train the run again") from None
    try:
        state = opened(content)
    except Exception as error:  # of a crafted file torch raises nearly anything
        raise UserError(
            f"{source} is damaged or not a checkpoint ({reason(error)}): restore it or train the run again"
        ) from None
    if not well_formed(state):
        raise UserError(f"{source} is not a checkpoint of this version: train the run again")
    return state


def opened(content: bytes) -> object:
    """Return what a file holds. Raises ValueError for a wrong checksum, and whatever torch and zipfile raise."""
    if not is_whole(content):
        raise ValueError("its content does not have its checksum")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it holds compressed parts, which could unfold to any size")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def is_whole(content: bytes) -> bool:
    """Whether a file ends with the checksum of what comes before."""
    for kind in CHECKSUMS:
        length = len(comment(kind, b""))
        if content[-length:].startswith(f"{kind}:".encode()):
            body = memoryview(content)[:-length]  # a view: a copy costs more than the sum
            return content.endswith(comment(kind, body))
    return False


def well_formed(state: object) -> TypeGuard[dict[str, Any]]:
    """Whether a state has every part, each of its type; what they hold is for those to check who load it."""
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        return False
    parts = all(isinstance(state.get(key), kind) for key, kind in TYPES.items())
    return parts and "decoder" in state["networks"] and state["step"] >= 0 and state["channels"] in (1, 3)
