"""Groups of several sizes in one sweep: swept, and left to the coordinator.

usage: groups_test.py PROGRAM DIRECTORY
"""
import json

import h5py
import numpy as np

from harness import MEASURED, Harness

JOB = """
name: groups
experiment: svd-compress
data: {source: digits, train: 600, test: 300}
model: {hidden: [48, 40]}
train: {epochs: 2, batch: 60}
svd: {rank: 8}
"""


def table(path, name):
    with h5py.File(path) as f:
        return f[name][:]


def same(a, b):
    return all(a[c].tobytes() == b[c].tobytes() for c in a.dtype.names if c not in MEASURED)


def swept(h):
    """The layout becomes part of what a stage is: nothing is shared between sizes, and all agree to rounding."""
    h.write("swept.yaml", JOB + "sweep: {space: {resources.ranks_per_trial: [1, 2, 3], svd.rank: [4, 8]}}\n")
    h.run("run", "swept.yaml", "-n", 4, "-o", "swept.h5")
    trials = table("swept.h5", "trials")
    h.check(list(trials["mpi_ranks"]) == [1, 1, 2, 2, 3, 3],
            f"groups as asked for: {trials['mpi_ranks']}")
    stages = table("swept.h5", "stages")
    training = stages[stages["kind"] == b"mlp-train"]
    h.check(sorted(training["mpi_ranks"]) == [1, 2, 3], f"a training for each size: {training['mpi_ranks']}")
    for rank in (4, 8):
        accuracy = trials["test_loss"][trials["svd.rank"] == rank]
        h.check(len(accuracy) == 3 and np.ptp(accuracy) < 1e-3, f"losses agree to rounding: {accuracy}")
    h.run("run", "swept.yaml", "-n", 4, "-o", "again.h5")
    h.check(same(trials, table("again.h5", "trials")), "the same layout gives the same bits")
    done = h.run("run", "swept.yaml", "-n", 3, "-o", "few.h5", expect=2)
    h.check("swept.yaml:8:" in done.stderr and "start with -n 4" in done.stderr, f"too few workers: {done.stderr}")
    plan = json.loads(h.run("plan", "swept.yaml", "--json").stdout)
    h.check(plan["layout"]["workers"] >= 3, f"the plan has room for the largest: {plan['layout']}")


def chosen(h):
    h.write("auto.yaml", JOB + "sweep: {space: {svd.rank: [2, 4, 8, 16]}}\nresources: {ranks_per_trial: auto}\n")
    sizes = {2: [1, 1, 1, 1, 1, 1], 3: [2, 2, 1, 1, 1, 1], 5: [2, 2, 1, 1, 1, 1]}  # of training, decomposition, evaluations
    for ranks, expected in sizes.items():
        results = f"auto{ranks}.h5"
        h.run("run", "auto.yaml", "-n", ranks, "-o", results)
        found = list(table(results, "stages")["mpi_ranks"])
        h.check(found == expected, f"-n {ranks}: groups of {found}, expected {expected}")
    h.run("run", "auto.yaml", "-n", 5, "-o", "auto-again.h5")
    h.check(same(table("auto5.h5", "trials"), table("auto-again.h5", "trials")), "auto: two runs of one layout are the same")
    h.check(same(table("auto5.h5", "trials"), table("auto3.h5", "trials")), "auto: the same groups, the same bits")


def fixed(h):
    h.write("attempts.yaml", JOB + "sweep: {space: {resources.max_attempts: [1, 2]}}\n")
    done = h.run("plan", "attempts.yaml", expect=2)
    h.check("resources.max_attempts` is the same for all trials" in done.stderr, f"other resources: {done.stderr}")


def main():
    h = Harness()
    swept(h)
    chosen(h)
    fixed(h)
    h.finish()


if __name__ == "__main__":
    main()
