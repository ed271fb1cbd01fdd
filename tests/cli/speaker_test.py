"""Speaker verification: corpora that cannot do, a network that learns voices, and the command that uses it.

usage: speaker_test.py PROGRAM DIRECTORY
"""
import csv
import math
import os
import shutil

import h5py
import numpy as np

from harness import Harness
from sounds import put, tone, wav

FILES = """name: s
experiment: speaker-verification
data: {{source: speech, path: corpus, speakers: [{speakers}], window: 256, hop: 128, features: mel, bands: 20{more}}}
model: {{gru: [8], embedding: 6}}
train: {{epochs: 1, batch: 8, pairs: 32}}
evaluate: {{trials: 40}}
"""
VOICES = """name: v
experiment: speaker-verification
data: {source: voices, voices: 24, utterances: 8, seconds: 1, test: 6, window: 512, hop: 256, features: mel, bands: 32, normalize: true}
model: {gru: [24], embedding: 16, pooling: statistics}
train: {epochs: 6, batch: 32, pairs: 1200, lr: 0.003, schedule: cosine}
evaluate: {trials: 600}
"""
LOW_RANK = VOICES.replace("epochs: 6", "epochs: 2").replace("model: {", "model: {compare: cosine, activation: linear, ") + """
sweep: {space: {evaluate.clips: [1, 2], svd.rank: [full, 6]}}
"""


def build(speakers, takes, seconds=0.4):
    shutil.rmtree("corpus", ignore_errors=True)
    for speaker in range(speakers):
        for take in range(takes):
            put(f"corpus/people/p{speaker}/{take}.wav", wav(tone(150 + 60 * speaker + 7 * take, seconds)))


def run_files(h, expect, speakers="people", more=""):
    h.write("job.yaml", FILES.format(speakers=speakers, more=more))
    return h.run("run", "job.yaml", "-n", 1, "-o", "files.h5", "--fresh", expect=expect)


def corpora(h):
    build(8, 4)
    run_files(h, 0)
    row = h.show("files.h5")[0]
    h.check(0 <= row["eer"] <= 1 and math.isfinite(row["yardstick_eer"]), f"it runs on files: {row}")
    run_files(h, 0, more=", split: utterances, clips: 1, test: 2")
    run_files(h, 0, more=", speeds: [0.9, 1.1], clips: 2")
    job = FILES.replace("pairs: 32", "pairs: 32, hard: 0.7").replace("trials: 40", "trials: 40, clips: 3")
    h.write("job.yaml", job.format(speakers="people", more=""))
    done = h.run("run", "job.yaml", "-n", 1, "-o", "hard.h5", expect=2)
    h.check("p6 has 4 utterances to test on" in done.stderr and "two sides of 3" in done.stderr, f"too few utterances for the test: {done.stderr}")
    h.run("run", "job.yaml", "-n", 1, "-o", "hard.h5", "--fresh", "--set", "evaluate.clips=2")
    done = run_files(h, 2, more=", speeds: [0.9, 1.0]")
    h.check("job.yaml:3" in done.stderr and "got 1" in done.stderr, f"a speed that is there already: {done.stderr}")
    done = run_files(h, 2, more=", clips: 3")
    h.check("p0" in done.stderr and "6" in done.stderr, f"too few utterances for two sides: {done.stderr}")
    done = run_files(h, 2, more=", more: [people/p1*]")
    h.check("data.more" in done.stderr, f"a speaker cannot be in both: {done.stderr}")
    build(1, 4)
    done = run_files(h, 2)
    h.check("two speakers" in done.stderr and "found 1" in done.stderr, f"one speaker: {done.stderr}")
    build(8, 4)
    for take in range(1, 4):
        os.remove(f"corpus/people/p2/{take}.wav")
    done = run_files(h, 2)
    h.check("p2" in done.stderr and "1 utterance" in done.stderr, f"a speaker with one utterance: {done.stderr}")
    put("corpus/people/p2/0.wav", wav(tone(300, 2)))
    run_files(h, 0, more=", piece: 0.4")
    os.makedirs("corpus/empty")
    done = run_files(h, 2, speakers="empty")
    h.check("empty" in done.stderr, f"an empty folder: {done.stderr}")


def trial_list(h):
    build(6, 4)
    lines = [f"people/p{a}/{i}.wav people/p{b}/{j}.wav {int(a == b)}" for a in (4, 5) for b in (4, 5) for i in (0, 1) for j in (2, 3)]
    h.write("trials.txt", "# pairs\n\n" + "\n".join(lines) + "\n")
    run_files(h, 0, '"people/p[0-3]"', ", trials: trials.txt")
    row = h.show("files.h5")[0]
    h.write("trials.txt", "\n".join(f"{'target' if x.split()[2] == '1' else 'nontarget'} {' '.join(x.split()[:2])}" for x in lines))
    run_files(h, 0, '"people/p[0-3]"', ", trials: trials.txt")
    h.check(h.show("files.h5")[0]["eer"] == row["eer"], "the label may come first, and have another name")
    for text, wanted in (("people/p4/0.wav people/p9/0.wav 1\n", ["trials.txt:1", "people/p9/0.wav"]), (lines[0] + "\na b\n", ["trials.txt:2"]),
                         ("# none\n", ["pairs"]), ("\n".join(x for x in lines if x.endswith("1")), ["trials.txt", "8 and 0"]), (lines[0] + "\n" + lines[1] + " more\n", ["trials.txt:2"])):
        h.write("trials.txt", text)
        done = run_files(h, 2, '"people/p[0-3]"', ", trials: trials.txt")
        for word in wanted:
            h.check(word in done.stderr, f"{text!r}: the error lacks {word!r}: {done.stderr}")
    done = run_files(h, 2, '"people/p[0-3]"', ", trials: no.txt")
    h.check("no.txt" in done.stderr, f"a missing list: {done.stderr}")
    done = h.run("run", "job.yaml", "-n", 1, "-o", "clips.h5", "--set", "data.trials=trials.txt", "--set", "evaluate.clips=4", expect=2)
    h.check("evaluate.clips: a list of pairs has one recording a side" in done.stderr, done.stderr)
    known_data(h, lines)


def known_data(h, lines):
    """A list is data: it is known again, and so are its recordings."""
    h.write("trials.txt", "\n".join(lines))
    done = run_files(h, 0, "people", ", trials: trials.txt")
    h.check("16 of its 16" not in done.stderr and "8 of its 8 recordings are in data.speakers" in done.stderr, f"a warning: {done.stderr}")
    h.check("0 stages run" in h.run("run", "job.yaml", "-n", 1, "-o", "files.h5").stderr, "the same list: nothing to do")
    h.write("trials.txt", "\n".join(lines[:-1]))
    done = h.run("run", "job.yaml", "-n", 1, "-o", "files.h5", expect=2)
    h.check("trials.txt was" in done.stderr, f"another list is other data: {done.stderr}")


def dropout(h):
    """A side that two ranks meet is dropped out alike by both: groups agree to rounding."""
    job = VOICES.replace("pooling: statistics", "pooling: statistics, dropout: 0.4")
    job = job.replace("epochs: 6, batch: 32, pairs: 1200", "epochs: 1, batch: 12, pairs: 60, squares: true, reduction: fast")
    h.write("job.yaml", job + "resources: {threads_per_rank: 1}\n")
    losses = []
    for ranks in (1, 2):
        h.run("run", "job.yaml", "-n", ranks + 1, "-o", f"drop{ranks}.h5", "--set", f"resources.ranks_per_trial={ranks}")
        with h5py.File(f"drop{ranks}.h5") as f:
            losses.append(f["metrics"]["train_loss"][0])
    h.check(abs(losses[0] - losses[1]) < 1e-4 * losses[0], f"one rank and two: {losses}")


def learns(h):
    h.write("voices.yaml", VOICES)
    h.run("run", "voices.yaml", "-n", 1, "-o", "voices.h5")
    row = h.show("voices.h5")[0]
    h.check(row["eer"] < 0.3 and row["auc"] > 0.75, f"it learns to tell voices apart: {row['eer']:.3f}")
    with h5py.File("voices.h5") as f:
        epochs = f["metrics"]["train_loss"]
        h.check(np.isfinite(epochs).all() and epochs[-1] < epochs[0], f"the loss falls: {epochs}")


def artifact(f, trial_stage, name):
    row = next(r for r in f["artifacts"][:] if r["stage"] == trial_stage and r["name"].decode() == name)
    with open(os.path.join(os.path.dirname(os.path.abspath(f.filename)), row["file"].decode()), newline="") as file:
        return list(csv.DictReader(file))


def rates(scores, same):
    """Misses and false alarms at each score, from the highest on."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(same[order])
    return 1 - hits / same.sum(), np.cumsum(~same[order]) / (~same).sum()


def tables(h):
    h.write("low.yaml", LOW_RANK)
    done = h.run("run", "low.yaml", "-n", 1, "-o", "low.h5")
    h.check("8 stages run" in done.stderr, f"one training, one SVD, two truncations, four tests: {done.stderr}")
    by_case = {(row["evaluate.clips"], str(row["svd.rank"] or "full")): row for row in h.show("low.h5")}
    h.check(len(by_case) == 4 and by_case[1, "6"]["parameters"] < by_case[1, "full"]["parameters"], f"{by_case}")
    h.check(by_case[1, "6"]["energy"] < 1 == by_case[1, "full"]["energy"], "what truncation leaves out")
    h.check(by_case[2, "full"]["yardstick_eer"] != by_case[1, "full"]["yardstick_eer"], "two clips are another test")
    with h5py.File("low.h5") as f:
        tests = [s["stage"] for s in f["stages"][:] if s["kind"] == b"verify-test"]
        for stage in tests:
            row = next(r for r in h.show("low.h5") if r["stage"] == stage)
            check_tables(h, f, stage, row)
    h.run("verify", "low.h5")
    h.run("speaker", "--model", "low.h5:3", "voice.wav", "voice.wav")


def check_tables(h, f, stage, row):
    embeddings, pairs = artifact(f, stage, "embeddings.csv"), artifact(f, stage, "scores.csv")
    h.check(len(embeddings) == 6 * 8 and list(embeddings[0])[:4] == ["speaker", "file", "start", "e1"], f"{list(embeddings[0])}")
    scores, same = np.array([float(p["score"]) for p in pairs]), np.array([p["same"] == "1" for p in pairs])
    misses, alarms = rates(scores, same)
    at = np.argmax(misses <= alarms)
    h.check(len(pairs) == 600 and abs(alarms[at] - row["eer"]) < 0.02, f"the scores give the error rate: {alarms[at]}, {row['eer']}")
    for p in pairs[:20]:
        speakers = {embeddings[int(i)]["speaker"] for side in (p["a"], p["b"]) for i in side.split("+")}
        h.check((len(speakers) == 1) == (p["same"] == "1") and p["a"].count("+") == row["evaluate.clips"] - 1, f"{p}: {speakers}")
    detection = f[f"plots/detection_error_stage_{stage}_detection"]
    miss, alarm = detection["detection_error"][:], detection["false_alarm"][:]
    h.check(miss[0] == 1 and alarm[0] == 0 and miss[-1] == 0 and alarm[-1] == 1, "from nothing accepted to everything")
    h.check((np.diff(miss) <= 0).all() and (np.diff(alarm) >= 0).all(), "one error falls as the other rises")
    for kind in ("one_speaker", "two_speakers"):
        plot = f[f"plots/scores_of_{kind}_stage_{stage}_scores"]
        wanted, _ = np.histogram(scores[same == (kind == "one_speaker")], len(plot["score"]), (0, 1))
        h.check(np.allclose(plot[plot.attrs["signal"]][:], wanted / wanted.sum(), atol=0.01), f"histogram of {kind}")


def command(h):
    for name, hertz in (("low", 140), ("low2", 143), ("high", 420)):
        put(f"{name}.wav", wav(tone(hertz, 0.8)))
    first = h.run("speaker", "--model", "voices.h5", "low.wav", "low.wav").stdout.splitlines()
    same = float(first[0])
    other = float(h.run("speaker", "--model", "voices.h5:0", "low.wav", "high.wav").stdout.splitlines()[0])
    h.check(same > other, f"a recording is most like itself: {same}, {other}")
    h.check("speaker" in first[1] and "threshold" in first[1], f"then the decision and its threshold: {first}")
    turned = float(h.run("speaker", "--model", "voices.h5", "high.wav", "low.wav").stdout.splitlines()[0])
    h.check(turned == other, "the order does not matter")
    lines = h.run("speaker", "--model", "voices.h5", "--enroll", "x=high.wav", "--enroll", "y=low.wav,low2.wav",
                  "--identify", "low.wav").stdout.splitlines()
    h.check(len(lines) == 2 and float(lines[0].split()[0]) >= float(lines[1].split()[0]), f"the likeliest first: {lines}")
    for arguments, wanted in ((["low.wav"], "two recordings"), (["low.wav", "nobody.wav"], "nobody.wav"),
                              (["--identify", "low.wav"], "--enroll"), (["--enroll", "x", "--identify", "low.wav"], "NAME=FILE"),
                              (["", "low.wav"], "expected a recording"), (["--enroll", "n=,", "--identify", "low.wav"], "expected a recording"),
                              (["--threshold", "high", "low.wav", "low.wav"], "--threshold")):
        done = h.run("speaker", "--model", "voices.h5", *arguments, expect=2)
        h.check(wanted in done.stderr, f"{arguments}: {done.stderr}")


def main():
    h = Harness()
    corpora(h)
    trial_list(h)
    learns(h)
    put("voice.wav", wav(tone(200, 0.8)))
    tables(h)
    command(h)
    dropout(h)
    h.finish()


if __name__ == "__main__":
    main()
