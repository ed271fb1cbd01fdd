"""Two experiments in one directory of results: what one has done, the other does not do again.

usage: neighbours_test.py PROGRAM DIRECTORY
"""
import os
import shutil

import h5py

from harness import MEASURED, Harness

JOB = """
name: {name}
experiment: {kind}
data: {{source: digits, train: 600, test: 200}}
model: {{hidden: [48, 32]}}
train: {{epochs: {epochs}, batch: 64}}
sweep: {{space: {{svd.rank: [2, 8]}}}}
"""


def write(h, name, kind, epochs=2):
    return h.write(f"{name}.yaml", JOB.format(name=name, kind=kind, epochs=epochs))


def numbers(path):
    with h5py.File(path) as f:
        return {f"{t}.{c}": f[t][c].tobytes() for t in ("trials", "metrics") for c in f[t].dtype.names if c not in MEASURED}


def taken(h, job, results, expected, *args):
    text = h.run("run", job, "-n", 2, "-o", results, *args).stderr
    h.check(text.count("is taken over from") == expected, f"{results}: {expected} stages taken over: {text}")
    h.run("verify", results)
    return text


def main():
    h = Harness()
    compress, factorized = write(h, "compress", "svd-compress"), write(h, "factorized", "svd-factorized")
    os.makedirs("alone")
    h.run("run", factorized, "-n", 2, "-o", "alone/factorized.h5")
    h.run("run", compress, "-n", 2, "-o", "together/compress.h5")
    text = taken(h, factorized, "together/factorized.h5", 2)
    h.check("mlp-train is taken over from together/compress.journal" in text, text)
    h.check("2 stages run, 2 reused" in text, f"only retraining was left: {text}")
    h.check(numbers("together/factorized.h5") == numbers("alone/factorized.h5"), "the same numbers as alone")
    shared = {f for f in os.listdir("together/factorized.ckpt") if os.stat(f"together/factorized.ckpt/{f}").st_nlink == 2}
    h.check(len(shared) == 2, f"files are had in common, not copied: {shared}")

    for name in ("compress.h5", "compress.journal"):
        os.remove(f"together/{name}")
    shutil.rmtree("together/compress.ckpt")
    taken(h, factorized, "together/factorized.h5", 0, "--set", "sweep.space={svd.rank: [2, 4, 8]}")
    taken(h, compress, "together/compress.h5", 2)  # and the other way round

    taken(h, compress, "together/second.h5", 2)
    taken(h, factorized, "together/fresh.h5", 2)
    taken(h, factorized, "together/fresh.h5", 0, "--fresh")
    os.makedirs("same")
    h.run("run", compress, "-n", 2, "-o", "same/first.h5")
    taken(h, compress, "same/second.h5", 0)  # equal experiments are run to be compared
    taken(h, write(h, "longer", "svd-factorized", epochs=3), "same/longer.h5", 0)  # other work
    with open("same/broken.journal", "w", encoding="utf-8") as file:
        file.write("not a journal\n")
    taken(h, factorized, "same/factorized.h5", 2)
    with open("same/first.ckpt/" + os.listdir("same/first.ckpt")[0], "rb") as file:
        h.check(file.read(8) == b"\x89HDF\r\n\x1a\n", "a neighbour's files are whole")
    h.run("verify", "same/first.h5")
    h.finish()


if __name__ == "__main__":
    main()
