"""Runs that are killed at random moments and continued: nothing is lost, nothing is done twice, the end is bit for bit that of
a run that nobody disturbed.

usage: kill_test.py PROGRAM DIRECTORY [KILLS [SEED]]

Kills go to everything at once, to one worker, to the coordinator, to mpirun or to the supervisor, at random times; and by fault
points inside the program to whoever is just writing a journal record, a checkpoint or a snapshot. Over sweeps on 1, 2, 3 and 4
ranks (with 3 and 4: groups of two and three). After each one the results file must open and verify.
"""
import os
import random
import signal
import subprocess
import sys
import time

import h5py

from harness import MEASURED, Harness

JOB = """
name: kill
experiment: svd-compress
data: {source: digits, train: 1200, test: 300}
model: {hidden: [96, 64]}
train: {epochs: 12, batch: 50, schedule: cosine}
checkpoint: {every: "1 epoch, 7 steps", least_seconds: 0}
sweep: {space: {train.lr: [0.001, 0.002], svd.rank: [4, full]}, objectives: {test_accuracy: max}}
resources: {threads_per_rank: 1, max_attempts: 100}
"""
RANKS = (1, 2, 3, 4)
POINTS = ("append", "appended", "journal-sync", "sync", "rename", "renamed", "sync@.ckpt/", "rename@.ckpt/", "renamed@.ckpt/")


def options(ranks):
    return ["-n", ranks, "--set", f"resources.ranks_per_trial={max(1, ranks - 1)}"]


def numbers(path):
    """All that must not depend on interruptions, as bytes."""
    with h5py.File(path) as f:
        found = {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names
                 if c not in MEASURED | {"attempts"}}
        for trial in f["models"]:
            f[f"models/{trial}"].visititems(
                lambda n, d, t=trial: found.__setitem__(f"{t}/{n}", d[:].tobytes())
                if isinstance(d, h5py.Dataset) else None)
    return found


def processes(results):
    """Process ids by role of the run that writes RESULTS."""
    text = subprocess.run(["pgrep", "-af", results], capture_output=True, text=True, check=False).stdout
    lines = [line.split(maxsplit=1) for line in text.splitlines() if "kill_test" not in line]
    launcher = [int(pid) for pid, command in lines if "mpirun" in command]
    others = sorted(int(pid) for pid, command in lines if "mpirun" not in command)
    return launcher, others


def kill(pids):
    """True when there was one to kill."""
    killed = False
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            killed = True
        except ProcessLookupError:
            pass
    return killed


def strike(target, results):
    launcher, others = processes(results)
    if target == "launcher":
        return kill(launcher)
    if target == "supervisor":
        return kill(others[:1])
    if target == "everything" or len(others) < 2:
        return kill(launcher + others)
    return kill(others[-1:] if target == "worker" else others[1:2])


def wait_for_end(results):
    """Ranks whose supervisor was killed end by themselves, soon. An mpirun that nobody supervises any more may lock itself
    up while it ends (Open MPI 4.1); that is not ours to judge."""
    deadline = time.time() + 25
    while time.time() < deadline:
        launcher, others = processes(results)
        if not launcher and not others:
            return True
        time.sleep(0.05)
    kill(launcher + others)
    return not others


def check_sound(h, results, what):
    if not os.path.exists(results):
        return  # killed before the first snapshot
    try:
        with h5py.File(results) as f:
            h.check(f.attrs["state"] in ("running", "interrupted", "complete"), f"{what}: the state is known")
    except OSError as error:
        h.check(False, f"{what}: {results} does not open: {error}")
    h.run("verify", results)


def crashes_in(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return sum("killed by signal 9" in line for line in lines)


class Storm:
    """One sweep from its start to its end through kills, all of them counted."""

    def __init__(self, h, ranks, results, dice):
        self.h, self.ranks, self.results, self.dice = h, ranks, results, dice
        self.counts = {}

    def count(self, what, kills=1):
        self.counts[what] = self.counts.get(what, 0) + kills

    def launch(self, log, point=None):
        """With a fault point the run soon gives up restarting: it is killed there each time."""
        env = {**os.environ, **({"RANKSWEEP_KILL_AT": point} if point else {})}
        restarts = ["--max-restarts", "1"] if point else []
        command = [self.h.program, "run", "kill.yaml", *map(str, options(self.ranks)), "-o", self.results, *restarts]
        with open(log, "w", encoding="utf-8") as err:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err, env=env)

    def by_point(self):
        """Whoever comes to a fault point the N-th time kills itself, and again after each restart. Where each attempt gets
        a little further it would be started again a hundred times: enough is enough."""
        name = self.dice.choice(POINTS)
        point, log = f"{name}:{self.dice.randint(1, 40)}", f"{self.results}.log"
        kills, deadline = 0, time.time() + 180
        with self.launch(log, point) as run:
            while run.poll() is None and crashes_in(log) < 4:
                self.h.check(time.time() < deadline, f"killed at {point}: the run ends in time")
                time.sleep(0.05)
            if run.poll() is None:
                kills = strike("everything", self.results)
        kills += crashes_in(log) + (run.returncode == -signal.SIGKILL and not kills)
        self.count(name, kills)
        self.h.check(wait_for_end(self.results), f"killed at {point}: all processes end")
        check_sound(self.h, self.results, f"killed at {point}")
        return run.returncode == 0

    def by_hand(self):
        """Strikes at random moments; what is left of the run starts itself again, or is started again by us."""
        with self.launch(f"{self.results}.log") as run:
            while True:
                try:
                    run.wait(timeout=self.dice.uniform(0.1, 1.6))
                    break
                except subprocess.TimeoutExpired:
                    target = self.dice.choice(["everything", "worker", "coordinator", "supervisor", "launcher"])
                    self.count(target, strike(target, self.results))
                if target in ("everything", "supervisor"):
                    run.wait(timeout=90)
            self.h.check(wait_for_end(self.results), "all processes end")
        check_sound(self.h, self.results, "killed by hand")
        return run.returncode == 0

    def rage(self, kills):
        """Until it is done, or KILLS have been enough."""
        done = False
        while not done and sum(self.counts.values()) < kills:
            done = self.by_point() if self.dice.random() < 0.4 else self.by_hand()
        self.h.run("run", "kill.yaml", *options(self.ranks), "-o", self.results)


def campaign(h, ranks, kills, dice):
    h.run("run", "kill.yaml", *options(ranks), "-o", f"calm{ranks}.h5")
    calm = numbers(f"calm{ranks}.h5")
    counts, sweeps = {}, 0
    while sum(counts.values()) < kills:
        sweeps += 1
        results = f"kill{ranks}-{sweeps}.h5"
        storm = Storm(h, ranks, results, dice)
        storm.rage(kills - sum(counts.values()))
        for what, n in storm.counts.items():
            counts[what] = counts.get(what, 0) + n
        stormy = numbers(results)
        differ = [name for name in calm if calm[name] != stormy.get(name)]
        h.check(not differ and len(calm) == len(stormy), f"{ranks} ranks: differences in {differ[:5]}")
        h.run("verify", results)
        with h5py.File(results) as f:
            h.check((f["trials"]["state"] == b"done").all(), "every trial is done")
    print(f"{ranks} ranks: {sum(counts.values())} kills over {sweeps} sweeps: {counts}", flush=True)


def main():
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    h = Harness()
    h.write("kill.yaml", JOB)
    dice = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    for ranks in RANKS:
        campaign(h, ranks, kills // len(RANKS), dice)
    h.finish()


if __name__ == "__main__":
    main()
