"""The same job on 1, 2 and 4 ranks, started by us or by mpirun, with one worker or several: the same metrics to the bit;
a run that was interrupted between trials continues; launches that cannot work are refused.

usage: layouts_test.py PROGRAM DIRECTORY
"""
import json
import os
import signal
import subprocess
import time

import h5py
import numpy as np

from harness import MEASURED, Harness, mpirun

JOB = """
name: layouts
experiment: svd-compress
data: {source: digits, train: 1500, test: 500}
model: {hidden: [64, 48]}
train: {epochs: 2, batch: 100, schedule: cosine}
sweep: {space: {train.lr: [0.001, 0.002], svd.rank: [4, 16, full]}, objectives: {test_accuracy: max}}
resources: {threads_per_rank: 1}
"""
LAYOUT = MEASURED | {"mpi_ranks", "threads"}  # columns that may differ


def numbers(path):
    """Tables without times, and the weights of every model, as bytes."""
    with h5py.File(path) as f:
        tables = {}
        for name in ("trials", "metrics"):
            table = f[name][:]
            tables[name] = {c: table[c].tobytes() for c in table.dtype.names if c not in LAYOUT}
        weights = {}
        for trial in f["models"]:
            f[f"models/{trial}"].visititems(
                lambda n, d, t=trial: weights.__setitem__(f"{t}/{n}", d[:].tobytes())
                if isinstance(d, h5py.Dataset) else None)
    return tables, weights


def same(h, what, a, b):
    h.check(a[0] == b[0], f"{what}: tables differ")
    h.check(len(a[1]) > 0 and a[1] == b[1], f"{what}: weights differ")


def layouts(h):
    h.write("job.yaml", JOB)
    h.run("run", "job.yaml", "-n", 1, "-o", "one.h5")
    one = numbers("one.h5")
    for n in (2, 3, 4):
        h.run("run", "job.yaml", "-n", n, "-o", f"own{n}.h5")
        same(h, f"-n {n} against one process", one, numbers(f"own{n}.h5"))
    h.run("run", "job.yaml", "-o", "foreign.h5", launcher=mpirun(4))
    same(h, "mpirun -n 4 against one process", one, numbers("foreign.h5"))
    h.run("run", "job.yaml", "-o", "single.h5", launcher=mpirun(1))
    same(h, "mpirun -n 1 against one process", one, numbers("single.h5"))
    h.run("run", "job.yaml", "-n", 2, "-o", "again.h5", "--set", "resources.threads_per_rank=2")
    same(h, "two threads against one", one, numbers("again.h5"))
    with h5py.File("own3.h5") as f:
        h.check((f["stages"]["state"] == b"done").all(), "every stage is done")
        h.check(len(f["stages"]) == 2 + 2 + 6, "two trainings and two decompositions serve six trials")


def groups(h):
    """A group of two ranks agrees with one to rounding."""
    h.run("run", "job.yaml", "-n", 3, "-o", "group.h5", "--set", "resources.ranks_per_trial=2")
    with h5py.File("group.h5") as a, h5py.File("one.h5") as b:
        h.check(set(a["trials"]["mpi_ranks"]) == {2}, "stages ran on groups of two")
        h.check(np.abs(a["metrics"]["test_loss"] - b["metrics"]["test_loss"]).max() < 1e-3,
                "losses of a group of two agree with one rank")


def wait_for_some(h, results):
    """Until the journal says that two trials have ended; by then others have not."""
    journal, deadline = results.replace(".h5", ".journal"), time.time() + 60
    while time.time() < deadline:
        if os.path.exists(journal) and open(journal, encoding="utf-8").read().count('"state":"done"') >= 2:
            return
        time.sleep(0.02)
    h.check(False, f"{results}: no trial ended within a minute")


def interrupted(h):
    """Stopped in the middle: exit 75, nothing finished is lost or done twice, the end is the same."""
    h.write("slow.yaml", "name: slow\nexperiment: noop\nnoop: {seconds: 0.3}\n"
            "sweep: {space: {noop.value: [0, 1, 2, 3, 4, 5, 6, 7]}}\n")
    for n in (1, 3):
        results = f"slow{n}.h5"
        run = subprocess.Popen([h.program, "run", "slow.yaml", "-n", str(n), "-o", results],
                               stderr=subprocess.PIPE, text=True)
        wait_for_some(h, results)
        run.send_signal(signal.SIGINT)
        _, text = run.communicate(timeout=60)
        h.check(run.returncode == 75, f"-n {n} interrupted: exit status {run.returncode}, expected 75\n{text}")
        states = [row["state"] for row in h.show(results)]
        h.check(0 < states.count("done") < 8, f"-n {n} interrupted: some done, some not: {states}")
        with h5py.File(results) as f:
            h.check(f.attrs["state"] == "interrupted", "state of the file")
        text = h.run("run", "slow.yaml", "-n", n, "-o", results).stderr
        rows = h.show(results)
        h.check([r["state"] for r in rows] == ["done"] * 8, f"-n {n} continued: all done")
        h.check([r["value"] for r in rows] == list(range(8)), f"-n {n} continued: right values")
        h.check(f"{states.count('done')} reused" in text, f"-n {n}: finished trials are not run again: {text}")


def killed(h):
    """kill -9 of everything: the file still opens, the same command continues."""
    run = subprocess.Popen([h.program, "run", "slow.yaml", "-n", "3", "-o", "killed.h5"],
                           stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for_some(h, "killed.h5")
    children = subprocess.run(["pgrep", "-f", "killed.h5"], capture_output=True, text=True, check=False)
    for pid in children.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    run.wait(timeout=60)
    with h5py.File("killed.h5") as f:
        h.check(len(f["trials"]) == 8, "the results file opens after kill -9")
    h.run("run", "slow.yaml", "-n", 3, "-o", "killed.h5")
    h.check([r["state"] for r in h.show("killed.h5")] == ["done"] * 8, "continued after kill -9")


def refused(h):
    lonely = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}
    done = h.run("run", "job.yaml", "-o", "lonely.h5", env=lonely, expect=2)
    h.check("MPI world of its own" in done.stderr and "srun" in done.stderr, f"the reason is told: {done.stderr}")
    h.check(not os.path.exists("lonely.h5"), "nothing was written")


def unbound(h):
    """mpirun binds ranks to cores by itself, which would stack their threads; a binding that was asked for stays."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        print("one core: there is nothing to bind")
        return
    threads = {}
    for name, how in {"default": [], "wanted": ["--bind-to", "core"]}.items():
        h.run("run", "job.yaml", "-o", f"{name}.h5", "--set", "resources.threads_per_rank=auto",
              launcher=[*mpirun(2)[:2], *how, "-n", "2"])
        with h5py.File(f"{name}.h5") as f:
            threads[name] = set(f["stages"]["threads"].tolist())
    h.run("run", "job.yaml", "-n", 2, "-o", "places.h5", "--set", "resources.threads_per_rank=auto",
          env={"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"})
    with h5py.File("places.h5") as f:
        threads["places"] = set(f["stages"]["threads"].tolist())
    h.check(threads == {"default": {cores}, "wanted": {1}, "places": {cores}}, f"threads of the one worker: {threads}")


def put_off(h):
    """What would not get as far as to its next checkpoint before the deadline is not started."""
    h.write("late.yaml", "name: late\nexperiment: noop\nnoop: {seconds: 1.5}\nsweep: {space: {noop.index: [1, 2, 3, 4, 5, 6]}}\n")
    for n in (1, 2):
        results = f"late{n}.h5"
        text = h.run("run", "late.yaml", "-n", n, "-o", results, "--deadline", "7 s", expect=75).stderr
        states = [row["state"] for row in h.show(results)]
        h.check(0 < states.count("done") < 6 and set(states) == {"done", "pending"}, f"-n {n}: {states}")
        h.check("is left to the next start" in text and "stopped on request" not in text, f"-n {n}: {text}")
        h.run("run", "late.yaml", "-n", n, "-o", results)
        h.check([row["state"] for row in h.show(results)] == ["done"] * 6, f"-n {n}: the next start does the rest")


def failures(h):
    """Failed trials do not stop the others; each is tried as often as allowed, or not again when that is in vain."""
    h.write("fail.yaml", "name: fail\nexperiment: noop\n"
            "sweep: {space: {noop.fail: [none, error, nan], noop.index: [1, 2]}}\n")
    for n in (1, 3):
        h.run("run", "fail.yaml", "-n", n, "-o", f"fail{n}.h5", expect=1)
        rows = h.show(f"fail{n}.h5")
        h.check([r["state"] for r in rows] == ["done"] * 2 + ["failed"] * 4, f"-n {n}: two done, four failed")
        h.check("failed as told" in rows[2]["message"] and "nan" in rows[4]["message"], "messages are kept")


def main():
    h = Harness()
    layouts(h)
    groups(h)
    interrupted(h)
    killed(h)
    refused(h)
    unbound(h)
    put_off(h)
    failures(h)
    h.finish()


if __name__ == "__main__":
    main()
