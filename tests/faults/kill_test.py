"""Runs that are killed at random moments and continued: nothing is lost, nothing is done twice, the end is bit for bit that of
a run that nobody disturbed.

usage: kill_test.py PROGRAM DIRECTORY [KILLS [SEED]]

Kills go to everything at once, to one worker, to the coordinator or to the supervisor, at random times, over sweeps on 1, 2 and 3
ranks (with 3: groups of two). After each one the results file must open.
"""
import os
import random
import signal
import subprocess
import sys
import time

import h5py

from harness import Harness

JOB = """
name: kill
experiment: svd-compress
data: {source: digits, train: 1200, test: 300}
model: {hidden: [96, 64]}
train: {epochs: 12, batch: 50, schedule: cosine}
checkpoint: {epochs: 1, steps: 7, seconds: 0}
sweep: {space: {train.lr: [0.001, 0.002], svd.rank: [4, full]}, objectives: {test_accuracy: max}}
resources: {threads_per_rank: 1, max_attempts: 100}
"""
RANKS = (1, 2, 3)


def options(ranks):
    return ["-n", ranks] + (["--set", "resources.ranks_per_trial=2"] if ranks == 3 else [])


def numbers(path):
    """All that must not depend on interruptions, as bytes."""
    with h5py.File(path) as f:
        found = {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names
                 if c not in ("seconds", "attempts")}
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
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def strike(target, results):
    launcher, others = processes(results)
    if target == "everything" or len(others) < 2:
        kill(launcher + others)
    elif target == "launcher":
        kill(launcher)
    elif target == "supervisor":
        kill(others[:1])
    else:
        kill(others[-1:] if target == "worker" else others[1:2])


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


def check_opens(h, results):
    if not os.path.exists(results):
        return  # killed before the first snapshot
    try:
        with h5py.File(results) as f:
            h.check(f.attrs["state"] in ("running", "interrupted", "complete"), "the state is known")
    except OSError as error:
        h.check(False, f"{results} does not open: {error}")


def one_kill(h, ranks, results, delay, target):
    """True when the run was still going."""
    with subprocess.Popen([h.program, "run", "kill.yaml", *map(str, options(ranks)), "-o", results],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            run.wait(timeout=delay)
            return False
        except subprocess.TimeoutExpired:
            strike(target, results)
        run.wait(timeout=90)
    h.check(wait_for_end(results), f"{target} killed: all processes end")
    check_opens(h, results)
    return True


def campaign(h, ranks, kills, dice):
    h.run("run", "kill.yaml", *options(ranks), "-o", f"calm{ranks}.h5")
    calm = numbers(f"calm{ranks}.h5")
    done = attempt = 0
    while done < kills:
        attempt += 1
        results = f"kill{ranks}-{attempt}.h5"
        while done < kills:
            target = dice.choice(["everything", "worker", "coordinator", "supervisor", "launcher"])
            if not one_kill(h, ranks, results, dice.uniform(0.1, 1.6), target):
                break
            done += 1
        h.run("run", "kill.yaml", *options(ranks), "-o", results)
        stormy = numbers(results)
        differ = [name for name in calm if calm[name] != stormy.get(name)]
        h.check(not differ and len(calm) == len(stormy), f"{ranks} ranks: differences in {differ[:5]}")
        with h5py.File(results) as f:
            h.check((f["trials"]["state"] == b"done").all(), "every trial is done")
    print(f"{ranks} ranks: {done} kills over {attempt} sweeps", flush=True)


def main():
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    h = Harness()
    h.write("kill.yaml", JOB)
    dice = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    for ranks in RANKS:
        campaign(h, ranks, kills // len(RANKS), dice)
    h.finish()


if __name__ == "__main__":
    main()
