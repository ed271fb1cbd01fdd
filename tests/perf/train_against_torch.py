"""Time of a training epoch of the 784-5x1024-10 perceptron (batch 128, Adam, float32): ours and PyTorch's, in turn.

usage: train_against_torch.py PROGRAM DIRECTORY [--what dense|factorized|constrained] [--method gesdd|subspace] [--rounds N]
                              [--threads T] [--images N]

dense: as it is; factorized: its factors of svd rank 20; constrained: all hidden kernels projected to svd rank 20 at the end of
the epoch, by PyTorch with torch.linalg.svd.

Each round trains two epochs with each program and takes the second one's time. Both draw their batches from memory in a
shuffled order and evaluate on ten images only. Ratios of one round are comparable; absolute times are the machine's mood.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
import torch
import torch.nn.functional as F

JOB = """
name: perf
experiment: {kind}
data: {{source: digits, train: {images}, test: 10}}
train: {{epochs: {epochs}, batch: 128}}
{more}
resources: {{threads_per_rank: {threads}}}
"""


RANK = 20
GOALS = {"dense": 0.80, "factorized": 0.60, "constrained": 0.80}
KINDS = {"dense": ("svd-compress", 2, "svd: {rank: full}"),
         "factorized": ("svd-factorized", 1, f"svd: {{rank: {RANK}}}\nretrain: {{epochs: 2}}"),
         "constrained": ("svd-constrained", 2, f"svd: {{rank: {RANK}, method: METHOD}}")}


def ours(program, args):
    kind, epochs, more = KINDS[args.what]
    with open("perf.yaml", "w", encoding="utf-8") as file:
        file.write(JOB.format(kind=kind, epochs=epochs, more=more.replace("METHOD", args.method), images=args.images,
                              threads=args.threads))
    subprocess.run([program, "run", "perf.yaml", "-n", "1", "-o", "perf.h5", "--fresh"], check=True,
                   stderr=subprocess.DEVNULL)
    with h5py.File("perf.h5") as f:
        rows = f["metrics"][:]
        seconds = rows["seconds"][rows["stage"] == rows["stage"].max()]
        return seconds[1] - seconds[0]


def network(what):
    layers, width = [], 784
    for _ in range(5):
        factors = [torch.nn.Linear(width, RANK, bias=False), torch.nn.Linear(RANK, 1024)]
        layers += factors if what == "factorized" else [torch.nn.Linear(width, 1024)]
        layers.append(torch.nn.ReLU())
        width = 1024
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))


def project(net):
    with torch.no_grad():
        for layer in list(net)[:-1:2]:
            u, s, vt = torch.linalg.svd(layer.weight, full_matrices=False)
            layer.weight.copy_((u[:, :RANK] * s[:RANK]) @ vt[:RANK])


def theirs(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    x, y = torch.rand(args.images, 784), torch.randint(0, 10, (args.images,))
    net = network(args.what)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(2):
        start, order = time.perf_counter(), torch.randperm(args.images)
        for i in range(0, args.images, 128):
            batch = order[i:i + 128]
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            loss.item()
        if args.what == "constrained":
            project(net)
        seconds = time.perf_counter() - start
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--what", choices=KINDS, default="dense")
    parser.add_argument("--method", choices=["gesdd", "subspace"], default="gesdd")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=60000)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    ratios = []
    for i in range(args.rounds):
        mine, torchs = ours(program, args), theirs(args)
        ratios.append(mine / torchs)
        print(f"round {i + 1}: ranksweep {mine:.2f} s, PyTorch {torch.__version__} {torchs:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    print(f"{args.what}: median ratio {statistics.median(ratios):.3f} on {args.threads} threads "
          f"(goal: at most {GOALS[args.what]:.2f})")
    return 0 if np.isfinite(ratios).all() else 1


if __name__ == "__main__":
    sys.exit(main())
