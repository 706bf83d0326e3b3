"""The house: rooms import downwards only, doors are imported by nobody, nothing is too long, scripts run anywhere."""

import ast
import functools
import io
import re
import statistics
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(p for package in ("vaegan", "baselines", "eval") for p in (ROOT / package).rglob("*.py"))
MAY_IMPORT = {"vaegan": {"vaegan"}, "baselines": {"baselines", "vaegan"}, "eval": {"eval", "baselines", "vaegan"}}
# Rooms of a package from the ground up: a room imports those in front of it. Rooms of one floor do not know each other.
FLOORS = {
    "vaegan": (
        {"errors", "pixels", "losses", "posterior", "objective", "presets"},
        {"storage", "generator"}, {"commandline", "machine", "data", "networks", "schedules", "latent"},
        {"algorithm", "conditions", "config"}, {"config_json"}, {"run", "pretrained"}, {"model"},
        {"pictures", "sharing"}, {"training"},
    ),
    "eval": (
        {"words", "versions"}, {"uncertainty", "images"}, {"blur", "features"}, {"sources"}, {"distances"},
        {"readings"}, {"evidence", "metrics"}, {"report"}, {"experiments"}, {"studies"},
    ),
}  # fmt: skip
MOST_ROOMS, MOST_LINES, LONGEST, MEDIAN = 30, 300, 45, 7  # in a folder; of a module; of a function
MOST_IGNORED = 5  # comments that silence the type checker, of all modules together


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def project_imports(path: Path, lazy: bool = True) -> set[str]:
    """Names of project modules that a file imports, `from a import b` as both a and a.b."""
    names, tree = set(), ast.parse(path.read_text())
    for node in ast.walk(tree) if lazy else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in MAY_IMPORT}


@functools.cache
def doors() -> set[str]:
    """Modules that are commands: what runs when they are the program, and a package's __main__."""
    shims = (module_name(p) for p in SOURCES if re.search(r"^if __name__ == .__main__.:$", p.read_text(), re.MULTILINE))
    return {name for name in shims if name not in ("", "__main__")}


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_packages_import_only_downwards(path):
    """A door may have rows of the other modes, and measure with eval: that only inside a function, once it is asked."""
    package, door = path.relative_to(ROOT).parts[0], module_name(path) in doors()
    allowed = MAY_IMPORT[package] | ({"baselines"} if door else set())
    every, at_once = ({name.split(".")[0] for name in project_imports(path, lazy=lazy)} for lazy in (True, False))
    assert at_once <= allowed and every <= allowed | ({"eval"} if door else set())


def test_nobody_imports_a_door():
    importers = {module_name(p): project_imports(p) & doors() for p in SOURCES}
    assert {"vaegan.train", "eval.compare", "eval.study", "eval.distances.__main__"} <= doors()
    assert not {name: found for name, found in importers.items() if found}


def visible(folder: Path) -> set[str]:
    """What a newcomer sees in a folder of code: modules and folders, not Python's own."""
    seen = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and p.name != "__pycache__")}
    return seen - {"__init__", "__main__"}


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_only_rooms_below(package):
    floor = {room: i for i, rooms in enumerate(FLOORS[package]) for room in rooms}
    rooms = {room for room in visible(ROOT / package) if f"{package}.{room}" not in doors()}
    assert rooms - {"weights"} == set(floor)
    upwards = []
    for path in (ROOT / package).rglob("*.py"):
        room, *inside = path.relative_to(ROOT / package).with_suffix("").parts
        for name in project_imports(path) if room in floor and inside != ["__main__"] else ():
            other = [*name.split("."), ""][1]
            if name.startswith(f"{package}.") and other != room and floor.get(other, len(floor)) >= floor[room]:
                upwards.append(f"{module_name(path)} -> {name}")
    assert upwards == []


def test_no_folder_is_a_warehouse():
    assert {folder for folder in {path.parent for path in SOURCES} if len(visible(folder)) > MOST_ROOMS} == set()


def test_modules_and_functions_are_short():
    functions = [
        (node.end_lineno - node.lineno + 1, f"{module_name(path)}.{node.name}")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {module_name(p) for p in SOURCES if len(p.read_text().splitlines()) > MOST_LINES} == set()
    assert {name for lines, name in functions if lines > LONGEST} == set()
    assert statistics.median(lines for lines, _ in functions) <= MEDIAN


def silenced(source: str) -> list[str]:
    """Comments that tell a type checker to look away."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [t.string for t in tokens if t.type == tokenize.COMMENT and re.search(r"\b(type: ?ignore|mypy:)", t.string)]


def test_types_are_ignored_seldom_and_with_a_code_and_a_reason():
    comments = [comment for path in SOURCES for comment in silenced(path.read_text())]
    assert not [c for c in comments if not re.fullmatch(r"# type: ignore\[[a-z, -]+\]  # \w.{9,}", c)]
    assert len(comments) <= MOST_IGNORED


def test_a_silencing_comment_is_seen():
    said = ["a = 1  # type: ignore", "a = 1  # type: ignore[attr-defined]", "# mypy: ignore-errors"]
    assert [len(silenced(line)) for line in [*said, 'a = "# type: ignore"', "a = 1  # a type"]] == [1, 1, 1, 0, 0]


def test_modules_have_no_import_cycles():
    """An entry point may load a module inside a function; at import time nothing goes round."""
    known = {module_name(p): p for p in SOURCES if p.name != "__init__.py"}
    graph = {name: project_imports(path, lazy=False) & set(known) - {name} for name, path in known.items()}
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert done == set(graph), f"cycle among {sorted(set(graph) - done)}"


def test_no_module_shadows_the_standard_library():
    assert not {p.stem for p in SOURCES if p.stem in sys.stdlib_module_names and p.stem != "__init__"}


def test_packaging_lists_every_package():
    listed = (ROOT / "pyproject.toml").read_text()
    packages = {module_name(p) for p in SOURCES if p.name == "__init__.py"}
    assert all(f'"{package}"' in listed for package in packages)


@pytest.mark.parametrize("script", ["eval/compare.py", "eval/study.py"])
def test_scripts_run_from_another_folder_without_installation(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / script), "--help"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "usage" in done.stdout.lower(), done.stderr


def texts(path: Path) -> list[str]:
    """A module's texts, without its own and functions' docstrings and what a door is called, PROG."""
    tree = ast.parse(path.read_text())
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef)]
    aside = [node.body[0].value for node in documented if node.body and isinstance(node.body[0], ast.Expr)]
    aside += [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROG"
    ]
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in aside]
    return [node.value for node in nodes if isinstance(node.value, str)]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_messages_name_commands_as_they_are_typed(path):
    """What to type depends on how this program was started: `commands.spoken` knows. A card records what was typed."""
    spelled = re.compile(r"python (-m )?(vaegan|eval|baselines)\b|\b(eval|baselines)/\w+\.py")
    found = [text for text in texts(path) if spelled.search(text)]
    assert not found or module_name(path) in ("vaegan.commandline.commands", "eval.features.training")


OWN_FILES = {  # what ships with a module, what it has just written, what the system says
    "vaegan.data.readers.embedded", "vaegan.machine.devices", "vaegan.sharing.formats", "vaegan.storage.reading",
    "eval.readings.page", "eval.report.board", "eval.report.page", "eval.report.rendering", "eval.studies.progress",
}  # fmt: skip
READING = re.compile(
    r"open|.*\.(read_text|read_bytes|safe_open|load_file|open_code)|(np|torch)\.(load|loadtxt|fromfile)"
)


def opens(source: str) -> list[str]:
    """Calls that read a file by its path, which none waits for that has gone through `reading.regular`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [call for call in calls if READING.fullmatch(ast.unparse(call.func))]
    modes = {call: [ast.unparse(word)[1:2] for word in call.args[1:2]] for call in calls}
    fine = ("regular(", "io.BytesIO(", "os.devnull", "lines, ", "path, mmap_mode")
    return [
        text for call in calls if not ({"w", "a"} & {*modes[call]})
        and not (text := ast.unparse(call)).partition("(")[2].startswith(fine)
    ]  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_are_read_by_one_routine_that_waits_for_none(path):
    assert not opens(path.read_text()) or module_name(path) in OWN_FILES


def test_a_read_past_the_routine_is_seen():
    past = [
        "open(p)",
        "open(p, 'rb')",
        "p.read_text()",
        "np.load(p)",
        "torch.load(p)",
        "safetensors.safe_open(p, 'pt')",
    ]
    fine = ["open(p, 'w')", "open(regular(p))", "np.load(io.BytesIO(contents(p)))", "text(p)", "safe_open(regular(p))"]
    assert all(opens(line) for line in past) and not any(opens(line) for line in fine)
