"""Disks that are full, read-only or gone, and files that are damaged, foreign or too new: one clear error that names the file,
earlier results as they were, nothing left lying about; and where there is a way to go on, going on.

usage: files_test.py PROGRAM DIRECTORY

Disks are tmpfs mounts inside the test's own directory. Without the right to mount, those cases are left out, and that is said.
"""
import contextlib
import ctypes
import glob
import os
import random
import re
import shutil
import signal
import subprocess
import time

import h5py
import numpy

from harness import Harness
from kill_test import numbers, wait_for_end

SVD = """
name: files
experiment: svd-compress
data: {source: digits, train: 600, test: 200}
model: {hidden: [96, 64]}
train: {epochs: 6, batch: 50, schedule: cosine}
checkpoint: {every: 1 epoch, least_seconds: 0}
sweep: {space: {train.lr: [0.001, 0.002], svd.rank: [4, full]}, objectives: {test_accuracy: max}}
resources: {threads_per_rank: 1}
"""
ONE = SVD.replace("train.lr: [0.001, 0.002], svd.rank: [4, full]", "svd.rank: [4]")
LONG = ONE.replace("epochs: 6,", "epochs: 400,")
MIDDLE = ONE.replace("epochs: 6,", "epochs: 80,")
ROWS = """
name: rows
experiment: noop
noop: {rows: 600}
sweep: {space: {noop.value: [1, 2, 3]}}
"""
MANY = f"name: many\nexperiment: noop\nsweep: {{space: {{noop.index: {list(range(200))}}}}}\n"
SLOW = "name: slow\nexperiment: noop\nnoop: {seconds: 3, rows: 50}\n"
TINY = "name: tiny\nexperiment: noop\nnoop: {rows: 2}\nsweep: {space: {noop.value: [1, 2, 3]}}\n"
LAYOUTS = (1, 2)
UNPRIVILEGED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


# ---- files ----------------------------------------------------------------------------------------

def content(*paths):
    """Bytes of files, and of all in directories, by name; of links where they lead."""
    found = {}
    for path in paths:
        inside = [os.path.join(d, n) for d, _, names in os.walk(path) for n in names]
        for name in inside or [path]:
            if os.path.exists(name):
                with open(name, "rb") as file:
                    found[name] = file.read()
    return found


def litter(folder):
    """Temporaries and lock files below FOLDER."""
    return [n for n in glob.glob(f"{folder}/**/*", recursive=True)
            if re.search(r"\.(tmp|lock|break|aside)(\.|$)", os.path.basename(n))]


def errors_in(text):
    return [line for line in text.splitlines() if line.startswith("ranksweep: ")]


def check_end(h, what, done, folder, results, words):
    """One error with WORDS in it, nothing left behind."""
    errors = errors_in(done.stderr)
    h.check(len(errors) == 1, f"{what}: one error, not {errors}\n{done.stderr}")
    for word in words:
        h.check(errors and word in errors[0], f"{what}: the error lacks {word!r}: {errors}")
    h.check("starting again" not in done.stderr, f"{what}: it is not started again")
    h.check(not litter(folder), f"{what}: left behind: {litter(folder)}")
    h.check(wait_for_end(results), f"{what}: all processes end")


def refuse(h, what, words, *command, folder=".", results="nothing-has-this-name", expect=2, launcher=()):
    done = h.run("run", *command, expect=None, launcher=launcher, timeout=60)
    h.check(done.returncode == expect, f"{what}: exit status {done.returncode}, expected {expect}\n{done.stderr}")
    check_end(h, what, done, folder, results, words)
    return done


@contextlib.contextmanager
def disk(path, kilobytes):
    """A small file system; the caller has asked may_mount()."""
    os.makedirs(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "ranksweep-test", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=False)


def remount(path, options):
    subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)


def may_mount():
    try:
        with disk("probe", 64):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        print("left out: full and read-only disks (mounting a tmpfs is not allowed here)", flush=True)
        return False


# ---- full disks -----------------------------------------------------------------------------------

def calm(h, name, job):
    """The undisturbed run of JOB; its numbers."""
    h.write(f"{name}.yaml", job)
    h.run("run", f"{name}.yaml", "-n", 1, "-o", f"calm-{name}.h5")
    return numbers(f"calm-{name}.h5")


def check_same(h, what, results, expected):
    found = numbers(results)
    differ = [name for name in expected if found.get(name) != expected[name]]
    h.check(not differ and len(found) == len(expected), f"{what}: differences in {differ[:5]}")
    h.run("verify", results)


def check_files_after_failure(h, what, results):
    """A results file that is there is sound. What never got as far left no journal to stumble over."""
    if os.path.exists(results):
        h.run("verify", results)
    journal = results.replace(".h5", ".journal")
    h.check(not os.path.exists(journal) or os.path.getsize(journal) > 0, f"{what}: an empty journal is left")


def full(h, what, job, kilobytes, expect, words, expected, layouts=LAYOUTS):
    """The same command on a disk with KILOBYTES, then on one with room."""
    for ranks in layouts:
        name = f"{what}, {ranks} ranks"
        with disk(f"full-{what}-{ranks}", kilobytes) as folder:
            results = f"{folder}/r.h5"
            command = (f"{job}.yaml", "-n", ranks, "-o", results)
            done = refuse(h, name, words, *command, folder=folder, results=results, expect=expect)
            warnings = [line for line in done.stderr.splitlines() if "no checkpoint" in line]
            stages = [re.search(r"stage (\d+)", line).group(1) for line in warnings]
            h.check(len(stages) == len(set(stages)), f"{name}: warned once a stage: {warnings}")
            check_files_after_failure(h, name, results)
            remount(folder, "size=64m")
            h.run("run", *command)
            check_same(h, name, results, expected)


def full_disks(h):
    svd, rows, many, slow = (calm(h, *job) for job in (("svd", SVD), ("rows", ROWS), ("many", MANY), ("slow", SLOW)))
    space = "No space left on device"
    full(h, "lock", "rows", 4, 2, [space, ".journal"], rows, (1,))  # the lock has the only page
    full(h, "first-snapshot", "rows", 20, 2, [space, "r.h5"], rows)
    full(h, "begin", "many", 104, 1, ["r.journal", "is the disk full?"], many)
    full(h, "output", "svd", 600, 1, [space, ".ckpt/", "mlp-train"], svd)
    full(h, "journal", "rows", 100, 1, ["r.journal", "is the disk full?"], rows)
    room = (os.path.getsize("calm-slow.h5") // 4096 + 1) * 4 * 3 // 2 + 16  # for one snapshot, not for two
    full(h, "snapshot", "slow", room, 1, [space, "r.h5"], slow, (2,))


def full_for_checkpoints(h):
    """Room for what stages leave, but not for their checkpoints: warned once, done all the same."""
    expected = calm(h, "one", ONE)
    for ranks in LAYOUTS:
        with disk(f"ckpt-{ranks}", 1500) as folder:
            done = h.run("run", "one.yaml", "-n", ranks, "-o", f"{folder}/r.h5")
            warnings = [line for line in done.stderr.splitlines() if "warning" in line]
            h.check(len(warnings) == 1 and "No space left" in warnings[0] and ".ckpt/" in warnings[0],
                    f"{ranks} ranks: one warning: {warnings}")
            check_same(h, f"no checkpoints, {ranks} ranks", f"{folder}/r.h5", expected)
            h.check(not litter(folder), f"left behind: {litter(folder)}")


def full_when_continued(h):
    """More trials than the disk holds: what was done stays as it was."""
    with disk("later", 65536) as folder:
        results = f"{folder}/r.h5"
        h.run("run", "svd.yaml", "-n", 1, "-o", results)
        before = content(results, f"{folder}/r.ckpt")
        used = sum((os.stat(n).st_blocks + 7) // 8 * 4 for n in glob.glob(f"{folder}/**/*", recursive=True))
        remount(folder, f"size={used + 4}k")
        more = ("svd.yaml", "-n", 1, "-o", results, "--set", "sweep.space={train.lr: [0.003], svd.rank: [4]}")
        refuse(h, "continued on a full disk", [f"{folder}/r."], *more, folder=folder, results=results)
        h.check(content(results, f"{folder}/r.ckpt") == before, "earlier results are untouched")
        h.run("verify", results)


# ---- places that cannot be written to -------------------------------------------------------------

def read_only(h):
    with disk("fixed", 65536) as folder:
        results = f"{folder}/r.h5"
        h.run("run", "tiny.yaml", "-n", 1, "-o", results)
        before = content(folder)
        remount(folder, "ro")
        words = ["Read-only file system", folder]
        for ranks, more in ((1, ()), (2, ()), (1, ("--fresh",))):
            refuse(h, f"read-only {more}, {ranks} ranks", words, "tiny.yaml", "-n", ranks, "-o", results, *more,
                   folder=folder, results=results)
        refuse(h, "read-only, new", words, "tiny.yaml", "-n", 1, "-o", f"{folder}/sub/n.h5", folder=folder,
               results=f"{folder}/sub/n.h5")
        for command in ("show", "status", "verify"):
            h.run(command, results)
        h.check(content(folder) == before, "read-only: results are untouched")


def bad_places(h):
    os.makedirs("places/folder")
    h.write("places/file", "text")
    before = content("places")
    deep = "places/" + "d/" * 2500 + "r.h5"
    cases = [("a directory", "places/folder", "is a directory"), ("a directory to be", "places/new/", "is a directory"),
             ("below a file", "places/file/r.h5", "places/file"), ("far below a file", "places/file/sub/r.h5", "places/file"),
             ("a long name", f"places/{'n' * 300}.h5", "File name too long"), ("a long path", deep, "bytes")]
    for ranks, (what, results, word) in [(1, case) for case in cases] + [(2, cases[0]), (2, cases[2])]:
        refuse(h, f"{what}, {ranks} ranks", [word, results[:12]], "tiny.yaml", "-n", ranks, "-o", results, folder="places")
    h.check(content("places") == before and sorted(os.listdir("places")) == ["file", "folder"],
            f"bad places: nothing was made: {os.listdir('places')}")


def no_permission(h):
    """An ordinary user, where root has written."""
    probe = subprocess.run([*UNPRIVILEGED, h.program, "--version"], capture_output=True, check=False)
    if os.geteuid() != 0 or probe.returncode != 0:
        print("left out: an ordinary user without permission (not root, or the program cannot be reached)", flush=True)
        return
    os.makedirs("owned", mode=0o755)
    h.run("run", "tiny.yaml", "-n", 1, "-o", "owned/r.h5")
    before = content("owned")
    for results in ("owned/r.h5", "owned/new.h5", "owned/sub/new.h5"):
        refuse(h, f"no permission for {results}", ["Permission denied", "owned/"], "tiny.yaml", "-n", 1, "-o", results,
               folder="owned", results=results, launcher=UNPRIVILEGED)
    os.chmod("owned/r.h5", 0o600)
    for command in ("show", "status", "verify"):
        done = h.run(command, "owned/r.h5", launcher=UNPRIVILEGED, expect=2)
        h.check("owned/r.h5" in done.stderr + done.stdout, f"{command} names the file: {done.stderr}")
    h.check(content("owned") == before, "no permission: results are untouched")


# ---- while it runs --------------------------------------------------------------------------------

def start(h, ranks, results, job="long.yaml"):
    """JOB under way, with a checkpoint."""
    with open("started.log", "w", encoding="utf-8") as log:
        run = subprocess.Popen([h.program, "run", job, "-n", str(ranks), "-o", results], stderr=log)
    deadline = time.time() + 20
    while not glob.glob(results.replace(".h5", ".ckpt/*.[ab].h5")) and time.time() < deadline:
        time.sleep(0.02)
    return run


def finish(h, what, run, folder, results):
    began = time.time()
    try:
        run.wait(timeout=20)
    except subprocess.TimeoutExpired:
        h.check(False, f"{what}: it does not end")
        run.send_signal(signal.SIGTERM)
        run.wait(timeout=30)
    with open("started.log", encoding="utf-8") as log:
        done = subprocess.CompletedProcess([], run.returncode, "", log.read())
    h.check(done.returncode == 1, f"{what}: exit status {done.returncode}")
    check_end(h, what, done, folder, results, [folder])
    print(f"{what}: ended after {time.time() - began:.1f} s: {errors_in(done.stderr)}", flush=True)


def remove_while(folder):
    for _ in range(100):  # a temporary may come in between
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return


def vanishing(h):
    expected = calm(h, "long", LONG)
    for ranks in LAYOUTS:
        run = start(h, ranks, f"gone{ranks}/r.h5")
        remove_while(f"gone{ranks}")
        finish(h, f"removed, {ranks} ranks", run, f"gone{ranks}", f"gone{ranks}/r.h5")
        h.check(not os.path.exists(f"gone{ranks}"), "what was removed does not come back")
    run = start(h, 2, "here/r.h5")
    os.rename("here", "there")
    finish(h, "renamed", run, "here", "here/r.h5")
    h.check(not os.path.exists("here"), "what was renamed does not come back")
    h.run("verify", "there/r.h5")
    h.run("run", "long.yaml", "-n", 2, "-o", "there/r.h5")
    check_same(h, "renamed and continued", "there/r.h5", expected)
    h.check(not litter("there"), f"left behind: {litter('there')}")


# ---- results files --------------------------------------------------------------------------------

class Copies:
    """Finished results of TINY, as often as wanted."""

    def __init__(self, h):
        h.run("run", "tiny.yaml", "-n", 1, "-o", "tiny.h5")
        self.h, self.expected = h, numbers("tiny.h5")
        self.results, self.journal = content("tiny.h5")["tiny.h5"], content("tiny.journal")["tiny.journal"]

    def put(self, journal=None, results=None):
        shutil.rmtree("copy", ignore_errors=True)
        os.makedirs("copy")
        for name, data in (("copy/r.journal", journal or self.journal), ("copy/r.h5", results if results is not None else self.results)):
            with open(name, "wb") as file:
                file.write(data)

    def run(self, expect=0, job="tiny.yaml", more=()):
        """In one process, without a supervisor: many of these are made."""
        return self.h.run("run", job, "-n", 1, "--max-restarts", 0, "-o", "copy/r.h5", *more, expect=expect)

    def refused(self, what, words, job="tiny.yaml", more=()):
        before = content("copy")
        refuse(self.h, what, words, job, "-n", 1, "--max-restarts", 0, "-o", "copy/r.h5", *more, folder="copy")
        self.h.check(content("copy") == before, f"{what}: earlier results are untouched")


def edited(data, edit):
    """DATA as an HDF5 file, changed by EDIT."""
    with open("edited.h5", "wb") as file:
        file.write(data)
    with h5py.File("edited.h5", "r+") as f:
        edit(f)
    return content("edited.h5")["edited.h5"]


def set_version(f):
    f.attrs.modify("format_version", numpy.int32(99))


def another_program(f):
    del f.attrs["format"]


def check_readers(h, what):
    for command in ("show", "status", "verify"):
        done = h.run(command, "copy/r.h5", expect=2)
        h.check("copy/r.h5" in done.stderr + done.stdout, f"{what}: {command} names the file: {done.stderr}")
        h.check(command == "verify" or len(errors_in(done.stderr)) == 1, f"{what}: {command}: one error: {done.stderr}")


def replaced_results(h, copies):
    good = copies.results
    half = edited(good, lambda f: f.__delitem__("trials"))
    damaged = {"text": b"my notes\n", "empty": b"", "cut": good[:len(good) // 2], "random": random.Random(1).randbytes(5000),
               "without trials": half}
    for what, data in damaged.items():
        copies.put(results=data)
        check_readers(h, what)
        done = copies.run()
        h.check("warning: copy/r.h5" in done.stderr and "moved copy/r.h5 to" in done.stderr, f"{what}: warned: {done.stderr}")
        aside = glob.glob("copy/r.h5.*")
        h.check(len(aside) == 1 and content(aside[0])[aside[0]] == data, f"{what}: moved aside as it was: {aside}")
        check_same(h, what, "copy/r.h5", copies.expected)
    foreign = {"another program's": another_program, "a newer version's": set_version}
    for what, edit in foreign.items():
        copies.put(results=edited(good, edit))
        check_readers(h, what)
        copies.refused(what, ["copy/r.h5 is not overwritten", "--fresh"])
        copies.run(more=("--fresh",))
        check_same(h, f"{what}, --fresh", "copy/r.h5", copies.expected)
    copies.put()
    os.remove("copy/r.h5")
    copies.run()
    check_same(h, "removed", "copy/r.h5", copies.expected)


# ---- journals -------------------------------------------------------------------------------------

def torn_journals(h, copies):
    """Cut at every byte of the last record, and anywhere: dropped with a warning, and done again."""
    data, dice = copies.journal, random.Random(3)
    first, last = data.index(b"\n") + 1, data.rindex(b"\n", 0, len(data) - 1) + 1
    cuts = list(range(last, len(data))) + [dice.randrange(first, last) for _ in range(20)]
    for at in cuts:
        copies.put(journal=data[:at])
        done = copies.run()
        torn = at > 0 and data[at - 1:at] != b"\n"
        h.check(("cut short" in done.stderr) == torn, f"cut at {at}: warned when a record is torn: {done.stderr}")
        found = numbers("copy/r.h5")
        h.check(found == copies.expected, f"cut at {at}: the tables are the same")
    h.run("verify", "copy/r.h5")
    print(f"{len(cuts)} torn journals continued", flush=True)
    copies.put(journal=data[:first // 2])
    refuse(h, "cut in the first record", ["holds no whole record", "copy/r.journal"], "tiny.yaml", "-n", 1, "-o", "copy/r.h5",
           folder="copy")
    h.check(content("copy/r.h5")["copy/r.h5"] == copies.results, "cut in the first record: results are untouched")


def damaged_journals(h, copies):
    data, dice = copies.journal, random.Random(4)
    last = data.rindex(b"\n", 0, len(data) - 1)
    for at in [dice.randrange(data.index(b"\n") + 20, last) for _ in range(10)]:
        if data[at:at + 1] == b"\n":
            continue
        line = data.count(b"\n", 0, at) + 1
        copies.put(journal=data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1:])
        copies.refused(f"byte {at} flipped", [f"copy/r.journal:{line}"])
        h.check(f"line {line}" in h.run("verify", "copy/r.h5", expect=2).stdout.replace(f"journal: {line}", f"line {line}"),
                f"byte {at}: verify names line {line}")


def record(payload):
    """A line of a journal."""
    xxh = ctypes.CDLL("libxxhash.so.0")
    xxh.XXH3_64bits.restype = ctypes.c_uint64
    return b"%016x %s\n" % (xxh.XXH3_64bits(payload, ctypes.c_size_t(len(payload))), payload)


# ---- versions -------------------------------------------------------------------------------------

def newer_journal(copies):
    lines = copies.journal.splitlines(keepends=True)
    first = lines[0].split(b" ", 1)[1].rstrip(b"\n")
    copies.put(journal=record(first) + b"".join(lines[1:]))
    copies.run()  # our checksum is right
    copies.put(journal=record(first.replace(b'"version":1', b'"version":2')) + b"".join(lines[1:]))
    copies.refused("a newer journal", ["copy/r.journal:1", "version 2", "version 1"])


def newer_files(h):
    """A checkpoint and a stage's output of a newer version: the run ends, and they stay."""
    expected = calm(h, "middle", MIDDLE)
    for ranks in LAYOUTS:
        results = f"newer{ranks}/r.h5"
        run = start(h, ranks, results, "middle.yaml")
        run.send_signal(signal.SIGTERM)
        h.check(run.wait(timeout=30) == 75, "stopped")
        files = glob.glob(f"newer{ranks}/r.ckpt/*.[ab].h5")
        for name in files:
            with h5py.File(name, "r+") as f:
                set_version(f)
        before = content(*files)
        command = ("middle.yaml", "-n", ranks, "-o", results)
        refuse(h, f"a newer checkpoint, {ranks} ranks", ["format_version", "99", ".ckpt/"], *command,
               folder=f"newer{ranks}", results=results)
        h.check(files and content(*files) == before, f"newer checkpoints are as they were, {ranks} ranks")
        for name in files:
            with h5py.File(name, "r+") as f:
                f.attrs.modify("format_version", numpy.int32(1))
        h.run("run", *command)
        check_same(h, f"an older program, then the newer again, {ranks} ranks", results, expected)
    newer_output(h)


def newer_output(h):
    shutil.copy("calm-one.h5", "out.h5")
    shutil.copy("calm-one.journal", "out.journal")
    with open("calm-one.journal", encoding="utf-8") as lines:
        done = [line for line in lines if '"is":"end"' in line]
    shutil.copytree("calm-one.ckpt", "out.ckpt")
    parents = [name for name in glob.glob("out.ckpt/*") if re.search(r"\w{32}", name)[0] in done[1]]
    h.check(len(parents) == 1, f"the factors: {parents}")
    for name in parents:
        with h5py.File(name, "r+") as f:
            set_version(f)
    before = content("out.ckpt")
    more = ("--set", "sweep.space={svd.rank: [4, 8]}")
    refuse(h, "a newer output", ["format_version", *parents], "one.yaml", "-n", 1, "-o", "out.h5", *more)
    h.check(content("out.ckpt") == before, "a newer output is as it was")


# ---- another job ----------------------------------------------------------------------------------

def changed_jobs(h, copies):
    def go(what, text, ran, reused, left_out=0, more=()):
        h.write("changed.yaml", text)
        done = copies.run(job="changed.yaml", more=more)
        h.check(f"{ran} stages run, {reused} reused" in done.stderr, f"{what}: {done.stderr}")
        told = f"{left_out} finished stages of earlier runs are not part of this sweep any more; the journal keeps them"
        h.check((told in done.stderr) if left_out else ("earlier runs" not in done.stderr), f"{what}: {done.stderr}")
        rows = h.show("copy/r.h5")
        h.check(len(rows) == ran + reused and all(r["state"] == "done" for r in rows), f"{what}: {rows}")
        h.run("verify", "copy/r.h5")

    copies.put()
    go("another file name", TINY, 0, 3)
    go("another name", TINY.replace("name: tiny", "name: other"), 0, 3)
    go("a trial more", TINY.replace("[1, 2, 3]", "[1, 2, 3, 4]"), 1, 3)
    go("trials less", TINY.replace("[1, 2, 3]", "[2]"), 0, 1, 3)
    go("other values", TINY.replace("[1, 2, 3]", "[3, 5]"), 1, 1, 3)
    go("all of them again", TINY.replace("[1, 2, 3]", "[1, 2, 3, 4, 5]"), 0, 5)
    go("fixed, swept before", TINY.replace("[1, 2, 3]}", "[2]}").replace("sweep: {space: {noop.value: [2]}}", "")
       .replace("rows: 2", "rows: 2, value: 2"), 0, 1, 4)
    go("swept, fixed before", TINY.replace("sweep:", "sweep: {space: {noop.value: [1], noop.rows: [2, 3]}} #"), 1, 1, 4)
    copies.put()
    h.write("changed.yaml", TINY + "seed: 7\n")
    copies.refused("another seed", ["copy/r.h5 holds 3 finished stages of other settings", "--fresh"], job="changed.yaml")
    h.check("seed was 1, is 7 (changed.yaml:5:7)" in copies.run(job="changed.yaml", expect=2).stderr, "the seed is listed")
    h.write("changed.yaml", ONE)
    copies.refused("another experiment", ["experiment noop", "svd-compress", "--fresh"], job="changed.yaml")


def main():
    h = Harness()
    h.write("tiny.yaml", TINY)
    copies = Copies(h)
    cases = [lambda: replaced_results(h, copies), lambda: torn_journals(h, copies), lambda: damaged_journals(h, copies),
             lambda: newer_journal(copies), lambda: changed_jobs(h, copies), lambda: bad_places(h), lambda: no_permission(h)]
    if may_mount():
        cases += [lambda f=f: f(h) for f in (full_disks, full_for_checkpoints, full_when_continued, read_only)]
    else:
        calm(h, "one", ONE)
    for case in cases + [lambda: vanishing(h), lambda: newer_files(h)]:
        began = time.time()
        case()
        print(f"{time.time() - began:.1f} s, {h.passed} passed, {len(h.failures)} failed", flush=True)
    h.finish()


if __name__ == "__main__":
    main()
