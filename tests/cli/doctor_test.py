"""doctor: a healthy machine has no fault; what is broken on purpose is found, with a way to mend it.

usage: doctor_test.py PROGRAM DIRECTORY
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import Harness

LEVELS = ("ok", "warning", "fault")
# What the tests' own surroundings may have set.
STEERING = ("OMP_", "GOMP_", "OPENBLAS_", "OMPI_", "PMIX_", "SLURM_", "RANKSWEEP_", "HDF5_", "TMPDIR")
for name in list(os.environ):
    if name.startswith(STEERING):
        del os.environ[name]
SANITIZER = os.environ.get("ASAN_OPTIONS", "")


def examine(h, *args, expect=0, **more):
    """Checks by name."""
    done = h.run("doctor", "--json", *args, expect=expect, **more)
    checks = json.loads(done.stdout)
    for check in checks:
        h.check(set(check) == {"topic", "name", "level", "found", "advice"} and check["level"] in LEVELS,
                f"a check's members: {check}")
        h.check((check["level"] == "ok") == (check["advice"] == []), f"advice where it is needed: {check}")
        h.check(check["found"] != "", f"something was found: {check}")
    names = [check["name"] for check in checks]
    h.check(len(names) == len(set(names)), f"names are unique: {names}")
    faults = sum(check["level"] == "fault" for check in checks)
    h.check((done.returncode == 1) == (faults > 0), f"exit status {done.returncode} with {faults} faults")
    return {check["name"]: check for check in checks}


def expect_level(h, checks, name, level, *words):
    check = checks.get(name, {"level": "absent", "found": "", "advice": []})
    text = check["found"] + "\n" + "\n".join(check["advice"])
    h.check(check["level"] == level, f"{name}: expected {level}, got {check}")
    for word in words:
        h.check(word in text, f"{name}: {word!r} is said: {text}")


def healthy(h):
    checks = examine(h)
    for name in ("mpi library", "mpirun", "blas", "directory", "rename", "exclusive creation", "fsync"):
        expect_level(h, checks, name, "ok")
    launch = checks["launch"]
    h.check(launch["level"] != "fault" and "one world" in launch["found"], f"a real launch: {launch}")
    h.check(socket.gethostname() in launch["found"], f"ranks say their host: {launch}")
    h.check("." == checks["directory"]["found"][0], f"here: {checks['directory']}")
    h.check(os.listdir(".") == [], f"nothing is left behind: {os.listdir('.')}")
    os.mkdir("results")
    text = h.run("doctor").stdout
    lines = text.splitlines()
    h.check(any(line.startswith("ok       directory           results;") for line in lines), text)
    h.check(all(line.startswith(("ok ", "warning ", "FAULT ", " " * 28 + "-> ")) for line in lines[:-1]),
            f"a line a check: {text}")
    h.check("0 faults" in lines[-1], f"a summary: {text}")
    h.check(os.listdir("results") == [], "nothing is left behind")
    os.rmdir("results")


def usage(h):
    for args in (("a", "b"), ("--wat",), ("",)):
        done = h.run("doctor", *args, expect=2)
        h.check(done.stderr != "" and done.stdout == "", f"{args}: a message on stderr only")
    h.check("--json" in h.run("doctor", "--help").stdout, "--help tells of --json")
    done = subprocess.run(f"{h.program} doctor --json > /dev/full", shell=True, stderr=subprocess.PIPE, check=False)
    h.check(done.returncode == 1 and b"stdout" in done.stderr, f"a full output is told: {done}")


# ---- mpirun ---------------------------------------------------------------------------------------------------------

def fake_mpirun(h, version, launch):
    """A PATH whose mpirun prints VERSION, or does LAUNCH (shell)."""
    os.makedirs("fake", exist_ok=True)
    h.write("fake/mpirun", f"#!/bin/sh\nif [ \"$1\" = --version ]; then\ncat <<'END'\n{version}\nEND\n"
                           f"exit 0\nfi\n{launch}\n")
    os.chmod("fake/mpirun", 0o755)
    return {"PATH": f"{os.getcwd()}/fake:{os.environ['PATH']}"}


MPICH = "HYDRA build details:\n    Version:                                 4.0.2"
OPEN_MPI = "mpirun (Open MPI) {}\n\nReport bugs to http://www.open-mpi.org/community/help/"
# Passes over the launcher's options and starts two processes that know nothing of each other.
SINGLETONS = 'while [ "${1#/}" = "$1" ]; do shift; done\n"$@" & "$@" & wait'


def mpirun(h):
    checks = examine(h, env={"PATH": "/proc/none"}, expect=1)
    expect_level(h, checks, "mpirun", "fault", "none in PATH")
    h.check("launch" not in checks, "nothing is launched without mpirun")
    checks = examine(h, env=fake_mpirun(h, MPICH, SINGLETONS), expect=1)
    expect_level(h, checks, "mpirun", "fault", "MPICH", "Open MPI")
    expect_level(h, checks, "launch", "fault", "2 processes", "world of its own")
    checks = examine(h, env=fake_mpirun(h, OPEN_MPI.format("3.1.0"), "echo no slots >&2; exit 3"), expect=1)
    expect_level(h, checks, "mpirun", "warning", "3.1.0", "library")
    expect_level(h, checks, "launch", "fault", "status 3", "no slots")
    checks = examine(h, env=fake_mpirun(h, "\x1b[31mnobody\x07", "yes | head -c 3000000"), expect=1)
    expect_level(h, checks, "mpirun", "warning", "not known", "nobody")
    expect_level(h, checks, "launch", "fault", "status 0")
    checks = examine(h, env=fake_mpirun(h, "", "echo ranksweep-ping 0 1 h 1 1"), expect=1)
    expect_level(h, checks, "launch", "fault")
    checks = examine(h, env={"PMIX_RANK": "0"})
    expect_level(h, checks, "launch", "warning", "not tried")
    expect_level(h, checks, "pmix", "warning", "PMIX_RANK")
    expect_level(h, examine(h, env={"OMPI_MCA_btl": "tcp", "RANKSWEEP_KILL_AT": "rename:1"}, expect=1), "mpi settings",
                 "fault", "self")


def hanging(h):
    """It is waited for, but not for ever, and goes with the doctor."""
    env = {**os.environ, **fake_mpirun(h, OPEN_MPI.format("4.1.4"), "echo $$ > pid; exec sleep 300")}
    with subprocess.Popen([h.program, "doctor", "--json"], env=env, stdout=subprocess.PIPE) as doctor:
        for _ in range(200):
            if os.path.exists("pid") and open("pid", encoding="ascii").read().endswith("\n"):
                break
            time.sleep(0.05)
        child = int(open("pid", encoding="ascii").read())
        doctor.send_signal(signal.SIGINT)
        doctor.wait(20)
    shutil.rmtree("fake")
    gone = False
    for _ in range(100):
        try:
            gone = open(f"/proc/{child}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            gone = True
        if gone:
            break
        time.sleep(0.05)
    h.check(gone, "mpirun goes with the doctor")
    if not gone:
        os.kill(child, signal.SIGKILL)
    os.remove("pid")


# ---- the rest -------------------------------------------------------------------------------------------------------

def without_launch(h, folder):
    """A launcher in FOLDER that answers at once: what follows is not about launching."""
    fake_mpirun(h, OPEN_MPI.format("4.1.4"), "for r in 0 1; do echo ranksweep-ping $r 2 here 4096 1; done")
    os.rename("fake/mpirun", f"{folder}/mpirun")
    os.rmdir("fake")
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    os.environ["ASAN_OPTIONS"] = SANITIZER


def threads(h):
    cases = {"OMP_NUM_THREADS=4096": "4096", "OPENBLAS_NUM_THREADS=4096": "4096", "OMP_PROC_BIND=close": "bind",
             "OMP_WAIT_POLICY=active": "wait", "GOMP_SPINCOUNT=infinity": "wait", "OMP_NUM_THREADS=many": "positive"}
    for setting, word in cases.items():
        name, value = setting.split("=")
        checks = examine(h, env={name: value})
        if word == "bind":
            expect_level(h, checks, "threads", "warning", setting, "share the same cores")
        else:
            expect_level(h, checks, "threads", "warning", setting, word)
    if shutil.which("taskset") and len(os.sched_getaffinity(0)) > 1:
        first = min(os.sched_getaffinity(0))
        expect_level(h, examine(h, launcher=["taskset", "-c", str(first)]), "cores", "warning", "1 of the machine's")
    if "avx2" in open("/proc/cpuinfo", encoding="utf-8").read():
        expect_level(h, examine(h, env={"OPENBLAS_CORETYPE": "Prescott"}), "blas", "warning", "AVX2")


def directories(h):
    h.write("file", "not a directory")
    cases = {"missing": "mkdir -p", "file": "not a directory", "file/below": "ot a directory",
             "/proc": "cannot be written", "new\nline": "new?line"}
    for name, word in cases.items():
        checks = examine(h, name, expect=1)
        expect_level(h, checks, "directory", "fault", word)
        h.check("rename" not in checks, f"{name}: nothing more is tried")
    h.check(not os.path.exists("missing"), "a missing directory is not made")
    os.remove("file")
    if os.access("/dev/shm", os.W_OK):
        expect_level(h, examine(h, "/dev/shm"), "file system", "warning", "tmpfs")
    expect_level(h, examine(h, env={"TMPDIR": "/proc/none"}, expect=1), "session directory", "fault", "TMPDIR")
    os.makedirs("long/" + "x" * 70)
    checks = examine(h, env={"TMPDIR": os.path.abspath("long/" + "x" * 70)}, expect=None)
    expect_level(h, checks, "session directory", "warning", "too long")
    shutil.rmtree("long")
    expect_level(h, examine(h, launcher=["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"]), "open files", "warning", "128")


def slurm(h):
    job = {"SLURM_JOB_ID": "4711", "SLURM_JOB_NUM_NODES": "1", "SLURM_NTASKS": "2", "SLURM_CPUS_PER_TASK": "1"}
    expect_level(h, examine(h, env=job), "slurm time", "warning", "--deadline")
    checks = examine(h, env={**job, "SLURM_JOB_END_TIME": str(int(time.time()) + 4000)})
    expect_level(h, checks, "slurm", "ok", "job 4711", "nodes 1", "tasks 2", "cpus per task 1")
    expect_level(h, checks, "slurm time", "ok", "1 h 06 min")
    checks = examine(h, env={**job, "SLURM_JOB_END_TIME": str(int(time.time()) - 10)})
    expect_level(h, checks, "slurm time", "warning", "over")
    checks = examine(h, env={**job, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"}, expect=1)
    expect_level(h, checks, "slurm step", "fault", "--mpi=pmix")
    os.makedirs("fake")
    for offered, level in (("MPI plugin types are...\n\tnone\n\tpmix_v4", "ok"), ("none\npmi2", "warning")):
        h.write("fake/srun", f"#!/bin/sh\ncat <<'END'\n{offered}\nEND\n")
        os.chmod("fake/srun", 0o755)
        expect_level(h, examine(h, env={"PATH": f"{os.getcwd()}/fake:{os.environ['PATH']}"}), "pmix", level, "pmix")
    shutil.rmtree("fake")


def variables(h):
    checks = examine(h, env={"RANKSWEEP_RESTART": "1", "RANKSWEEP_NOTE": "mine"})
    expect_level(h, checks, "ranksweep variables", "warning", "RANKSWEEP_RESTART", "RANKSWEEP_NOTE=mine", "unset")
    expect_level(h, examine(h, env={"RANKSWEEP_NOTE": "mine"}), "ranksweep variables", "ok", "mine")
    h.check(os.listdir(".") == [], f"nothing is left behind: {os.listdir('.')}")


def main():
    h = Harness()
    os.environ["ASAN_OPTIONS"] = SANITIZER + ":detect_leaks=0"  # MPI_Finalize leaves some of the library's own memory
    healthy(h)
    usage(h)
    mpirun(h)
    hanging(h)
    with tempfile.TemporaryDirectory() as folder:
        without_launch(h, folder)
        threads(h)
        directories(h)
        slurm(h)
        variables(h)
    h.finish()


if __name__ == "__main__":
    main()
