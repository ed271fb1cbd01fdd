"""Ten thousand trials that do nothing: the file opens in h5py and pandas, and memory does not grow with their number.
The time a trial is printed, not judged; tests/perf/overhead.sh measures it.

usage: many_trials_test.py PROGRAM DIRECTORY
"""
import resource
import subprocess
import sys

from harness import Harness

try:
    import h5py
    import pandas
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def job(h, trials):
    values = ", ".join(map(str, range(trials)))
    return h.write(f"many{trials}.yaml",
                   f"name: many\nexperiment: noop\nsweep: {{space: {{noop.index: [{values}]}}}}\n")


def peak_kilobytes(h, trials):
    """Largest resident set of a run in one process."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", script, h.program, "run", job(h, trials), "-n", "1", "-o",
                           f"peak{trials}.h5"], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main():
    h = Harness()
    for n in (1, 2):
        text = h.run("run", job(h, 10000), "-n", n, "-o", f"many{n}.h5").stderr
        print(f"-n {n}: {text.strip()}")
        with h5py.File(f"many{n}.h5") as f:
            trials = pandas.DataFrame(f["trials"][:])
        h.check(len(trials) == 10000 and (trials["state"] == b"done").all(), "every trial is done")
        h.check((trials["noop.index"] == trials["trial"]).all(), "each with its own setting")
    small, large = peak_kilobytes(h, 2000), peak_kilobytes(h, 10000)
    each = (large - small) * 1024 / 8000
    print(f"peak memory {small} KiB with 2,000 trials, {large} KiB with 10,000: {each:.0f} bytes a trial")
    h.check(each < 8192, f"memory grows by {each:.0f} bytes a trial")
    h.check(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 512 * 1024, "no process grew beyond 512 MiB")
    h.finish()


if __name__ == "__main__":
    main()
