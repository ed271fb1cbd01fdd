"""Several hosts on one machine: Linux namespaces with names, addresses, process tables, temporary folders and shared memory of
their own, joined by a bridge. Nothing of the machine's own network is touched, and everything goes when the rack does.

    with Rack(4, shared=["/some/folder"]) as rack:
        rack.run("h1", "hostname")
        rack.power_cut("h2")

h0 is the head, h1 .. hN are the others. Needs root, iproute2 and util-linux; `missing()` says what is not there. Folders of
`shared` are seen by all hosts, like a network file system; so is `rack.state`.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

NET = "10.77.0"
IDLE = "while :; do sleep 3600 & wait $!; done"  # bash as a host's first process: it reaps orphans
NAMESPACES = ["--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
PROGRAMS = ("unshare", "nsenter", "setpriv", "ip", "tc", "mount", "bash")


def missing(programs=PROGRAMS):
    """Why no rack can be built here, None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in programs:
        if shutil.which(program) is None:
            return f"needs the program {program}"
    tried = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"namespaces cannot be made: {tried.stderr.strip()}"


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_until(what, happened, seconds=20.0):
    """Polls HAPPENED() until it is true and returns it; fails with WHAT after SECONDS."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = happened()
        if result:
            return result
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


def first_process(parent):
    """The idle bash below PARENT, a process that enters namespaces and starts it."""
    for _ in range(4):
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        if not children:
            return None
        parent = int(children[0])
        if pathlib.Path(f"/proc/{parent}/comm").read_text(encoding="ascii").strip() == "bash":
            return parent
    return None


class Rack:
    def __init__(self, hosts, shared=(), delay_us=0):
        self.names = [f"h{k}" for k in range(hosts + 1)]
        self.delay_us = delay_us
        self.pids = {}       # of each host's first process, as this machine sees it
        self.keepers = {}    # the process that keeps a host up
        self.cables = {}
        self.state = tempfile.mkdtemp(prefix="rack-", dir="/tmp")
        os.chmod(self.state, 0o755)
        self.shared = [os.path.realpath(folder) for folder in (*shared, self.state)]

    # ---- life

    def __enter__(self):
        try:
            self.keepers["h0"] = self._keep([])
            self.pids["h0"] = self._find("h0")
            self._set_up_head()
            for name in self.names[1:]:
                self.start_host(name)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        for keeper in [*self.cables.values(), *self.keepers.values()]:
            keeper.kill()
        for keeper in [*self.cables.values(), *self.keepers.values()]:
            keeper.wait()
        shutil.rmtree(self.state, ignore_errors=True)

    def _keep(self, enter):
        return subprocess.Popen([*enter, "unshare", *NAMESPACES, "bash", "-c", IDLE], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent)

    def _find(self, name):
        return wait_until(f"{name} starts", lambda: first_process(self.keepers[name].pid))

    def _set_up_head(self):
        table = "127.0.0.1 localhost\n" + "".join(f"{self.address(name)} {name}\n" for name in self.names)
        pathlib.Path(self.state, "hosts").write_text(table, encoding="ascii")
        self._shell("h0", f"""
            hostname h0 && ip link set lo up
            mount --bind {self.state}/hosts /etc/hosts
            mount -t tmpfs tmpfs /dev/shm
            ip link add br0 type bridge && ip addr add {self.address("h0")}/24 dev br0 && ip link set br0 up""")

    def start_host(self, name):
        """Switch a host on: at first, and again after power_cut()."""
        self.keepers[name] = self._keep(["nsenter", "-t", str(self.pids["h0"]), "-a", "--"])
        self.pids[name] = self._find(name)
        self._private_folders(name)
        self._plug_in(name)
        inside = pathlib.Path(f"/proc/{self.pids[name]}/status").read_text(encoding="ascii")
        numbers = next(line for line in inside.splitlines() if line.startswith("NSpid:")).split()
        pathlib.Path(self.state, f"{name}.pid").write_text(numbers[2], encoding="ascii")  # as h0 sees it

    def _private_folders(self, name):
        tmp = f"{self.state}/tmp.{name}"
        binds = "".join(f"mkdir -p {tmp}{folder[4:]} && mount --bind {folder} {tmp}{folder[4:]}\n"
                        for folder in self.shared if folder.startswith("/tmp/"))
        self._shell(name, f"""
            hostname {name}
            mount -t tmpfs tmpfs /dev/shm
            mkdir -p {tmp} && mount -t tmpfs tmpfs {tmp} && chmod 1777 {tmp}
            {binds}
            mount --rbind {tmp} /tmp""")

    def _plug_in(self, name):
        port = f"v{name[1:]}"
        subprocess.run(self._enter("h0", "ip", "link", "del", port), stderr=subprocess.DEVNULL, check=False)
        if self.delay_us > 0:
            self._plug_in_slowly(name, port)
        else:
            self._shell("h0", f"ip link add {port} type veth peer name eth0 netns {self._inside(name)}")
        self._shell("h0", f"ip link set {port} master br0 up")
        mac = f"02:00:00:00:00:{int(name[1:]):02x}"  # the same after a power cut: others remember it for a while
        self._shell(name, f"ip link set lo up && ip link set eth0 address {mac} && ip addr add {self.address(name)}/24 dev eth0 && ip link set eth0 up")

    def _plug_in_slowly(self, name, port):
        """A cable that holds every frame back: sch_netem is not in every kernel."""
        program = f"{self.state}/delay_cable"
        if not os.path.exists(program):
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "delay_cable.c")
            subprocess.run(["cc", "-O2", "-o", program, source], check=True)
        cable = subprocess.Popen([*self._enter("h0"), program, str(self._inside(name)), port, str(self.delay_us)],
                                 stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.cables[name] = cable
        if cable.stdout.readline() != "ready\n":
            raise RuntimeError("the delaying cable could not be laid")

    def _inside(self, name):
        inside = pathlib.Path(f"/proc/{self.pids[name]}/status").read_text(encoding="ascii")
        return int(next(line for line in inside.splitlines() if line.startswith("NSpid:")).split()[2])

    # ---- use

    def overlay(self, name, folder, place):
        """The host sees FOLDER where the others see PLACE: a copy of its own under the same path."""
        self._shell(name, f"mount --bind {os.path.realpath(folder)} {os.path.realpath(place)}")

    def address(self, name):
        return f"{NET}.{10 + int(name[1:])}"

    def _enter(self, name, *command):
        return ["nsenter", "-t", str(self.pids[name]), "-a", f"--wd={os.getcwd()}", "--", *command]

    def _run_within(self, name, *command):
        """Killing nsenter, as a timeout does, would leave the command running on the host: it is to die with nsenter."""
        return self._enter(name, "setpriv", "--pdeathsig", "KILL", "--", *command)

    def _shell(self, name, script):
        done = subprocess.run(self._enter(name, "bash", "-euc", script), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {script.strip()}: {done.stderr.strip()}")

    def run(self, name, *command, timeout=120, **options):
        """As subprocess.run, on a host; the words are kept, and the exit status is the caller's to look at."""
        return subprocess.run(self._run_within(name, *command), capture_output=True, text=True, timeout=timeout, check=False, **options)

    def popen(self, name, *command, **options):
        return subprocess.Popen(self._run_within(name, *command), preexec_fn=die_with_parent, **options)

    def power_cut(self, name):
        """Everything on the host is gone at once."""
        os.kill(self.pids[name], signal.SIGKILL)
        self.keepers[name].wait()
        if name in self.cables:
            self.cables.pop(name).kill()

    def cable(self, name, *, up):
        """Pulls the host's cable out or puts it back: connections hang, neither side is told anything."""
        self._shell("h0", f"ip link set v{name[1:]} {'up' if up else 'down'}")

    def limit(self, name, rate):
        """At most RATE ("100mbit") out of and into the host; None lifts the limit."""
        rule = f"tc qdisc add dev $port root tbf rate {rate} burst 64kb latency 100ms" if rate else ":"
        for host, port in (("h0", f"v{name[1:]}"), (name, "eth0")):
            self._shell(host, f"port={port}; tc qdisc del dev $port root 2>/dev/null || true; {rule}")

    def remote_shell(self):
        """A program that does for mpirun what ssh would: `PROGRAM HOST COMMAND...` on h0. Like ssh it hands no variables on."""
        path = pathlib.Path(self.state, "remote-shell")
        path.write_text(f"""#!/bin/bash
while [[ $1 == -* ]]; do shift; done
host=$1 && shift
exec nsenter -t "$(cat {self.state}/$host.pid)" -a -- env -i HOME=/root PATH="$PATH" \\
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 bash -c 'cd "$HOME" && eval "$*"' shell "$@"
""", encoding="ascii")
        path.chmod(0o755)
        return str(path)
