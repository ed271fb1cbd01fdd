"""Fifty Adam steps of the perceptron, ours and PyTorch's, from the same weights on the same batches.

usage: mlp_against_torch.py ORACLE_PROGRAM
Exit status: 0 agreement, 1 not, 77 PyTorch is not installed.
"""
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

BATCH, STEPS, TEST, WIDTHS = 128, 50, 1000, [512, 512, 256]
TOLERANCE = 1e-4


def make_images(rng, count):
    """Prototypes with noise, of MNIST's shape and sparsity. Three labels of ten are wrong: the loss and its gradients
    stay large, as Adam divides small gradients by their own size and so turns rounding into whole steps."""
    prototypes = (rng.random((10, 28, 28)) ** 6 * 255).astype(np.float64)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    noise = rng.normal(0, 60, (count, 28, 28))
    pixels = np.clip(prototypes[labels] + noise - 20, 0, 255).astype(np.uint8)
    wrong = rng.random(count) < 0.3
    labels[wrong] = rng.integers(0, 10, wrong.sum())
    return pixels.reshape(count, 784), labels


def make_network():
    torch.manual_seed(7)
    layers, width = [], 784
    for out in WIDTHS + [10]:
        layer = torch.nn.Linear(width, out)
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.normal_(layer.bias, 0, 0.02)
        layers.append(layer)
        width = out
    return torch.nn.ModuleList(layers)


def forward(layers, x):
    for layer in layers[:-1]:
        x = F.relu(layer(x))
    return layers[-1](x)


def block(layers):
    """All parameters in our order: kernel [in, out], then bias, layer by layer."""
    parts = [p for l in layers for p in (l.weight.detach().numpy().T.ravel(), l.bias.detach().numpy())]
    return np.concatenate(parts).astype(np.float32)


def train(layers, pixels, labels, order):
    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3, eps=1e-7)
    losses = []
    for step in range(STEPS):
        index = order[step * BATCH:(step + 1) * BATCH].astype(np.int64)
        x = torch.from_numpy(pixels[index].astype(np.float32) / np.float32(255))
        loss = F.cross_entropy(forward(layers, x), torch.from_numpy(labels[index].astype(np.int64)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def check(what, got, limit, worst):
    print(f"{what}: {got:.3g} (at most {limit:g})")
    worst.append(got <= limit)


def compare_weights(ours, layers, worst):
    at = 0
    for number, layer in enumerate(layers, 1):
        for name, tensor in (("kernel", layer.weight.detach().numpy().T), ("bias", layer.bias.detach().numpy())):
            mine = ours[at:at + tensor.size].reshape(tensor.shape)
            at += tensor.size
            difference = np.abs(mine - tensor)
            check(f"dense{number}/{name}: largest difference over largest weight",
                  difference.max() / np.abs(tensor).max(), TOLERANCE, worst)
            check(f"dense{number}/{name}: norm of the difference, relative",
                  np.linalg.norm(difference) / np.linalg.norm(tensor), TOLERANCE, worst)


def compare_truncation(directory, ours, pixels, labels, worst):
    """Predictions at svd rank D from the same (our) weights; a disagreement is allowed only on a tie of logits."""
    layers, at, width = [], 0, 784
    for out in WIDTHS + [10]:
        kernel = ours[at:at + width * out].reshape(width, out)
        bias = ours[at + width * out:at + width * out + out]
        layers.append((torch.from_numpy(kernel.copy()), torch.from_numpy(bias.copy())))
        at += width * out + out
        width = out
    for rank in (5, 20, 100):
        x = torch.from_numpy(pixels.astype(np.float32) / np.float32(255))
        for i, (kernel, bias) in enumerate(layers):
            if i + 1 < len(layers):
                u, s, vt = torch.linalg.svd(kernel, full_matrices=False)
                x = F.relu(x @ ((u[:, :rank] * s[:rank]) @ vt[:rank]) + bias)
            else:
                x = x @ kernel + bias
        theirs = x.numpy()
        mine = np.fromfile(f"{directory}/logits{rank}.f32", np.float32).reshape(-1, 10)
        check(f"D = {rank}: largest difference of logits, relative",
              np.abs(mine - theirs).max() / np.abs(theirs).max(), TOLERANCE, worst)
        top = np.sort(theirs, axis=1)
        tie = top[:, -1] - top[:, -2] < 1e-4 * np.abs(theirs).max()
        differ = (mine.argmax(1) != theirs.argmax(1)) & ~tie
        accuracy = (mine.argmax(1) == labels).mean()
        check(f"D = {rank}: accuracy {accuracy:.4f}, predictions that differ ({tie.sum()} ties aside)",
              differ.sum(), 0, worst)


def main():
    torch.set_num_threads(2)
    rng = np.random.default_rng(3)
    pixels, labels = make_images(rng, BATCH * STEPS + TEST)
    layers, worst = make_network(), []
    with tempfile.TemporaryDirectory() as directory:
        block(layers).tofile(f"{directory}/start.f32")
        pixels[:-TEST].tofile(f"{directory}/train.u8")
        labels[:-TEST].tofile(f"{directory}/train_labels.u8")
        pixels[-TEST:].tofile(f"{directory}/test.u8")
        labels[-TEST:].tofile(f"{directory}/test_labels.u8")
        subprocess.run([sys.argv[1], directory, str(BATCH * STEPS), str(TEST), str(BATCH)] +
                       [str(w) for w in WIDTHS], check=True)
        order = np.fromfile(f"{directory}/order.u32", np.uint32)
        assert sorted(order) == list(range(BATCH * STEPS)), "not a permutation"
        losses = train(layers, pixels[:-TEST], labels[:-TEST], order)
        ours = np.fromfile(f"{directory}/losses.f64", np.float64)
        print(f"loss from {losses[0]:.4f} to {losses[-1]:.4f} in {STEPS} steps")
        check("loss: largest difference, relative", (np.abs(ours - losses) / losses).max(), TOLERANCE, worst)
        trained = np.fromfile(f"{directory}/trained.f32", np.float32)
        compare_weights(trained, layers, worst)
        compare_truncation(directory, trained, pixels[-TEST:], labels[-TEST:], worst)
    print("agreement" if all(worst) else "DISAGREEMENT")
    return 0 if all(worst) else 1


if __name__ == "__main__":
    sys.exit(main())
