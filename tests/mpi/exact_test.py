"""Exact reduction and synchronized projection: the same bits on 1, 2, 4 and 8 ranks; and from attempts that were killed.

usage: exact_test.py PROGRAM DIRECTORY
"""
import h5py

from harness import MEASURED, Harness

IMAGES = """
data: {source: digits, train: 330, test: 150}
model: {hidden: [40, 36]}
train: {epochs: 2, batch: 50, reduction: exact}
"""
SOUND = """
data: {source: voices, voices: 6, utterances: 3, seconds: 0.7, window: 256, hop: 128, features: log, normalize: true}
model: {gru: [12, 8]}
train: {epochs: 3, batch: 8, frames: 30, reduction: exact, clip_norm: 1}
evaluate: {examples: 0}
"""
SPEAKERS = """
data: {source: voices, voices: 8, utterances: 4, seconds: 0.4, window: 256, hop: 128, features: mel, bands: 20, normalize: true}
model: {gru: [10], embedding: 8, dropout: 0.1, pooling: statistics}
train: {epochs: 3, batch: 8, pairs: 44, reduction: exact, noise: 0.5}
evaluate: {trials: 100}
"""
COMMON = """
checkpoint: {every: 2 steps, least_seconds: 0}
resources: {threads_per_rank: 1, max_attempts: 100}
"""
JOBS = {
    "svd-factorized": IMAGES + "sweep: {space: {svd.rank: [4, full]}, objectives: {test_accuracy: max}}\n",
    "svd-constrained": IMAGES + "sweep: {space: {svd.rank: [4], svd.method: [gesdd, subspace], svd.every: [epoch, 3 steps]}}\n",
    "speaker-verification": SPEAKERS + "sweep: {space: {data.clips: [1, 2]}}\n",
    "speech-denoising": SOUND + "sweep: {space: {svd.rank: [4, full]}}\n",
}
LAYOUT = MEASURED | {"attempts", "mpi_ranks"}


def content(path):
    """Numbers and weights, as bytes."""
    with h5py.File(path) as f:
        found = {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names if c not in LAYOUT}
        for trial in f["models"]:
            f[f"models/{trial}"].visititems(
                lambda n, d, t=trial: found.__setitem__(f"{t}/{n}", d[:].tobytes()) if isinstance(d, h5py.Dataset) else None)
    return found


def compare(h, what, calm, results):
    found = content(results)
    differ = [name for name in calm if calm[name] != found.get(name)]
    h.check(not differ and len(found) == len(calm), f"{what}: differences in {differ[:5]}")


def check_kind(h, kind):
    h.write("job.yaml", f"name: {kind}\nexperiment: {kind}" + COMMON + JOBS[kind])
    h.run("run", "job.yaml", "-n", 1, "-o", f"{kind}.h5")
    calm = content(f"{kind}.h5")
    for group in (2, 4, 8):
        results = f"{kind}-{group}.h5"
        h.run("run", "job.yaml", "-n", group + 1, "-o", results, "--set", f"resources.ranks_per_trial={group}")
        compare(h, f"{kind} on {group} ranks", calm, results)
    for ranks in (1, 3):
        results = f"{kind}-killed-{ranks}.h5"
        done = h.run("run", "job.yaml", "-n", ranks, "-o", results, "--set", f"resources.ranks_per_trial={max(1, ranks - 1)}",
                     "--max-restarts", 100, env={"RANKSWEEP_KILL_AT": "renamed@.ckpt/:4"})
        h.check(done.stderr.count("starting again") >= 2, f"{kind}: it was killed and went on: {done.stderr[-300:]}")
        compare(h, f"{kind} killed, {ranks} ranks", calm, results)


def refused(h):
    done = h.run("run", "job.yaml", "-n", 4, "-o", "three.h5", "--set", "resources.ranks_per_trial=3", expect=2)
    h.check("1, 2, 4 or 8" in done.stderr and "ranks_per_trial" in done.stderr, f"three ranks: {done.stderr}")


def main():
    h = Harness()
    for kind in JOBS:
        check_kind(h, kind)
    refused(h)
    h.finish()


if __name__ == "__main__":
    main()
