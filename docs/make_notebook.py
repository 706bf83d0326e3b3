"""python docs/make_notebook.py: docs/tour.ipynb out of the cells of docs/tour.py, without outputs."""

import json
from pathlib import Path

DOCS = Path(__file__).resolve().parent
MARK, PROSE = "# %%", "# %% [markdown]"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells(script: str) -> list[list[str]]:
    """The lines of each cell, the mark first."""
    found: list[list[str]] = []
    for line in script.splitlines():
        if line.startswith(MARK):
            found.append([])
        if found:
            found[-1].append(line)
    return found


def cell(number: int, lines: list[str]) -> dict:
    """One cell as a notebook has it: text without the marks of a comment, or code."""
    mark, *body = lines
    is_prose = mark == PROSE
    text = "\n".join(line.removeprefix("#").removeprefix(" ") if is_prose else line for line in body).strip("\n")
    kind = {"cell_type": "markdown"} if is_prose else {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}


def notebook(script: str) -> str:
    """A script in percent cells as a notebook."""
    made = [cell(number, lines) for number, lines in enumerate(cells(script))]
    value = {"cells": made, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (DOCS / "tour.ipynb").write_text(notebook((DOCS / "tour.py").read_text(encoding="utf-8")), encoding="utf-8")
