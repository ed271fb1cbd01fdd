"""Training of the Siamese network (GRU 128, dense 64, |a - b|, 513 bins; batches of 32 pairs of 2 s, Adam, float32): pairs a
second of ours and of PyTorch, in turn.

usage: verify_against_torch.py PROGRAM DIRECTORY [--rounds N] [--threads T] [--pairs N]

Each round trains two epochs with ranksweep on built-in voices and takes the second one's time, drawing of pairs and the test
of ten pairs included: once with pairs whose utterances are all different, once with squares, where each utterance is in two
pairs and goes through the network once. PyTorch gets batches that lie ready in memory, both sides of every pair in one pass.
Ratios of one round are comparable; absolute times are the machine's mood.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

import h5py
import torch
from torch import nn
import torch.nn.functional as F

BATCH, FRAMES, BINS = 32, 64, 513
GOAL = 1.8
JOB = f"""
name: perf
experiment: speaker-verification
data: {{source: voices, voices: 60, utterances: 20, seconds: 2.0}}
train: {{epochs: 2, batch: {BATCH}, pairs: PAIRS, squares: SQUARES}}
evaluate: {{trials: 10}}
resources: {{threads_per_rank: THREADS}}
"""


def ours(program, args, squares):
    job = JOB.replace("PAIRS", str(args.pairs)).replace("THREADS", str(args.threads)).replace("SQUARES", squares)
    with open("verify.yaml", "w", encoding="utf-8") as file:
        file.write(job)
    subprocess.run([program, "run", "verify.yaml", "-n", "1", "-o", "verify.h5", "--fresh"], check=True, stderr=subprocess.DEVNULL)
    with h5py.File("verify.h5") as f:
        first, second = f["metrics"][:]
    return args.pairs / (second["seconds"] - first["seconds"])


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.dense, self.head = nn.GRU(BINS, 128, batch_first=True), nn.Linear(128, 64), nn.Linear(64, 1)

    def forward(self, both):
        encoded = F.relu(self.dense(self.gru(both)[1][0]))
        return self.head((encoded[:BATCH] - encoded[BATCH:]).abs())


def theirs(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    batches = [(torch.rand(2 * BATCH, FRAMES, BINS), (torch.rand(BATCH, 1) > 0.5).float()) for _ in range(4)]
    net = Siamese()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    steps = args.pairs // BATCH
    for count in (2, steps):
        start = time.perf_counter()
        for i in range(count):
            x, y = batches[i % len(batches)]
            optimizer.zero_grad(set_to_none=True)
            loss = F.binary_cross_entropy_with_logits(net(x), y)
            loss.backward()
            optimizer.step()
            loss.item()
        seconds = time.perf_counter() - start
    return steps * BATCH / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3200)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    ratios = {"false": [], "true": []}
    for i in range(args.rounds):
        torchs = theirs(args)
        mine = {squares: ours(program, args, squares) for squares in ratios}
        for squares, all_of in ratios.items():
            all_of.append(mine[squares] / torchs)
        print(f"round {i + 1}: PyTorch {torch.__version__} {torchs:.0f} pairs/s; ranksweep {mine['false']:.0f}, ratio "
              f"{ratios['false'][-1]:.2f}; with squares {mine['true']:.0f}, ratio {ratios['true'][-1]:.2f}", flush=True)
    single, squares = (statistics.median(ratios[key]) for key in ("false", "true"))
    print(f"median ratio {single:.2f}, with squares {squares:.2f}, on {args.threads} threads (goal: at least {GOAL})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
