"""/provenance: what every start was, and that results are not continued with data that changed.

usage: provenance_test.py PROGRAM DIRECTORY
"""
import ctypes
import ctypes.util
import json
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys

from harness import Harness, mpirun

try:
    import h5py
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

JOB = """name: starts
experiment: svd-compress
data: {source: mnist, path: data}
model: {hidden: [12, 8]}
train: {epochs: 1, batch: 16}
sweep: {space: {svd.rank: [2, full]}}
"""
TEXTS = ("time", "command", "version", "source", "build_type", "compiler", "flags", "host", "hosts", "cpu", "mpi", "blas",
         "blas_core", "hdf5", "environment", "data")
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
COUNTS = (48, 48, 16, 16)


def write_data(folder):
    """Noise in the layout of MNIST."""
    source = random.Random(1)
    os.makedirs(folder)
    for name, count in zip(FILES, COUNTS):
        if "images" in name:
            body = struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28) + source.randbytes(count * 784)
        else:
            body = struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count))
        pathlib.Path(folder, name).write_bytes(body)


def xxh3(data):
    """XXH3-64 by the library itself; None where it cannot be had."""
    try:
        import xxhash
        return xxhash.xxh3_64_intdigest(data)
    except ImportError:
        pass
    path = ctypes.util.find_library("xxhash")
    if path is None:
        return None
    function = ctypes.CDLL(path).XXH3_64bits
    function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    return function(data, len(data))


def starts(path):
    with h5py.File(path) as f:
        table = f["provenance"][:]
    return [{name: row[name].decode() if name in TEXTS else int(row[name]) for name in table.dtype.names} for row in table]


def check_row(h, row, ranks, command):
    for name in TEXTS[:-2]:
        h.check(row[name] != "", f"{name} is told")
    host = socket.gethostname()
    h.check(row["host"] == host and row["hosts"] == f"{host} x{ranks}", f"hosts {row['hosts']!r}")
    h.check(row["mpi_ranks"] == ranks, f"{row['mpi_ranks']} ranks")
    h.check(row["command"] == command, f"command {row['command']!r}")
    h.check(row["hdf5"].startswith("HDF5 ") and row["mpi"].startswith("Open MPI"), "libraries")
    h.check("-O" in row["flags"] and "-W" not in row["flags"], f"flags {row['flags']!r}")


def check_data(h, row):
    items = dict(item.split("=") for item in row["data"].split("; "))
    h.check(tuple(items) == FILES, f"files {list(items)}")
    for name in FILES:
        expected = xxh3(pathlib.Path("data", name).read_bytes())
        h.check(expected is None or int(items[name], 16) == expected, f"{name}: XXH3 {items[name]}")


def variables(row):
    return dict(item.split("=", 1) for item in row["environment"].split("; ")) if row["environment"] else {}


def check_environment(h, alone, many):
    h.check(alone["OMP_NUM_THREADS"] == "1" and alone["SLURM_JOB_ID"] == "4711", f"{alone}")
    h.check(alone["RANKSWEEP_NOTE"] == "a b" and "SECRET_TOKEN" not in alone, "ours, and nobody else's")
    h.check(many.get("OMPI_MCA_coll_tuned_priority") == "31", f"what was set for MPI: {many}")
    launcher = [name for name in many if "orte" in name or "ess" in name or name == "RANKSWEEP_TERMINAL"]
    h.check(not launcher, f"what the launcher tells its ranks is left out: {launcher}")


def check_show(h, rows):
    shown = h.run("show", "r.h5", "--provenance").stdout
    h.check("start 1 of 2\n" in shown and "start 2 of 2\n" in shown, "a block a start")
    h.check(rows[1]["hosts"] in shown and "SLURM_JOB_ID=4711" in shown, "with hosts and environment")
    h.check(json.loads(h.run("show", "r.h5", "--provenance", "--json").stdout) == rows, "the same as JSON")
    h.check(h.run("show", "r.h5", "--provenance", "--csv").stdout.startswith("time,command,"), "and as CSV")
    h.run("show", "r.h5", "--provenance", "--best", expect=2)
    h.run("show", "r.h5", "0", "--provenance", expect=2)


def change_a_byte(name):
    path = pathlib.Path("data", name)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def check_refusal(h):
    before = pathlib.Path("r.journal").read_bytes(), pathlib.Path("r.h5").read_bytes()
    change_a_byte("train-images-idx3-ubyte")
    for launcher in ((), mpirun(2)):
        done = h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, expect=2, launcher=launcher)
        h.check("train-images-idx3-ubyte was " in done.stderr and "--fresh" in done.stderr, done.stderr)
        h.check("t10k" not in done.stderr and "labels" not in done.stderr, "only what differs is named")
    h.check(before == (pathlib.Path("r.journal").read_bytes(), pathlib.Path("r.h5").read_bytes()), "nothing was touched")
    h.run("run", "job.yaml", "-o", "other.h5", "-n", 1)
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, "--fresh")
    h.check(len(starts("r.h5")) == 1, "--fresh begins anew")
    change_a_byte("train-images-idx3-ubyte")
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, expect=2)
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, "--set", "data.path=./data", "--set", "name=x", expect=2)


def check_source(h):
    """The script that the build asks for the version of the source."""
    script = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "source-version.cmake"

    def git(*args):
        return subprocess.run(["git", "-C", "tree", "-c", "user.name=x", "-c", "user.email=x@localhost", *args], check=True,
                              capture_output=True, text=True).stdout.strip()

    def version():
        subprocess.run(["cmake", "-D", "SOURCE=tree", "-D", "OUTPUT=version.c", "-P", script], check=True)
        return pathlib.Path("version.c").read_text(encoding="utf-8").split('"')[3]

    os.makedirs("tree/below")
    h.check(version() == "unknown", "no checkout of its own")
    git("init", "-q")
    h.write("tree/file", "1")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    h.check(version() == git("rev-parse", "--short", "HEAD"), "a commit")
    written = os.stat("version.c").st_mtime_ns
    h.check(version() != "" and os.stat("version.c").st_mtime_ns == written, "not written again")
    h.write("tree/file", "2")
    h.check(version().endswith("-dirty"), "a change that is not committed")


def main():
    h = Harness()
    h.write("job.yaml", JOB)
    write_data("data")
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, "--set", "train.lr=0.002", "--set", "model.hidden=[12, 8]",
          env={"OMP_NUM_THREADS": "1", "SLURM_JOB_ID": "4711", "RANKSWEEP_NOTE": "a b", "SECRET_TOKEN": "x"})
    h.run("run", "job.yaml", "-o", "r.h5", "--set", "train.lr=0.002", launcher=mpirun(3),
          env={"OMPI_MCA_coll_tuned_priority": "31"})
    rows = starts("r.h5")
    h.check(len(rows) == 2, f"{len(rows)} rows after two starts")
    given = "-o r.h5 -n 1 --set train.lr=0.002 --set 'model.hidden=[12, 8]'"
    check_row(h, rows[0], 1, f"ranksweep run {given} job.yaml")
    check_row(h, rows[1], 3, "ranksweep run -o r.h5 --set train.lr=0.002 job.yaml")
    check_data(h, rows[0])
    h.check(rows[0]["data"] == rows[1]["data"], "the same data twice")
    check_environment(h, variables(rows[0]), variables(rows[1]))
    check_show(h, rows)
    h.run("run", "job.yaml", "-o", "r.h5", "-n", 1, "--fresh")
    check_refusal(h)
    if shutil.which("git") and shutil.which("cmake"):
        check_source(h)
    h.finish()


if __name__ == "__main__":
    main()
