"""Which files stay beside the results: every policy of `checkpoint.keep`, sweeps that are continued and extended, files that
were removed, deleted, damaged or left over.

usage: keep_test.py PROGRAM DIRECTORY
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from harness import MEASURED, Harness

try:
    import h5py
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """name: keep
experiment: svd-compress
data: {source: digits, train: 600, test: 200}
model: {hidden: [48, 32]}
train: {epochs: 3, batch: 64}
checkpoint: {every: 1 epoch, least_seconds: 0}
sweep:
  space: {train.lr: [0.0005, 0.002, 0.004], svd.rank: [2, 4, 8, full]}
  objectives: {test_accuracy: max, parameters: min}
resources: {threads_per_rank: 1}
"""
LONG = """name: long
experiment: svd-compress
data: {source: digits, train: 4000, test: 200}
model: {hidden: [128, 96]}
train: {epochs: 30, batch: 50, schedule: cosine}
checkpoint: {every: "1 epoch, 10 steps", least_seconds: 0}
svd: {rank: 8}
resources: {threads_per_rank: 1}
"""
LR, RANKS, STAGES = 3, 4, 3 + 3 + 12
OUTPUT, RESUME, STEP = (re.compile(r"[0-9a-f]{32}" + end) for end in (r"\.h5", r"\.[ab]\.h5", r"\.step\d+\.h5"))


def files(results, kind=None):
    """Names in the folder beside RESULTS, those of one KIND."""
    folder = results[:-3] + ".ckpt"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [name for name in names if kind is None or kind.fullmatch(name)]


def run(h, results, *options, job="keep.yaml", keep=None, expect=0):
    policy = ["--set", f"checkpoint.keep={keep}"] if keep else []
    return h.run("run", job, "-n", 1, "-o", results, *policy, *options, expect=expect)


def verified(h, results):
    """Numbers of what verify has checked."""
    return json.loads(h.run("verify", results, "--json").stdout)["checked"]


def rows(results, table):
    with h5py.File(results) as f:
        return f[table][:]


def models(results):
    """Trials in /models; each link must lead somewhere."""
    with h5py.File(results) as f:
        return sorted(int(t) for t in f["models"] if len(f["models"][t]) > 0) if "models" in f else []


def best(results, k):
    trials = rows(results, "trials")
    order = sorted(range(len(trials)), key=lambda t: (-trials["test_accuracy"][t], t))
    return sorted(order[:k])


def identities(results, kind):
    stages = rows(results, "stages")
    return [s["identity"].decode() for s in stages if s["kind"].decode() == kind]


def check_policies(h):
    """What is there when a sweep has ended."""
    expected = {"final": (STAGES, 0, 12), "last 2": (STAGES, 2 * LR, 12), "best 2": (2, 0, 2), "none": (0, 0, 0),
                "best 50": (12, 0, 12)}
    for keep, (outputs, steps, kept) in expected.items():
        name = keep.replace(" ", "") + ".h5"
        run(h, name, keep=keep)
        h.check(len(files(name, OUTPUT)) == outputs, f"{keep}: {len(files(name, OUTPUT))} outputs, not {outputs}")
        h.check(len(files(name, STEP)) == steps, f"{keep}: {files(name, STEP)}, not {steps} checkpoints")
        h.check(len(files(name)) == outputs + steps, f"{keep}: nothing else is there: {files(name)}")
        h.check(models(name) == best(name, kept), f"{keep}: models of {models(name)}, not of {best(name, kept)}")
        checked = verified(h, name)
        h.check(checked["checkpoints"] == outputs + steps, f"{keep}: verify looks at all of them: {checked}")
        text = run(h, name, keep=keep).stderr
        h.check("0 stages run" in text, f"{keep}: a second start runs nothing: {text}")
        h.check(len(files(name)) == outputs + steps, f"{keep}: a second start changes no file")
        verified(h, name)
        h.run("pack", name, "-o", name[:-3] + "-packed.h5")
        for column in rows(name, "trials").dtype.names:
            if column not in MEASURED:
                h.check((rows(name, "trials")[column] == rows("final.h5", "trials")[column]).all(),
                        f"{keep}: {column} as under final")


def check_last(h):
    """The last checkpoints are whole, and those of the last steps."""
    steps = {}
    for name in files("last2.h5", STEP):
        identity, step = re.fullmatch(r"(.{32})\.step(\d+)\.h5", name).groups()
        steps.setdefault(identity, []).append(int(step))
        with h5py.File(f"last2.ckpt/{name}") as f:
            h.check(f.attrs["format"] == b"ranksweep-checkpoint" and "optimizer" in f["model"], f"{name} can be opened")
            h.check(json.loads(f.attrs["state"])["done"] == int(step), f"{name} is of its step")
    h.check(sorted(steps) == sorted(identities("last2.h5", "mlp-train")), "every training has some")
    h.check(all(sorted(found) == [10, 20] for found in steps.values()), f"of the last two epochs: {steps}")
    shutil.copytree("last2.ckpt", "damaged.ckpt")
    for suffix in (".h5", ".journal"):
        shutil.copy("last2" + suffix, "damaged" + suffix)
    flip(f"damaged.ckpt/{files('last2.h5', STEP)[0]}")
    h.check("checksum" in h.run("verify", "damaged.h5", expect=2).stdout, "verify finds a damaged one")


def check_peak(h):
    """How many outputs there are at any time of a run."""
    job = h.write("peak.yaml", JOB.replace("train: 600", "train: 3000").replace("[48, 32]", "[96, 64]"))
    workers, k, most = 2, 2, 0
    with subprocess.Popen([h.program, "run", job, "-n", "3", "-o", "peak.h5", "--set", f"checkpoint.keep=best {k}"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, len(files("peak.h5", OUTPUT)))
            time.sleep(0.002)
    h.check(process.returncode == 0 and len(files("peak.h5")) == k, f"best {k} of 12 leaves {files('peak.h5')}")
    # Each worker's stage and its parent, the best, and the few that wait for the journal.
    h.check(0 < most <= 2 * workers + k + 8, f"{most} outputs at once")
    print(f"best {k} of 12 on {workers} workers: {most} outputs at once", flush=True)


def same_rows(h, before, after, what):
    """Trials and metrics of BEFORE are in AFTER, to the byte, whatever ran again."""
    for table in ("trials", "metrics"):
        h.check(before[table].tobytes() in after[table].tobytes() if before[table].dtype == after[table].dtype
                else False, f"{what}: /{table} as before")


def check_extended(h):
    """More trials on what is done: what they need and is gone runs again, and nothing else."""
    small, large = ["--set", "sweep.space={train.lr: [0.002], svd.rank: [2, 4]}"], \
                   ["--set", "sweep.space={train.lr: [0.002], svd.rank: [2, 4, 8]}"]
    for keep, again in (("none", 3), ("best 1", 3), ("final", 1)):
        name = "more" + keep.replace(" ", "") + ".h5"
        run(h, name, *small, keep=keep)
        before = {table: rows(name, table) for table in ("trials", "metrics")}
        text = run(h, name, *large, keep=keep).stderr
        h.check(f"{again} stages run" in text, f"{keep}: {again} stages for one more trial: {text}")
        h.check(text.count("runs again") == again - 1, f"{keep}: says what runs again: {text}")
        same_rows(h, before, {table: rows(name, table) for table in before}, keep)
        h.check((rows(name, "trials")["state"] == b"done").all(), f"{keep}: all done")
        verified(h, name)
        text = run(h, name, *large, keep=keep).stderr
        h.check("0 stages run" in text, f"{keep}: then all is done: {text}")
    h.check(files("morenone.h5") == [] and models("morebest1.h5") == best("morebest1.h5", 1), "the policies hold")
    full = run(h, "calm.h5", *large, keep="final")
    h.check("5 stages run" in full.stderr, full.stderr)
    for name in ("morenone.h5", "morefinal.h5"):
        for column in rows(name, "trials").dtype.names:
            h.check(column in MEASURED or (rows(name, "trials")[column] == rows("calm.h5", "trials")[column]).all(),
                    f"{name}: {column} as in one go")


def check_deleted(h):
    """Files that someone has deleted."""
    shape = ["--set", "sweep.space={train.lr: [0.002], svd.rank: [2, 4]}"]
    run(h, "hand.h5", *shape)
    train, svd = identities("hand.h5", "mlp-train")[0], identities("hand.h5", "mlp-svd")[0]
    model = identities("hand.h5", "svd-evaluate")[0]
    before = {table: rows("hand.h5", table) for table in ("trials", "metrics")}
    os.remove(f"hand.ckpt/{train}.h5")
    os.remove(f"hand.ckpt/{model}.h5")
    text = run(h, "hand.h5", *shape).stderr
    h.check("0 stages run" in text and text.count("is missing") == 2, f"what nothing needs does not run again: {text}")
    h.check(models("hand.h5") == [1], f"/models has what is there: {models('hand.h5')}")
    h.check("cannot open" in h.run("verify", "hand.h5", expect=2).stdout, "verify misses them")
    more = ["--set", "sweep.space={train.lr: [0.002], svd.rank: [2, 4, 8]}"]
    h.check("1 stages run" in run(h, "hand.h5", *more).stderr, "a grandparent is not needed")
    os.remove(f"hand.ckpt/{svd}.h5")
    more = ["--set", "sweep.space={train.lr: [0.002], svd.rank: [2, 4, 8, 16]}"]
    text = run(h, "hand.h5", *more).stderr
    h.check("3 stages run" in text, f"the parent and what it needs run again: {text}")
    same_rows(h, before, {table: rows("hand.h5", table) for table in before}, "deleted")
    h.check(models("hand.h5") == [1, 2, 3], f"{models('hand.h5')}")


def check_changed_policy(h):
    """A stricter policy on results that are there removes; a laxer one brings nothing back."""
    shutil.copytree("final.ckpt", "strict.ckpt")
    for suffix in (".h5", ".journal"):
        shutil.copy("final" + suffix, "strict" + suffix)
    for keep, kept in (("best 3", 3), ("best 1", 1), ("final", 1), ("none", 0)):
        h.check("0 stages run" in run(h, "strict.h5", keep=keep).stderr, f"{keep}: nothing runs")
        h.check(len(files("strict.h5")) == kept, f"{keep}: {files('strict.h5')}")
        h.check(models("strict.h5") == best("strict.h5", kept), f"{keep}: models of {models('strict.h5')}")
        verified(h, "strict.h5")


def check_leftovers(h):
    """What a start removes, and what it does not."""
    shutil.copytree("best2.ckpt", "left.ckpt")
    for suffix in (".h5", ".journal"):
        shutil.copy("best2" + suffix, "left" + suffix)
    removed, kept = identities("left.h5", "mlp-train")[0], files("left.h5")[0]
    stranger = "0" * 32
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    ours = [f"{removed}.h5", f"{removed}.a.h5", f"{stranger}.h5", f"{stranger}.b.h5", f"{stranger}.step7.h5",
            f"{kept}.tmp.{dead.pid}", f"{stranger}.txt", f"{kept[:32]}.x.wav.tmp.{dead.pid}"]
    theirs = ["notes.txt", f"{kept[:32]}.x.wav", f"{stranger}.h5.bak", "A" * 32 + ".h5", f"{stranger}.c.h5",
              f"{kept}.tmp.{os.getpid()}", f"{removed}.step3.h5", "x.h5.tmp.1"]
    for name in ours + theirs:
        h.write(f"left.ckpt/{name}", "left over")
    os.remove(f"left.ckpt/{removed}.step3.h5")
    shutil.copy(f"left.ckpt/{kept}", f"left.ckpt/{removed}.step3.h5")
    text = run(h, "left.h5", keep="best 2").stderr
    h.check(f"removed {len(ours)} files that were left over" in text, text)
    h.check(files("left.h5") == sorted(theirs + files("best2.h5")), f"{files('left.h5')}")
    verified(h, "left.h5")


def flip(path):
    """Change a byte in the middle of a tensor."""
    with h5py.File(path) as f:
        tensors = []
        f["model"].visititems(lambda _, o: tensors.append(o.id) if isinstance(o, h5py.Dataset) else None)
        offset, size = tensors[len(tensors) // 2].get_offset(), tensors[len(tensors) // 2].get_storage_size()
    with open(path, "r+b") as file:
        file.seek(offset + size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x10]))


def step_of(path):
    with h5py.File(path) as f:
        return json.loads(f.attrs["state"])["done"]


def kill_between_checkpoints(h, results):
    """A run that is killed when it has both of its checkpoints; these, the newest last."""
    with subprocess.Popen([h.program, "run", "long.yaml", "-n", "1", "--max-restarts", "0", "-o", results],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.time() + 30
        while len(files(results, RESUME)) < 2 and time.time() < deadline:
            time.sleep(0.002)
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    pair = [f"{results[:-3]}.ckpt/{name}" for name in files(results, RESUME)]
    h.check(len(pair) == 2, f"both checkpoints are there: {pair}")
    return sorted(pair, key=step_of)


def everything(results):
    with h5py.File(results) as f:
        found = {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names
                 if c not in MEASURED | {"attempts"}}
        f["models/0"].visititems(lambda n, d: found.__setitem__(n, d[:].tobytes()) if isinstance(d, h5py.Dataset)
                                 else None)
        return found


def check_damaged(h):
    """A damaged newest checkpoint is noticed and the one before it used; without a whole one the stage starts over."""
    h.write("long.yaml", LONG)
    run(h, "quiet.h5", job="long.yaml")
    quiet = everything("quiet.h5")
    for damaged in (0, 1, 2):
        name = f"damaged{damaged}.h5"
        pair = kill_between_checkpoints(h, name)
        for path in pair[2 - damaged:]:
            flip(path)
        text = run(h, name, job="long.yaml").stderr
        h.check((f"{damaged} damaged checkpoint(s) passed over" in text) == (damaged > 0), f"{damaged}: {text[-600:]}")
        first = re.search(r"mlp-train \(stage 0\) epoch (\d+):", text)
        h.check(first is not None, "rows are told again")
        h.check(everything(name) == quiet, f"{damaged} damaged: the numbers of a run that nobody disturbed")
        h.check(files(name, RESUME) == [], f"{damaged}: checkpoints go at the end")
        verified(h, name)


def check_killed(h):
    """Killed at any moment under `none`, a sweep goes on and ends as it should."""
    job = h.write("kill.yaml", JOB.replace("train: 600", "train: 2000"))
    calm = None
    for attempt in range(4):
        name = f"killed{attempt}.h5"
        for delay in [0.05 * (attempt + 1)] * 3 if attempt > 0 else []:
            with subprocess.Popen([h.program, "run", job, "-n", "1", "--max-restarts", "0", "-o", name, "--set",
                                   "checkpoint.keep=best 2"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                process.wait()
            if os.path.exists(name):
                verified(h, name)
                models(name)
        run(h, name, job=job, keep="best 2")
        found = {c: rows(name, "trials")[c].tobytes() for c in rows(name, "trials").dtype.names if c not in MEASURED}
        calm = calm or found
        h.check(found == calm, f"{name}: as if nothing had happened")
        h.check(len(files(name)) == 2 and models(name) == best(name, 2), f"{name}: {files(name)}")
        verified(h, name)


def check_settings(h):
    """Wrong texts are refused with their place."""
    for key, value, words in (("every", "5", "60 s"), ("every", "0 epochs", "1 epoch"), ("every", "1 week", "10 min"),
                              ("keep", "all", "best K"), ("keep", "last", "last K"), ("keep", "best -1", "best K")):
        job = h.write("wrong.yaml", JOB.replace("checkpoint: {", f"checkpoint: {{{key}: \"{value}\", #\n ")
                      .replace("every: 1 epoch, ", "" if key == "every" else "every: 1 epoch, "))
        text = h.run("run", job, expect=2).stderr
        h.check("wrong.yaml:6" in text and f"checkpoint.{key}: expected" in text and words in text
                and f"got `{value}`" in text, text)
    job = h.write("wrong.yaml", JOB.replace("  objectives", "  # objectives"))
    text = h.run("run", job, "--set", "checkpoint.keep=best 2", expect=2).stderr
    h.check("--set checkpoint.keep=best 2" in text and "needs an objective" in text, text)
    for every, steps in (("never", []), ("15 steps, 2 epochs", [15]), ("1 h", []), ("2 epochs,9 steps", [9, 18, 27])):
        name = "every.h5"
        run(h, name, "--fresh", "--set", f"checkpoint.every={every}", "--set", "sweep.max_trials=1", keep="last 9")
        found = sorted(int(re.search(r"step(\d+)", f).group(1)) for f in files(name, STEP))
        h.check(found == steps, f"{every}: checkpoints at {found}, not {steps}")


def main():
    h = Harness()
    h.write("keep.yaml", JOB)
    for part in (check_settings, check_policies, check_last, check_peak, check_extended, check_deleted,
                 check_changed_policy, check_leftovers, check_damaged, check_killed):
        part(h)
    h.finish()


if __name__ == "__main__":
    main()
