"""What a study does: train what is missing, one run after the other, compare each data set's runs, sum up."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from eval.report import stored
from eval.studies import jobs, summary
from eval.studies.asked import Study
from eval.studies.jobs import Interrupted
from eval.studies.plans import Plan
from eval.studies.progress import Line, Log, duration
from eval.studies.summary import Outcome
from eval.words import dataset_title, shown, slug
from vaegan import metrics
from vaegan.data import resolved
from vaegan.errors import UserError

RECENT = 8  # lines of metrics over which the speed is averaged


def run(study: Study, planned: Sequence[Plan], command: str) -> None:
    """Train, compare, sum up; `command` is what one types to continue. Raises UserError naming what is not sound."""
    try:
        outcomes = train_all(planned, study.out)
        entries = [compare(study, dataset, outcomes) for dataset in study.dataset]
    except Interrupted as stop:
        print(f"interrupted; the same command continues: {command}", file=sys.stderr)
        raise SystemExit(128 + stop.number) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or study.out} ({error.strerror}): give another --out") from None
    conclude(study, entries, command)


def train_all(planned: Sequence[Plan], out: Path) -> list[Outcome]:
    """Train what is missing, one run after the other; a run that fails stops none but those that need it."""
    outcomes: list[Outcome] = []
    for i, run in enumerate(planned, 1):
        line = Line(f"[{i}/{len(planned)}] {run.title}")
        missing = [o for o in outcomes if o.plan.directory == run.config.discriminator and not o.comparable]
        if run.finished:
            outcome = Outcome(run, "kept")
            line.end(f"finished at step {run.step:,}, kept")
        elif missing:
            outcome = Outcome(run, "skipped", f"needs the discriminator of {missing[0].plan.title}")
            line.end(f"skipped: {outcome.reason}")
        else:
            outcome = train(run, out, line)
        outcomes.append(outcome)
    return outcomes


def train(run: Plan, out: Path, line: Line) -> Outcome:
    """Train or continue one run."""
    begun, log = time.monotonic(), Log(run.directory / "train.log", out)
    line.start(f"resuming at step {run.step:,} of {run.config.steps:,}" if run.exists else "starting")
    try:
        code = jobs.run([sys.executable, "-m", "vaegan.train", *run.flags], log, line, lambda: progress(run))
    except Interrupted:
        line.end(f"interrupted, {progress(run)}")
        log.close()
        raise
    seconds = time.monotonic() - begun
    reason = log.reason(code) if code else ""
    seen = f"; see {shown(log.path)}" if log.path == log.target else ""
    warning = f"; {log.warning()}" if log.warning() else ""
    log.close()
    line.end(f"failed: {reason}{seen}" if code else f"done in {duration(seconds)}{warning}")
    return Outcome(run, "failed" if code else "trained", reason, seconds)


def progress(run: Plan) -> str:
    """How far a run is by its own metrics.jsonl, how fast, and how long it will take."""
    rows = metrics.read(run.directory)
    if not rows:
        return "starting"
    step, steps = rows[-1]["step"], run.config.steps
    speeds = [row["images_per_second"] for row in rows[-RECENT:] if row.get("images_per_second")]
    text = f"step {step:,} of {steps:,}"
    if not speeds:
        return text
    speed = sum(speeds) / len(speeds)
    return f"{text}, {speed:,.0f} images/s, {duration((steps - step) * run.config.batch_size / speed)} left"


def compare(study: Study, dataset: str, outcomes: Sequence[Outcome]) -> dict:
    """Compare the runs of one data set, in the order of --modes and --seeds; return its part of study.json."""
    own = [outcome for outcome in outcomes if outcome.plan.config.dataset in (dataset, resolved(dataset))]
    able = sorted((o for o in own if o.comparable), key=lambda o: study.modes.index(o.plan.config.mode))
    line, out = Line(f"compare {dataset_title(dataset)}"), study.out / f"report-{slug(dataset)}"
    if not able:
        line.end("no run to compare")
        return summary.dataset_entry(dataset, study.modes, own, None, "no run is finished")
    line.start(f"{len(able)} runs")
    flags = ["--out", str(out), "--samples", str(study.samples)]
    flags += ["--data-dir", str(study.fixed["data_dir"])] if "data_dir" in study.fixed else []
    script = str(Path(__file__).parents[1] / "compare.py")
    begun, log = time.monotonic(), Log(study.out / f"{out.name}.log", study.out)
    words = [sys.executable, script, *(str(o.plan.directory) for o in able), *flags]
    code = jobs.run(words, log, line, lambda: f"{len(able)} runs, {duration(time.monotonic() - begun)}")
    if code:
        line.end(f"failed: {log.reason(code)}; see {shown(log.path)}")
        return summary.dataset_entry(dataset, study.modes, own, None, log.reason(code))
    report = stored.read(out)
    log.path.unlink()
    line.end(f"done in {duration(time.monotonic() - begun)}; open {shown(out / 'report.html')}")
    return summary.dataset_entry(dataset, study.modes, summary.judged(own, report), report)


def conclude(study: Study, entries: Sequence[dict], command: str) -> None:
    """Write and print the summary. Raises UserError naming what is not sound."""
    value = summary.value(entries, command)
    summary.write(value, study.out)
    print(f"\n{summary.table(value['datasets'])}\n\nwrote {shown(study.out / 'study.md')} and study.json")
    if problems := summary.problems(entries):
        raise UserError("; ".join(problems))
