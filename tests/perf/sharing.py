"""What more svd ranks cost: a sweep over 40 values of D against one over a single value, training included.

usage: sharing.py PROGRAM DIRECTORY [--epochs N]

One run with 40 values gives both: it did one training, one decomposition and 40 evaluations, a sweep over one value would have
done the same with one evaluation. So both sides were measured under the same conditions.
"""
import argparse
import os
import subprocess

import h5py

JOB = """
name: sharing
experiment: svd-compress
data: {{source: digits, train: 60000, test: 10000}}
train: {{epochs: {epochs}}}
sweep: {{space: {{svd.rank: {ranks}}}}}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    with open("sharing.yaml", "w", encoding="utf-8") as file:
        file.write(JOB.format(epochs=args.epochs, ranks=list(range(5, 205, 5))))
    subprocess.run([program, "run", "sharing.yaml", "-n", "2", "-o", "sharing.h5", "--fresh"], check=True,
                   stderr=subprocess.DEVNULL)
    with h5py.File("sharing.h5") as f:
        stages = f["stages"][:]
    seconds = {kind: stages["seconds"][stages["kind"] == kind.encode()]
               for kind in ("mlp-train", "mlp-svd", "svd-evaluate")}
    assert [len(s) for s in seconds.values()] == [1, 1, 40]
    shared = seconds["mlp-train"].sum() + seconds["mlp-svd"].sum()
    evaluations = seconds["svd-evaluate"]
    ratio = (shared + evaluations.sum()) / (shared + evaluations.mean())
    print(f"{args.epochs} epochs {seconds['mlp-train'][0]:.1f} s, decompositions {seconds['mlp-svd'][0]:.1f} s, "
          f"40 evaluations {evaluations.sum():.1f} s ({evaluations.min():.2f} to {evaluations.max():.2f}); "
          f"ratio {ratio:.3f} (goal: at most 1.25)")


if __name__ == "__main__":
    main()
