#!/usr/bin/env python3
"""Trains a small neural network to read handwritten digits.

Needs Python 3.9 or newer and nothing else. What it leaves in its folder, `runs/<name>/`:

    config.yaml                the arguments of this training
    metrics.csv                a row for every few steps; val/ columns at the end of an epoch
    checkpoints/epoch_003.npz  the weights after that epoch
    checkpoints/best.npz       the weights with the highest accuracy so far
    checkpoints/last.npz       the newest weights, also when the training was stopped

Exit status: 0 when trained, 1 when the loss is no longer a number, 2 for wrong arguments,
143 when stopped by SIGTERM (the newest weights are saved first).
"""

import argparse
import csv
import gzip
import json
import math
import os
import random
import signal
import sys
import time

import npz
from model import Perceptron

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data", "digits.csv.gz")
CLASSES = 10
COLUMNS = ["step", "epoch", "train/loss", "val/loss", "val/acc", "lr"]

BLUE, YELLOW, GREEN, CYAN, BOLD, FAINT, PLAIN = (
    f"\x1b[{code}m" for code in ("34", "33", "32", "36", "1", "2", "0")
)


def arguments(argv):
    parser = argparse.ArgumentParser(description="Trains a small network to read handwritten digits.")
    parser.add_argument("--epochs", type=positive(int), default=40, help="passes over the data (%(default)s)")
    parser.add_argument("--lr", type=positive(float), default=0.05, help="learning rate at the start (%(default)s)")
    parser.add_argument("--hidden", type=positive(int), default=48, help="hidden units (%(default)s)")
    parser.add_argument("--batch", type=positive(int), default=32, help="examples in a step (%(default)s)")
    parser.add_argument("--momentum", type=float, default=0.9, help="momentum of the descent (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result (%(default)s)")
    parser.add_argument("--limit", type=positive(int), metavar="N", help="use the first N examples only")
    parser.add_argument("--log-every", type=positive(int), default=5, metavar="STEPS", help="steps between rows (%(default)s)")
    parser.add_argument("--out", metavar="DIR", help="folder of the results (runs/<time>-<pid> beside this file)")
    return parser.parse_args(argv)


def positive(kind):
    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    parse.__name__ = kind.__name__
    return parse


def output_folder(chosen):
    """Where the results go: as chosen, else named for the experiment, else for time and process."""
    if chosen:
        return os.path.abspath(chosen)
    name = os.environ.get("ATHANOR_EXPERIMENT_UID")
    if not name:
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"
    return os.path.join(HERE, "runs", name)


def read_digits(limit=None):
    """The examples as (64 pixels from 0 to 1, label), in the file's order."""
    with gzip.open(DATA, "rt", encoding="ascii", newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    return [([cell / 16.0 for cell in row[:64]], int(row[64])) for row in rows[:limit]]


def say(level, text):
    colour = {"info": BLUE, "warning": YELLOW}[level]
    print(f"{colour}{level:>7}{PLAIN} {text}", flush=True)


def short(number, digits):
    """`number` with so many digits after the point; by powers of ten where it has grown absurd."""
    return f"{number:.{digits}f}" if abs(number) < 1e4 else f"{number:.{digits}e}"


class Bar:
    """One line that is drawn over and over with carriage returns."""

    WIDTH = 20

    def __init__(self, label, total):
        self.label, self.total = label, total
        self.started = time.monotonic()
        self.drawn = -math.inf

    def draw(self, done, loss):
        now = time.monotonic()
        # Ten pictures a second are enough for the eye; the last one always comes.
        if now - self.drawn < 0.1 and done < self.total:
            return
        self.drawn = now
        full = self.WIDTH * done // self.total
        blocks = "█" * full + "░" * (self.WIDTH - full)
        speed = done / max(now - self.started, 1e-9)
        percent = 100 * done // self.total
        sys.stdout.write(f"\r{self.label} {CYAN}{blocks}{PLAIN} {percent} % {done}/{self.total} loss {short(loss, 2)} {speed:.0f} it/s ")
        sys.stdout.flush()

    @staticmethod
    def clear():
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()


class Metrics:
    """metrics.csv: appended to, so that a training started again in its folder adds to the record."""

    def __init__(self, folder):
        self.file = open(os.path.join(folder, "metrics.csv"), "a", encoding="utf-8", newline="")
        self.rows = csv.writer(self.file, lineterminator="\n")
        if self.file.tell() == 0:
            self.row(COLUMNS)

    def row(self, cells):
        self.rows.writerow(cells)
        self.file.flush()

    def add(self, step, epoch, loss, rate, validation=("", "")):
        figures = [number if number == "" else f"{number:.6g}" for number in (loss, *validation, rate)]
        self.row([step, epoch, *figures])


class Stopped(Exception):
    """SIGTERM arrived."""


def train(options, folder):
    examples = read_digits(options.limit)
    random.Random(options.seed).shuffle(examples)
    held_back = max(1, len(examples) // 5)
    validation, training = examples[:held_back], examples[held_back:]
    if not training:
        raise SystemExit("train.py: --limit leaves nothing to train on; use 2 or more")

    model = Perceptron(64, options.hidden, CLASSES, options.seed)
    say("info", f"{BOLD}digits mlp{PLAIN}  64-{options.hidden}-{CLASSES}, {model.size()} weights, seed {options.seed}")
    say("info", f"{len(training)} digits to learn from, {len(validation)} held back to check")
    say("info", f"results in {folder}")
    say("warning", "plain Python on one core: a GPU would not be used if there were one")
    if options.lr > 1.0:
        say("warning", f"a learning rate of {options.lr:g} is far above what this network bears (0.01 to 0.2)")

    checkpoints = os.path.join(folder, "checkpoints")
    os.makedirs(checkpoints, exist_ok=True)
    write_config(os.path.join(folder, "config.yaml"), vars(options))
    metrics = Metrics(folder)

    # The handler only leaves a note: an exception in the middle of a write would tear it.
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    def save(name, epoch, step, accuracy):
        state = {f"momentum.{key}": value for key, value in model.momenta.items()}
        state.update(model.parameters, epoch=epoch, step=step, accuracy=float(accuracy))
        npz.save(os.path.join(checkpoints, f"{name}.npz"), state)

    batches = -(-len(training) // options.batch)
    steps = batches * options.epochs
    order = random.Random(options.seed + 1)
    step, best, accuracy = 0, -1.0, 0.0
    started = time.monotonic()
    for epoch in range(1, options.epochs + 1):
        order.shuffle(training)
        label = f"epoch {epoch}/{options.epochs}"
        bar = Bar(label, batches)
        total = 0.0
        for index in range(batches):
            # From the full rate down to a fiftieth of it along half a cosine.
            rate = options.lr * (0.51 + 0.49 * math.cos(math.pi * step / steps))
            start = index * options.batch
            loss = model.learn(training[start : start + options.batch], rate, options.momentum)
            step += 1
            total += loss
            if not math.isfinite(loss):
                metrics.add(step, epoch, loss, rate)
                bar.clear()
                raise FloatingPointError(
                    f"the loss is {loss} at step {step}: the training diverged; try a learning rate below {options.lr:g}"
                )
            bar.draw(index + 1, total / (index + 1))
            if stop:
                bar.clear()
                save("last", epoch, step, accuracy)
                raise Stopped(f"stopped at step {step} of {steps}; weights kept in {checkpoints}/last.npz")
            if step % options.log_every == 0 and index + 1 < batches:
                metrics.add(step, epoch, loss, rate)
        mean = total / batches
        val_loss, accuracy = model.evaluate(validation)
        metrics.add(step, epoch, loss, rate, (val_loss, accuracy))
        save(f"epoch_{epoch:03}", epoch, step, accuracy)
        save("last", epoch, step, accuracy)
        mark = ""
        if accuracy > best:
            best = accuracy
            save("best", epoch, step, accuracy)
            mark = f"  {GREEN}best{PLAIN}"
        bar.clear()
        print(
            f"{BOLD}{label}{PLAIN}  loss {YELLOW}{short(mean, 4)}{PLAIN}  val/acc {GREEN}{accuracy:.4f}{PLAIN}"
            f"  {FAINT}lr {rate:.3f}{PLAIN}{mark}",
            flush=True,
        )
    say("info", f"{GREEN}done{PLAIN}  best val/acc {best:.4f}, {time.monotonic() - started:.1f} s")


def write_config(path, values):
    # JSON scalars are YAML scalars, so no YAML library is needed.
    partial = f"{path}.{os.getpid()}.tmp"
    with open(partial, "w", encoding="utf-8") as file:
        for name, value in values.items():
            if name != "out":
                file.write(f"{name}: {json.dumps(value)}\n")
    os.replace(partial, path)


def main(argv=None):
    # A log file has no locale; the bar's blocks must not fail under LANG=C.
    sys.stdout.reconfigure(encoding="utf-8")
    options = arguments(argv)
    folder = output_folder(options.out)
    try:
        train(options, folder)
    except Stopped as reason:
        say("warning", str(reason))
        return 128 + signal.SIGTERM
    return 0


if __name__ == "__main__":
    sys.exit(main())
