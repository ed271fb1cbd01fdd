"""A rank that stands still is noticed and named, and the run ends for somebody to start it again; and a signal to any rank stops
the whole run in good order.

usage: stall_test.py PROGRAM DIRECTORY
"""
import json
import os
import signal
import subprocess
import time

import h5py

from harness import MEASURED, Harness, mpirun

JOB = """
name: stall
experiment: svd-compress
data: {source: digits, train: 1500, test: 200}
model: {hidden: [16, 12]}
train: {epochs: 50, batch: 25}
checkpoint: {every: 20 steps, least_seconds: 0}
sweep: {space: {svd.rank: [4, 8]}, objectives: {test_accuracy: max}}
resources: {threads_per_rank: 1, ranks_per_trial: 2}
"""
RANKS = 3


def numbers(path):
    with h5py.File(path) as f:
        return {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names
                if c not in MEASURED | {"attempts"}}


def ranks_of(results):
    """Process ids by world rank."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{pid}/environ", "rb") as file:
                pairs = dict(p.split(b"=", 1) for p in file.read().split(b"\0") if b"=" in p)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if results.encode() in words and b"ranksweep" in words[0] and b"OMPI_COMM_WORLD_RANK" in pairs:
            found[int(pairs[b"OMPI_COMM_WORLD_RANK"])] = int(pid)
    return found


class Run:
    """A run whose ranks can be got at; LAUNCHER empty: `run` starts mpirun itself."""

    def __init__(self, h, results, *args, launcher=None):
        self.h, self.results = h, results
        launcher = mpirun(RANKS) if launcher is None else launcher
        command = [*launcher, h.program, "run", "stall.yaml", "-n", str(RANKS), "-o", results, *args]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.wait_for_training()

    def wait_for_training(self):
        deadline = time.time() + 30
        folder = self.results.replace(".h5", ".ckpt")
        while not (os.path.isdir(folder) and any(".h5" in f for f in os.listdir(folder))):
            assert time.time() < deadline and self.process.poll() is None, "no checkpoint came"
            time.sleep(0.02)
        self.ranks = ranks_of(self.results)

    def signal(self, rank, number):
        os.kill(self.ranks[rank], number)

    def end(self, expect):
        _, text = self.process.communicate(timeout=90)
        self.h.check(self.process.returncode == expect, f"exit status {self.process.returncode}, not {expect}: {text}")
        deadline = time.time() + 10
        while ranks_of(self.results) and time.time() < deadline:
            time.sleep(0.05)
        self.h.check(not ranks_of(self.results), f"left behind: {ranks_of(self.results)}")
        return text


def records(results):
    with open(results.replace(".h5", ".journal"), encoding="utf-8") as lines:
        return [json.loads(line.split(" ", 1)[1]) for line in lines]


def check_hung_rank(h):
    run = Run(h, "hung.h5", "--set", "resources.stall_seconds=6")
    run.signal(2, signal.SIGSTOP)
    text = run.end(70)
    h.check("warning: trial 0, stage 0 mlp-train: stalled at step" in text and "no sign of rank 2 on " in text and " for 3 s; limit 6 s" in text,
            f"half-way warning: {text}")
    h.check("ending the run: stalled at step" in text and text.count("no sign of rank 2 on ") >= 2, f"end: {text}")
    h.check("rank 1" not in text, f"the rank that waits is not named: {text}")
    crash = [r for r in records("hung.h5") if r["is"] == "crash"]
    h.check(len(crash) == 1 and "no sign of rank 2" in crash[0]["message"], f"{crash}")


def check_restart(h, calm):
    """The launching process starts it again, from the last checkpoint, and the numbers are the same."""
    run = Run(h, "again.h5", "--set", "resources.stall_seconds=6", launcher=[])
    run.signal(1, signal.SIGSTOP)
    text = run.end(0)
    h.check("the run ended itself over a stage that made no headway" in text and "starting again" in text, text)
    h.check(numbers("again.h5") == calm, "numbers as if nothing had happened")
    h.check({t["attempts"] for t in h.show("again.h5")} == {1}, "the stages that decided took one attempt")
    with h5py.File("again.h5") as f:
        h.check(f["stages"]["attempts"][0] == 2, f"the hung attempt counts: {f['stages']['attempts'][:]}")


def check_recovery(h, calm):
    run = Run(h, "slow.h5", "--set", "resources.stall_seconds=10")
    run.signal(2, signal.SIGSTOP)
    time.sleep(6.5)
    run.signal(2, signal.SIGCONT)
    text = run.end(0)
    h.check("no sign of rank 2 on " in text and "stage 0 mlp-train goes on after" in text, text)
    h.check(numbers("slow.h5") == calm, "numbers as if nothing had happened")


def check_hung_coordinator(h):
    """Nobody inside the run can notice that; the launching process does."""
    h.write("long.yaml", JOB.replace("name: stall", "name: long").replace("ranks_per_trial: 2", "ranks_per_trial: 1"))
    for ranks in (1, 3):
        results = f"head{ranks}.h5"
        command = [h.program, "run", "long.yaml", "-n", str(ranks), "-o", results, "--set", "resources.stall_seconds=4"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as run:
            deadline = time.time() + 30
            while not os.path.isdir(f"head{ranks}.ckpt") and time.time() < deadline:
                time.sleep(0.02)
            with open(f"head{ranks}.journal.lock", encoding="utf-8") as file:
                os.kill(json.load(file)["pid"], signal.SIGSTOP)
            text = run.communicate(timeout=90)[1]
        h.check(run.returncode == 0, f"{ranks} ranks: exit status {run.returncode}: {text}")
        h.check("rank 0 gave no sign of life for 10 s and was ended" in text, f"{ranks} ranks: {text}")
        h.check(("in attempt 1 at trial 0, stage mlp-train" in text) == (ranks == 1), f"{ranks} ranks: blame: {text}")
        h.check("starting again" in text and not ranks_of(results), f"{ranks} ranks: {text}")
        h.run("verify", results)


def check_signals(h, calm):
    for rank, number in ((2, signal.SIGTERM), (1, signal.SIGINT), (0, signal.SIGUSR1)):
        results = f"signal{rank}.h5"
        run = Run(h, results)
        run.signal(rank, number)
        text = run.end(75)
        who = f"rank {rank} " if rank > 0 else ""
        h.check(f"stopping, {who}got signal {number.value}" in text, text)
        with h5py.File(results) as f:
            h.check(f.attrs["state"] == "interrupted", f"{f.attrs['state']}")
            h.check(set(f["trials"]["state"]) == {b"stopped"}, f"{f['trials']['state']}")
        h.run("run", "stall.yaml", "-n", RANKS, "-o", results)
        h.check(numbers(results) == calm, f"signal to rank {rank}: numbers as if nothing had happened")


def main():
    h = Harness()
    h.write("stall.yaml", JOB)
    h.run("run", "stall.yaml", "-n", RANKS, "-o", "calm.h5")
    calm = numbers("calm.h5")
    check_hung_rank(h)
    check_restart(h, calm)
    check_recovery(h, calm)
    check_signals(h, calm)
    check_hung_coordinator(h)
    h.finish()


if __name__ == "__main__":
    main()
