"""`ranksweep submit` on a real SLURM: both launchers, where ranks and threads go, arrays and merge, the limit of restarts, what is
refused.

usage: jobs_test.py PROGRAM DIRECTORY
"""
import glob
import json
import subprocess
import time

import h5py

from jobs import Cell, calm_content, content, skip_without_cluster
from rack import wait_until


def provenance(results):
    with h5py.File(results) as f:
        return f["provenance"][-1]


def launchers(h):
    """Four workers on two nodes, by mpirun and by srun: the numbers of one machine; one coordinator more, on the first node."""
    calm = calm_content(h, h.job("launch"), 5)
    ids = {}
    for launcher in ("mpirun", "srun"):
        ids[launcher] = h.submit("launch.yaml", "-o", f"results/{launcher}.h5", "--nodes", 2, "--ntasks", 4, "--time", 5,
                                 "--launcher", launcher)
    for launcher, job in ids.items():
        h.expect_end(launcher, job)
        h.same_as(calm, launcher)
        row = provenance(f"results/{launcher}.h5")
        hosts = [word.split(" x") for word in row["hosts"].decode().split(", ")]
        h.check(sorted(n for _, n in hosts) == ["2", "3"] and hosts[0][1] == "3" and row["mpi_ranks"] == 5,
                f"{launcher}: five ranks, the coordinator on the first node: {row['hosts']}")
        script = open(f"results/{launcher}.sbatch", encoding="utf-8").read()
        h.check("#SBATCH --ntasks=4" in script and f"slurm.launcher={launcher}" in script, "the script is kept")


def threads(h):
    """Workers have as many threads as they were given cores, although nothing here keeps them from taking more."""
    h.write("threads.yaml", "name: threads\nexperiment: svd-compress\ndata: {source: digits, train: 500, test: 100}\n"
            "model: {hidden: [32]}\ntrain: {epochs: 1}\nsvd: {rank: 8}\n")
    jobs = {cores: h.submit("threads.yaml", "-o", f"results/threads{cores}.h5", "--nodes", 2, "--ntasks", 2, "--cpus-per-task", cores,
                            "--time", 5) for cores in (1, 2)}
    for cores, job in jobs.items():
        h.expect_end(f"threads{cores}", job)
        with h5py.File(f"results/threads{cores}.h5") as f:
            found = set(f["stages"]["threads"].tolist())
        h.check(found == {cores}, f"{cores} cores a worker: threads {found}")


def own_launch(h):
    """A batch script of one's own that starts the ranks itself."""
    calm = calm_content(h, "launch.yaml", 3)
    for name, command in {"own-mpirun": "mpirun --bind-to none --oversubscribe -n 3", "own-srun":
                          "srun --mpi=pmix -n 3 --overcommit --cpu-bind=none"}.items():
        h.write(f"{name}.sh", f"#!/bin/bash\nexec {command} {h.program} run launch.yaml -o results/{name}.h5\n")
        job = h.cluster.submit("-N", "2", "-n", "2", "-t", "5", "-o", f"results/{name}.%j.log", f"{name}.sh")
        h.expect_end(name, job)
        h.same_as(calm, name)


def singletons(h):
    """srun without PMIx gives every process a world of its own: refused, nothing is written."""
    done = h.cluster.client("srun", "--mpi=none", "-N", "2", "-n", "2", h.program, "run", "launch.yaml", "-o", "results/lonely.h5")
    h.check(done.returncode != 0 and "MPI world of its own" in done.stderr and "--mpi=pmix" in done.stderr, f"refused: {done.stderr}")
    h.check(not glob.glob("results/lonely*"), "and nothing was written")


def two_jobs(h):
    """The second job on one results file ends at once, and says who has it."""
    h.write("slow.yaml", "name: slow\nexperiment: noop\nsweep: {space: {noop.index: [1, 2, 3]}}\nnoop: {seconds: 4}\n")
    first = h.submit("slow.yaml", "--time", 5)
    wait_until("the first job runs", lambda: glob.glob("results/slow.journal"), 60)
    time.sleep(1)
    second = h.submit("slow.yaml", "--time", 5)
    h.expect_end("slow", second, "FAILED")
    h.check("ExitCode=2:0" in h.cluster.said("scontrol", "show", "job", "-o", second), "exit status 2")
    h.check("in use" in h.log("slow", second) or "another" in h.log("slow", second), f"the reason: {h.log('slow', second)}")
    h.expect_end("slow", first)


def restarts_are_counted(h):
    """A job that is stopped again and again requeues itself once where that is the limit, and ends with 75."""
    h.write("limit.yaml", "name: limit\nexperiment: noop\nsweep: {space: {noop.index: [1, 2]}}\nnoop: {seconds: 60}\n"
            "slurm: {max_restarts: 1, time: 5}\n")
    job = h.submit("limit.yaml")
    for start in (1, 2):
        wait_until(f"start {start}", lambda s=start: f"start {s} on" in h.log("limit", job), 60)
        time.sleep(2)
        h.cluster.said("scancel", "--batch", "--signal=USR1", job)
    h.expect_end("limit", job, "FAILED")
    h.check("ExitCode=75:0" in h.cluster.said("scontrol", "show", "job", "-o", job), "exit status 75")
    h.check("slurm.max_restarts" in h.log("limit", job) and h.cluster.field(job, "Restarts") == "1", h.log("limit", job))


def cancelled(h):
    """scancel means it: the job does not come back."""
    h.write("cancel.yaml", "name: cancel\nexperiment: noop\nnoop: {seconds: 60}\nslurm: {time: 5}\n")
    job = h.submit("cancel.yaml")
    wait_until("it runs", lambda: glob.glob("results/cancel.journal"), 60)
    h.cluster.said("scancel", job)
    h.expect_end("cancel", job, "CANCELLED")
    time.sleep(3)
    h.check(h.cluster.field(job, "JobState") == "CANCELLED", "it stays cancelled")


def chained(h):
    """Where requeueing is not wanted, a job that depends on the first goes on."""
    h.write("chain.yaml", "name: chain\nexperiment: noop\nsweep: {space: {noop.index: [1, 2]}}\nnoop: {seconds: 5}\n"
            "slurm: {restart: chain, time: 5}\n")
    job = h.submit("chain.yaml")
    wait_until("it runs", lambda: glob.glob("results/chain.journal"), 60)
    time.sleep(2)
    h.cluster.said("scancel", "--batch", "--signal=USR1", job)
    h.expect_end("chain", job, "FAILED")
    following = str(int(job) + 1)
    h.expect_end("chain", following)
    h.check([r["state"] for r in h.show("results/chain.h5")] == ["done"] * 2, "the second job ended the sweep")


def array(h):
    """Shares of a job array, joined: what one job would have made."""
    calm = calm_content(h, h.job("array"), 3)
    job = h.submit("array.yaml", "--array", "2", "--ntasks", 2, "--time", 5)
    wait_until("the array ends", lambda: not h.cluster.said("squeue", "-h", "-j", job), 120)
    shares = sorted(glob.glob("results/array.share-*-of-2.h5"))
    h.check(len(shares) == 2, f"two results: {shares}, {[open(log).read() for log in glob.glob('results/array.*.log')]}")
    h.run("merge", "-o", "results/array.h5", *shares)
    h.same_as(calm, "array")


def stopped_array(h):
    """Tasks of an array that are stopped go on, each by itself: the first one to start has the number of the whole array."""
    h.write("tasks.yaml", "name: tasks\nexperiment: noop\nsweep: {space: {noop.index: [1, 2, 3, 4]}}\nnoop: {seconds: 4}\nslurm: {time: 5}\n")
    job = h.submit("tasks.yaml", "--array", "2", "--ntasks", 1)
    logs = [f"{job}_{task}" for task in (1, 2)]
    wait_until("both run", lambda: all("start 1 on" in h.log("tasks", log) for log in logs), 60)
    time.sleep(2)
    for log in logs:
        h.cluster.said("scancel", "--batch", "--signal=USR1", log)
    wait_until("the array ends", lambda: not h.cluster.said("squeue", "-h", "-j", job), 180)
    for log in logs:
        h.check("start 2 on" in h.log("tasks", log) and "start 3" not in h.log("tasks", log), f"task {log} went on once: {h.log('tasks', log)}")
    h.run("merge", "-o", "results/tasks.h5", *sorted(glob.glob("results/tasks.share-*-of-2.h5")))
    h.check([r["state"] for r in h.show("results/tasks.h5")] == ["done"] * 4, "all trials are done")


def from_a_step(h):
    """Submitted from within a step of another job, whose variables sbatch hands on, and with variables of sbatch's own that say otherwise."""
    left = {"PMIX_RANK": "0", "PMIX_NAMESPACE": "old", "OMPI_COMM_WORLD_SIZE": "4", "SLURM_STEP_NUM_TASKS": "4", "SBATCH_TIMELIMIT": "1",
            "SBATCH_NO_REQUEUE": "1", "SLURM_TRES_PER_TASK": "cpu:1"}
    done = h.cluster.client("env", *(f"{k}={v}" for k, v in left.items()), h.program, "submit", "launch.yaml", "-o", "results/it's #1 100%d.h5",
                            "--ntasks", "2", "--time", "7")
    h.check(done.returncode == 0 and "SBATCH_TIMELIMIT=1 is left out" in done.stderr, f"{done.stdout}{done.stderr}")
    job = done.stdout.split()[1]
    h.expect_end("it's #1 100%d", job)
    shown = h.cluster.said("scontrol", "show", "job", "-o", job)
    h.check("TimeLimit=00:07:00" in shown and "Requeue=1" in shown, f"the script's own walltime holds: {shown}")
    row = provenance("results/it's #1 100%d.h5")
    h.check(row["mpi_ranks"] == 3, f"it started ranks of its own: {row['mpi_ranks']}, {h.log(chr(105) + 't' + chr(39) + 's #1 100%d', job)}")


def without_slurm(h):
    """Where there is no SLURM: told so; the script is shown all the same."""
    h.run("submit", "launch.yaml", "--time", "5", env={"PATH": "/nowhere"}, expect=2)
    done = subprocess.run([h.program, "submit", "launch.yaml"], capture_output=True, text=True, env={"PATH": "/nowhere"}, check=False)
    h.check("no SLURM here" in done.stderr and "--dry-run" in done.stderr, done.stderr)
    shown = h.run("submit", "launch.yaml", "--dry-run", "--sbatch-opt=--mem=1G", env={"PATH": "/nowhere"}).stdout
    h.check(shown.startswith("#!/bin/bash\n#SBATCH --job-name=launch\n") and "#SBATCH --mem=1G\n" in shown, shown)
    checked = subprocess.run(["bash", "-n"], input=shown, text=True, capture_output=True, check=False)
    h.check(checked.returncode == 0, checked.stderr)
    short = h.run("submit", "launch.yaml", "--dry-run", "--time", "2", env={"PATH": "/nowhere"}).stdout
    h.check("#SBATCH --signal=B:USR1@40\n" in short, "a short walltime is not all signal")
    refused = h.run("submit", "launch.yaml", "--time", "soon", "--dry-run", expect=2)
    h.check("--set slurm.time=" in refused.stderr or "slurm.time" in refused.stderr, refused.stderr)


def doctor(h):
    """In a job, the doctor sees it, its walltime, and PMIx."""
    done = h.cluster.client("srun", "--mpi=pmix", "-n", "1", "-t", "5", h.program, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(done.stdout)}
    h.check("slurm" in found and found["slurm"]["level"] != "fault", f"{found.get('slurm')}")
    told = found["slurm preemption"]
    h.check("REQUEUE" in told["found"] and "not told" not in told["found"], f"preemption here comes with a signal: {told}")


def main():
    skip_without_cluster()
    with Cell() as h:
        launchers(h)
        without_slurm(h)
        threads(h)
        own_launch(h)
        singletons(h)
        two_jobs(h)
        restarts_are_counted(h)
        cancelled(h)
        chained(h)
        doctor(h)
        array(h)
        stopped_array(h)
        from_a_step(h)
    h.finish()


if __name__ == "__main__":
    main()
