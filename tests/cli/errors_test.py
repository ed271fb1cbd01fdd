"""Bad input: one clear error with its place, exit status 2, and nothing written or touched.

usage: errors_test.py PROGRAM DIRECTORY
"""
import gzip
import os
import struct

from harness import Harness


def idx(kind, dims, data, magic=None):
    head = bytes([0, 0, kind, len(dims)]) if magic is None else magic
    return head + b"".join(struct.pack(">I", d) for d in dims) + data


def mnist(h, folder, **changed):
    """A small valid MNIST directory, with the files CHANGED as given (None: missing)."""
    os.makedirs(folder)
    files = {"train-images-idx3-ubyte": idx(8, [20, 28, 28], bytes(20 * 784)),
             "train-labels-idx1-ubyte": idx(8, [20], bytes(range(10)) * 2),
             "t10k-images-idx3-ubyte": idx(8, [10, 28, 28], bytes(7840)),
             "t10k-labels-idx1-ubyte": idx(8, [10], bytes(range(10)))}
    files.update(changed.pop("files", {}))
    for name, data in files.items():
        if data is not None:
            with open(f"{folder}/{name}", "wb") as file:
                file.write(data)


JOB = """name: errors
experiment: svd-compress
data: {{source: mnist, path: {path}}}
model: {{hidden: [16]}}
svd: {{rank: 8}}
train: {{epochs: 1}}
"""


def bad_jobs(h):
    cases = {
        "unknown key": ("train: {epochs: 1, epochz: 2}", ["job.yaml:3", "epochz", "train.epochs"]),
        "type": ("train: {epochs: many}", ["job.yaml:3", "train.epochs", "many"]),
        "range": ("train: {epochs: -1}", ["job.yaml:3", "train.epochs", "-1"]),
        "duplicate": ("seed: 1\nseed: 2", ["job.yaml:4", "seed"]),
        "choice": ("train: {optimizer: adams}", ["job.yaml:3", "adam"]),
        "swept setting": ("sweep: {space: {svd.rnk: [1]}}", ["job.yaml:3", "svd.rank"]),
        "svd rank": ("model: {hidden: [32, 16]}\nsweep: {space: {svd.rank: [8, 17]}}",
                     ["job.yaml:4", "17", "dense2"]),
        "syntax": ("train: {epochs: 1", ["job.yaml"]),
        "missing data": ("data: {source: mnist, path: nowhere}", ["job.yaml:3", "nowhere"]),
    }
    for what, (text, wanted) in cases.items():
        h.write("job.yaml", f"name: bad\nexperiment: svd-compress\n{text}\n")
        for command in (["run", "job.yaml", "-n", "1"], ["run", "job.yaml"], ["plan", "job.yaml"]):
            done = h.run(*command, expect=2)
            for word in wanted:
                h.check(word in done.stderr, f"{what}: the error lacks {word!r}: {done.stderr}")
    h.check(not os.path.exists("results"), "nothing was written")
    h.write("job.yaml", "name: bad\nexperiment: svd-compress\nseed: x\ntrain: {lr: 0, batch: 0}\nwrong: 1\n")
    text = h.run("run", "job.yaml", expect=2).stderr
    h.check(all(f"job.yaml:{line}" in text for line in (3, 4, 5)), f"all faults are listed at once: {text}")


def bad_data(h):
    bomb = gzip.compress(idx(8, [20, 28, 28], bytes(64 << 20)))
    good = idx(8, [20, 28, 28], bytes(20 * 784))
    cases = {
        "missing": {"train-images-idx3-ubyte": None},
        "empty": {"train-images-idx3-ubyte": b""},
        "truncated": {"train-images-idx3-ubyte": good[:-1]},
        "too-long": {"train-images-idx3-ubyte": good + b"x"},
        "magic": {"train-images-idx3-ubyte": b"\x01" + good[1:]},
        "type": {"train-images-idx3-ubyte": b"\0\0\x0d" + good[3:]},
        "oversized": {"train-images-idx3-ubyte": idx(8, [0xffffffff, 28, 28], bytes(784))},
        "bomb": {"train-images-idx3-ubyte": None, "train-images-idx3-ubyte.gz": bomb},
        "cut-gzip": {"train-images-idx3-ubyte": None, "train-images-idx3-ubyte.gz": gzip.compress(good)[:-9]},
        "label": {"train-labels-idx1-ubyte": idx(8, [20], bytes([10]) * 20)},
        "counts": {"train-labels-idx1-ubyte": idx(8, [19], bytes(19))},
    }
    for what, files in cases.items():
        mnist(h, what, files=files)
        h.write("job.yaml", JOB.format(path=what))
        done = h.run("run", "job.yaml", "-n", "1", expect=2)
        h.check("train-" in done.stderr, f"{what}: the error names the file: {done.stderr}")
        h.check(not os.path.exists("results"), f"{what}: nothing was written")
    small = {"train-images-idx3-ubyte": idx(8, [20, 10, 10], bytes(2000)),
             "t10k-images-idx3-ubyte": idx(8, [10, 10, 10], bytes(1000))}
    mnist(h, "other-size", files=small)
    h.write("job.yaml", JOB.format(path="other-size"))
    done = h.run("run", "job.yaml", "-n", "1", expect=2)
    h.check("28 x 28" in done.stderr, f"images of another size: {done.stderr}")
    mnist(h, "directory", files={"train-images-idx3-ubyte": None})
    os.makedirs("directory/train-images-idx3-ubyte")
    h.write("job.yaml", JOB.format(path="directory"))
    done = h.run("run", "job.yaml", "-n", "1", expect=2)
    h.check("train-images-idx3-ubyte" in done.stderr, f"a directory: {done.stderr}")
    mnist(h, "good")
    h.write("job.yaml", JOB.format(path="good"))
    h.run("run", "job.yaml", "-n", "1", "-o", "good.h5")


def other_job(h):
    """Finished work is never overwritten by another job."""
    h.write("job.yaml", JOB.format(path="good"))
    before = open("good.h5", "rb").read()
    done = h.run("run", "job.yaml", "-n", "1", "-o", "good.h5", "--set", "train.lr=0.5", expect=2)
    h.check("train.lr" in done.stderr and "--fresh" in done.stderr, f"the difference is told: {done.stderr}")
    h.check(open("good.h5", "rb").read() == before, "earlier results are untouched")
    h.run("run", "job.yaml", "-n", "1", "-o", "good.h5", "--set", "train.lr=0.5", "--fresh")
    h.check(any(name.startswith("good.h5.") for name in os.listdir(".")), "--fresh moves them aside")
    h.write("thesis.h5", "somebody's work")
    done = h.run("run", "job.yaml", "-n", "1", "-o", "thesis.h5", expect=2)
    h.check("journal" in done.stderr and open("thesis.h5").read() == "somebody's work",
            f"a file that is not ours is not overwritten: {done.stderr}")
    h.write("junk.h5", "this is not HDF5")
    done = h.run("show", "junk.h5", expect=2)
    h.check("junk.h5" in done.stderr, f"show names the file: {done.stderr}")


def retried(h):
    """Failed trials stay failed unless asked for; a mended setting may be run again and again."""
    h.write("fail.yaml", "name: fail\nexperiment: noop\n")
    told = ["--set", "noop.fail=nan"]
    h.run("run", "fail.yaml", "-n", "1", "-o", "fail.h5", *told, expect=1)
    h.check("0 stages run" in h.run("run", "fail.yaml", "-n", "1", "-o", "fail.h5", *told, expect=1).stderr,
            "a failed trial is not run again unasked")
    text = h.run("run", "fail.yaml", "-n", "1", "-o", "fail.h5", *told, "--retry-failed", expect=1).stderr
    h.check("1 stages run" in text, f"--retry-failed runs it: {text}")
    for _ in range(2):
        h.run("run", "fail.yaml", "-n", "1", "-o", "fail.h5")


def usage(h):
    for args in ((), ("rum",), ("run",), ("run", "a", "b"), ("run", "x.yaml", "-n", "0"), ("run", "--wat"),
                 ("run", "missing.yaml"), ("run", "."), ("plan",), ("show",), ("kinds", "nothing")):
        done = h.run(*args, expect=2)
        h.check(done.stderr.strip() != "" and done.stdout == "", f"{args}: a message on stderr only")
    for args in (("--help",), ("--version",), ("run", "--help"), ("plan", "--help"), ("kinds",), ("kinds", "--json")):
        h.check(h.run(*args).stdout.strip() != "", f"{args}: prints something")


def main():
    h = Harness()
    bad_jobs(h)
    bad_data(h)
    other_job(h)
    retried(h)
    usage(h)
    h.finish()


if __name__ == "__main__":
    main()
