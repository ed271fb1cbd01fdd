"""verify, pack, export and status: damage and contradictions are found and named, packed files read alike.

usage: verify_test.py PROGRAM DIRECTORY
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from harness import Harness

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """name: checked
experiment: svd-compress
data: {source: digits, train: 400, test: 100}
model: {hidden: [64, 48]}
train: {epochs: 2, batch: 64}
sweep: {space: {svd.rank: [2, 8, full]}, objectives: {test_accuracy: max, parameters: min}}
"""
NOOP = """name: slow
experiment: noop
noop: {seconds: 6, rows: 2}
sweep: {space: {noop.index: [1]}}
"""


def fresh(name):
    """A copy of the good results, the folder's name kept: links are relative."""
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree("good", name)
    return f"{name}/r.h5"


def refuse(h, results, *words):
    """verify finds a fault whose line has all of WORDS."""
    done = h.run("verify", results, expect=2)
    lines = done.stdout.splitlines()
    h.check(any(all(word in line for word in words) for line in lines), f"a line with {words} in\n{done.stdout}")
    h.check(re.fullmatch(r"\d+ faults?", lines[-1]) is not None, f"the number of faults last: {lines[-1]}")
    report = json.loads(h.run("verify", results, "--json", expect=2).stdout)
    h.check(not report["good"] and len(report["faults"]) == len(lines) - 1, "--json has the same faults")


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0xff]))


def edit(results, table, row, column, value):
    """Change one cell as anyone with h5py might."""
    with h5py.File(results, "r+") as f:
        rows = f[table][:]
        rows[row][column] = value
        f[table][:] = rows


def check_good(h):
    done = h.run("verify", "good/r.h5")
    h.check("all is well" in done.stdout and "3 trials, 5 stages, 2 rows" in done.stdout, done.stdout)
    report = json.loads(h.run("verify", "good/r.h5", "--json").stdout)
    h.check(report["good"] and report["checked"]["checkpoints"] == 5 and report["faults"] == [], f"{report}")


def check_cross_references(h):
    cases = [("trials", 1, "stage", 77, "/trials, row 1", "77"), ("trials", 2, "state", b"dome", "dome"),
             ("trials", 2, "trial", 1, "/trials, row 2", "also in row 1"),
             ("stages", 2, "parent", 9, "/stages, row 2", "9"), ("stages", 1, "parent", 4, "expected a lower"),
             ("stages", 3, "state", b"fail", "/trials, row 1", "its stage 3 is fail"),
             ("stages", 1, "state", b"pend", "journal says done"),
             ("stages", 2, "stage", 1, "also in row 1"),
             ("stages", 0, "identity", b"0123", "32 hex digits"),
             ("metrics", 0, "stage", 50, "/metrics, row 0", "50"), ("metrics", 1, "epoch", -3, "/metrics, row 1", "-3"),
             ("metrics", 1, "step", 1, "end at step 7, those in the journal at step 14")]
    for table, row, column, value, *words in cases:
        results = fresh("edited")
        edit(results, table, row, column, value)
        refuse(h, results, *words)
    results = fresh("edited")
    with h5py.File(results, "r+") as f:
        identity = f["stages"][3]["identity"]
    edit(results, "stages", 4, "identity", identity)
    refuse(h, results, identity.decode(), "also in row 3")
    results = fresh("edited")
    with h5py.File(results, "r+") as f:
        f.attrs["state"] = "finished"
        del f["models/0"]
        f["models/9"] = h5py.ExternalLink("r.ckpt/none.h5", "/model")
    refuse(h, results, "finished")
    refuse(h, results, "trial 0 is done and has a model")
    refuse(h, results, "1 of 3 are of trials that there are not")


def check_damage(h):
    """Every kind of byte that has a checksum."""
    for path in sorted(glob.glob("good/r.ckpt/*.h5")):
        name = os.path.basename(path)
        with h5py.File(path) as f:
            tensors = []
            f["model"].visititems(lambda n, o: tensors.append((n, o.id.get_offset(), o.id.get_storage_size()))
                                  if isinstance(o, h5py.Dataset) else None)
        tensor, offset, size = tensors[len(tensors) // 2]
        results = fresh("damaged")
        flip(f"damaged/r.ckpt/{name}", offset + size // 2)
        refuse(h, results, name, tensor, "checksum")
        os.remove(f"damaged/r.ckpt/{name}")
        refuse(h, results, name, "cannot open")
        h.write(f"damaged/r.ckpt/{name}", "garbage")
        refuse(h, results, name, "not an HDF5 file")
    for table in ("trials", "stages", "metrics", "provenance"):
        results = fresh("damaged")
        with h5py.File(results) as f:
            chunk = f[table].id.get_chunk_info(0)
        flip(results, chunk.byte_offset + chunk.size // 2)
        refuse(h, results, table)
    results = fresh("damaged")
    with h5py.File(results) as f:
        offset = f["job/yaml"].id.get_offset()
    flip(results, offset + 10)
    refuse(h, results, "job/yaml", "damaged")


def check_journal(h):
    results = fresh("damaged")
    flip("damaged/r.journal", 400)
    refuse(h, results, "r.journal", "checksum")
    results = fresh("damaged")
    os.remove("damaged/r.journal")
    refuse(h, results, "r.journal", "cannot open")
    results = fresh("damaged")
    with open("damaged/r.journal", "rb") as file:
        lines = file.read().splitlines(keepends=True)
    ends = [i for i, line in enumerate(lines) if b'"is":"end"' in line]
    with open("damaged/r.journal", "wb") as file:
        file.writelines(lines[:ends[2]] + lines[ends[2] + 1:])
    refuse(h, results, "/stages, row", "is done, but the journal says")
    with open("damaged/r.journal", "wb") as file:
        file.writelines(lines + [b"0123456789abcdef {\"is\":"])  # as a crash leaves it
    done = h.run("verify", results)
    h.check("cut short" in done.stdout, f"a torn record is no fault:\n{done.stdout}")


def check_garbage(h):
    results = fresh("garbage")
    h.write(results, "no results at all\n")
    refuse(h, results, "not an HDF5 file")
    with open(results, "wb") as file, open("good/r.h5", "rb") as good:
        file.write(good.read()[:5000])
    refuse(h, results, "garbage/r.h5")
    refuse(h, "nowhere.h5", "cannot open")
    for command in ("status", "pack", "export"):
        h.check("nowhere.h5" in h.run(command, "nowhere.h5", expect=2).stderr, command)
        h.run(command, expect=2)
        h.run(command, "good/r.h5", "--nonsense", expect=2)
    h.run("verify", expect=2)


def weights(path):
    """All tensors of all models, through whatever links there are."""
    with h5py.File(path) as f:
        found = {}
        for trial in f["models"]:
            f["models"][trial].visititems(lambda n, o, t=trial: found.__setitem__((t, n), o[:])
                                          if isinstance(o, h5py.Dataset) else None)
        return found


def check_pack(h):
    h.run("pack", "good/r.h5")
    os.rename("good/r.packed.h5", "elsewhere.h5")
    with h5py.File("good/r.h5") as f:
        linked = {f["models"].get(trial, getlink=True).filename for trial in f["models"]}
    parts = os.path.getsize("good/r.h5") + sum(os.path.getsize(f"good/{name}") for name in linked)
    size = os.path.getsize("elsewhere.h5")
    h.check(size < 1.05 * parts, f"packed {size} bytes, its parts {parts}")
    h.check("packed): all is well" in h.run("verify", "elsewhere.h5").stdout, "verify of a packed file")
    for arguments in ([], ["--best"], ["--csv"], ["--json"]):
        mine, other = (h.run("show", path, *arguments).stdout for path in ("good/r.h5", "elsewhere.h5"))
        h.check(mine == other, f"show {arguments} of a packed file:\n{other}")
    h.check("/models/1 of elsewhere.h5" in h.run("show", "elsewhere.h5", 1).stdout, "show of one trial")
    before, after = weights("good/r.h5"), weights("elsewhere.h5")
    h.check(before.keys() == after.keys() and len(before) > 10, f"the same tensors: {sorted(after)}")
    h.check(all(np.array_equal(before[key], after[key]) for key in before), "with the same values")
    with h5py.File("elsewhere.h5") as f:
        links = []
        f.visit(lambda name: links.append(name) if not isinstance(f.get(name, getlink=True), h5py.HardLink) else None)
        h.check(links == [], f"no links: {links}")
        offset = f["models/1/dense1/u"].id.get_offset()
        plot = next(name for name in f["plots"] if name.startswith("singular_values"))
        vector = f[f"plots/{plot}/singular_values"].id.get_offset()
    h.run("pack", "good/r.h5", "-o", "again.h5")
    with open("elsewhere.h5", "rb") as one, open("again.h5", "rb") as two:
        h.check(one.read() == two.read(), "packing twice gives the same bytes")
    h.run("pack", "elsewhere.h5", expect=2)
    flip("again.h5", offset + 7)
    refuse(h, "again.h5", "models/1", "dense1/u", "checksum")
    h.run("pack", "good/r.h5", "-o", "again.h5")  # over an older packed file
    flip("again.h5", vector + 2)
    refuse(h, "again.h5", "singular_values", "checksum")


def check_pack_refuses(h):
    before = open("good/r.h5", "rb").read()
    for options in ([], ["--force"]):
        h.run("pack", "good/r.h5", "-o", "good/r.h5", *options, expect=2)
    h.write("other.h5", "mine")
    h.run("pack", "good/r.h5", "-o", "other.h5", expect=2)
    h.check(open("other.h5").read() == "mine" and open("good/r.h5", "rb").read() == before, "files are left alone")
    results = fresh("damaged")
    os.remove(sorted(glob.glob("damaged/r.ckpt/*.h5"))[0])
    for path in glob.glob("damaged/r.ckpt/*.h5"):
        flip(path, os.path.getsize(path) // 2)
    h.run("pack", results, "-o", "not.h5", expect=2)
    h.check(glob.glob("not.h5*") == [], "nothing is left of a pack that failed")


def check_export(h):
    csv = h.run("export", "good/r.h5").stdout
    h.check(csv == h.run("show", "good/r.h5", "--csv").stdout, "export is show --csv")
    h.check(h.run("export", "good/r.h5", "--json").stdout == h.run("show", "good/r.h5", "--json").stdout, "and --json")
    h.run("export", "good/r.h5", "-o", "trials.csv")
    h.check(open("trials.csv", encoding="utf-8").read() == csv, "-o writes the same")
    rows = json.loads(h.run("export", "good/r.h5", "--table", "metrics", "--json").stdout)
    h.check([row["epoch"] for row in rows] == [1, 2] and "train_loss" in rows[0], f"metrics: {rows}")
    stages = h.run("export", "good/r.h5", "--table", "stages").stdout.splitlines()
    h.check(len(stages) == 6 and stages[0].startswith("stage,kind,parent"), f"stages: {stages[0]}")
    h.check("ranksweep" in h.run("export", "good/r.h5", "--table", "provenance").stdout, "provenance")
    h.run("export", "good/r.h5", "--table", "plots", expect=2)
    h.run("export", "good/r.h5", "--csv", "--json", expect=2)
    h.run("export", "good/r.h5", "-o", "no/such/place.csv", expect=1)


def check_status(h):
    done = h.run("status", "good/r.h5")
    h.check("complete: 3 of 3 trials done" in done.stdout, done.stdout)
    h.run("status", "good/r.h5", "--watch", timeout=10)  # has ended: one look
    h.write("slow.yaml", NOOP)
    # A process of its own: the test looks while it runs.
    run = subprocess.Popen([h.program, "run", "slow.yaml", "-o", "slow.h5", "-n", "1"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        status = {}
        while time.monotonic() < until and not status.get("running"):
            time.sleep(0.2)
            if os.path.exists("slow.h5"):
                status = json.loads(h.run("status", "slow.h5", "--json").stdout)
        h.check(status.get("state") == "running" and status["workers"] == 1 and status["idle"] == 0, f"{status}")
        stage = (status.get("running") or [{}])[0]
        h.check(stage.get("kind") == "noop" and 0 <= stage.get("fraction", -1) < 1, f"running: {stage}")
        h.check("stages running" in h.run("status", "slow.h5").stdout, "and in words")
        h.run("verify", "slow.h5")
        h.run("pack", "slow.h5", expect=2)
        h.run("pack", "slow.h5", "--force")
        watch = h.run("status", "slow.h5", "--watch", timeout=60).stdout.splitlines()
        h.check("slow (noop), complete: 1 of 1 trials done" in watch[-1], f"watch ends with the run: {watch}")
        h.check(run.wait(timeout=30) == 0, "the run was not disturbed")
    finally:
        run.kill()
        run.wait()


def main():
    h = Harness()
    h.write("job.yaml", JOB)
    h.run("run", "job.yaml", "-o", "good/r.h5", "-n", 1)
    check_good(h)
    check_cross_references(h)
    check_damage(h)
    check_journal(h)
    check_garbage(h)
    check_pack(h)
    check_pack_refuses(h)
    check_export(h)
    check_status(h)
    h.finish()


if __name__ == "__main__":
    main()
