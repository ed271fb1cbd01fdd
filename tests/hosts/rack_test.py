"""The hosts that other tests run on: apart from each other, joined by a network that can fail, and gone afterwards.

usage: rack_test.py PROGRAM DIRECTORY
"""
import os
import select
import shutil
import signal
import subprocess
import sys
import time

import rack as racks
from harness import Harness
from rack import Rack


SERVER = """
import socket
server = socket.create_server(("", 7000))
print("ready", flush=True)
while True:
    peer, _ = server.accept()
    while peer.recv(1 << 16):
        pass
    peer.send(b"!")
    peer.close()
"""
CLIENT = """
import socket, sys, time
begin = time.monotonic()
peer = socket.create_connection((sys.argv[1], 7000), timeout=3)
peer.sendall(bytes(int(sys.argv[2])))
peer.shutdown(socket.SHUT_WR)
assert peer.recv(1) == b"!"
print(time.monotonic() - begin)
"""


def server(rack, name):
    started = rack.popen(name, sys.executable, "-c", SERVER, stdout=subprocess.PIPE, text=True)
    started.stdout.readline()
    return started


def seconds(rack, source, target, size):
    """To send SIZE bytes and hear that they have come; None when they do not."""
    done = rack.run(source, sys.executable, "-c", CLIENT, target, str(size))
    return float(done.stdout) if done.returncode == 0 else None


def apart(h, rack):
    for name in rack.names[1:]:
        script = "hostname && ps -e | wc -l && touch /tmp/mine.$0 /dev/shm/mine.$0 && ls /tmp /dev/shm"
        lines = rack.run(name, "bash", "-c", script, name).stdout.split()
        h.check(lines[0] == name and int(lines[1]) < 10, f"{name}: name and number of processes: {lines[:2]}")
        h.check(lines.count(f"mine.{name}") == 2 and sum("mine." in line for line in lines) == 2, f"{name} sees {lines}")
    h.check(not any(name.startswith("mine.") for name in os.listdir("/tmp")), "a host's /tmp is not the machine's")
    rack.run("h1", "touch", f"{rack.state}/shared")
    h.check(rack.run("h2", "test", "-e", f"{rack.state}/shared").returncode == 0, "the rack's folder is seen by all")


def timeout_kills(h, rack):
    try:
        rack.run("h1", "sleep", "4321", timeout=0.5)
        h.check(False, "a timeout is told")
    except subprocess.TimeoutExpired:
        time.sleep(0.2)
        h.check("sleep 4321" not in rack.run("h1", "ps", "-eo", "args").stdout, "what takes too long is killed on the host")


def trouble(h, rack):
    server(rack, "h2")
    free = seconds(rack, "h1", "h2", 1 << 20)
    rack.limit("h2", "20mbit")
    limited = seconds(rack, "h1", "h2", 1 << 20)
    rack.limit("h2", None)
    freed = seconds(rack, "h1", "h2", 1 << 20)
    print(f"1 MiB: {free:.3f} s; at 20 Mbit/s {limited:.3f} s; then {freed:.3f} s")
    h.check(limited > 0.3, f"20 Mbit/s take 0.42 s a MiB, but for one burst: {limited}")
    h.check(max(free, freed) < limited, f"without the limit it is quicker: {free}, {freed}")
    rack.cable("h2", up=False)
    h.check(seconds(rack, "h1", "h2", 1) is None, "nothing comes through a cable that is out")
    rack.cable("h2", up=True)
    h.check(seconds(rack, "h1", "h2", 1) is not None, "a cable can be put back")


def power(h, rack):
    listener = server(rack, "h2")
    rack.power_cut("h2")
    h.check(listener.wait(5) != 0, "programs end with the power")
    h.check(seconds(rack, "h1", "h2", 1) is None, "a host that is off does not answer")
    rack.start_host("h2")
    h.check(seconds(rack, "h1", "h2", 1) is None, "a host starts without the programs of before")
    server(rack, "h2")
    h.check(seconds(rack, "h1", "h2", 1) is not None, "a host that was started again is on the network")


def delayed(h):
    with Rack(2, delay_us=20000) as rack:
        server(rack, "h2")
        took = seconds(rack, "h1", "h2", 1)
        print(f"{took:.3f} s for two times to and fro over two cables of 20 ms")
        h.check(0.155 < took < 1.0, f"4 journeys over 2 cables of 20 ms took {took} s")


def ends_with_test(h):
    """A test that is killed leaves no process behind."""
    code = ("import sys, time; sys.path.insert(0, sys.argv[1]); from rack import Rack; rack = Rack(1).__enter__();"
            "print(rack.pids['h0'], rack.pids['h1'], rack.state, flush=True); time.sleep(60)")
    test = subprocess.Popen([sys.executable, "-c", code, os.path.dirname(os.path.abspath(racks.__file__))],
                            stdout=subprocess.PIPE, text=True)
    head, host, state = test.stdout.readline().split()
    held = [os.pidfd_open(int(pid)) for pid in (head, host)]
    test.send_signal(signal.SIGKILL)
    test.wait()
    for pidfd in held:
        h.check(select.select([pidfd], [], [], 5)[0], "a rack ends with a test that is killed")
    shutil.rmtree(state, ignore_errors=True)


def main():
    reason = racks.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    h = Harness()
    begin = time.monotonic()
    with Rack(2, shared=[h.directory]) as rack:
        print(f"up in {time.monotonic() - begin:.2f} s")
        for check in (apart, timeout_kills, trouble, power):
            check(h, rack)
    h.check(not os.path.exists(rack.state), "the rack's folder goes with it")
    delayed(h)
    ends_with_test(h)
    h.finish()


if __name__ == "__main__":
    main()
