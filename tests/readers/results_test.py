"""The results file as h5py and pandas see it: the layout that the design promises.

usage: results_test.py PROGRAM DIRECTORY
"""
import json
import sys

from harness import Harness

try:
    import h5py
    import numpy as np
    import pandas
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """# a comment that /job/yaml keeps
name: readers
experiment: svd-compress
data: {source: digits, train: 800, test: 300}
model: {hidden: [40, 32, 24]}
train: {epochs: 3, batch: 64}
sweep: {space: {svd.rank: [2, 8, full]}, objectives: {test_accuracy: max, parameters: min}}
"""


def check_tables(h, f):
    trials = pandas.DataFrame(f["trials"][:])
    for column in ("trial", "state", "attempts", "svd.rank", "test_accuracy", "parameters", "epochs", "seconds",
                   "mpi_ranks", "threads", "stage", "message"):
        h.check(column in trials, f"/trials has a column {column}")
    h.check(list(trials["svd.rank"]) == [2, 8, 0], "swept values in order")
    h.check(list(trials["state"].str.decode("utf-8")) == ["done"] * 3, "states are texts")
    h.check(list(trials["epochs"]) == [3, 3, 3], "epochs of the shared training")
    expected = [sum(d * (i + o) + o for i, o in ((784, 40), (40, 32), (32, 24))) + 24 * 10 + 10 for d in (2, 8)]
    full = sum(i * o + o for i, o in ((784, 40), (40, 32), (32, 24))) + 24 * 10 + 10
    h.check(list(trials["parameters"]) == expected + [full], f"parameter counts {list(trials['parameters'])}")
    h.check(trials["test_accuracy"].iloc[2] == trials["full_accuracy"].iloc[2], "full is the trained network")
    stages = pandas.DataFrame(f["stages"][:])
    h.check(list(stages["kind"]) == [b"mlp-train", b"mlp-svd"] + [b"svd-evaluate"] * 3, "one training, one SVD")
    h.check(list(stages["parent"]) == [-1, 0, 1, 1, 1], "the chain")
    h.check(stages["identity"].str.len().eq(32).all() and stages["identity"].is_unique, "identities")
    metrics = pandas.DataFrame(f["metrics"][:])
    h.check(list(metrics["epoch"]) == [1, 2, 3] and list(metrics["step"]) == [13, 26, 39], "a row an epoch")
    h.check((metrics["train_loss"].diff().dropna() < 0).all(), "the loss falls")
    h.check(len(f["provenance"]) == 1 and f["provenance"]["blas_core"][0] != b"", "provenance")


def check_model(h, f):
    for trial, d in (("0", 2), ("1", 8)):
        model = f[f"models/{trial}"]
        h.check(model["dense1/u"].shape == (784, d) and model["dense1/v"].shape == (d, 40), "factors")
        h.check(model["dense1/bias"].shape == (40,) and model["dense4/kernel"].shape == (24, 10), "the rest")
    full, cut = f["models/2/dense1/kernel"][:], f["models/1/dense1"]
    u, s, vt = np.linalg.svd(full, full_matrices=False)
    truncated = (u[:, :8] * s[:8]) @ vt[:8]
    error = np.abs(cut["u"][:] @ cut["v"][:] - truncated).max()
    h.check(error < 1e-5, f"u v is the truncated SVD (largest difference {error:.2g})")
    h.check(isinstance(f.get("models/0", getlink=True), h5py.ExternalLink), "models are external links")
    h.check(not f.get("models/0", getlink=True).filename.startswith("/"), "with relative names")


def main():
    h = Harness()
    h.write("job.yaml", JOB)
    h.run("run", "job.yaml", "-o", "sub/results.h5", "-n", 1)
    with h5py.File("sub/results.h5") as f:
        for name, value in (("format", "ranksweep"), ("state", "complete"), ("job_name", "readers"),
                            ("experiment", "svd-compress")):
            h.check(f.attrs[name] == value, f"attribute {name}: {f.attrs[name]!r}")
        h.check(int(f.attrs["format_version"]) == 1 and f.attrs["created"] <= f.attrs["updated"], "version, times")
        h.check(f["job/yaml"][()].decode() == JOB, "/job/yaml is the file as it was")
        h.check(json.loads(f["job/resolved"][()])["train.batch"] == 64, "/job/resolved is JSON")
        check_tables(h, f)
        check_model(h, f)
    h.finish()


if __name__ == "__main__":
    main()
