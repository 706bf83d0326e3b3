"""Which image files lie under a folder: one rule for every reader, each real file once, none left out in silence."""

import contextlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from vaegan.errors import UserError

Image.init()
MORE = (".avif", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".pbm", ".pnm", ".tga")
SUFFIXES = tuple(sorted({*IMG_EXTENSIONS, *MORE} & set(Image.registered_extensions())))  # what this Pillow can open
# What file managers and servers leave beside images; names with a leading dot are hidden as well.
RESOURCES = {"__macosx", "@eadir", "thumbs.db", "desktop.ini", "ehthumbs.db", "lost+found", "$recycle.bin"}
Names = dict[str, tuple[bool, str, int]]  # by real path: whether the name is a link, the name, the file's number
SHOWN = 5  # folders or suffixes that a line names


@dataclass(frozen=True)
class Listing:
    """Image files relative to a root, in sorted order, and how many files of which suffix are no images to us."""

    files: list[Path]
    left_out: Counter[str] = field(default_factory=Counter)

    def note(self) -> str:
        """Say what was left out, "" when nothing was."""
        kinds = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in self.left_out.most_common(SHOWN)]
        return f"left out: {', '.join(kinds)}" if kinds else ""


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is none of the user's images."""
    return name.startswith(".") or name.lower() in RESOURCES


def folders(root: Path) -> list[str]:
    """Return the names of the folders in `root`, sorted and without hidden ones. UserError when it cannot be listed."""
    try:
        if not stat.S_ISDIR(os.stat(root).st_mode):
            raise FileNotFoundError
        return [entry.name for entry in _entries(root) if _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"no such folder: {root}; if it was moved, say with --data-dir where it lies now") from None
    except OSError as error:
        raise UserError(f"cannot list {root} ({error.strerror}): make it readable") from None


def image_files(root: Path, under: str = "") -> Listing:
    """List the image files below `root`/`under`, links followed, a file that several paths lead to under one of them:
    the path that is no link, or else the first.

    A link that leads nowhere counts as a file, which its reader will name; what is no regular file (a pipe, a device)
    is never opened. Raises UserError naming every folder that cannot be listed, and when there is no image or the
    root is the whole disk.
    """
    if os.path.realpath(root) == os.path.abspath(os.sep):  # minutes, and never what is meant
        raise UserError(f"{root} is the whole disk: name a folder of images in it")
    failures: list[str] = []
    files, left_out = _collected(root, under, failures)
    _leave_out_second_names(files)
    if failures:
        more = f" and {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
        raise UserError(
            f"cannot list {', '.join(failures[:SHOWN])}{more}: its images would be missing; make it readable or move it"
        )
    if not files:
        raise UserError(f"no images under {root / under}; looked for {' '.join(SUFFIXES)}")
    return Listing(sorted(Path(path) for _, path, _ in files.values()), left_out)


def _collected(root: Path, under: str, failures: list[str]) -> tuple[Names, Counter[str]]:
    """The image files, and how many others there are of each kind; folders that cannot be listed go to `failures`."""
    files: Names = {}
    left_out: Counter[str] = Counter()
    start = len(os.path.join(root / under, ""))
    for real, entries in _walk(root / under, failures):
        for entry in entries:
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix not in SUFFIXES or not (_is_file(entry) or entry.is_symlink()):
                left_out[suffix if suffix not in SUFFIXES else "that are no regular files"] += 1
                continue
            target = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(real, entry.name)
            rank = (entry.is_symlink(), os.path.join(under, entry.path[start:]), entry.inode())
            files[target] = min(files.get(target, rank), rank)
    return files, left_out


def _leave_out_second_names(files: Names) -> None:
    """Keep one name of each file that has several (hard links); where a file system gives two files one number, they
    have one name each."""
    times = Counter(number for _, _, number in files.values())
    known = set()
    for _, target in sorted((rank, target) for target, rank in files.items() if times[rank[2]] > 1):
        with contextlib.suppress(OSError):  # a link that leads nowhere
            s = os.stat(target)
            if s.st_nlink > 1 and (s.st_dev, s.st_ino) in known:
                del files[target]
            known.add((s.st_dev, s.st_ino))


def _walk(root: Path, failures: list[str]) -> Iterator[tuple[str, list[os.DirEntry]]]:
    """Yield every folder below `root` once, as its real path and what it holds but folders; linked ones come last.

    Those that cannot be listed are added to `failures`.
    """
    own, seen = [str(root)], set[str]()
    linked: list[str] = []
    while own or linked:
        folder = own.pop() if own else linked.pop(0)
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = _entries(folder)
        except OSError as error:
            failures.append(f"{folder} ({error.strerror})")
            continue
        for entry in filter(_is_folder, entries):
            (linked if entry.is_symlink() else own).append(entry.path)
        yield real, [entry for entry in entries if not _is_folder(entry)]


def _entries(folder: Path | str) -> list[os.DirEntry]:
    """List a folder without what is hidden, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not is_hidden(e.name)), key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
