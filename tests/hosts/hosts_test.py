"""Plain mpirun over several hosts: the same bits as on one, data read once a node, and a slow network that changes nothing but the time.

usage: hosts_test.py PROGRAM DIRECTORY [full]
With `full` all jobs on two and four hosts.
"""
import ctypes
import os
import re
import shutil
import struct
import sys

import rack as racks
from harness import Harness
from rack import Rack
from sounds import put, tone, wav

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
resources: {{threads_per_rank: 1, stall_seconds: 20}}
"""
SPEECH = """
name: speech
experiment: speaker-verification
data: {source: speech, path: corpus, test: 2, window: 256, hop: 128}
model: {gru: [8], embedding: 8}
train: {epochs: 1, batch: 4, pairs: 16}
evaluate: {trials: 20}
resources: {threads_per_rank: 1}
"""


def mpirun(rack, places, *command):
    """PLACES: ranks on h1, h2, ...; the first rank of all coordinates."""
    hosts = ",".join(f"h{k + 1}:{n}" for k, n in enumerate(places))
    net = f"{racks.NET}.0/24"
    return rack.run("h0", "env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "mpirun", "--mca", "plm_rsh_agent",
                    rack.remote_shell(), "--mca", "btl", "tcp,self,vader", "--mca", "btl_tcp_if_include", net, "--mca",
                    "oob_tcp_if_include", net, "--mca", "mpi_yield_when_idle", "1", "--bind-to", "none", "--host", hosts, "-np",
                    str(sum(places)), *command, timeout=300)


def check_job(h, rack, name, hosts, what):
    """One worker a host, and the coordinator on the first; what the run said."""
    kind, reduction, svd = JOBS[name]
    job = os.path.abspath(h.write(f"{name}.yaml", JOB.format(name=name, kind=kind, reduction=reduction, svd=svd)))
    group = ("--set", f"resources.ranks_per_trial={hosts}")
    here, there = f"{h.directory}/{name}{hosts}/here.h5", f"{h.directory}/{name}{hosts}/{what}.h5"
    if not os.path.exists(here):
        h.run("run", job, "-n", hosts + 1, "-o", here, *group)
    done = mpirun(rack, [2] + [1] * (hosts - 1), h.program, "run", job, "-o", there, *group)
    h.check(done.returncode == 0, f"{name} on {hosts} hosts, {what}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    if done.returncode == 0:
        one, other = content(here), content(there)
        differ = [key for key in one if one[key] != other.get(key)]
        h.check(not differ and len(one) == len(other), f"{name} on {hosts} hosts, {what}: differences in {differ[:5]}")
        h.run("verify", there)
    return done.stderr


class Openings:
    """Counts how often the files of a folder are opened, by whichever process. The kernel makes one event of two openings of one
    file with nothing between them, so processes that may open the same file at the same moment need folders of their own."""
    IN_OPEN, NONBLOCK, EVENT = 0x20, 0o4000, struct.Struct("iIII")

    def __init__(self, folder):
        self.libc = ctypes.CDLL(None)
        self.fd = self.libc.inotify_init1(self.NONBLOCK)
        for root, _, _ in os.walk(folder):
            self.libc.inotify_add_watch(self.fd, root.encode(), self.IN_OPEN)

    def count(self):
        total = 0
        while True:
            try:
                events = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return total
            at = 0
            while at < len(events):
                _, _, _, length = self.EVENT.unpack_from(events, at)
                name = events[at + self.EVENT.size:at + self.EVENT.size + length].rstrip(b"\0")
                total += name.endswith(b".wav")
                at += self.EVENT.size + length


def read_once(h, rack):
    """Two workers a host: each further host reads every file once, each further worker none."""
    names = [f"corpus/speakers/s{s}/{u}.wav" for s in range(5) for u in range(3)]
    for i, name in enumerate(names):
        put(name, wav(tone(200 + 20 * i, 0.4)))
    files = len(names)
    job = os.path.abspath(h.write("speech.yaml", SPEECH))
    openings = {}
    for host in ("h1", "h2"):
        shutil.copytree("corpus", f"corpus.{host}")
        rack.overlay(host, f"corpus.{host}", "corpus")
        openings[host] = Openings(f"corpus.{host}")
    seen = {}
    for places in ([2], [3], [3, 2]):
        done = mpirun(rack, places, "env", "-C", h.directory, h.program, "run", job, "-o", f"{h.directory}/speech{places}.h5")
        h.check(done.returncode == 0, f"{places}: {done.stdout}{done.stderr}")
        seen[str(places)] = [openings[host].count() for host in ("h1", "h2")]
    print(f"{files} files, opened {seen} times on each host by ranks on each")
    h.check(seen["[3]"] == seen["[2]"] and seen["[2]"][0] % files == 0, f"a second worker reads nothing: {seen}")
    h.check(seen["[3, 2]"] == [seen["[2]"][0], files], f"a second host reads every file once: {seen}")


def slow_network(h):
    """2 ms from host to host, 50 Mbit/s: the same bits, the share of time is told, nobody cries out."""
    with Rack(2, shared=[shared_folder(h)], delay_us=1000) as rack:
        for name in ("h1", "h2"):
            rack.limit(name, "50mbit")
        said = check_job(h, rack, "fast", 2, "slow")
    share = re.search(r"groups spent ([0-9.]+) % of their time on sums", said)
    h.check(share is not None and float(share.group(1)) > 20, f"the share of the sums is told: {said[-500:]}")
    h.check("warning" not in said and "no headway" not in said, f"no alarm: {said[-1500:]}")
    print(f"slow network: {share.group(0) if share else said[-300:]}")


def shared_folder(h):
    return os.path.commonpath([h.program, h.directory])


def main():
    reason = racks.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    h = Harness()
    full = sys.argv[3:] == ["full"]
    with Rack(4 if full else 2, shared=[shared_folder(h)]) as rack:
        for name in JOBS if full else ("exact", "fast"):
            for hosts in (2, 4) if full else (2,):
                check_job(h, rack, name, hosts, "there")
        read_once(h, rack)
    slow_network(h)
    h.finish()


if __name__ == "__main__":
    main()
