"""Shares of a job, joined: the results are those of one run.

usage: merge_test.py PROGRAM DIRECTORY
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import h5py

from harness import MEASURED, Harness
from sounds import put, tone, wav

JOB = """
name: whole
experiment: svd-compress
data: {{source: digits, train: 400, test: 200}}
model: {{hidden: [24]}}
train: {{epochs: {epochs}, batch: 64}}
checkpoint: {{keep: {keep}}}
sweep: {{{sweep}}}
"""
GRID = "space: {train.lr: [0.001, 0.003, 0.01], svd.rank: [2, 4, 8]}, objectives: {test_accuracy: max}"
SPEECH = """
name: speech
experiment: speaker-verification
data: {source: speech, path: data, speakers: [speech], test: 2, window: 256, hop: 128}
model: {gru: [8], embedding: 8}
train: {epochs: 1, batch: 4, pairs: 16}
evaluate: {trials: 20}
sweep: {space: {train.lr: [0.001, 0.002]}}
"""
LIST = "strategy: list, trials: [{svd.rank: 2}, {svd.rank: 4, train.lr: 0.01}, {svd.rank: full}]"
PLACES = {"time", "command", "host", "hosts", "mpi_ranks", "threads"}


def write(h, name, sweep=GRID, epochs=2, keep="final"):
    return h.write(f"{name}.yaml", JOB.format(sweep=sweep, epochs=epochs, keep=keep))


def share(h, job, which, *args, expect=0, folder="shares"):
    path = f"{folder}/{which.replace('/', '-of-')}.h5"
    return path, h.run("run", job, "-n", 1, "--share", which, "-o", path, *args, expect=expect)


def shares(h, job, n, folder):
    return [share(h, job, f"{i}/{n}", folder=folder)[0] for i in range(1, n + 1)]


def leaf(item):
    return [item[()].tobytes()] + [f"{k}={v}" for k, v in sorted(item.attrs.items())]


def everything(path):
    """All that a results file says but times and places; tensors of models and plots with it."""
    out = {}
    with h5py.File(path) as f:
        for table in ("trials", "stages", "metrics"):
            for column in f[table].dtype.names:
                if column not in MEASURED:
                    out[f"{table}.{column}"] = f[table][column].tobytes()
        if "artifacts" in f:
            out["artifacts"] = len(f["artifacts"])
        out["job"] = [f["job/yaml"][()], f["job/resolved"][()]]
        out["models"] = sorted(f["models"])
        for trial in f["models"]:
            f["models"][trial].visititems(
                lambda name, item, trial=trial: out.update({f"model {trial}/{name}": leaf(item)})
                if isinstance(item, h5py.Dataset) else None)
        out["plots"] = sorted(f["plots"])
        for name, plot in f["plots"].items():
            if isinstance(plot, h5py.Group):
                out[f"plot {name}"] = {k: plot[k][()].tobytes() for k in sorted(plot)}
        out["root"] = [f.attrs[k] for k in ("state", "job_name", "experiment")] + ["share" in f.attrs]
    return out


def same(h, a, b, what):
    x, y = everything(a), everything(b)
    differ = sorted(k for k in x.keys() | y.keys() if x.get(k) != y.get(k))
    h.check(not differ, f"{what}: {a} and {b} differ in {differ}")


def provenance(path):
    with h5py.File(path) as f:
        return sorted(f["provenance"]["command"].tolist())


def files(folder):
    """Every file below FOLDER with its bytes."""
    out = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                out[os.path.join(where, name)] = file.read()
    return out


def nothing_left(h, folder, what):
    h.check(not [f for f in os.listdir(folder) if ".tmp." in f], f"{what}: nothing is left behind: {os.listdir(folder)}")


def test_whole(h, job):
    h.run("run", job, "-n", 1, "-o", "alone/whole.h5")
    text = h.run("plan", job, "--share", "2/3").stdout
    h.check("share 2/3" in text and text.count("\ntrial ") == 3, f"the plan of a share: {text}")
    parts = shares(h, job, 3, "shares")
    numbers = [[t["trial"] for t in h.show(p)] for p in parts]
    h.check(sorted(sum(numbers, [])) == list(range(9)), f"trials are shared out: {numbers}")
    h.check(all(len(n) == 3 for n in numbers), f"evenly: {numbers}")
    for p in parts:
        with h5py.File(p) as f:
            h.check(f.attrs["share"] == f"{p[7]}/3" and len(f["stages"]) == 5, f"{p}: one training of its own")
        h.run("verify", p)
    h.check("share 1/3" in h.run("status", parts[0]).stdout, "status tells the share")
    before = files("shares")
    done = h.run("merge", "-o", "merged/whole.h5", parts[2], parts[0], parts[1])
    h.check("9 of 9 trials done" in done.stderr and "missing" not in done.stderr, done.stderr)
    h.check(files("shares") == before, "shares stay as they are")
    same(h, "merged/whole.h5", "alone/whole.h5", "merged")
    h.check(provenance("merged/whole.h5") == sorted(sum((provenance(p) for p in parts), [])), "all starts are told of")
    h.check("all is well" in h.run("verify", "merged/whole.h5").stdout, "verify finds no fault")
    nothing_left(h, "merged", "merge")
    linked = [f for f in os.listdir("merged/whole.ckpt") if os.stat(f"merged/whole.ckpt/{f}").st_nlink == 2]
    h.check(len(linked) == len(os.listdir("merged/whole.ckpt")), "files are had in common")
    text = h.run("run", job, "-n", 1, "-o", "merged/whole.h5").stderr
    h.check("0 stages run" in text, f"nothing is done again: {text}")
    same(h, "merged/whole.h5", "alone/whole.h5", "continued")
    return parts


def test_missing(h, job, parts):
    done = h.run("merge", "-o", "missing.h5", parts[0], parts[2])
    h.check("missing of 3 shares: 2" in done.stderr and "3 trials are still to be done" in done.stderr, done.stderr)
    with h5py.File("missing.h5") as f:
        h.check(f.attrs["state"] == "interrupted" and len(f["trials"]) == 9, "trials of missing shares are pending")
    h.run("verify", "missing.h5")
    text = h.run("run", job, "-n", 1, "-o", "missing.h5").stderr
    h.check("5 stages run" in text, f"the rest is done: {text}")
    same(h, "missing.h5", "alone/whole.h5", "missing share")


def refused(h, word, *args):
    before = files(".")
    done = h.run("merge", *args, expect=2)
    h.check(word in done.stderr, f"{args}: expected \"{word}\": {done.stderr}")
    after = files(".")
    h.check(before.keys() == after.keys() and before == after, f"{args}: nothing is changed: {before.keys() ^ after.keys()}")


def test_refusals(h, job, parts):
    other = write(h, "other", epochs=1)
    wrong = share(h, other, "2/3", folder="wrong")[0]
    halves = share(h, job, "2/2", folder="wrong")[0]
    fewer = share(h, job, "2/3", "--set", "sweep.space={train.lr: [0.001, 0.003, 0.01], svd.rank: [2, 4]}", folder="fewer")[0]
    shutil.copytree("shares", "again")
    again, journal, folder = "again/2-of-3.h5", "again/2-of-3.journal", "again/2-of-3.ckpt"
    refused(h, "settings there and here", "-o", "x.h5", parts[0], wrong)
    refused(h, "train.epochs: 2 and 1", "-o", "x.h5", parts[0], wrong)
    refused(h, "shares of equal number", "-o", "x.h5", parts[0], halves)
    refused(h, "other trials", "-o", "x.h5", parts[0], fewer)
    refused(h, "both are share 2/3", "-o", "x.h5", *parts, again)
    refused(h, "both are share 1/3", "-o", "x.h5", parts[0], parts[0])
    refused(h, "run without --share", "-o", "x.h5", parts[0], "alone/whole.h5")
    refused(h, "nowhere.h5", "-o", "x.h5", parts[0], "nowhere.h5")
    refused(h, "exists and is not overwritten", "-o", "alone/whole.h5", *parts)
    refused(h, "is one of the shares", "-o", parts[0], *parts)
    refused(h, "is one of the shares", "--force", "-o", parts[0], *parts)
    refused(h, "which results to make", *parts)
    refused(h, "which results of shares", "-o", "x.h5")
    refused(h, "is a directory", "-o", "shares", *parts)
    output = f"{folder}/{sorted(os.listdir(folder))[0]}"
    with h5py.File(output) as f:
        tensors = []
        f["model"].visititems(lambda _, item: tensors.append(item.id.get_offset()) if isinstance(item, h5py.Dataset) else None)
    with h5py.File(again) as f:
        yaml = f["job/yaml"].id.get_offset()
    for path, at in ((output, tensors[0]), (journal, 300), (again, yaml)):
        damage(h, path, at, parts[0], again)
    os.rename(output, "away")
    refused(h, "is missing", "-o", "x.h5", parts[0], again)
    os.rename("away", output)
    h.run("pack", again)
    refused(h, "is packed", "-o", "x.h5", parts[0], "again/2-of-3.packed.h5")
    os.rename(journal, "away")
    refused(h, journal, "-o", "x.h5", parts[0], again)
    os.rename("away", journal)
    h.run("merge", "--force", "-o", "merged/whole.h5", parts[0], again, parts[2])
    h.check(len([f for f in os.listdir("merged") if f.startswith("whole.h5.")]) == 1, f"moved aside: {os.listdir('merged')}")
    same(h, "merged/whole.h5", "alone/whole.h5", "by force")


def damage(h, path, at, *inputs):
    """Refuses, naming the file, while a few bytes of PATH are wrong."""
    with open(path, "rb") as file:
        sound = file.read()
    with open(path, "wb") as file:
        file.write(sound[:at] + bytes(255 - b for b in sound[at:at + 40]) + sound[at + 40:])
    refused(h, path, "-o", "x.h5", *inputs)
    with open(path, "wb") as file:
        file.write(sound)


def test_continuing(h, job, parts):
    """Results of a share are continued by that share alone."""
    before = files("shares")
    for args in (("--share", "2/3"), ("--share", "1/2"), ()):
        text = h.run("run", job, "-n", 1, "-o", parts[0], *args, expect=2).stderr
        h.check("share 1/3 of its job" in text, f"{args}: {text}")
    before_alone = files("alone")
    text = h.run("run", job, "-n", 1, "-o", "alone/whole.h5", "--share", "1/3", expect=2).stderr
    h.check("a whole job" in text, text)
    h.check(files("shares") == before and files("alone") == before_alone, "nothing is changed")
    text = h.run("run", job, "-n", 1, "-o", parts[0], "--share", "1/3").stderr
    h.check("0 stages run" in text, text)
    for bad in ("0/3", "4/3", "1", "1/", "/3", "a/b", "1/3x", "-1/3", "1/0", "", "1/5000", "1 /3", "99999999999/99999999999"):
        for command in ("run", "plan"):
            h.check("expected share I/N" in h.run(command, job, "--share", bad, expect=2).stderr, f"{command} --share {bad}")


def test_killed(h):
    job = write(h, "long", epochs=90)
    h.run("run", job, "-n", 1, "-o", "killed/alone.h5")
    path, other = "killed/1-of-2.h5", share(h, job, "2/2", folder="killed")[0]
    run = subprocess.Popen([h.program, "run", job, "-n", "1", "--max-restarts", "0", "--share", "1/2", "-o", path],
                           stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.01)
    text = h.run("merge", "-o", "killed/all.h5", path, other, expect=None).stderr
    h.check(run.poll() is not None or "is under way" in text, f"a run under way is not joined: {text}")
    run.send_signal(signal.SIGKILL)
    h.check(run.wait() != 0, "it was killed before its end")
    done = h.run("merge", "-o", "killed/early.h5", path, other)
    h.run("verify", "killed/early.h5")
    h.run("run", job, "-n", 1, "-o", "killed/early.h5")
    same(h, "killed/early.h5", "killed/alone.h5", f"killed, merged, continued: {done.stderr}")
    share(h, job, "1/2", folder="killed")
    h.run("merge", "-o", "killed/all.h5", path, other)
    same(h, "killed/all.h5", "killed/alone.h5", "killed, continued, merged")


def test_kill_merge(h, parts):
    """A merge that is killed leaves nothing that could be taken for results."""
    for point in ("append:5", "rename:1", "rename@dead/all.ckpt:1", "rename@dead/all.h5:2", "rename@dead/all.journal:1"):
        shutil.rmtree("dead", ignore_errors=True)
        done = h.run("merge", "-o", "dead/all.h5", *parts, expect=None, env={"RANKSWEEP_KILL_AT": point})
        h.check(done.returncode != 0 and not os.path.exists("dead/all.h5"), f"{point}: {done.returncode} {os.listdir('dead')}")
        h.run("merge", "--force", "-o", "dead/all.h5", *parts)
        same(h, "dead/all.h5", "alone/whole.h5", point)


def test_other_disk(h, parts):
    """Where there can be no links, files are copied."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(".").st_dev:
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        h.run("merge", "-o", f"{folder}/all.h5", *parts)
        h.run("verify", f"{folder}/all.h5")
        same(h, f"{folder}/all.h5", "alone/whole.h5", "on another disk")


def test_shapes(h):
    job = write(h, "list", sweep=LIST)
    h.run("run", job, "-n", 1, "-o", "list/alone.h5")
    parts = shares(h, job, 5, "list")
    h.check([len(h.show(p)) for p in parts] == [1, 1, 1, 0, 0], "more shares than trials")
    text = share(h, job, "5/5", folder="list")[1].stderr
    h.check("share 5/5 has none of the 3 trials" in text, text)
    h.run("merge", "-o", "list/all.h5", *parts)
    same(h, "list/all.h5", "list/alone.h5", "a list")
    done = h.run("merge", "-o", "list/some.h5", *parts[:3])
    h.check("missing of 5 shares: 4, 5" in done.stderr and "still" not in done.stderr, done.stderr)
    job = write(h, "one", sweep="space: {svd.rank: [2, 4, 8, 16]}, objectives: {test_accuracy: max}")
    h.run("run", job, "-n", 1, "-o", "one/alone.h5")
    parts = shares(h, job, 3, "one")
    done = h.run("merge", "-o", "one/all.h5", *parts)
    h.check("(4 times one was done that another share did as well)" in done.stderr, f"all have trained the one network: {done.stderr}")
    same(h, "one/all.h5", "one/alone.h5", "one training in all shares")
    job = write(h, "best", keep="best 2")
    h.run("run", job, "-n", 1, "-o", "best/alone.h5")
    h.run("merge", "-o", "best/all.h5", *shares(h, job, 3, "best"))
    h.run("verify", "best/all.h5")
    same(h, "best/all.h5", "best/alone.h5", "the best of all shares are kept")
    done = h.run("run", job, "-n", 1, "--share", "1/3", "--set", "train.epochs=1")
    h.check(os.path.exists("results/whole.share-1-of-3.h5"), "a share's results have a name of their own")
    h.run("merge", "-o", "results/whole.h5", "results/whole.share-1-of-3.h5")
    text = h.run("run", job, "-n", 1, "--set", "train.epochs=1").stderr
    h.check("5 of 15 stages are done already" in text, f"with --set: {text}")


LOOK = """
name: looked
experiment: noop-look
look: {artifacts: 3}
sweep: {space: {look.index: [1, 2, 3]}, objectives: {value: max}}
"""
FAIL = """
name: fails
experiment: noop
resources: {max_attempts: 2}
sweep: {space: {noop.value: [1, 2], noop.fail: [none, error]}}
"""


def test_layout(h, job):
    """SLURM's settings change no result: shares that differ in them are joined, and runs go on with others."""
    first = share(h, job, "1/2", "--set", "slurm.time=10", folder="layout")[0]
    other = share(h, job, "2/2", "--set", "slurm.time=20", "--set", "checkpoint.every=5 s", folder="layout")[0]
    h.run("merge", "-o", "layout/all.h5", first, other)
    text = h.run("run", job, "-n", 1, "-o", "layout/all.h5", "--set", "slurm.partition=other").stderr
    h.check("0 stages run" in text, text)


def test_elsewhere(h):
    """Shares are joined where the data are not."""
    for i in range(20):
        put(f"data/speech/s{i // 4}/{i % 4}.wav", wav(tone(150 + 20 * i, 0.3)))
    job = h.write("speech.yaml", SPEECH)
    h.run("run", job, "-n", 1, "-o", "elsewhere/alone.h5")
    parts = shares(h, job, 2, "elsewhere")
    os.rename("data", "gone")
    h.run("merge", "-o", "elsewhere/all.h5", *parts)
    same(h, "elsewhere/all.h5", "elsewhere/alone.h5", "without the data")


def test_other_host(h, parts):
    """A lock that a run on another host left: nobody can ask its process, only watch its beat."""
    lock = {"host": "elsewhere", "boot": "b", "space": "s", "pid": 5, "started": 1, "token": "0123456789abcdef", "beat": 3, "tick": 3}
    path = parts[0].replace(".h5", ".journal.lock")
    with open(path, "w", encoding="ascii") as file:
        file.write(json.dumps(lock) + "\n")
    began = time.monotonic()
    done = h.run("merge", "-o", "foreign.h5", *parts)
    h.check("1 of the shares" in done.stderr and time.monotonic() - began > 15, f"it is watched: {done.stderr}")
    os.remove(path)


def test_kinds(h):
    """Artifacts, failed trials, checkpoints that stay."""
    job = h.write("look.yaml", LOOK)
    h.run("run", job, "-n", 1, "-o", "look/alone.h5")
    parts = shares(h, job, 2, "look")
    h.run("merge", "-o", "look/all.h5", *parts)
    h.run("verify", "look/all.h5")
    same(h, "look/all.h5", "look/alone.h5", "artifacts")
    letter = [f"look/1-of-2.ckpt/{f}" for f in sorted(os.listdir("look/1-of-2.ckpt")) if f.endswith(".txt")][-1]
    damage(h, letter, 0, *parts)
    job = h.write("fail.yaml", FAIL)
    h.run("run", job, "-n", 1, "-o", "fail/alone.h5", expect=1)
    parts = [share(h, job, f"{i}/2", expect=None, folder="fail")[0] for i in (1, 2)]
    done = h.run("merge", "-o", "fail/all.h5", *parts)
    h.check("2 of 4 trials done, 2 failed" in done.stderr, done.stderr)
    same(h, "fail/all.h5", "fail/alone.h5", "failed trials")
    text = h.run("run", job, "-n", 1, "-o", "fail/all.h5", expect=1).stderr
    h.check("0 stages run" in text, text)
    job = write(h, "last", keep="last 2", epochs=4)
    often = ("--set", "checkpoint.every=1 epochs")
    h.run("run", job, "-n", 1, "-o", "last/alone.h5", *often)
    h.run("merge", "-o", "last/all.h5", *(share(h, job, f"{i}/3", *often, folder="last")[0] for i in (1, 2, 3)))
    h.run("verify", "last/all.h5")
    h.check(sorted(os.listdir("last/all.ckpt")) == sorted(os.listdir("last/alone.ckpt")), "the last checkpoints stay")


def main():
    h = Harness()
    job = write(h, "whole")
    parts = test_whole(h, job)
    test_missing(h, job, parts)
    test_refusals(h, job, parts)
    test_continuing(h, job, parts)
    test_kill_merge(h, parts)
    test_killed(h)
    test_other_disk(h, parts)
    test_shapes(h)
    test_layout(h, job)
    test_elsewhere(h)
    test_other_host(h, parts)
    test_kinds(h)
    h.finish()


if __name__ == "__main__":
    main()
