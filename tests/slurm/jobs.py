"""What the tests on the cluster share: a harness that submits, and the jobs."""
import os
import re
import sys

import cluster
from cluster import Cluster
from harness import Harness
from rack import Rack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
from exact_test import content  # noqa: E402

JOB = """
name: {name}
experiment: svd-constrained
data: {{source: digits, train: {images}, test: 500}}
model: {{hidden: [96, 64]}}
train: {{epochs: {epochs}, batch: 100, lr: 0.001, schedule: cosine}}
svd: {{rank: 12, every: epoch}}
sweep: {{space: {{train.lr: [0.001, 0.002], svd.rank: [8, 12]}}, objectives: {{test_accuracy: max}}}}
checkpoint: {{least_seconds: 0.5}}
resources: {{threads_per_rank: 1, ranks_per_trial: 2}}
"""


def skip_without_cluster():
    reason = cluster.missing()
    if reason:
        print(f"skipped: no SLURM cluster can be built here: {reason}")
        sys.exit(77)


class Cell(Harness):
    """A cluster of four nodes whose jobs run the program; use as `with Cell() as cell`."""

    def __enter__(self):
        self.rack = Rack(4, shared=[os.path.commonpath([self.program, self.directory])]).__enter__()
        try:
            self.cluster = Cluster(self.rack).__enter__()
        except BaseException:
            self.rack.__exit__(None, None, None)
            raise
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        return self

    def __exit__(self, kind, *_):
        if kind is not None or self.failures:
            print(self.cluster.logs(), file=sys.stderr)
        self.rack.__exit__(None, None, None)

    def job(self, name, epochs=4, images=2000, more=""):
        return self.write(f"{name}.yaml", JOB.format(name=name, epochs=epochs, images=images) + more)

    def submit(self, *args):
        """`ranksweep submit`; the job's number."""
        done = self.cluster.client(self.program, "submit", *map(str, args))
        self.check(done.returncode == 0 and done.stdout.startswith("job "), f"submit {args}: {done.stdout}{done.stderr}")
        return re.match(r"job (\d+)", done.stdout).group(1)

    def log(self, name, job):
        path = f"results/{name}.{job}.log"
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def expect_end(self, name, job, state="COMPLETED", seconds=180):
        try:
            self.cluster.wait_for(job, state, seconds=seconds)
        except TimeoutError as error:
            self.check(False, f"{name}: {error}\n{self.log(name, job)[-3000:]}")
            self.cluster.client("scancel", job)

    def same_as(self, calm, name):
        """Tables and weights of results/NAME.h5 are those of CALM, content() of a run that nothing happened to."""
        found = content(f"results/{name}.h5")
        differ = [key for key in calm if calm[key] != found.get(key)]
        self.check(not differ and len(found) == len(calm) > 10, f"{name}: differences in {differ[:5]}")
        self.run("verify", f"results/{name}.h5")


def calm_content(h, job, ranks):
    """What JOB makes on this machine, without SLURM."""
    h.run("run", job, "-n", ranks, "-o", "calm.h5", "--fresh")
    return content("calm.h5")
