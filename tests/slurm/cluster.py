"""A SLURM cluster on a rack: the real slurmctld on h0, a slurmd on every other host, a munged with a key of its own.

    with Rack(4, shared=[...]) as rack, Cluster(rack) as cluster:
        job = cluster.submit("job.sbatch")
        cluster.wait_for(job, "COMPLETED")

Nodes say that they have two CPUs whatever the machine has. The partition `main` is preempted and requeued by jobs in `high`.
There are no cgroups and no accounting.
"""
import os
import pathlib
import subprocess

import rack as racks
from rack import wait_until

DAEMONS = ("slurmctld", "slurmd", "munged", "sbatch")
SEARCH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
CONFIG = """
ClusterName=rack
SlurmctldHost=h0
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
# A job that was requeued waits for the expiry of its credential, two minutes otherwise.
AuthInfo=socket={state}/munge/socket,cred_expire=5
SlurmctldPort=6817
SlurmdPort=6818
SrunPortRange=60001-61000
StateSaveLocation={state}/save
SlurmdSpoolDir={state}/spool.%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.%n.pid
SlurmctldLogFile={state}/log/slurmctld
SlurmdLogFile={state}/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=pmix
SwitchType=switch/none
MailProg=/bin/true
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=1,bf_interval=1,batch_sched_delay=0,requeue_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
ReturnToService=2
SlurmdTimeout=5
SlurmctldTimeout=10
InactiveLimit=0
MessageTimeout=10
TCPTimeout=2
KillWait=3
MinJobAge=300
CompleteWait=0
SlurmdParameters=config_overrides
NodeName=DEFAULT CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
{nodes}
PartitionName=main Nodes={all} Default=YES MaxTime=60 DefaultTime=5 State=UP PriorityTier=1 GraceTime=10 PreemptMode=REQUEUE
PartitionName=high Nodes={all} MaxTime=60 DefaultTime=5 State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing():
    """Why no cluster can be built here, None when it can."""
    return racks.missing((*racks.PROGRAMS, *DAEMONS))


class Cluster:
    def __init__(self, rack):
        self.rack = rack
        self.nodes = rack.names[1:]
        self.state = f"{rack.state}/slurm"
        self.config = f"{self.state}/slurm.conf"

    def __enter__(self):
        for folder in ("save", "log", "munge/key", "no-cgroups"):
            os.makedirs(f"{self.state}/{folder}")
        self._start_munged()
        nodes = "\n".join(f"NodeName={n} NodeHostname={n} NodeAddr={self.rack.address(n)}" for n in self.nodes)
        pathlib.Path(self.config).write_text(CONFIG.format(state=self.state, nodes=nodes, all=",".join(self.nodes)), encoding="ascii")
        # SLURM 22.05 cannot do without a cgroup plugin; this one finds nothing and does nothing.
        pathlib.Path(f"{self.state}/cgroup.conf").write_text(
            f"CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nCgroupMountpoint={self.state}/no-cgroups\n", encoding="ascii")
        self._start("h0", "slurmctld", "-c")
        for node in self.nodes:
            self.start_slurmd(node)
        wait_until("all nodes are idle", lambda: self.idle() == len(self.nodes))
        return self

    def __exit__(self, *_):
        """The daemons go with the rack."""

    def _start_munged(self):
        key = pathlib.Path(f"{self.state}/munge/key/key")
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        key.parent.chmod(0o700)
        folder = f"{self.state}/munge"
        self._start("h0", "munged", "--force", f"--key-file={key}", f"--socket={folder}/socket", f"--pid-file={folder}/pid",
                    f"--log-file={self.state}/log/munged", f"--seed-file={folder}/seed")

    def _start(self, host, *daemon):
        """slurmd hands its environment on to jobs in part, so it gets a clean one."""
        done = self.rack.run(host, "env", "-i", f"PATH={SEARCH}", "HOME=/root", f"SLURM_CONF={self.config}", *daemon)
        if done.returncode != 0:
            raise RuntimeError(f"{daemon[0]} on {host}: {done.stderr}{self.logs()}")

    def start_slurmd(self, node):
        os.makedirs(f"{self.state}/spool.{node}", exist_ok=True)
        self._start(node, "slurmd")

    def configure(self, before, after):
        """Another line of slurm.conf, while the cluster runs."""
        path = pathlib.Path(self.config)
        text = path.read_text(encoding="ascii")
        assert before in text
        path.write_text(text.replace(before, after), encoding="ascii")
        self.said("scontrol", "reconfigure")

    def logs(self):
        return "".join(f"\n== {path.name}\n" + path.read_text(encoding="utf-8", errors="replace")[-1500:]
                       for path in sorted(pathlib.Path(f"{self.state}/log").iterdir()))

    # ---- use

    def client(self, *command, **options):
        """A command of SLURM's, or a program that runs some, on the head."""
        return self.rack.run("h0", "env", f"SLURM_CONF={self.config}", f"PATH={SEARCH}", *command, **options)

    def said(self, *command):
        done = self.client(*command)
        if done.returncode != 0:
            raise subprocess.SubprocessError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout.strip()

    def idle(self):
        return len(set(self.said("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()))

    def submit(self, *sbatch):
        return self.said("sbatch", "--parsable", *sbatch)

    def field(self, job, name):
        """A field of `scontrol show job`: "JobState", "Restarts", "NodeList"."""
        for word in self.said("scontrol", "show", "job", "-o", str(job)).split():
            key, _, value = word.partition("=")
            if key == name:
                return value
        raise KeyError(name)

    def hosts(self, job):
        return self.said("scontrol", "show", "hostnames", self.field(job, "NodeList")).split()

    def wait_for(self, job, *states, seconds=120):
        wait_until(f"job {job} becomes {' or '.join(states)}, is {self.field(job, 'JobState')}",
                   lambda: self.field(job, "JobState") in states, seconds)
