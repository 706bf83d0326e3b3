"""The benchmark runs every mode at toy size and writes what it printed."""

import json

import pytest

from vaegan import bench, timing


def test_figures_cover_every_mode_and_are_ratios_within_one_run(tmp_path, monkeypatch, capsys):
    path = tmp_path / "bench.json"
    flags = ["--width", "0.0625", "--batch-size", "4", "--rounds", "1", "--device", "cpu", "--json", str(path)]
    monkeypatch.setattr(timing, "FACES", 4)
    bench.main(flags)
    figures = json.loads(path.read_text())["figures"]
    assert {f["name"] for f in figures if f["group"] == "update"} == set(bench.MODES)
    assert all(f["milliseconds"] > 0 for f in figures) and figures[0]["ratio"] == 1
    assert len(capsys.readouterr().out.splitlines()) == len(figures)


def test_bad_rounds():
    with pytest.raises(SystemExit) as stop:
        bench.main(["--rounds", "0"])
    assert stop.value.code == 2
