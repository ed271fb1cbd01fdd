"""Speech denoising on built-in voices: training once for all evaluations, early stopping and its weights, continuing, a gain.

usage: denoising_test.py PROGRAM DIRECTORY
"""
import h5py
import numpy as np

from harness import MEASURED, Harness

BASE = """name: d
experiment: speech-denoising
data: {source: voices, voices: 7, utterances: 2, seconds: 1, window: 256, hop: 128}
model: {gru: [24, 16]}
train: {epochs: 3, batch: 4, frames: 40, emphasis: 1}
evaluate: {stoi: false}
checkpoint: {every: 2 steps, least_seconds: 0}
resources: {max_attempts: 100}
"""


def rows(path):
    with h5py.File(path) as f:
        return {name: f[name][:] for name in ("trials", "stages", "metrics")}


def same(a, b):
    return all(a[t][c].tobytes() == b[t][c].tobytes() for t in ("trials", "metrics")
               for c in a[t].dtype.names if c not in MEASURED | {"attempts", "mpi_ranks", "threads"})


def one_training(h):
    h.write("job.yaml", BASE + "sweep: {space: {svd.rank: [full, 8, 2], evaluate.noise: [all, white, hum], evaluate.snr_db: [0, 10]}}\n")
    h.run("run", "job.yaml", "-n", 1, "-o", "many.h5")
    found = rows("many.h5")
    kinds = [k.decode() for k in found["stages"]["kind"]]
    h.check([kinds.count(f"denoise-{k}") for k in ("train", "svd", "compress", "evaluate")] == [1, 1, 3, 18],
            f"eighteen trials share a training, a decomposition, three models: {kinds}")
    trials = {(t["svd.rank"], t["evaluate.noise"], t["evaluate.snr_db"]): t for t in found["trials"]}
    full, cut = trials[0, b"all", 0], trials[2, b"all", 0]
    h.check(cut["parameters"] < full["parameters"] and cut["energy"] < full["energy"] == 1, "truncated models are smaller")
    h.check(abs(full["snr_noisy"]) < 1e-3 and abs(trials[0, b"hum", 10]["snr_noisy"] - 10) < 1e-3, "levels are as asked for")
    h.check(all(t["ideal_snr_gain"] > t["snr_gain"] for t in found["trials"]), "the ideal mask is the ceiling")
    row = found["metrics"][-1]
    for name, gain in (("snr_gain", full["snr_gain"]), ("validation_loss", full["validation_loss"])):
        h.check(abs(row[name] - gain) < 1e-9, f"{name} after the last epoch is that of the evaluation")


def early_stopping(h):
    h.write("stop.yaml", BASE.replace("epochs: 3", "epochs: 40, lr: 0.03, patience: 2"))
    h.run("run", "stop.yaml", "-n", 1, "-o", "stop.h5")
    calm = rows("stop.h5")
    loss, trial = calm["metrics"]["validation_loss"], calm["trials"][0]
    h.check(len(loss) < 40, f"it ended early, after {len(loss)} epochs")
    h.check(trial["kept_epoch"] == np.argmin(loss) + 1 == len(loss) - 2, f"the best epoch is kept: {loss}, {trial['kept_epoch']}")
    h.check(trial["validation_loss"] == loss.min(), "with its weights")
    done = h.run("run", "stop.yaml", "-n", 2, "-o", "killed.h5", "--max-restarts", 100, env={"RANKSWEEP_KILL_AT": "renamed@.ckpt/:5"})
    h.check(done.stderr.count("starting again") >= 2, "it was killed and went on")
    h.check(same(calm, rows("killed.h5")), "a training that was killed stops at the same epoch with the same numbers")


def gain(h):
    h.write("gain.yaml", BASE.replace("voices: 7, utterances: 2, seconds: 1", "voices: 16, utterances: 3, seconds: 2")
            .replace("epochs: 3", "epochs: 12, lr: 0.005, schedule: cosine, clip_norm: 1").replace("[24, 16]", "[48, 32]"))
    h.run("run", "gain.yaml", "-n", 1, "-o", "gain.h5")
    trial = rows("gain.h5")["trials"][0]
    h.check(trial["snr_gain"] > 3 and trial["si_sdr_gain"] > 2, f"noise goes: {trial['snr_gain']:.2f} dB, {trial['si_sdr_gain']:.2f} dB")


def main():
    h = Harness()
    one_training(h)
    early_stopping(h)
    gain(h)
    h.finish()


if __name__ == "__main__":
    main()
