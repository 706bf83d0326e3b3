"""What a study does: train what is missing, one run or several at a time, compare each data set's runs, sum up."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from eval.report import stored
from eval.studies import jobs, summary
from eval.studies.asked import Study, toml
from eval.studies.jobs import Interrupted
from eval.studies.plans import Plan
from eval.studies.progress import Line, Log, Screen, duration
from eval.studies.summary import Compared, Outcome
from eval.words import shown
from vaegan.commandline.arguments import flag
from vaegan.errors import UserError
from vaegan.storage import metrics
from vaegan.storage.writing import write_whole

PLAN = "study.toml"  # what was asked for, as `--plan` reads it
RECENT = 8  # lines of metrics over which the speed is averaged


def run(study: Study, planned: Sequence[Plan], command: str) -> None:
    """Train, compare, sum up; `command` is what one types to continue. Raises UserError naming what is not sound."""
    try:
        write_whole(study.out / PLAN, toml(study).encode(errors="replace"))
        outcomes = train_all(planned, study.out, study.jobs)
        entries = [compare(study, what, outcomes) for what in compared(study, outcomes)]
    except Interrupted as stop:
        print(f"interrupted; the same command continues: {command}", file=sys.stderr)
        raise SystemExit(128 + stop.number) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or study.out} ({error.strerror}): give another --out") from None
    conclude(study, entries, command)


class Trainings:
    """The runs of a study on their way: those that wait, those in training, and what became of the others."""

    def __init__(self, planned: Sequence[Plan], out: Path, at_once: int, children: jobs.Children):
        self.out, self.at_once, self.children, self.screen = out, at_once, children, Screen()
        self.titles = {run.directory: f"[{i}/{len(planned)}] {run.title}" for i, run in enumerate(planned, 1)}
        self.planned, self.waiting = planned, list(planned)
        self.running: dict[jobs.Child, tuple[Plan, float]] = {}
        self.outcomes: dict[Path, Outcome] = {}

    def start(self) -> None:
        """Start what there is room for; runs that are finished or whose donor failed need none."""
        for run in list(self.waiting):
            if len(self.running) == self.at_once:
                return
            donor = self.donor(run)
            if run.finished:
                self.settle(run, Outcome(run, "kept"), f"finished at step {run.step:,}, kept")
            elif donor and donor.directory not in self.outcomes:
                continue  # it waits for its discriminator
            elif donor and not self.outcomes[donor.directory].comparable:
                reason = f"needs the discriminator of {donor.title}"
                self.settle(run, Outcome(run, "skipped", reason), f"skipped: {reason}")
            else:
                self.train(run)
            self.waiting.remove(run)

    def donor(self, run: Plan) -> Plan | None:
        """The run of the study whose discriminator another one takes."""
        path = run.config.discriminator
        others = [
            *self.waiting,
            *(o.plan for o in self.outcomes.values()),
            *(plan for plan, _ in self.running.values()),
        ]
        return next((o for o in others if path and o.directory.resolve() == path.resolve()), None)

    def settle(self, run: Plan, outcome: Outcome, words: str) -> None:
        self.outcomes[run.directory] = outcome
        Line(self.titles[run.directory], self.screen).end(words)

    def train(self, run: Plan) -> None:
        """Train or continue one run in a process of its own."""
        log, line = Log(run.directory / "train.log", self.out), Line(self.titles[run.directory], self.screen)
        line.start(f"resuming at step {run.step:,} of {run.config.steps:,}" if run.exists else "starting")
        command = [sys.executable, "-m", "vaegan.train", *run.flags]
        threads = jobs.threads_each(self.at_once)
        child = self.children.start(command, log, line, lambda: progress(run), threads)
        self.running[child] = run, time.monotonic()

    def wait(self) -> None:
        """Wait for the next end of a training and say what became of it."""
        try:
            child = self.children.wait()
        except Interrupted:
            for child, (run, _) in self.running.items():
                child.line.end(f"interrupted, {progress(run)}")
                child.log.close()
            raise
        run, begun = self.running.pop(child)
        self.outcomes[run.directory] = ended(run, child, time.monotonic() - begun)


def train_all(planned: Sequence[Plan], out: Path, at_once: int = 1) -> list[Outcome]:
    """Train what is missing, `at_once` runs side by side; a run that fails stops none but those that need it."""
    with jobs.Children() as children:
        trainings = Trainings(planned, out, at_once, children)
        trainings.start()
        while trainings.running:
            trainings.wait()
            trainings.start()
    return [trainings.outcomes[run.directory] for run in planned]


def ended(run: Plan, child: jobs.Child, seconds: float) -> Outcome:
    """What became of a training that has ended; its line says so."""
    log, code = child.log, child.code or 0
    reason = log.reason(code) if code else ""
    seen = f"; see {shown(log.path)}" if log.path == log.target else ""
    warning = f"; {log.warning()}" if log.warning() else ""
    log.close()
    child.line.end(f"failed: {reason}{seen}" if code else f"done in {duration(seconds)}{warning}")
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


def compared(study: Study, outcomes: Sequence[Outcome]) -> list[Compared]:
    """What there is a report about: every data set, and of one that has runs of several sizes every size."""
    reports = []
    for dataset in study.dataset:
        whole = Compared(dataset)
        sizes = sorted({o.plan.config.image_size or 0 for o in outcomes if whole.concerns(o.plan)})
        reports += [whole] if len(sizes) == 1 else [Compared(dataset, size) for size in sizes]
    return reports


def compare(study: Study, what: Compared, outcomes: Sequence[Outcome]) -> dict:
    """Compare runs of one data set, in the order of --modes and --seeds; return their part of study.json."""
    own = [outcome for outcome in outcomes if what.concerns(outcome.plan)]
    able = sorted((o for o in own if o.comparable), key=lambda o: study.modes.index(o.plan.config.mode))
    line, out = Line(f"compare {what.title}"), study.out / what.folder
    if not able:
        line.end("no run to compare")
        return summary.dataset_entry(what, study.modes, own, None, "no run is finished")
    line.start(f"{len(able)} runs")
    flags = ["--out", str(out), "--samples", str(study.samples)]
    for name in ("data_dir", "device"):
        flags += [flag(name), str(study.fixed[name])] if name in study.fixed else []
    script = str(Path(__file__).parents[1] / "compare.py")
    begun, log = time.monotonic(), Log(study.out / f"{out.name}.log", study.out)
    words = [sys.executable, script, *(str(o.plan.directory) for o in able), *flags]
    code = jobs.run(words, log, line, lambda: f"{len(able)} runs, {duration(time.monotonic() - begun)}")
    if code:
        line.end(f"failed: {log.reason(code)}; see {shown(log.path)}")
        return summary.dataset_entry(what, study.modes, own, None, log.reason(code))
    report = stored.read(out)
    log.path.unlink()
    line.end(f"done in {duration(time.monotonic() - begun)}; open {shown(out / 'report.html')}")
    return summary.dataset_entry(what, study.modes, summary.judged(own, report), report)


def conclude(study: Study, entries: Sequence[dict], command: str) -> None:
    """Write and print the summary. Raises UserError naming what is not sound."""
    value = summary.value(entries, command)
    summary.write(value, study.out)
    print(f"\n{summary.table(value['datasets'])}\n\nwrote {shown(study.out / 'study.md')}, study.json and {PLAN}")
    if problems := summary.problems(entries):
        raise UserError("; ".join(problems))
