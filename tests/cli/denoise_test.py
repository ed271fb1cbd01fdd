"""`ranksweep denoise` as its users have it: against the same network in numpy, files of every shape, pipes, wrong input.

usage: denoise_test.py PROGRAM DIRECTORY
"""
import glob
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import wave

import h5py
import numpy as np

from harness import Harness

WINDOW, HOP, RATE = 256, 128, 16000
JOB = """{name: small, experiment: speech-denoising,
          data: {source: voices, voices: 6, utterances: 2, seconds: 1, window: 256, hop: 128, %s},
          model: {gru: [16, 12]}, train: {epochs: 2, batch: 4, frames: 40},
          sweep: {space: {svd.rank: [full, 4]}%s}}
"""


# ---- audio ----------------------------------------------------------------------------------------------------------

def noise(frames, channels=1, seed=0):
    return np.random.default_rng(seed).normal(size=(frames, channels)) * 0.1


def write_wav(path, rate, x, width=2):
    numbers = np.round(x.clip(-1, 1) * (2 ** (8 * width - 1) - 1)).astype("<i4")
    with wave.open(path, "wb") as file:
        file.setnchannels(x.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(numbers.reshape(-1, 1).view("u1")[:, :width].tobytes())
    return path


def read_chunks(path):
    """{tag: bytes} of a WAV file; `wave` does not read every one."""
    data, chunks, at = open(path, "rb").read(), {}, 12
    while at + 8 <= len(data):
        tag, size = data[at:at + 4], struct.unpack("<I", data[at + 4:at + 8])[0]
        chunks[tag] = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    return chunks


def read_wav(path):
    """Kind (1: PCM, 3: float), channels, rate, bits, numbers [frames, channels] of full scale 1."""
    chunks = read_chunks(path)
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunks[b"fmt "][:16])
    if kind == 0xfffe:
        kind = struct.unpack("<H", chunks[b"fmt "][24:26])[0]
    raw = np.frombuffer(chunks[b"data"], "u1").reshape(-1, bits // 8)
    if kind == 3:
        x = raw.copy().view("<f4").astype(float)
    else:
        wide = np.zeros((len(raw), 4), "u1")
        wide[:, 4 - bits // 8:] = raw
        x = wide.view("<i4") / 2.0 ** 31
    return kind, channels, rate, bits, x.reshape(-1, channels)


# ---- the network in numpy ---------------------------------------------------------------------------------------------

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def kernel(layer, name, u, v):
    return layer[name][:] if name in layer else layer[u][:] @ layer[v][:]


def gru(layer, x):
    w, u = kernel(layer, "kernel", "u", "v"), kernel(layer, "recurrent_kernel", "recurrent_u", "recurrent_v")
    b, n = layer["bias"][:], u.shape[0]
    h, out = np.zeros(n), []
    for a in x @ w + b[0]:
        g = h @ u + b[1]
        z, r = sigmoid(a[:n] + g[:n]), sigmoid(a[n:2 * n] + g[n:2 * n])
        h = z * h + (1 - z) * np.tanh(a[2 * n:] + r * g[2 * n:])
        out.append(h)
    return np.array(out)


def spectrum(x):
    frames = 1 + -(-len(x) // HOP)
    padded = np.pad(x, (WINDOW // 2, WINDOW // 2 + HOP), mode="reflect")
    shape = np.hanning(WINDOW + 1)[:-1]
    return np.array([np.fft.rfft(padded[k * HOP:k * HOP + WINDOW] * shape) for k in range(frames)]), shape


def clean(model, x, hard):
    bins, shape = spectrum(x)
    y = np.abs(bins)
    if "features" in model:
        y = (y - model["features/mean"][:]) * model["features/scale"][:]
    y = gru(model["gru2"], gru(model["gru1"], y))
    y = sigmoid(y @ kernel(model["dense1"], "kernel", "u", "v") + model["dense1/bias"][:])
    bins *= y > 0.5 if hard else y
    out, weight = np.zeros((2, len(bins) * HOP + WINDOW))
    for k, frame in enumerate(bins):
        out[k * HOP:k * HOP + WINDOW] += np.fft.irfft(frame) * shape
        weight[k * HOP:k * HOP + WINDOW] += shape ** 2
    part = slice(WINDOW // 2, WINDOW // 2 + len(x))
    return out[part] / weight[part]


def check_numbers(h, results):
    write_wav("numbers.wav", RATE, noise(20 * RATE))
    x = read_wav("numbers.wav")[4][:, 0]
    with h5py.File(results) as file:
        for trial in (0, 1):
            for mask in ("soft", "hard"):
                h.run("denoise", "--model", f"{results}:{trial}", "numbers.wav", "-o", "out.wav", "--mask", mask)
                got, want = read_wav("out.wav")[4][:, 0], clean(file[f"models/{trial}"], x, mask == "hard")
                error = np.abs(got - want).max()
                h.check(error < 1.1 / 32768, f"{results} {trial} {mask}: numpy has the same, but for {error}")
                h.check(np.abs(got - x).max() > 0.01, f"{results} {trial} {mask}: something is changed")


# ---- shapes ---------------------------------------------------------------------------------------------------------

def check_shapes(h):
    for rate, channels, width, frames in [(16000, 1, 2, 1), (16000, 2, 2, 5000), (8000, 4, 3, 12345), (44100, 2, 2, 44117),
                                          (48000, 1, 3, 100), (44100, 1, 2, 1), (96000, 1, 2, 7), (2000, 1, 2, 1999)]:
        what = f"{rate} Hz, {channels} channels, {width} bytes, {frames} frames"
        write_wav("in.wav", rate, noise(frames, channels), width)
        h.run("denoise", "--model", "goal.h5", "in.wav", "-o", "out.wav")
        kind, *shape, x = read_wav("out.wav")
        h.check((kind, shape, len(x)) == (1, [channels, rate, 8 * width], frames), f"{what}: {kind} {shape} {len(x)}")
        h.check(np.isfinite(x).all() and (frames < 1000 or x.std() > 0.001), f"{what}: there is sound")


def check_channels(h):
    x = noise(30000, 2, 1)
    for rate in (16000, 44100):
        outs = []
        for name, part in (("both", x), ("left", x[:, :1]), ("right", x[:, 1:])):
            write_wav("in.wav", rate, part)
            h.run("denoise", "--model", "goal.h5", "in.wav", "-o", f"{name}.wav")
            outs.append(read_wav(f"{name}.wav")[4])
        h.check((outs[0] == np.hstack(outs[1:])).all(), f"{rate} Hz: each channel is cleaned on its own")


def check_threads(h):
    for n in (1, 2):
        h.run("denoise", "--model", "goal.h5", "in.wav", "-o", f"threads{n}.wav", "--threads", n)
    h.check(open("threads1.wav", "rb").read() == open("threads2.wav", "rb").read(), "threads change no bit")


def check_real(h):
    root = os.environ.get("RS_TEST_DATA", "")
    for path in sorted(glob.glob(f"{root}/speakers/*/*.flac"))[:2]:
        done = h.run("denoise", "--model", "goal.h5", path, "-o", "real.wav")
        h.check(read_wav("real.wav")[4].std() > 0, f"{path}: {done.stderr}")


# ---- pipes ----------------------------------------------------------------------------------------------------------

def piped(h, *args, data=b""):
    return subprocess.run([h.program, "denoise", *args], input=data, capture_output=True, timeout=60, check=False)


def check_pipes(h):
    write_wav("in.wav", 44100, noise(20000, 2))
    h.run("denoise", "--model", "goal.h5", "in.wav", "-o", "out.wav")
    data, want = open("in.wav", "rb").read(), open("out.wav", "rb").read()
    endless = data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:]  # as programs write into pipes
    for source, what in ((data, "a file"), (endless, "a stream")):
        done = piped(h, "--model", "goal.h5", "-", "-o", "-", data=source)
        h.check(done.returncode == 0 and done.stdout == want, f"{what} through pipes: {done.stderr}")
    with open("in.wav", "rb") as file:
        done = subprocess.run([h.program, "denoise", "--model", "goal.h5", "-", "-o", "-"], stdin=file,
                              capture_output=True, check=False)
        h.check(done.stdout == want, f"stdin that is a file: {done.stderr}")
    for source in (b"", b"not audio at all", data[:1000]):
        done = piped(h, "--model", "goal.h5", "-", "-o", "-", data=source)
        h.check(done.returncode == 2 and done.stdout == b"" and b"stdin" in done.stderr, f"bad stdin: {done.stderr}")


# ---- which trial, what is wrong -------------------------------------------------------------------------------------

def check_choice(h):
    best = max(h.show("goal.h5"), key=lambda t: t["snr_gain"])["trial"]
    text = h.run("denoise", "--model", "goal.h5", "in.wav", "-o", "out.wav").stderr
    h.check(f"goal.h5: trial {best}: " in text and "times real time" in text, f"the best is taken: {text}")
    text = h.run("denoise", "--model", "plain.h5", "in.wav", "-o", "out.wav", expect=2).stderr
    h.check("0 (svd.rank full), 1 (svd.rank 4)" in text, f"without a goal trials are listed: {text}")
    h.run("run", h.write("one.yaml", (JOB % ("normalize: false", "")).replace("[full, 4]", "[3]")), "-n", 1, "-o", "one.h5")
    h.run("denoise", "--model", "one.h5", "in.wav", "-o", "out.wav")


def check_errors(h):
    h.run("run", h.write("other.yaml", "{name: o, experiment: noop}"), "-n", 1, "-o", "other.h5")
    write_wav("kept.wav", RATE, noise(100))
    before = open("kept.wav", "rb").read()
    os.makedirs("folder.wav", exist_ok=True)
    cut = open("in.wav", "rb").read()[:3000]
    with open("cut.wav", "wb") as file:
        file.write(cut)
    h.write("text.wav", "no audio")
    model = ("--model", "goal.h5")
    cases = [
        (("in.wav", "-o", "kept.wav"), "which model"),
        ((*model, "in.wav"), "where to"),
        ((*model, "-o", "kept.wav"), "which audio file"),
        ((*model, "in.wav", "in.wav", "-o", "kept.wav"), "unexpected argument"),
        ((*model, "in.wav", "-o", "kept.wav", "--mask", "loud"), "expected soft or hard"),
        ((*model, "in.wav", "-o", "kept.wav", "--threads", "0"), "expected 1 to"),
        ((*model, "in.wav", "-o", "kept.wav", "--what"), "unknown option"),
        ((*model, "in.wav", "-o", "kept.flac"), "kept.flac: expected a name that ends in .wav"),
        ((*model, "in.wav", "-o", "no/kept.wav"), "no/kept.wav: there is no directory"),
        ((*model, "in.wav", "-o", "folder.wav"), "folder.wav: expected a regular file"),
        ((*model, "kept.wav", "-o", "./kept.wav"), "kept.wav: expected another file"),
        ((*model, "missing.wav", "-o", "kept.wav"), "missing.wav"),
        ((*model, "text.wav", "-o", "kept.wav"), "text.wav: byte 0"),
        ((*model, "cut.wav", "-o", "kept.wav"), "cut.wav: byte 44"),
        (("--model", "missing.h5", "in.wav", "-o", "kept.wav"), "missing.h5"),
        (("--model", "text.wav", "in.wav", "-o", "kept.wav"), "text.wav"),
        (("--model", "goal.h5:9", "in.wav", "-o", "kept.wav"), "no trial 9"),
        (("--model", "goal.h5:best", "in.wav", "-o", "kept.wav"), 'found "best"'),
        (("--model", "other.h5", "in.wav", "-o", "kept.wav"), "expected results of the experiment speech-denoising"),
    ]
    for args, message in cases:
        text = h.run("denoise", *args, expect=2).stderr
        h.check(message in text, f"{args}: {message} is in {text}")
    h.check(open("kept.wav", "rb").read() == before, "errors leave the output as it was")
    h.check(glob.glob("*.tmp.*") == [], "nothing is left behind")


# ---- long files -----------------------------------------------------------------------------------------------------

def silent(path, seconds):
    """A WAV file of silence, which takes no room on the disk."""
    size = 2 * RATE * seconds
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " +
                   struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16) + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    return path


def peak_memory(h, path):
    """KiB. Freed memory that a sanitizer holds back is none of the program's."""
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    done = subprocess.run([sys.executable, "-c",
                           "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
                           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                           h.program, "denoise", "--model", "goal.h5", path, "-o", "out.wav"],
                          capture_output=True, text=True, timeout=60, check=True,
                          env={**os.environ, "ASAN_OPTIONS": options})
    return int(done.stdout)


def check_memory(h):
    short, long = (peak_memory(h, silent("silent.wav", seconds)) for seconds in (20, 600))
    h.check(long - short < 8192, f"memory does not grow: {short} KiB for 20 s, {long} KiB for 600 s")
    h.check(os.path.getsize("out.wav") == 44 + 2 * RATE * 600, "600 s come out")


def check_signal(h):
    silent("silent.wav", 30000)
    running = subprocess.Popen([h.program, "denoise", "--model", "goal.h5", "silent.wav", "-o", "stopped.wav"],
                               stderr=subprocess.PIPE, text=True)
    for _ in range(500):
        if glob.glob("stopped.wav.tmp.*"):
            break
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    text = running.communicate(timeout=30)[1]
    h.check(running.returncode == 75 and "stopped.wav: not written" in text, f"SIGTERM: {running.returncode} {text}")
    h.check(glob.glob("stopped.wav*") == [], "a stopped run leaves nothing")


def main():
    h = Harness()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    h.run("run", h.write("plain.yaml", JOB % ("normalize: true", "")), "-n", 1, "-o", "plain.h5")
    h.run("run", h.write("goal.yaml", JOB % ("normalize: false", ", objectives: {snr_gain: max}")), "-n", 1, "-o", "goal.h5")
    check_numbers(h, "plain.h5")
    check_numbers(h, "goal.h5")
    check_shapes(h)
    check_channels(h)
    check_threads(h)
    check_real(h)
    check_pipes(h)
    check_choice(h)
    check_errors(h)
    check_memory(h)
    check_signal(h)
    h.run("pack", "goal.h5", "-o", "packed.h5")
    h.run("denoise", "--model", "packed.h5:1", "in.wav", "-o", "packed.wav")
    h.finish()


if __name__ == "__main__":
    main()
