"""Our transforms against torch.stft and torch.istft, our STOI against a slow one written from its definition.

usage: dsp_against_references.py ORACLE_PROGRAM
Exit status: 0 agreement, 1 not, 77 PyTorch is not installed.
"""
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

STFT_TOLERANCE = 1e-5  # of the largest bin
STOI_TOLERANCE = 1e-4


class Oracle:
    """The program, in DIRECTORY."""

    def __init__(self, program, directory):
        self.program, self.directory, self.worst = program, directory, []

    def path(self, name):
        return f"{self.directory}/{name}"

    def run(self, *args):
        return subprocess.run([self.program, *map(str, args)], check=True, capture_output=True, text=True).stdout

    def check(self, what, got, limit):
        print(f"{what}: {got:.3g} (at most {limit:g})")
        self.worst.append(got <= limit)


# ---- transforms ---------------------------------------------------------------------------------

def speech_like(rng, n, rate=16000):
    """Tones that come and go, over noise."""
    t = np.arange(n) / rate
    x = sum(np.sin(2 * np.pi * 120 * h * t + h) / h for h in range(1, 20))
    envelope = np.maximum(0, np.sin(2 * np.pi * 2.3 * t + rng.uniform(0, 6)))
    return (0.2 * x * envelope + 0.01 * rng.standard_normal(n)).astype(np.float32)


def compare_transform(oracle, rng, window, hop, n):
    x = speech_like(rng, n)
    x.tofile(oracle.path("x.f32"))
    oracle.run("stft", window, hop, oracle.path("x.f32"), oracle.path("s.c64"))
    ours = np.fromfile(oracle.path("s.c64"), np.complex64).reshape(-1, window // 2 + 1)
    theirs = torch.stft(torch.from_numpy(x), window, hop, window=torch.hann_window(window), center=True,
                        pad_mode="reflect", return_complex=True).T.numpy()
    oracle.check(f"stft {window}/{hop} of {n}: frames beyond those of torch", len(ours) - len(theirs), 1)
    oracle.check(f"stft {window}/{hop} of {n}: largest difference, relative",
                 np.abs(ours[:len(theirs)] - theirs).max() / np.abs(theirs).max(), STFT_TOLERANCE)
    return x, ours


def compare_inverse(oracle, rng, window, hop, n):
    """From a changed spectrum, which is no transform of any signal."""
    x, spectrum = compare_transform(oracle, rng, window, hop, n)
    changed = (spectrum * rng.random(spectrum.shape)).astype(np.complex64)
    changed.tofile(oracle.path("m.c64"))
    oracle.run("istft", window, hop, n, oracle.path("m.c64"), oracle.path("y.f32"))
    ours = np.fromfile(oracle.path("y.f32"), np.float32)
    theirs = torch.istft(torch.from_numpy(changed.T.copy()), window, hop, window=torch.hann_window(window),
                         center=True, length=n).numpy()
    oracle.check(f"istft {window}/{hop} of {n}: largest difference, relative",
                 np.abs(ours - theirs).max() / np.abs(x).max(), STFT_TOLERANCE)


# ---- STOI ---------------------------------------------------------------------------------------

def third_octave_bands(rate, points, count, lowest):
    """Matrix [count, bins] of zeros and ones; the edges are the bins nearest to them."""
    frequencies = np.linspace(0, rate, points + 1)[:points // 2 + 1]
    bands = np.zeros((count, len(frequencies)))
    for k in range(count):
        low, high = lowest * 2 ** ((2 * k - 1) / 6), lowest * 2 ** ((2 * k + 1) / 6)
        first, last = np.argmin((frequencies - low) ** 2), np.argmin((frequencies - high) ** 2)
        bands[k, first:last] = 1
    return bands


def slow_stoi(x, y):
    """Taal et al. 2011, section II, at 10 kHz; x is clean, y is processed."""
    size, hop, points, count, segment = 256, 128, 512, 15, 30
    x, y = x.astype(np.float64), y.astype(np.float64)
    window = np.hanning(size + 2)[1:-1]
    starts = range(0, len(x) - size, hop)
    xf, yf = (np.array([window * s[i:i + size] for i in starts]) for s in (x, y))
    energies = 20 * np.log10(np.linalg.norm(xf, axis=1) + 1e-300)
    kept = energies > energies.max() - 40
    joined = []
    for frames in (xf[kept], yf[kept]):
        signal = np.zeros((len(frames) - 1) * hop + size)
        for k, frame in enumerate(frames):
            signal[k * hop:k * hop + size] += frame
        joined.append(signal)
    bands = third_octave_bands(10000, points, count, 150)
    amplitudes = []
    for signal in joined:
        spectra = [np.fft.rfft(window * signal[i:i + size], points) for i in range(0, len(signal) - size, hop)]
        amplitudes.append(np.sqrt(np.abs(np.array(spectra)) ** 2 @ bands.T))  # [frames, bands]
    xs, ys = amplitudes
    scores = []
    for m in range(segment, len(xs) + 1):
        for j in range(count):
            a, b = xs[m - segment:m, j], ys[m - segment:m, j]
            b = b * np.linalg.norm(a) / np.linalg.norm(b)
            b = np.minimum(b, a * (1 + 10 ** (15 / 20)))
            a, b = a - a.mean(), b - b.mean()
            scores.append(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    return np.mean(scores)


def compare_stoi(oracle, rng, n, snr_db, pause):
    clean = speech_like(rng, n, 10000)
    if pause:
        clean[n // 3:n // 2] *= 1e-4
    noise = rng.standard_normal(n).astype(np.float32)
    noise *= np.sqrt((clean ** 2).sum() / (noise ** 2).sum() / 10 ** (snr_db / 10))
    processed = (clean + noise).astype(np.float32)
    clean.tofile(oracle.path("clean.f32"))
    processed.tofile(oracle.path("processed.f32"))
    ours = float(oracle.run("stoi", oracle.path("clean.f32"), oracle.path("processed.f32")))
    theirs = slow_stoi(clean, processed)
    what = f"STOI at {snr_db} dB, {n} samples{' with a pause' if pause else ''} ({theirs:.4f})"
    oracle.check(f"{what}: difference", abs(ours - theirs), STOI_TOLERANCE)


def main():
    torch.set_num_threads(1)
    rng = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as directory:
        oracle = Oracle(sys.argv[1], directory)
        for window, hop, n in ((1024, 512, 48000), (1024, 512, 16001), (1024, 256, 9999), (512, 128, 777)):
            compare_transform(oracle, rng, window, hop, n)
        # Multiples of the hop: torch and we have the same frames then.
        for window, hop, n in ((1024, 512, 51200), (1024, 256, 10240), (512, 128, 1280)):
            compare_inverse(oracle, rng, window, hop, n)
        for n, snr_db, pause in ((30000, 10, False), (30000, 0, True), (20001, -10, True), (12800, 40, False)):
            compare_stoi(oracle, rng, n, snr_db, pause)
    print("agreement" if all(oracle.worst) else "DISAGREEMENT")
    return 0 if all(oracle.worst) else 1


if __name__ == "__main__":
    sys.exit(main())
