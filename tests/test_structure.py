"""Imports point one way, composition roots are imported by nobody, scripts run from anywhere."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(p for package in ("vaegan", "baselines", "eval") for p in (ROOT / package).rglob("*.py"))
COMPOSITION_ROOTS = {"vaegan.train", "vaegan.bench", "eval.compare", "eval.study"}
MAY_IMPORT = {"vaegan": {"vaegan"}, "baselines": {"baselines", "vaegan"}, "eval": {"eval", "baselines", "vaegan"}}


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


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_packages_import_only_downwards(path):
    package = path.relative_to(ROOT).parts[0]
    allowed = MAY_IMPORT[package] | ({"baselines"} if module_name(path) in COMPOSITION_ROOTS else set())
    assert {name.split(".")[0] for name in project_imports(path)} <= allowed


def test_nobody_imports_a_composition_root():
    importers = {module_name(p): project_imports(p) & COMPOSITION_ROOTS for p in SOURCES}
    assert not {name: roots for name, roots in importers.items() if roots}


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
