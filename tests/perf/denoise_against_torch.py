"""Training of the recurrent denoiser (GRU 512, dropout, GRU 256, 513 bins; batches of 16 x 100 frames, Adam, float32): frames
a second of ours and of PyTorch, in turn. And how many times faster than real time `denoise` is on one core.

usage: denoise_against_torch.py PROGRAM DIRECTORY [--rounds N] [--threads T] [--voices N] [--denoise SECONDS]

Each round trains two epochs with ranksweep on built-in voices and takes the second one's time, mixing and the validation of a
single utterance included; PyTorch gets as many batches that lie ready in memory. Ratios of one round are comparable; absolute
times are the machine's mood.
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
from torch import nn
import torch.nn.functional as F

BATCH, FRAMES, BINS = 16, 100, 513
GOAL, REAL_TIME_GOAL = 1.8, 100
JOB = f"""
name: perf
experiment: speech-denoising
data: {{source: voices, voices: VOICES, utterances: 2, seconds: 12.8, test: 1}}
train: {{epochs: 2, batch: {BATCH}, frames: {FRAMES}}}
evaluate: {{stoi: false}}
resources: {{threads_per_rank: THREADS}}
"""


def ours(program, args):
    """Frames a second of the second epoch, and its number of steps."""
    with open("perf.yaml", "w", encoding="utf-8") as file:
        file.write(JOB.replace("VOICES", str(args.voices)).replace("THREADS", str(args.threads)))
    subprocess.run([program, "run", "perf.yaml", "-n", "1", "-o", "perf.h5", "--fresh"], check=True, stderr=subprocess.DEVNULL)
    with h5py.File("perf.h5") as f:
        first, second = f["metrics"][:]
    steps = int(second["step"] - first["step"])
    return steps * BATCH * FRAMES / (second["seconds"] - first["seconds"]), steps


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.drop = nn.GRU(BINS, 512, batch_first=True), nn.Dropout(0.2)
        self.second, self.mask = nn.GRU(512, 256, batch_first=True), nn.Linear(256, BINS)

    def forward(self, x):
        return self.mask(self.second(self.drop(self.first(x)[0]))[0])


def theirs(args, steps):
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    batches = [(torch.rand(BATCH, FRAMES, BINS), (torch.rand(BATCH, FRAMES, BINS) > 0.5).float()) for _ in range(4)]
    net = Denoiser()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    for warm in (2, steps):
        start = time.perf_counter()
        for i in range(warm):
            x, y = batches[i % len(batches)]
            optimizer.zero_grad(set_to_none=True)
            loss = F.binary_cross_entropy_with_logits(net(x), y)
            loss.backward()
            optimizer.step()
            loss.item()
        seconds = time.perf_counter() - start
    return steps * BATCH * FRAMES / seconds


def write_noise(path, seconds):
    """16 kHz, 16 bits, by hand: a header and samples."""
    samples = (np.random.default_rng(1).standard_normal(int(16000 * seconds)) * 3000).astype("<i2").tobytes()
    header = (b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") +
              b"\x01\x00\x01\x00" + (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + b"\x02\x00\x10\x00" +
              b"data" + len(samples).to_bytes(4, "little"))
    with open(path, "wb") as file:
        file.write(header + samples)


def denoise(program, args):
    write_noise("long.wav", args.denoise)
    core = min(os.sched_getaffinity(0))
    start = time.perf_counter()
    subprocess.run(["taskset", "-c", str(core), program, "denoise", "--model", "perf.h5", "long.wav", "-o", "clean.wav"],
                   check=True, stderr=subprocess.DEVNULL)
    return args.denoise / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--voices", type=int, default=60)
    parser.add_argument("--denoise", type=float, default=600.0, help="seconds of sound; 0: leave it out")
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    os.makedirs(args.directory, exist_ok=True)
    os.chdir(args.directory)
    ratios, speeds = [], []
    for i in range(args.rounds):
        mine, steps = ours(program, args)
        torchs = theirs(args, steps)
        ratios.append(mine / torchs)
        speeds.append(denoise(program, args) if args.denoise > 0 else float("nan"))
        print(f"round {i + 1}: ranksweep {mine:.0f} frames/s, PyTorch {torch.__version__} {torchs:.0f}, ratio {ratios[-1]:.2f}; "
              f"denoise on one core {speeds[-1]:.0f} times real time", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} on {args.threads} threads (goal: at least {GOAL}); "
          f"denoise {statistics.median(speeds):.0f} times real time (goal: at least {REAL_TIME_GOAL})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
