"""What a cluster does to jobs: the walltime ends them, others preempt them, nodes lose power. The end is that of a run that nothing
happened to, bit for bit.

usage: faults_test.py PROGRAM DIRECTORY
"""
import time

from jobs import Cell, calm_content, skip_without_cluster
from rack import wait_until

LONG = {"epochs": 25, "images": 10000}  # about half a minute


def trained(h, name, job, epochs):
    """Waits until the job's log has so many epochs of its last start."""
    def enough():
        starts = h.log(name, job).split(": start ")
        return len(starts) > 1 and starts[-1].count(" epoch ") >= epochs
    wait_until(f"{name}: {epochs} epochs", enough, 120)


def walltime(h):
    """A minute is too short: the job stops in time, requeues itself, and continues."""
    longer = {**LONG, "epochs": 70}
    calm = calm_content(h, h.job("calm", **longer), 3)
    job = h.submit(h.job("walltime", **longer, more="slurm: {time: 1, signal_seconds: 42, nodes: 2, ntasks: 2}\n"))
    h.expect_end("walltime", job, seconds=400)
    log = h.log("walltime", job)
    h.check(int(h.cluster.field(job, "Restarts")) >= 1 and "requeued" in log, f"it was requeued: {log[-2000:]}")
    h.same_as(calm, "walltime")


def preemption(h, calm):
    """Somebody more important takes the nodes for a moment."""
    job = h.submit(h.job("preempted", **LONG), "--nodes", 2, "--ntasks", 2, "--time", 10)
    trained(h, "preempted", job, 3)
    h.write("important.sh", "#!/bin/bash\nsleep 3\n")
    other = h.cluster.submit("-p", "high", "-N", "4", "-n", "8", "-t", "1", "-o", "results/important.log", "important.sh")
    h.expect_end("important", other)
    h.expect_end("preempted", job, seconds=240)
    h.check(int(h.cluster.field(job, "Restarts")) >= 1, "it was restarted")
    h.same_as(calm, "preempted")


def preemption_untold(h, calm):
    """The same where SLURM tells the batch script nothing: its tasks are ended, and the job goes on from its last checkpoints."""
    h.cluster.configure("SlurmctldParameters=preempt_send_user_signal", "#")
    job = h.submit(h.job("untold", **LONG), "--nodes", 2, "--ntasks", 2, "--time", 10)
    trained(h, "untold", job, 3)
    other = h.cluster.submit("-p", "high", "-N", "4", "-n", "8", "-t", "1", "-o", "results/important.log", "important.sh")
    h.expect_end("important", other)
    h.expect_end("untold", job, seconds=240)
    h.check(int(h.cluster.field(job, "Restarts")) >= 1, "it was restarted")
    h.same_as(calm, "untold")


def cut(h, name, job):
    """Power cut of the last node of a job; its name."""
    trained(h, name, job, 3)
    node = h.cluster.hosts(job)[-1]
    h.rack.power_cut(node)
    return node


def bring_back(h, node):
    h.rack.start_host(node)
    h.cluster.start_slurmd(node)


def node_loss(h, calm, launcher):
    """The job goes on with the node that is left: a group of one instead of two, so numbers agree to rounding. mpirun notices at
    once, srun when SLURM does."""
    name = f"lost-{launcher}"
    more = f"slurm: {{no_kill: true, launcher: {launcher}, nodes: 2, ntasks: 2, time: 10}}\n"
    job = h.submit(h.job(name, **LONG, more=more))
    node = cut(h, name, job)
    began = time.monotonic()
    wait_until("it goes on", lambda: "going on with 1 of 2 nodes" in h.log(name, job), 60)
    print(f"{launcher}: on the way again {time.monotonic() - began:.1f} s after the power cut")
    h.expect_end(name, job, seconds=300)
    h.check(h.cluster.field(job, "Restarts") == "0", "the same job went on")
    h.check([row["state"] for row in h.show(f"results/{name}.h5")] == ["done"] * 4, "all trials are done")
    h.run("verify", f"results/{name}.h5")
    bring_back(h, node)


def requeue_after_loss(h, calm):
    """Without no_kill the job is requeued, and continues from the journal once SLURM knows that the node is down."""
    job = h.submit(h.job("requeued", **LONG), "--nodes", 2, "--ntasks", 2, "--time", 10)
    node = cut(h, "requeued", job)
    wait_until("SLURM requeues it", lambda: h.cluster.field(job, "Restarts") == "1", 90)
    h.expect_end("requeued", job, seconds=300)
    h.check("waiting for SLURM to notice" in h.log("requeued", job), "it waited")
    h.check(node not in h.cluster.hosts(job), "other nodes did the rest")
    h.same_as(calm, "requeued")
    bring_back(h, node)


def main():
    skip_without_cluster()
    with Cell() as h:
        walltime(h)
        calm = calm_content(h, h.job("calm", **LONG), 3)
        preemption(h, calm)
        node_loss(h, calm, "mpirun")
        node_loss(h, calm, "srun")
        requeue_after_loss(h, calm)
        preemption_untold(h, calm)
    h.finish()


if __name__ == "__main__":
    main()
