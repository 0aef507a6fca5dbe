"""Tests of the demo: `python3 -m unittest` in this folder. Everything is written to temporary folders."""

import csv
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

import npz
import train
from model import Perceptron

HERE = os.path.dirname(os.path.abspath(__file__))


def command(*arguments):
    return [sys.executable, os.path.join(HERE, "train.py"), *map(str, arguments)]


def read_rows(folder):
    with open(os.path.join(folder, "metrics.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Training(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = os.path.join(temporary.name, "run")

    def run_training(self, *arguments, **options):
        done = subprocess.run(command("--out", self.folder, *arguments), capture_output=True, **options)
        # Decoded here, since text mode would turn carriage returns into line feeds.
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def test_one_epoch_leaves_all_files_and_lowers_the_loss(self):
        done = self.run_training("--epochs", 1, "--limit", 1200, "--log-every", 2)
        self.assertEqual(done.returncode, 0, done.stderr)

        rows = read_rows(self.folder)
        self.assertEqual(list(rows[0]), train.COLUMNS)
        losses = [float(row["train/loss"]) for row in rows]
        self.assertLess(losses[-1], 0.8 * losses[0], "one epoch is enough to learn something")
        self.assertEqual([row["val/acc"] != "" for row in rows], [False] * (len(rows) - 1) + [True])
        self.assertEqual([int(row["step"]) for row in rows[:3]], [2, 4, 6])

        with open(os.path.join(self.folder, "config.yaml"), encoding="utf-8") as file:
            self.assertIn("lr: 0.05\n", file.read())
        names = sorted(os.listdir(os.path.join(self.folder, "checkpoints")))
        self.assertEqual(names, ["best.npz", "epoch_001.npz", "last.npz"], "no partial file is left")
        state = npz.load(os.path.join(self.folder, "checkpoints", "last.npz"))
        self.assertEqual(state["epoch"], 1)
        self.assertEqual((len(state["hidden.weight"]), len(state["hidden.weight"][0])), (48, 64))

    def test_output_is_coloured_and_redrawn(self):
        done = self.run_training("--epochs", 1, "--limit", 200)
        self.assertIn("\x1b[34m   info\x1b[0m", done.stdout)
        self.assertIn("\x1b[33mwarning\x1b[0m", done.stdout)
        plain = re.sub(r"\x1b\[[0-9;]*[mK]", "", done.stdout)
        self.assertRegex(plain, r"\repoch 1/1 █+ 100 % 5/5 loss \d+\.\d\d \d+ it/s")
        self.assertRegex(plain, r"\repoch 1/1  loss \d\.\d{4}  val/acc \d\.\d{4}  lr \d\.\d{3}")

    def test_output_survives_a_plain_locale(self):
        environment = dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
        done = self.run_training("--epochs", 1, "--limit", 100, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_same_seed_gives_the_same_result(self):
        records = []
        for seed in (7, 7, 8):
            self.run_training("--epochs", 1, "--limit", 200, "--seed", seed)
            records.append(read_rows(self.folder))
            os.remove(os.path.join(self.folder, "metrics.csv"))
        self.assertEqual(records[0], records[1])
        self.assertNotEqual(records[0], records[2])

    def test_a_second_training_in_a_folder_adds_to_the_record(self):
        for _ in range(2):
            self.run_training("--epochs", 1, "--limit", 100)
        steps = [int(row["step"]) for row in read_rows(self.folder)]
        self.assertEqual(len(steps), len(set(steps)) * 2, "both are kept, under one header")

    def test_sigterm_keeps_the_newest_weights(self):
        # 1,000 epochs would take minutes: only the signal can end it in time.
        process = subprocess.Popen(
            command("--out", self.folder, "--epochs", 1000, "--limit", 200),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output = b""
            while b"epoch 2/1000" not in output:
                chunk = process.stdout.read1(4096)
                self.assertTrue(chunk, f"it ended too early: {output!r}")
                output += chunk
            process.send_signal(signal.SIGTERM)
            output += process.communicate(timeout=60)[0]
        finally:
            process.kill()
            process.wait()
        self.assertEqual(process.returncode, 143, output)
        self.assertIn(b"stopped at step", output)
        state = npz.load(os.path.join(self.folder, "checkpoints", "last.npz"))
        self.assertGreaterEqual(state["epoch"], 2)

    def test_divergence_fails_and_says_why(self):
        done = self.run_training("--lr", 50, "--limit", 400)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the training diverged; try a learning rate below 50", done.stderr)
        self.assertIn(read_rows(self.folder)[-1]["train/loss"], ("nan", "inf"))

    def test_wrong_arguments_are_refused_before_anything_is_written(self):
        for arguments in (["--epochs", "0"], ["--lr", "fast"], ["--hidden", "-3"]):
            done = self.run_training(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertFalse(os.path.exists(self.folder), arguments)

    def test_the_folder_is_named_for_the_experiment(self):
        uid = os.environ.pop("ATHANOR_EXPERIMENT_UID", None)
        try:
            alone = train.output_folder(None)
            os.environ["ATHANOR_EXPERIMENT_UID"] = "20260102_ab12"
            queued = train.output_folder(None)
        finally:
            os.environ.pop("ATHANOR_EXPERIMENT_UID", None)
            if uid is not None:
                os.environ["ATHANOR_EXPERIMENT_UID"] = uid
        self.assertRegex(os.path.relpath(alone, HERE), rf"^runs/\d{{8}}T\d{{6}}Z-{os.getpid()}$")
        self.assertEqual(os.path.relpath(queued, HERE), "runs/20260102_ab12")


class Network(unittest.TestCase):
    def test_gradients_agree_with_differences(self):
        model = Perceptron(6, 5, 3, seed=1)
        batch = [([0.1, 0.9, 0.3, 0.0, 0.7, 0.2], 0), ([0.8, 0.1, 0.0, 0.6, 0.4, 0.5], 2)]
        before = {name: _copy(value) for name, value in model.parameters.items()}
        nudge = 1e-6
        expected = {}
        for name in before:
            for place in _places(before[name]):
                losses = []
                for sign in (1, -1):
                    model.parameters = {key: _copy(value) for key, value in before.items()}
                    _add(model.parameters[name], place, sign * nudge)
                    losses.append(model.evaluate(batch)[0])
                expected[name, place] = (losses[0] - losses[1]) / (2 * nudge)
        model.parameters = {key: _copy(value) for key, value in before.items()}
        model.learn(batch, rate=1.0, momentum=0.0)
        for (name, place), slope in expected.items():
            step = _get(before[name], place) - _get(model.parameters[name], place)
            self.assertAlmostEqual(step, slope, places=6, msg=f"{name} {place}")


class Files(unittest.TestCase):
    def test_data_set(self):
        digits = train.read_digits()
        self.assertEqual(len(digits), 1797)
        self.assertTrue(all(len(pixels) == 64 and 0 <= label <= 9 for pixels, label in digits))

    def test_npz_round_trip_and_layout(self):
        arrays = {"matrix": [[1.5, -2.0], [0.0, 1e300]], "row": [1, 2, 3], "number": 7, "share": 0.5}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npz")
            npz.save(path, arrays)
            self.assertEqual(npz.load(path), arrays)
            self.assertEqual(os.listdir(folder), ["a.npz"])
        content = npz._encode([[1.5, -2.0]])
        (length,) = struct.unpack_from("<H", content, 8)
        self.assertEqual(content[:8], b"\x93NUMPY\x01\x00")
        self.assertEqual((10 + length) % 64, 0, "the data begin at a multiple of 64 bytes")
        self.assertEqual(content[10:][:length].rstrip(), b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}")

    def test_suggested_experiments_have_arguments_that_are_accepted(self):
        with open(os.path.join(HERE, "athanor-demo.json"), encoding="utf-8") as file:
            suggestions = json.load(file)
        self.assertTrue(suggestions)
        for suggestion in suggestions:
            self.assertEqual(suggestion["command"][:2], ["python3", "train.py"])
            train.arguments(suggestion["command"][2:])


def _copy(value):
    return [list(row) for row in value] if isinstance(value[0], list) else list(value)


def _places(value):
    if isinstance(value[0], list):
        return [(i, j) for i, row in enumerate(value) for j in range(len(row))]
    return [(i,) for i in range(len(value))]


def _get(value, place):
    for index in place:
        value = value[index]
    return value


def _add(value, place, amount):
    for index in place[:-1]:
        value = value[index]
    value[place[-1]] += amount


if __name__ == "__main__":
    unittest.main()
