"""docs/journeys.md: every command of every journey, as typed, in an empty folder."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from stand_in import dead_leaves

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")
NETWORKS = re.search(r"```python\n(from torch import nn\n.*?)```", (ROOT / "docs" / "commands.md").read_text(), re.S)
JOURNEYS = {part.partition("\n")[0]: part for part in re.split("^### ", PAGE, flags=re.MULTILINE)[1:]}
SMALL = "--width 0.0625 --batch-size 8 --log-every 5 --save-every 5 --steps 20"
SMALLER = {  # what is typed beside a command, so that minutes become seconds
    "vaegan train": SMALL,
    "vaegan study": f"{SMALL} --samples 100",
    "vaegan compare": "--samples 10",
    "vaegan similarity": "--queries 50",
    "python docs/tour.py": "--steps 2 --memory-steps 2 --shown 4",
}


def commands(journey: str) -> list[str]:
    """The lines of its first block, without comments."""
    block = re.search("^```\n(.*?)^```", JOURNEYS[journey], re.MULTILINE | re.DOTALL)
    return [line.partition(" #")[0].strip() for line in block.group(1).splitlines()]


def words(command: str) -> list[str]:
    """A command as this Python runs it."""
    beside = next((flags for start, flags in SMALLER.items() if f"{command} ".startswith(f"{start} ")), "")
    program, *rest = shlex.split(f"{command} {beside}")
    return [sys.executable, *(["-m", "vaegan"] if program == "vaegan" else []), *rest]


def start(folder: Path, command: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(folder if (folder / "vaegan").is_dir() else ROOT)}
    return subprocess.Popen(words(command), cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment | {"OMP_NUM_THREADS": "1"})  # fmt: skip


def typed(folder: Path, command: str) -> str:
    """Run a command to its end; a study may say that so short a training collapsed."""
    process = start(folder, command)
    out, err = process.communicate(timeout=3000)
    assert process.returncode in ((0, 1) if command.startswith("vaegan study") else (0,)), command + out + err
    assert "Traceback" not in err
    return out


def pictures(folder: Path) -> None:
    """Folders of images, as a user has some."""
    for seed, name in enumerate(("pictures", "samples", "photographs")):
        (folder / name).mkdir()
        for i, image in enumerate(dead_leaves(100, 64 if name == "pictures" else 32, 3, seed)):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / name / f"{i:03}.png")


def programs(folder: Path, journey: str) -> None:
    """The files that its text shows, and those that it names."""
    names = re.findall(r"^In `(\w+\.py)`", JOURNEYS[journey], re.MULTILINE)
    shown = re.findall("^```python\n(.*?)^```", JOURNEYS[journey], re.MULTILINE | re.DOTALL)
    for name, text in zip(names, shown, strict=False):
        (folder / name).write_text(text)
    (folder / "mynets.py").write_text(NETWORKS.group(1))
    (folder / "docs").symlink_to(ROOT / "docs")


def one_report(folder: Path) -> dict:
    """The only report below a folder, whose page is there too."""
    (page,) = folder.rglob("report.html")
    return json.loads((page.parent / "report.json").read_text())


def is_picture(file: Path) -> bool:
    with Image.open(file) as image:
        return min(image.size) >= 32


def reports(count: int) -> Callable[[Path, str], None]:
    def look(folder: Path, said: str) -> None:
        assert len(one_report(folder)["runs"]) == count

    return look


def draws(*names: str) -> Callable[[Path, str], None]:
    def look(folder: Path, said: str) -> None:
        assert all(is_picture(folder / name) for name in names)

    return look


def reads_a_blur(folder: Path, said: str) -> None:
    assert "samples" in said and " px" in said and (folder / "blur.html").stat().st_size > 10_000


def prints_a_blur(folder: Path, said: str) -> None:
    assert re.search(r"under -?\d+\.\d\d px\n$", said)


LEAVES = {
    "A first picture": draws("faces.png"),
    "A report: is the VAE blurrier, and by how many pixels?": reports(2),
    "The tour of the post": draws(*(f"tour/tour-{i}.png" for i in range(7))),
    "Pictures of one's own, at 64 pixels": reports(2),
    "One's own settings, over three seeds": reports(6),
    "Networks of one's own": draws("mine.png"),
    "A model that draws what it is told": draws("smiles.png"),
    "How blurred is a folder of images?": reads_a_blur,
    "A metric in a loop": prints_a_blur,
}
BY_HAND = ("Going on after a crash", "Exporting, and loading elsewhere", "A measure of one's own, and the tests")


def test_the_page_has_twelve_journeys_of_five_commands_at_most():
    assert {*LEAVES, *BY_HAND} == set(JOURNEYS) and len(JOURNEYS) == 12
    assert all(1 <= len(commands(journey)) <= 5 for journey in JOURNEYS)


@pytest.mark.slow
@pytest.mark.parametrize("journey", LEAVES)
def test_a_journey_ends_well(journey, tmp_path):
    pictures(tmp_path)
    programs(tmp_path, journey)
    said = "".join(typed(tmp_path, command) for command in commands(journey))
    LEAVES[journey](tmp_path, said)


@pytest.mark.slow
def test_a_run_goes_on_after_a_crash(tmp_path):
    first, again = commands("Going on after a crash")
    first, again = (line.replace("vaegan train", "vaegan  train") for line in (first, again))  # nothing added to it
    process = start(tmp_path, f"{first} {SMALL} --steps 200")
    run = tmp_path / "runs" / "synthfaces-vae-s0"
    while not (run / "checkpoints" / "last.pt").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process = start(tmp_path, again)
    assert process.wait(timeout=3000) == 0, process.stderr.read()
    assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 200


@pytest.mark.slow
def test_an_export_is_loaded_elsewhere(tmp_path):
    export, load, whole, sample = commands("Exporting, and loading elsewhere")
    typed(tmp_path, export)
    code = re.search("```python\n(.*?)```", (tmp_path / "decoder" / "README.md").read_text(), re.DOTALL).group(1)
    (tmp_path / "decoder" / "load.py").write_text(f"{code}\nimport sys, torch\nassert 'vaegan' not in sys.modules\n"
                                                  "print(*decoder(torch.randn(2, 64)).shape)")  # fmt: skip
    alone = subprocess.run(
        [sys.executable, *load.split()[1:]], cwd=tmp_path / "decoder", capture_output=True, text=True
    )
    assert alone.stdout == "2 3 32 32\n", alone.stderr
    typed(tmp_path, whole)
    typed(tmp_path, sample)
    assert is_picture(tmp_path / "x.png")


@pytest.mark.slow
def test_a_measure_is_added_and_tested(tmp_path):
    journey = "A measure of one's own, and the tests"
    for name in ("vaegan", "baselines", "eval", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    pictures(tmp_path)
    function = re.search("^```python\n(.*?)^```", JOURNEYS[journey], re.MULTILINE | re.DOTALL).group(1)
    (row,) = re.findall(r"`(Measure\(.*\),)`", JOURNEYS[journey])
    file = tmp_path / "eval" / "blur" / "measures.py"
    before, table, after = file.read_text().partition("MEASURES: dict[str, Measure] = {\n")
    after = after.replace("    for row in (\n", f"    for row in (\n        {row}\n", 1)
    file.write_text(f"{before}{function}\n\n{table}{after}")
    tests, blur = commands(journey)
    assert " passed" in typed(tmp_path, f"{tests} -n 0 -k 'follow_blur'")
    typed(tmp_path, blur)
    assert "roughness" in (tmp_path / "blur.json").read_text()
