"""svd-factorized and svd-constrained, whole: the program's final weights against PyTorch's, from the same start on the same
batches, two epochs each.

usage: low_rank_against_torch.py PROGRAM STREAMS_PROGRAM
Exit status: 0 agreement, 1 not, 77 PyTorch is not installed.
"""
import os
import struct
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TRAIN, TEST, BATCH, EPOCHS, WIDTHS, RANK = 1024, 100, 64, 2, [784, 96, 64, 10], 24  # a clear gap after the 24th
TOLERANCE = 1e-4
JOB = f"""
name: oracle
data: {{source: mnist, path: data}}
model: {{hidden: {WIDTHS[1:-1]}}}
train: {{epochs: {EPOCHS}, batch: {BATCH}, lr: 0.001}}
svd: {{rank: {RANK}}}
"""


def write_images(rng, folder):
    """Prototypes with noise, as IDX files. Three labels of ten are wrong: the loss and its gradients stay large, as Adam divides
    small gradients by their own size and so turns rounding into whole steps."""
    os.makedirs(folder)
    prototypes = rng.random((10, 28, 28)) ** 6 * 255
    kept = {}
    for name, count in (("train", TRAIN), ("t10k", TEST)):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        pixels = np.clip(prototypes[labels] + rng.normal(0, 60, (count, 28, 28)) - 20, 0, 255).astype(np.uint8)
        wrong = rng.random(count) < 0.3
        labels[wrong] = rng.integers(0, 10, wrong.sum())
        with open(f"{folder}/{name}-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, count, 28, 28) + pixels.tobytes())
        with open(f"{folder}/{name}-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">II", 0x801, count) + labels.tobytes())
        kept[name] = pixels.reshape(count, 784), labels
    return kept["train"]


def streams(*args):
    return subprocess.run([sys.argv[2], *map(str, args)], check=True, capture_output=True).stdout


def batches(stage, pixels, labels):
    for epoch in range(EPOCHS):
        order = np.frombuffer(streams("order", 1, stage, epoch, TRAIN), np.uint32).astype(np.int64)
        for at in range(0, TRAIN, BATCH):
            index = order[at:at + BATCH]
            yield (torch.from_numpy(pixels[index].astype(np.float32) / np.float32(255)),
                   torch.from_numpy(labels[index].astype(np.int64)), at + BATCH >= TRAIN)


def train(parameters, forward, stage, images, after_epoch=lambda: None):
    optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-7)
    for x, y, last in batches(stage, *images):
        loss = F.cross_entropy(forward(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if last:
            after_epoch()


def run(kind, *extra):
    with open(f"{kind}.yaml", "w", encoding="utf-8") as file:
        file.write(f"experiment: {kind}\n{JOB}")
    subprocess.run([sys.argv[1], "run", f"{kind}.yaml", "-n", "1", "-o", f"{kind}.h5", "--fresh", *extra], check=True, stderr=subprocess.DEVNULL)
    return h5py.File(f"{kind}.h5")


class Verdict:
    def __init__(self):
        self.agree = True

    def compare(self, what, ours, theirs):
        theirs = theirs.detach().numpy()
        for kind, got in (("largest difference over largest", np.abs(ours - theirs).max() / np.abs(theirs).max()),
                          ("norm of the difference, relative", np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))):
            print(f"{what}: {kind}: {got:.3g} (at most {TOLERANCE:g})")
            self.agree &= bool(got <= TOLERANCE)


def tensor(array):
    return torch.tensor(np.asarray(array), requires_grad=True)


def check_factorized(verdict, images):
    """From the decomposition that the program left, whose signs are its own."""
    with run("svd-factorized") as f:
        identity = f["stages"]["identity"][list(f["stages"]["kind"]).index(b"mlp-svd")].decode()
        model = {name: {k: v[:] for k, v in group.items()} for name, group in f["models/0"].items()}
    layers, hidden = [], len(WIDTHS) - 2
    with h5py.File(f"svd-factorized.ckpt/{identity}.h5") as f:
        for i in range(1, hidden + 1):
            root = np.sqrt(f[f"model/dense{i}/s"][:RANK])
            layers.append([tensor(f[f"model/dense{i}/u"][:, :RANK] * root), tensor(root[:, None] * f[f"model/dense{i}/vt"][:RANK]),
                           tensor(f[f"model/dense{i}/bias"][:])])
        layers.append([tensor(f[f"model/dense{hidden + 1}/kernel"][:]), tensor(f[f"model/dense{hidden + 1}/bias"][:])])

    def forward(x):
        for u, v, b in layers[:-1]:
            x = F.relu(x @ u @ v + b)
        return x @ layers[-1][0] + layers[-1][1]

    train([p for layer in layers for p in layer], forward, "svd-retrain", images)
    for i, layer in enumerate(layers, 1):
        for name, theirs in zip(("u", "v", "bias") if i <= hidden else ("kernel", "bias"), layer):
            verdict.compare(f"svd-factorized dense{i}/{name}", model[f"dense{i}"][name], theirs)


def check_constrained(verdict, images, method, *extra):
    """Kernels are compared as products: the signs of singular vectors are anybody's."""
    with run("svd-constrained", "--set", f"svd.method={method}", *extra) as f:
        model = {name: {k: v[:] for k, v in group.items()} for name, group in f["models/0"].items()}
    start = np.frombuffer(streams("start", 1, "svd-constrained", *WIDTHS), np.float32)
    layers, at = [], 0
    for m, n in zip(WIDTHS, WIDTHS[1:]):
        layers.append([tensor(start[at:at + m * n].reshape(m, n)), tensor(start[at + m * n:at + m * n + n])])
        at += m * n + n

    def forward(x):
        for kernel, b in layers[:-1]:
            x = F.relu(x @ kernel + b)
        return x @ layers[-1][0] + layers[-1][1]

    def project():
        with torch.no_grad():
            for kernel, _ in layers[:-1]:
                u, s, vt = torch.linalg.svd(kernel, full_matrices=False)
                kernel.copy_((u[:, :RANK] * s[:RANK]) @ vt[:RANK])

    train([p for layer in layers for p in layer], forward, "svd-constrained", images, project)
    for i, (kernel, bias) in enumerate(layers, 1):
        ours = model[f"dense{i}"]
        verdict.compare(f"svd-constrained, {method}, dense{i} kernel", ours["kernel"] if "kernel" in ours else ours["u"] @ ours["v"], kernel)
        verdict.compare(f"svd-constrained, {method}, dense{i}/bias", ours["bias"], bias)


def main():
    torch.set_num_threads(2)
    program, streams_program = map(os.path.abspath, sys.argv[1:3])
    sys.argv[1:3] = program, streams_program
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        images = write_images(np.random.default_rng(5), "data")
        check_factorized(verdict, images)
        check_constrained(verdict, images, "gesdd")
        check_constrained(verdict, images, "subspace", "--set", "svd.tolerance=1e-6", "--set", "svd.iterations=1000")
        os.chdir("/")
    print("agreement" if verdict.agree else "DISAGREEMENT")
    return 0 if verdict.agree else 1


if __name__ == "__main__":
    sys.exit(main())
