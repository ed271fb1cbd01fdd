"""Trials that bring their rank down, each time: they end as failed, with the cause, after max_attempts. The others are done,
once, and nobody blames them.

usage: poison_test.py PROGRAM DIRECTORY
"""
import json

import h5py

from harness import Harness

POISON = {4: "abort", 9: "kill", 14: "nan"}
MESSAGES = {4: "killed by signal 6 (Aborted)", 9: "killed by signal 9 (Killed)", 14: "loss is nan at step 1 of epoch 1"}
TRIALS = 20


def job(seconds):
    trials = "\n".join(f"    - {{noop.index: {i}, noop.fail: {POISON.get(i, 'none')}}}" for i in range(TRIALS))
    return (f"name: poison\nexperiment: noop\nnoop: {{seconds: {seconds}, rows: 2}}\n"
            f"sweep:\n  strategy: list\n  trials:\n{trials}\nresources: {{threads_per_rank: 1, max_attempts: 2}}\n")


def records(journal):
    with open(journal, encoding="utf-8") as lines:
        return [json.loads(line.split(" ", 1)[1]) for line in lines]


def check_table(h, rows, what):
    for row in rows:
        poison = row["trial"] in POISON
        h.check(row["state"] == ("failed" if poison else "done"), f"{what}: trial {row['trial']} is {row['state']}")
        h.check(MESSAGES.get(row["trial"], "") in row["message"], f"{what}: trial {row['trial']}: {row['message']!r}")
        expected = {14: 1}.get(row["trial"], 2 if poison else 1)
        h.check(row["attempts"] == expected, f"{what}: trial {row['trial']}: {row['attempts']} attempts, not {expected}")
        h.check(poison or row["message"] == "", f"{what}: trial {row['trial']} is blamed: {row['message']!r}")


def check_journal(h, journal, ranks):
    """Nothing that ended well began again; with one worker nothing else was even interrupted."""
    done, begun = set(), {}
    for record in records(journal):
        stage = record.get("stage")
        if record["is"] == "begin":
            begun[stage] = begun.get(stage, 0) + 1
            h.check(stage not in done, f"{ranks} ranks: {record} after its end")
        if record["is"] == "end" and record["state"] == "done":
            done.add(stage)
    h.check(len(done) == TRIALS - len(POISON), f"{ranks} ranks: {len(done)} stages done")
    twice = [stage for stage in done if begun[stage] > 1]
    h.check(ranks > 2 or not twice, f"{ranks} ranks: begun more than once: {twice}")
    print(f"{ranks} ranks: {len(done)} done, of those begun again after a neighbour's crash: {len(twice)}", flush=True)


def check_limit(h):
    """Without restarts the first crash ends the run; its attempt counts all the same."""
    run = h.run("run", "poison.yaml", "-n", 2, "-o", "once.h5", "--max-restarts", 0, expect=1)
    h.check("in attempt 1 at trial 4, stage noop" in run.stderr, f"the crash is told: {run.stderr}")
    h.check("starting again" not in run.stderr, "it is not started again")
    run = h.run("run", "poison.yaml", "-n", 2, "-o", "once.h5", "--max-restarts", 0, expect=1)
    h.check("in attempt 1 at trial 9" in run.stderr, f"what has crashed waits for the others: {run.stderr}")


def check_retry(h):
    """Failed trials get new attempts when asked for, and only then."""
    before = len(records("poison2.journal"))
    run = h.run("run", "poison.yaml", "-n", 2, "-o", "poison2.h5", expect=1)
    h.check("0 stages run" in run.stderr, f"failed trials stay so: {run.stderr}")
    run = h.run("run", "poison.yaml", "-n", 2, "-o", "poison2.h5", "--retry-failed", expect=1)
    begun = [r["trial"] for r in records("poison2.journal")[before:] if r["is"] == "begin"]
    h.check(sorted(begun) == [4, 4, 9, 9, 14], f"tried again were {begun}")
    check_table(h, h.show("poison2.h5"), "retried")


def main():
    h = Harness()
    for ranks in (1, 2, 3, 4):
        h.write("poison.yaml", job(0.03))
        run = h.run("run", "poison.yaml", "-n", ranks, "-o", f"poison{ranks}.h5", expect=1)
        h.check("17 of 20 trials done, 3 failed" in run.stderr, f"{ranks} ranks: {run.stderr}")
        check_table(h, h.show(f"poison{ranks}.h5"), f"{ranks} ranks")
        check_journal(h, f"poison{ranks}.journal", ranks)
        h.run("verify", f"poison{ranks}.h5")
        with h5py.File(f"poison{ranks}.h5") as f:
            h.check(f.attrs["state"] == "complete", f"{ranks} ranks: {f.attrs['state']}")
    check_retry(h)
    check_limit(h)
    h.finish()


if __name__ == "__main__":
    main()
