"""Time of a training epoch of the 784-5x1024-10 perceptron (batch 128, Adam, float32): ours and PyTorch's, in turn.

usage: train_against_torch.py PROGRAM DIRECTORY [--rounds N] [--threads T] [--images N]

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
experiment: svd-compress
data: {{source: digits, train: {images}, test: 10}}
train: {{epochs: 2, batch: 128}}
svd: {{rank: full}}
resources: {{threads_per_rank: {threads}}}
"""


def ours(program, images, threads):
    with open("perf.yaml", "w", encoding="utf-8") as file:
        file.write(JOB.format(images=images, threads=threads))
    subprocess.run([program, "run", "perf.yaml", "-n", "1", "-o", "perf.h5", "--fresh"], check=True,
                   stderr=subprocess.DEVNULL)
    with h5py.File("perf.h5") as f:
        seconds = f["metrics"]["seconds"]
        return seconds[1] - seconds[0]


def theirs(images, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    x, y = torch.rand(images, 784), torch.randint(0, 10, (images,))
    layers, width = [], 784
    for _ in range(5):
        layers += [torch.nn.Linear(width, 1024), torch.nn.ReLU()]
        width = 1024
    net = torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(2):
        start, order = time.perf_counter(), torch.randperm(images)
        for i in range(0, images, 128):
            batch = order[i:i + 128]
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            loss.item()
        seconds = time.perf_counter() - start
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=60000)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    flops = 3 * 2 * (784 * 1024 + 4 * 1024**2 + 10240) - 2 * 784 * 1024  # a sample: forward, weights, inputs
    ratios = []
    for i in range(args.rounds):
        mine, torchs = ours(program, args.images, args.threads), theirs(args.images, args.threads)
        ratios.append(mine / torchs)
        print(f"round {i + 1}: ranksweep {mine:.2f} s ({args.images * flops / mine * 1e-9:.0f} GFLOP/s), "
              f"PyTorch {torch.__version__} {torchs:.2f} s, ratio {ratios[-1]:.3f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f} on {args.threads} threads (goal: at most 0.80)")
    return 0 if np.isfinite(ratios).all() else 1


if __name__ == "__main__":
    sys.exit(main())
