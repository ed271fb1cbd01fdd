"""What more svd ranks cost: a sweep over 40 values of D against one over a single value, training included.

usage: sharing.py PROGRAM DIRECTORY [--epochs N]
"""
import argparse
import os
import subprocess
import time

JOB = """
name: sharing
experiment: svd-compress
data: {{source: digits, train: 60000, test: 10000}}
train: {{epochs: {epochs}}}
sweep: {{space: {{svd.rank: {ranks}}}}}
"""


def seconds(program, epochs, ranks):
    with open("sharing.yaml", "w", encoding="utf-8") as file:
        file.write(JOB.format(epochs=epochs, ranks=ranks))
    start = time.perf_counter()
    subprocess.run([program, "run", "sharing.yaml", "-n", "2", "-o", "sharing.h5", "--fresh"], check=True,
                   stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    one = seconds(program, args.epochs, [50])
    forty = seconds(program, args.epochs, list(range(5, 205, 5)))
    print(f"one value of D: {one:.1f} s; forty values: {forty:.1f} s; ratio {forty / one:.3f} (goal: at most 1.25)")


if __name__ == "__main__":
    main()
