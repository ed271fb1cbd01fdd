"""What the coordinator costs: ten thousand trials of an experiment that does nothing.

usage: overhead.py PROGRAM DIRECTORY [--trials N]

Prints the wall time a trial for several numbers of ranks, and the processor time of the coordinator alone.
"""
import argparse
import os
import re
import resource
import subprocess


def run(program, ranks, trials):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = subprocess.run([program, "run", "many.yaml", "-n", str(ranks), "-o", f"many{ranks}.h5", "--fresh"],
                          check=True, capture_output=True, text=True).stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    value, unit = re.search(r"done in ([0-9.]+) (ms|s);", text).groups()
    wall = float(value) * (1e-3 if unit == "ms" else 1)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"-n {ranks}: {1e6 * wall / trials:.0f} us a trial, {1e6 * cpu / trials:.0f} us of processor time in all ranks "
          f"(largest process {after.ru_maxrss} KiB)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--trials", type=int, default=10000)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    with open("many.yaml", "w", encoding="utf-8") as file:
        values = ", ".join(map(str, range(args.trials)))
        file.write(f"name: many\nexperiment: noop\nsweep: {{space: {{noop.index: [{values}]}}}}\n")
    for ranks in (1, 2, 3):
        run(program, ranks, args.trials)


if __name__ == "__main__":
    main()
