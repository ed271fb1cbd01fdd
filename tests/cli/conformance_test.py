"""What every experiment kind must do, run on the example of each kind that the program knows, hidden ones included:
the example is valid, runs, gives its metrics, repeats bit for bit and agrees between layouts.

usage: conformance_test.py PROGRAM DIRECTORY
"""
import json

import h5py
import numpy as np

from harness import MEASURED, Harness

HIDDEN = ["noop"]
LAYOUT = MEASURED | {"mpi_ranks", "threads"}


def read(path):
    with h5py.File(path) as f:
        return {name: f[name][:] for name in ("trials", "metrics")}


def same(a, b):
    return all(a[name][c].tobytes() == b[name][c].tobytes()
               for name in a for c in a[name].dtype.names if c not in LAYOUT)


def check_kind(h, kind, listed):
    job = h.write(f"{kind}.yaml", h.run("kinds", kind, "--example").stdout)
    plan = json.loads(h.run("plan", job, "--json").stdout)
    h.check(plan["experiment"] == kind and len(plan["trials"]) > 0, f"{kind}: the plan has trials")
    h.run("run", job, "-n", 1, "-o", f"{kind}.h5")
    first = read(f"{kind}.h5")
    h.check((first["trials"]["state"] == b"done").all(), f"{kind}: all trials are done")
    if listed:
        finals = [name for name in first["trials"].dtype.names if first["trials"].dtype[name] == np.float64]
        h.check(all(np.isfinite(first["trials"][name]).all() for name in finals), f"{kind}: finals are numbers")
    h.run("run", job, "-n", 1, "-o", f"{kind}-again.h5")
    h.check(same(first, read(f"{kind}-again.h5")), f"{kind}: two runs are bit-identical")
    h.run("run", job, "-n", 2, "-o", f"{kind}-two.h5")
    h.check(same(first, read(f"{kind}-two.h5")), f"{kind}: a worker of its own gives the same")
    h.run("run", job, "-n", 3, "-o", f"{kind}-group.h5", "--set", "resources.ranks_per_trial=2")
    group = read(f"{kind}-group.h5")
    for name in first["metrics"].dtype.names:
        if name not in LAYOUT:
            h.check(np.allclose(first["metrics"][name], group["metrics"][name], rtol=0.05, atol=0.02),
                    f"{kind}: {name} of a group of two agrees")
    text = h.run("run", job, "-n", 1, "-o", f"{kind}.h5").stderr
    h.check("0 stages run" in text, f"{kind}: a second start runs nothing: {text}")


def main():
    h = Harness()
    listed = [k["experiment"] for k in json.loads(h.run("kinds", "--json").stdout)]
    h.check(len(listed) > 0, "there are experiments")
    for kind in listed + HIDDEN:
        check_kind(h, kind, kind in listed)
    h.finish()


if __name__ == "__main__":
    main()
