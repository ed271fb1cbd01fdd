"""Files that stages leave for people: listed, there, whole; after kills, under every policy, in packed files and in other layouts.

usage: artifacts_test.py PROGRAM DIRECTORY
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

from harness import Harness

try:
    import h5py
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """name: looked
experiment: noop-look
look: {artifacts: 3}
sweep: {space: {look.index: [1, 2, 3]}, objectives: {value: max}}
resources: {threads_per_rank: 1}
"""
TRIALS, FILES = 3, 3
LAYOUTS = {"one": ["-n", 1], "two": ["-n", 2], "group": ["-n", 3, "--set", "resources.ranks_per_trial=2"]}


def rows(results, table):
    with h5py.File(results) as f:
        return f[table][:] if table in f else []


def listed(results):
    """(name, index of the trial, path) of each row; there are three stages a trial."""
    folder = os.path.dirname(results)
    return [(r["name"].decode(), int(r["stage"]) // 3 + 1, os.path.join(folder, r["file"].decode()), int(r["bytes"]))
            for r in rows(results, "artifacts")]


def letter(name, index):
    lines = int(re.fullmatch(r"letter-(\d+)\.txt", name)[1])
    return "".join(f"line {i} of {index}\n" for i in range(lines)).encode()


def content(path):
    with open(path, "rb") as file:
        return file.read()


def check_files(h, results):
    """All files of all trials, as they were written."""
    found = listed(results)
    h.check(len(found) == TRIALS * FILES, f"{results}: {len(found)} artifacts")
    h.check(len({path for _, _, path, _ in found}) == len(found), f"{results}: a file each")
    for name, index, path, size in found:
        h.check(content(path) == letter(name, index) and size == len(letter(name, index)), f"{path}: its bytes")
    checked = json.loads(h.run("verify", results, "--json").stdout)["checked"]
    h.check(checked["artifacts"] == len(found), f"{results}: verify looks at all of them: {checked}")


def check_layouts(h):
    tables = {}
    for name, options in LAYOUTS.items():
        os.makedirs(name)
        h.run("run", "job.yaml", "-o", f"{name}/r.h5", *options)
        check_files(h, f"{name}/r.h5")
        tables[name] = rows(f"{name}/r.h5", "artifacts").tobytes()
    h.check(len(set(tables.values())) == 1, "the same table in every layout")
    table = rows("one/r.h5", "artifacts")
    h.check(table.dtype.names == ("stage", "name", "file", "bytes", "checksum", "long_name"), f"{table.dtype.names}")
    h.check(all(re.fullmatch("[0-9a-f]{16}", r["checksum"].decode()) for r in table), "checksums are 16 hex digits")
    h.check(table[1]["long_name"] == b"Letter of 1 lines", f"{table[1]}")
    with h5py.File("one/r.h5") as f:
        h.check(list(f["artifacts"].attrs["units"]) == [b"", b"", b"", b"B", b"", b""], "bytes have a unit")
        stages = f["stages"][:]
        for trial in range(TRIALS):
            target = f["models"].get(str(trial), getlink=True).filename
            h.check(stages[3 * trial]["identity"].decode() in target and stages[3 * trial]["kind"] == b"look-make",
                    f"the model of trial {trial} is what its first stage left: {target}")
    h.check("0 stages run" in h.run("run", "job.yaml", "-o", "one/r.h5", "-n", 1).stderr, "a second start runs nothing")
    check_files(h, "one/r.h5")


def check_show(h):
    text = h.run("show", "one/r.h5", 1).stdout
    names = re.findall(r"one/r\.ckpt/[0-9a-f]{32}\.letter-\d\.txt", text)
    h.check(len(names) == FILES and all(os.path.exists(name) for name in names), f"show lists files that are there:\n{text}")
    h.check("Letter of 2 lines" in text and "24 B" in text, f"what they are:\n{text}")
    exported = json.loads(h.run("export", "one/r.h5", "--table", "artifacts", "--json").stdout)
    h.check(len(exported) == TRIALS * FILES and exported[2]["bytes"] == 24, f"{exported}")
    h.run("run", "job.yaml", "-o", "none.h5", "-n", 1, "--set", "look.artifacts=0")
    with h5py.File("none.h5") as f:
        h.check("artifacts" not in f, "no table when there are none")
    h.check("no stage has left" in h.run("export", "none.h5", "--table", "artifacts", expect=2).stderr, "export says so")
    h.check(".ckpt/" not in h.run("show", "none.h5", 0).stdout.split("model:")[1].split("\n", 1)[1], "nothing to show")


def copy(name):
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree("one", name)
    return f"{name}/r.h5"


def refuse(h, results, *words):
    lines = h.run("verify", results, expect=2).stdout.splitlines()
    h.check(len(lines) == 2 and all(word in lines[0] for word in words), f"one fault with {words}: {lines}")


def check_verify(h):
    victim = os.path.basename(next(path for name, _, path, _ in listed("one/r.h5") if name == "letter-2.txt"))
    cases = {b"line 0 of 1\nline 1 of 9\n": "expected checksum", b"line 0 of 1\n": "expected 24 bytes",
             b"x" * 100: "larger than the 24 bytes", None: "cannot open"}
    for data, words in cases.items():
        results = copy("damaged")
        os.remove(f"damaged/r.ckpt/{victim}")
        if data is not None:
            with open(f"damaged/r.ckpt/{victim}", "wb") as file:
                file.write(data)
        refuse(h, results, "letter-2.txt", words)
        h.check("letter-2.txt" in h.run("pack", results, expect=2).stderr, f"pack refuses it: {words}")
        h.run("run", "job.yaml", "-o", results, "-n", 1)
        refuse(h, results, "letter-2.txt", words)  # nobody makes it again
    for column, value, words in (("bytes", 25, "expected 25 bytes"), ("stage", 77, "stage 77, which there is not")):
        results = copy("damaged")
        with h5py.File(results, "r+") as f:
            table = f["artifacts"][:]
            table[2][column] = value
            f["artifacts"][:] = table
        h.check(words in h.run("verify", results, expect=2).stdout, f"{column} {value}: {words}")
    results = copy("damaged")
    with h5py.File(results, "r+") as f:
        del f["artifacts"]
    h.check("0 artifacts, but the journal has 3" in h.run("verify", results, expect=2).stdout, "a table that is gone")


def check_pack(h):
    h.run("pack", "one/r.h5", "-o", "packed.h5")
    h.check("9 artifacts" in h.run("verify", "packed.h5").stdout, "verify of a packed file")
    h.check("/files/4-letter-1.txt" in h.run("show", "packed.h5", 1).stdout, "show says where they are")
    with h5py.File("packed.h5") as f:
        h.check(all(row["file"] == b"" for row in f["artifacts"][:]), "nothing is outside of it")
        h.check(len(f["files"]) == TRIALS * FILES, f"{list(f['files'])}")
        for name, index, _, _ in listed("one/r.h5"):
            data = f[f"files/{3 * index - 2}-{name}"]
            h.check(data.dtype == "uint8" and data[()].tobytes() == letter(name, index), f"bytes of {data.name}")
        offset = f["files/4-letter-2.txt"].id.get_offset()
    with open("packed.h5", "r+b") as file:
        file.seek(offset)
        file.write(b"L")
    refuse(h, "packed.h5", "letter-2.txt of stage 4", "checksum")


def check_killed(h):
    """A finished stage keeps its files, the others write theirs; files of nobody go."""
    os.makedirs("killed")
    command = [h.program, "run", "job.yaml", "-o", "killed/r.h5", "-n", "1", "--max-restarts", "0", "--set", "look.seconds=1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(glob.glob("killed/r.ckpt/*.letter-0.txt")) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    done = {path: os.stat(path).st_mtime_ns for path in glob.glob("killed/r.ckpt/*.letter-2.txt")}
    h.check(len(done) == 1 and len(glob.glob("killed/r.ckpt/*.letter-0.txt")) == 2, f"one stage was done: {done}")
    stranger = "0" * 32
    kept = next(iter(done)).rsplit(".letter", 1)[0]
    left = [f"killed/r.ckpt/{stranger}.song.wav", f"{kept}.letter-2.txt.tmp.999999"]
    for name in left + ["killed/r.ckpt/notes.txt"]:
        h.write(name, "left over")
    text = h.run(*command[1:]).stderr
    h.check("removed 2 files that were left over" in text and not any(map(os.path.exists, left)), f"of nobody: {text}")
    h.check(os.path.exists("killed/r.ckpt/notes.txt"), "other files stay")
    h.check(all(os.stat(path).st_mtime_ns == then for path, then in done.items()), "what was done is not written again")
    check_files(h, "killed/r.h5")
    small = ["--set", "sweep.space={look.index: [2]}"]
    h.run(*command[1:], *small)  # the others are known, so theirs stay
    h.check(len(listed("killed/r.h5")) == FILES and len(glob.glob("killed/r.ckpt/*.txt")) == TRIALS * FILES + 1, "known")
    h.run("verify", "killed/r.h5")


def check_policies(h):
    for keep, outputs, models in (("final", 6, [0, 1, 2]), ("last 1", 6, [0, 1, 2]), ("best 1", 2, [2]), ("none", 0, [])):
        name = keep.replace(" ", "")
        os.makedirs(name)
        h.run("run", "job.yaml", "-o", f"{name}/r.h5", "-n", 2, "--set", f"checkpoint.keep={keep}")
        check_files(h, f"{name}/r.h5")
        found = glob.glob(f"{name}/r.ckpt/*.h5")
        h.check(len(found) == outputs, f"{keep}: {outputs} outputs: {found}")
        with h5py.File(f"{name}/r.h5") as f:
            h.check(sorted(map(int, f["models"])) == models, f"{keep}: models of {list(f['models'])}")
            h.check(all("dense1/kernel" in f["models"][trial] for trial in f["models"]), f"{keep}: weights")
            plots = [plot for plot in f["plots"] if plot.startswith("mask")]
            h.check(plots == [f"mask_stage_{3 * t + 1}_example0" for t in models], f"{keep}: images {plots}")
        h.check("0 stages run" in h.run("run", "job.yaml", "-o", f"{name}/r.h5", "-n", 2, "--set",
                                        f"checkpoint.keep={keep}").stderr, f"{keep}: then all is done")
        check_files(h, f"{name}/r.h5")
        h.run("pack", f"{name}/r.h5")


def check_redone(h):
    """A stage that runs again, since what it left is gone and needed, writes its files again, and that is on record."""
    os.makedirs("redone")
    options = ["-o", "redone/r.h5", "-n", 1, "--set", "checkpoint.keep=none"]
    h.run("run", "job.yaml", *options, "--set", "sweep.space={again.number: [1]}")
    (_, _, path, _), before = listed("redone/r.h5")[2], rows("redone/r.h5", "artifacts")
    h.write(path, "no letter")
    text = h.run("run", "job.yaml", *options, "--set", "sweep.space={again.number: [1, 2]}").stderr
    h.check("3 stages run" in text and text.count("runs again") == 2, f"two again, one new: {text}")
    h.check(rows("redone/r.h5", "artifacts").tobytes() == before.tobytes(), "the same table")
    h.check("all is well" in h.run("verify", "redone/r.h5").stdout, "of files that are whole again")
    with open("redone/r.journal", encoding="utf-8") as file:
        records = [json.loads(line.split(" ", 1)[1]) for line in file]
    restored = [r for r in records if r["is"] == "restored"]
    h.check([len(r.get("artifacts", [])) for r in restored] == [0, FILES], f"restored: {restored}")
    h.run("run", "job.yaml", *options, "--set", "sweep.space={again.number: [1, 2]}")
    h.check(rows("redone/r.h5", "artifacts").tobytes() == before.tobytes(), "and when it is continued")


def check_failures(h):
    one = ["--set", "sweep.space={look.index: [1]}", "--set", "resources.max_attempts=1"]
    for setting, words in (("look.fail=name", "expected the name of an artifact"), ("look.fail=twice", "of that name already"),
                           ("look.artifacts=17", "at most 16")):
        for layout in ([1], [3, "--set", "resources.ranks_per_trial=2"]):
            done = h.run("run", "job.yaml", "-o", "failed.h5", "--fresh", "-n", *layout, *one, "--set", setting, expect=1)
            h.check(words in done.stderr, f"{setting}: {done.stderr}")
            h.check(len(rows("failed.h5", "artifacts")) == 0, f"{setting}: a stage that failed lists nothing")
            h.run("verify", "failed.h5")
    done = h.run("run", "job.yaml", "-o", "full.h5", "-n", 2, *one, "--set", "look.fail=write", expect=None)
    h.check(done.returncode == 1 and "not written, as told" in done.stderr, f"{done.returncode}: {done.stderr}")
    states = rows("full.h5", "stages")["state"].tolist()
    h.check(states == [b"done", b"stopped", b"pending"], f"the attempt is given back: {states}")


def main():
    h = Harness()
    h.write("job.yaml", JOB)
    check_layouts(h)
    check_show(h)
    check_verify(h)
    check_pack(h)
    check_killed(h)
    check_policies(h)
    check_redone(h)
    check_failures(h)
    h.finish()


if __name__ == "__main__":
    main()
