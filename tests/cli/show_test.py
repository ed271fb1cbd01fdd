#!/usr/bin/env python3
"""`ranksweep show` on results of the built-in no-op experiment: show_test.py BINARY TMPDIR."""
import csv
import io
import json
import math
import os
import re
import subprocess
import sys
import unittest

BINARY, TMP = None, None

JOB = """name: t
experiment: noop
sweep: {space: {noop.value: [3, 1, 2]}, objectives: {value: max}}
"""
# The second trial fails; the job names no objectives, and no metric tells which way is better.
FAILING = """name: failing
experiment: noop
noop: {rows: 100, value: 0.1}
resources: {max_attempts: 1}
sweep: {space: {noop.fail: [none, error]}}
"""


def ranksweep(*arguments, **options):
    return subprocess.run([BINARY, *arguments], cwd=TMP, stdin=subprocess.DEVNULL, timeout=60,
                          capture_output=True, encoding="utf-8", **options)


def make(name, job, status):
    results = os.path.join(TMP, name + ".h5")
    with open(os.path.join(TMP, name + ".yaml"), "w", encoding="utf-8") as f:
        f.write(job)
    ran = ranksweep("run", name + ".yaml", "-n", "1", "-o", name + ".h5", "--fresh")
    if ran.returncode != status or not os.path.exists(results):
        sys.exit(f"run {name}.yaml: exit {ran.returncode}, expected {status}\n{ran.stderr}")


class Show(unittest.TestCase):
    maxDiff = None

    def show(self, *arguments):
        ran = ranksweep("show", *arguments)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), arguments)
        return ran.stdout

    def refuse(self, expected, *arguments, lines=1):
        ran = ranksweep("show", *arguments)
        self.assertEqual((ran.returncode, ran.stdout), (2, ""), ran.stderr)
        self.assertIn(expected, ran.stderr)
        self.assertEqual(ran.stderr.count("\n"), lines, ran.stderr)

    def table(self, text):
        """Rows of the first table of TEXT as dictionaries, cut where its rule has gaps."""
        lines = text.split("\n")
        rule = next(i for i, line in enumerate(lines) if line.startswith("─"))
        spans = [m.span() for m in re.finditer("─+", lines[rule])]
        cut = lambda line: [line[a:b].strip() for a, b in spans]
        body = lines[rule + 1:]
        body = body[:body.index("")]
        return [dict(zip(cut(lines[rule - 1]), cut(line))) for line in body]

    # ---- all trials

    def test_heading(self):
        first = self.show("t.h5").split("\n")[0]
        self.assertRegex(first, r"^t \(noop\), complete: 3 trials, 3 done; updated \d{4}-.*Z$")

    def test_table(self):
        rows = self.table(self.show("t.h5"))
        self.assertEqual([r["trial"] for r in rows], ["0", "1", "2"])
        self.assertEqual([r["state"] for r in rows], ["done"] * 3)
        self.assertEqual([r["noop.value"] for r in rows], ["3", "1", "2"])
        self.assertEqual([r["value"] for r in rows], ["3", "1", "2"])
        for r in rows:
            self.assertGreaterEqual(float(r["seconds"]), 0)

    def test_columns_without_content_are_left_out(self):
        rows = self.table(self.show("t.h5"))
        self.assertEqual(list(rows[0]), ["trial", "state", "noop.value", "value", "seconds"])

    def test_failed_trial(self):
        text = self.show("failing.h5")
        rows = self.table(text)
        self.assertIn("2 trials, 1 done, 1 failed", text)
        self.assertEqual([r["state"] for r in rows], ["done", "failed"])
        self.assertEqual([r["noop.fail"] for r in rows], ["none", "error"])
        self.assertEqual([r["value"] for r in rows], ["0.1", "-"])
        self.assertRegex(text, r"(?m)^trial 1: .*failed as told$")

    # ---- other programs

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.show("t.h5", "--csv"))))
        self.assertEqual(list(rows[0])[:5], ["trial", "state", "attempts", "noop.value", "value"])
        self.assertEqual(list(rows[0])[-1], "message")
        self.assertEqual([r["value"] for r in rows], ["3", "1", "2"])

    def test_csv_shortest_numbers_and_nan(self):
        done, failed = csv.DictReader(io.StringIO(self.show("failing.h5", "--csv")))
        self.assertEqual((done["value"], failed["value"]), ("0.1", ""))
        self.assertIn("failed as told", failed["message"])

    def test_json(self):
        rows = json.loads(self.show("t.h5", "--json"))
        self.assertEqual([r["value"] for r in rows], [3.0, 1.0, 2.0])
        self.assertEqual([r["trial"] for r in rows], [0, 1, 2])
        done, failed = json.loads(self.show("failing.h5", "--json"))
        self.assertEqual((done["value"], failed["value"]), (0.1, None))

    def test_csv_and_json_agree(self):
        table = list(csv.DictReader(io.StringIO(self.show("failing.h5", "--csv"))))
        objects = json.loads(self.show("failing.h5", "--json"))
        self.assertEqual([list(o) for o in objects], [list(r) for r in table])
        for r, o in zip(table, objects):
            for name, value in o.items():
                if value is None:
                    self.assertEqual(r[name], "")
                elif isinstance(value, str):
                    self.assertEqual(r[name], value)
                else:
                    self.assertTrue(math.isclose(float(r[name]), value, rel_tol=0), name)

    def test_one_row(self):
        rows = json.loads(self.show("t.h5", "1", "--json"))
        self.assertEqual([r["trial"] for r in rows], [1])

    # ---- best and Pareto front

    def test_best(self):
        rows = self.table(self.show("t.h5", "--best"))
        self.assertEqual([(r["trial"], r["best for"]) for r in rows], [("0", "value max")])

    def test_best_by(self):
        rows = self.table(self.show("t.h5", "--best", "--by", "value:min", "--by", "noop.value:max"))
        self.assertEqual([(r["trial"], r["best for"]) for r in rows],
                         [("1", "value min"), ("0", "noop.value max")])

    def test_best_takes_direction_from_job(self):
        self.assertEqual(self.trials("t.h5", "--best", "--by", "value"), [0])

    def test_best_ties_go_to_the_first(self):
        self.assertEqual(self.trials("t.h5", "--best", "--by", "parameters"), [0])

    def test_best_wins_twice_comes_once(self):
        rows = self.table(self.show("t.h5", "--best", "--by", "value:max", "--by", "noop.value:max"))
        self.assertEqual([(r["trial"], r["best for"]) for r in rows],
                         [("0", "value max, noop.value max")])

    def trials(self, *arguments):
        return [r["trial"] for r in json.loads(self.show(*arguments, "--json"))]

    def test_pareto_default_pairs_with_parameters(self):
        self.assertIn("value max, parameters min:", self.show("t.h5", "--pareto"))
        self.assertEqual(self.trials("t.h5", "--pareto"), [0])

    def test_pareto_sorted_by_second(self):
        by = ["--by", "value:max", "--by", "noop.value:min"]
        self.assertEqual(self.trials("t.h5", "--pareto", *by), [1, 2, 0])

    def test_pareto_dominated(self):
        by = ["--by", "value:max", "--by", "noop.value:max"]
        self.assertEqual(self.trials("t.h5", "--pareto", *by), [0])

    def test_pareto_three(self):
        by = ["--by", "value:max", "--by", "noop.value:min", "--by", "trial:min"]
        self.assertEqual(self.trials("t.h5", "--pareto", *by), [1, 2, 0])

    def test_pareto_keeps_equals(self):
        by = ["--by", "parameters:min", "--by", "epochs:min"]
        self.assertEqual(self.trials("t.h5", "--pareto", *by), [0, 1, 2])

    def test_only_done_trials_compete(self):
        by = ["--by", "parameters:min", "--by", "mpi_ranks:min"]
        self.assertEqual(self.trials("failing.h5", "--pareto", *by), [0])

    # ---- one trial

    def test_trial(self):
        text = self.show("t.h5", "2")
        self.assertRegex(text, r"^trial 2 of t \(noop\): done")
        self.assertRegex(text, r"(?m)^noop\.value +2 ")
        self.assertRegex(text, r"(?m)^value +2 +- +The setting noop\.value$")
        self.assertRegex(text, r"(?m)^ *\d+ +noop +done +[\d.]+ +1 x \d+ +1 +[0-9a-f]{8}$")
        self.assertIn("\nmodel: ", text)

    def test_curve_is_thinned_out(self):
        text = self.show("failing.h5", "0")
        self.assertIn("learning curve, 30 of 100 rows:", text)
        rows = self.table(text[text.index("learning curve"):])
        self.assertEqual(len(rows), 30)
        self.assertEqual([r["epoch"] for r in (rows[0], rows[-1])], ["1", "100"])
        self.assertEqual([r["loss"] for r in (rows[0], rows[-1])], ["1", "0.01"])
        self.assertNotIn("stage", rows[0])

    def test_failed_trial_in_detail(self):
        text = self.show("failing.h5", "1")
        self.assertRegex(text, r"^trial 1 of failing \(noop\): failed")
        self.assertRegex(text, r"(?m)^message: .*failed as told$")
        self.assertIn("model: none kept", text)

    # ---- refusals

    def test_unknown_trial(self):
        self.refuse("no trial 3; expected a number from 0 to 2", "t.h5", "3")

    def test_bad_files(self):
        self.refuse("absent.h5", "absent.h5")
        self.refuse("t.yaml", "t.yaml")
        self.refuse(".", ".")
        with open(os.path.join(TMP, "t.h5"), "rb") as f:
            whole = f.read()
        with open(os.path.join(TMP, "cut.h5"), "wb") as f:
            f.write(whole[:len(whole) // 2])
        self.refuse("cut.h5", "cut.h5")

    def test_unknown_metric(self):
        self.refuse('no metric "valeu"; there are:', "t.h5", "--best", "--by", "valeu")

    def test_no_direction(self):
        self.refuse("--by noop.value:max", "t.h5", "--best", "--by", "noop.value")
        self.refuse("--by value:min", "t.h5", "--best", "--by", "value:up")
        self.refuse("say --by METRIC:max", "failing.h5", "--best")

    def test_usage(self):
        for arguments in ([], ["t.h5", "x"], ["t.h5", ""], ["t.h5", "1", "2"], ["t.h5", "--by"],
                          ["t.h5", "--by", "value"], ["t.h5", "--best", "--pareto"],
                          ["t.h5", "--csv", "--json"], ["t.h5", "1", "--best"],
                          ["t.h5", "99999999999999999999"]):
            self.refuse("usage: ranksweep show", *arguments, lines=2)

    def test_unknown_option(self):
        self.refuse("unknown option --bset", "t.h5", "--bset", lines=2)
        self.refuse("unknown option -x", "t.h5", "-x", lines=2)

    def test_help(self):
        self.assertIn("usage: ranksweep show", self.show("--help"))

    # ---- output that cannot be written

    def test_full_disk(self):
        for arguments in (["t.h5"], ["t.h5", "--csv"], ["t.h5", "--json"], ["t.h5", "0"], ["--help"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                ran = subprocess.run([BINARY, "show", *arguments], cwd=TMP, stdout=full, timeout=60,
                                     stderr=subprocess.PIPE, encoding="utf-8")
            self.assertEqual(ran.returncode, 1, arguments)
            self.assertIn("cannot write to stdout", ran.stderr)

    def test_closed_pipe(self):
        read, write = os.pipe()
        os.close(read)
        ran = subprocess.run([BINARY, "show", "t.h5"], cwd=TMP, stdout=write, timeout=60,
                             stderr=subprocess.PIPE, encoding="utf-8")
        os.close(write)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("cannot write to stdout", ran.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: show_test.py BINARY TMPDIR")
    BINARY, TMP = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    os.makedirs(TMP, exist_ok=True)
    make("t", JOB, 0)
    make("failing", FAILING, 1)
    unittest.main(argv=sys.argv[:1])
