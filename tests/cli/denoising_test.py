"""Speech denoising on built-in voices: training once for all evaluations, examples to hear and see, early stopping and its weights, continuing, a gain.

usage: denoising_test.py PROGRAM DIRECTORY
"""
import wave

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


def examples(h):
    """Recordings and pictures of what was measured."""
    with h5py.File("many.h5") as f:
        files = [(row["name"].decode(), row["file"].decode()) for row in f["artifacts"][:]]
        plots = {name: group for name, group in f["plots"].items() if isinstance(group, h5py.Group)}
        mask = next(group for name, group in plots.items() if name.startswith("mask_stage_"))
        h.check(mask.attrs["signal"] == "mask" and list(mask.attrs["axes"]) == [b"frequency", b"time"], "a picture of the mask")
        h.check(mask["mask"].shape == (129, len(mask["time"])) and mask["mask"][:].min() >= 0 and mask["mask"][:].max() <= 1,
                "with values from 0 to 1")
        h.check(abs(mask["frequency"][-1] - 8000) < 1e-3, "up to half the sample rate")
    h.check(len(files) == 18 * 6, f"two examples of three recordings an evaluation: {len(files)}")
    sounds = {}
    for name, path in files[:6]:
        with wave.open(path) as sound:
            h.check((sound.getframerate(), sound.getnchannels()) == (16000, 1), f"{name} is a recording")
            sounds[name] = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    clean, noisy = (next(s for n, s in sounds.items() if n.startswith("1-") and n.endswith(f"-{w}.wav")) for w in ("clean", "noisy"))
    snr = 10 * np.log10((clean ** 2).sum() / ((noisy - clean) ** 2).sum())
    h.check(abs(snr) < 0.1, f"mixed at 0 dB: {snr:.3f}")


def early_stopping(h):
    h.write("stop.yaml", BASE.replace("epochs: 3", "epochs: 40, lr: 0.03, patience: 2").replace("stoi: false", "stoi: false, examples: 0"))
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
    examples(h)
    early_stopping(h)
    gain(h)
    h.finish()


if __name__ == "__main__":
    main()
