"""Groups across hosts: the same bits over real TCP between two and four hosts as on one.

usage: hosts_test.py PROGRAM DIRECTORY

Hosts are made of Linux namespaces by the scripts of a testbed (netns-hosts-up.sh, netns-hosts-down.sh, hrun, rsh-agent), whose
folder RS_TESTBED names. Skipped where there is none, or without root.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from harness import Harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
from exact_test import content  # noqa: E402

JOBS = {"exact": ("svd-constrained", "exact", "rank: 6, method: subspace, every: 5 steps"),
        "fast": ("svd-constrained", "fast", "rank: 6"),
        "factored": ("svd-factorized", "exact", "rank: 6")}
JOB = """
name: {name}
experiment: {kind}
data: {{source: digits, train: 660, test: 150}}
model: {{hidden: [64, 48]}}
train: {{epochs: 3, batch: 60, reduction: {reduction}}}
svd: {{{svd}}}
resources: {{threads_per_rank: 1}}
"""


class Rack:
    def __init__(self, scripts, shared, hosts):
        self.scripts, self.shared = scripts, shared
        self.env = {**os.environ, "SB_SHARED": shared, "SB_DIR": f"{shared}/run/rack", "SB_N": str(hosts),
                    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def script(self, name, *args):
        return subprocess.run([f"{self.scripts}/{name}", *args], env=self.env, cwd=self.shared, capture_output=True, text=True,
                              timeout=180, check=False)

    def mpirun(self, hosts, *command):
        """On each host one worker, on the first the coordinator as well."""
        places = ",".join(f"h{k}:{2 if k == 1 else 1}" for k in range(1, hosts + 1))
        return self.script("hrun", "h0", "mpirun", "--mca", "plm_rsh_agent", f"{self.scripts}/rsh-agent", "--mca", "btl", "tcp,self",
                           "--mca", "pml", "ob1", "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include",
                           "10.77.0.0/24", "--mca", "mpi_yield_when_idle", "1", "--host", places, "-np", str(hosts + 1), *command)


def check_job(h, rack, name, program):
    kind, reduction, svd = JOBS[name]
    job = h.write(f"{rack.shared}/{name}.yaml", JOB.format(name=name, kind=kind, reduction=reduction, svd=svd))
    for hosts in (2, 4):
        group = ("--set", f"resources.ranks_per_trial={hosts}")
        here, there = f"{rack.shared}/{name}{hosts}/here.h5", f"{rack.shared}/{name}{hosts}/there.h5"
        h.run("run", job, "-n", hosts + 1, "-o", here, *group)
        done = rack.mpirun(hosts, program, "run", job, "-o", there, *group)
        h.check(done.returncode == 0, f"{name} on {hosts} hosts: {done.stderr[-2000:]}")
        if done.returncode == 0:
            one, other = content(here), content(there)
            differ = [key for key in one if one[key] != other.get(key)]
            h.check(not differ and len(one) == len(other), f"{name} on {hosts} hosts: differences in {differ[:5]}")
            h.run("verify", there)


def main():
    scripts = os.path.join(os.environ.get("RS_TESTBED", ""), "scripts")
    if os.geteuid() != 0 or not os.path.exists(f"{scripts}/netns-hosts-up.sh"):
        print("skipped: needs root, and RS_TESTBED with the scripts that make hosts of namespaces")
        sys.exit(77)
    h = Harness()
    with tempfile.TemporaryDirectory() as shared:
        rack = Rack(os.path.abspath(scripts), shared, 4)
        program = shutil.copy(h.program, f"{shared}/ranksweep")
        up = rack.script("netns-hosts-up.sh")
        if up.returncode != 0:
            print(f"skipped: no hosts could be made: {up.stderr}")
            sys.exit(77)
        try:
            for name in JOBS:
                check_job(h, rack, name, program)
        finally:
            rack.script("netns-hosts-down.sh")
    h.finish()


if __name__ == "__main__":
    main()
