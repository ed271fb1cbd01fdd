"""Speech from files: corpora of many shapes, and files and settings that are wrong: one clear error with the file's name,
exit status 2, nothing written; or, with data.bad_files: skip, a warning and the rest.

usage: speech_test.py PROGRAM DIRECTORY
"""
import math
import os
import random
import shutil

import h5py

from harness import Harness
from sounds import RATE, put, tone, wav

JOB = """name: speech
experiment: speech-denoising
data: {{source: speech, path: corpus, clean: [{clean}], noise: [noise], window: 128, hop: 64{more}}}
model: {{gru: [6, 4]}}
train: {{epochs: 1, batch: 4, frames: 20}}
evaluate: {{stoi: false}}
"""


def build():
    """Four speakers of two files each, and two noises."""
    shutil.rmtree("corpus", ignore_errors=True)
    for speaker in range(4):
        for take in range(2):
            put(f"corpus/people/p{speaker}/{take}.wav", wav(tone(200 + 70 * speaker + 5 * take, 0.5)))
    chance = random.Random(1)
    put("corpus/noise/hiss.wav", wav([chance.uniform(-0.3, 0.3) for _ in range(RATE)]))
    put("corpus/noise/rumble.wav", wav(tone(60, 1)))


def job(h, clean="people", more=""):
    return h.write("job.yaml", JOB.format(clean=clean, more=more))


def good(h):
    build()
    put("corpus/people/p3/2.wav", wav(tone(300, 0.5, 44100), rate=44100))
    put("corpus/people/p3/3.wav", wav([s for t in tone(300, 0.4) for s in (t, -t / 2)], channels=2))
    h.run("run", job(h), "-n", "1", "-o", "good.h5")
    row = h.show("good.h5")[0]
    h.check(row["state"] == "done" and math.isfinite(row["snr_gain"]), f"other rates and channels are taken: {row}")
    h.check(row["ideal_snr_gain"] > row["snr_gain"], "the ideal mask is the ceiling")
    with h5py.File("good.h5") as f:
        text = f["provenance"]["data"][0].decode()
    h.check("people=" in text and "noise=" in text and "10 files" in text, f"the data are on record: {text}")
    done = h.run("run", job(h, "people/p*/?.wav"), "-n", "1", "-o", "pattern.h5")
    h.check("1 of 1 trials done" in done.stderr, "a pattern finds the same speakers")
    again = h.show("pattern.h5")[0]
    h.check(again["snr_gain"] == row["snr_gain"], "in the same order")


def changed(h):
    """Results are not continued with other recordings."""
    put("corpus/people/p0/0.wav", wav(tone(333, 0.5)))
    done = h.run("run", job(h), "-n", "1", "-o", "good.h5", expect=2)
    h.check("people" in done.stderr, f"other data are refused: {done.stderr}")


NAN = float("nan")
BAD = {
    "truncated.wav": (wav(tone(200, 0.3))[:-2000], "truncated.wav"),
    "empty.wav": (b"", "empty.wav"),
    "zero_frames.wav": (wav([]), "zero_frames.wav"),
    "slow.wav": (wav(tone(200, 0.1), rate=3), "slow.wav"),
    "fast.wav": (wav(tone(200, 0.1), rate=2_000_000), "fast.wav"),
    "many.wav": (wav([0.1] * 4000, channels=100), "many.wav"),
    "nan.wav": (wav([0.1, NAN, 0.2] * 1000, form=3, bits=32), "nan.wav"),
    "text.wav": (b"this is no audio at all\n" * 100, "text.wav"),
    "silence.wav": (wav([0.0] * 8000), "silence.wav"),
    "claims.wav": (wav(tone(200, 0.1), claim=0x7ffffff0), "claims.wav"),
}


def bad_files(h):
    for name, (content, wanted) in BAD.items():
        build()
        put(f"corpus/people/p1/{name}", content)
        done = h.run("run", job(h), "-n", "1", "-o", "bad.h5", expect=2)
        h.check(wanted in done.stderr and done.stderr.count("\n") <= 2, f"{name}: one error that names the file: {done.stderr}")
        h.check(not os.path.exists("bad.h5") and not os.path.exists("bad.journal"), f"{name}: nothing is written")
        skip = h.run("run", job(h, more=", bad_files: skip"), "-n", "1", "-o", "skip.h5", "--fresh")
        h.check(wanted in skip.stderr and "warning" in skip.stderr, f"{name}: skipped with a warning: {skip.stderr}")
        h.check("1 of 1 trials done" in skip.stderr, f"{name}: the rest is enough: {skip.stderr}")


def bad_settings(h):
    build()
    cases = {
        "no folder": (job, ("nowhere", ""), ["nowhere", "job.yaml:3"]),
        "too few speakers": (job, ("people/p0*", ""), ["speakers"]),
        "too many to validate": (job, ("people", ", validate: 4"), ["4 speakers", "train"]),
        "odd window": (job, ("people", ", sample_rate: 8000"), None),
    }
    for what, (make, arguments, wanted) in cases.items():
        done = h.run("run", make(h, *arguments), "-n", "1", "-o", "set.h5", "--fresh", expect=2 if wanted else 0)
        for word in wanted or []:
            h.check(word in done.stderr, f"{what}: the error lacks {word!r}: {done.stderr}")
    job(h)
    for setting, wanted in {"data.window=129": "even", "data.hop=100": "at most half", "evaluate.noise=rain": "hiss, rumble",
                            "svd.rank=5": "gru2", "model.gru=[]": "recurrent", "data.source=voices": None,
                            "train.reduction=exact": None}.items():
        done = h.run("plan", "job.yaml", "--set", setting, expect=2 if wanted else 0)
        h.check(wanted is None or wanted in done.stderr, f"{setting}: {done.stderr}")
    os.remove("corpus/noise/hiss.wav")
    put("corpus/noise/hiss.wav", wav([0.1] * 10))
    done = h.run("run", "job.yaml", "-n", "1", "-o", "short.h5", expect=2)
    h.check("hiss" in done.stderr, f"a noise shorter than a hop: {done.stderr}")


def main():
    h = Harness()
    good(h)
    changed(h)
    bad_files(h)
    bad_settings(h)
    h.finish()


if __name__ == "__main__":
    main()
