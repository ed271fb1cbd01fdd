"""Thirty Adam steps of recurrent networks, ours and PyTorch's, from the same weights on the same batch.

usage: gru_against_torch.py ORACLE_PROGRAM
A network that classifies every frame, one that encodes the last frame of a sequence, and Siamese ones that compare such
encodings in pairs, by |a - b| and by their cosine, each with sequences of one length and with padded ones. Exit status: 0 agreement, 1 not, 77 PyTorch is not installed.
"""
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

STEPS, T, B, IN, FIRST, SECOND, OUT = 30, 20, 11, 33, 40, 27, 19
TOLERANCE = 1e-4


SIAMESE = ("pairs", "cosines")
PAIRS = np.array([(i, (3 * i + 1) % B) for i in range(B)], np.uint32)  # a sequence comes in several


class Network(torch.nn.Module):
    def __init__(self, mode):
        super().__init__()
        self.mode = mode
        self.gru1, self.gru2 = torch.nn.GRU(IN, FIRST), torch.nn.GRU(FIRST, SECOND)
        self.dense = torch.nn.Linear(SECOND, OUT)
        self.head = torch.nn.Linear(OUT if mode == "pairs" else 1, 1) if mode in SIAMESE else None

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        states, last = self.gru2(self.gru1(packed)[0])
        if self.mode == "last":
            return F.relu(self.dense(last[0]))
        if self.mode in SIAMESE:
            a, b = (torch.from_numpy(PAIRS[:, side].astype(np.int64)) for side in (0, 1))
            encoded = self.dense(last[0])
            if self.mode == "cosines":
                return self.head(F.cosine_similarity(encoded[a], encoded[b])[:, None])
            encoded = F.relu(encoded)
            return self.head((encoded[a] - encoded[b]).abs())
        return self.dense(pad_packed_sequence(states, total_length=T)[0])


def swap_gates(array):
    """[3u, n] with PyTorch's gates r, z, n to ours, z, r, h, or back."""
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def tensors(network, of):
    """Names and arrays of all parameters, or their gradients, in our order and layout."""
    for name in ("gru1", "gru2"):
        gru = getattr(network, name)
        yield f"{name}/kernel", swap_gates(of(gru.weight_ih_l0)).T
        yield f"{name}/recurrent_kernel", swap_gates(of(gru.weight_hh_l0)).T
        yield f"{name}/bias", np.stack([swap_gates(of(gru.bias_ih_l0)), swap_gates(of(gru.bias_hh_l0))])
    yield "dense1/kernel", of(network.dense.weight).T
    yield "dense1/bias", of(network.dense.bias)
    if network.head is not None:
        yield "dense2/kernel", of(network.head.weight).T
        yield "dense2/bias", of(network.head.bias)


def values_of(parameter):
    return parameter.detach().numpy().copy()


def gradients_of(parameter):
    return parameter.grad.numpy().copy()


def check(what, got, worst):
    print(f"  {what}: {got:.3g} (at most {TOLERANCE:g})")
    worst.append(got <= TOLERANCE)


def largest_difference(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def compare(what, ours, expected, worst):
    at = 0
    for name, theirs in expected:
        mine = ours[at:at + theirs.size].reshape(theirs.shape)
        at += theirs.size
        check(f"{what} of {name}, largest difference over largest", largest_difference(mine, theirs), worst)
    assert at == len(ours), "another number of parameters"


def run_ours(program, directory, mode, network, x, lengths, targets):
    for name, array in (("x", x), ("targets", targets)):
        array.astype(np.float32).tofile(f"{directory}/{name}.f32")
    lengths.astype(np.uint32).tofile(f"{directory}/lengths.u32")
    PAIRS.tofile(f"{directory}/pairs.u32")
    start = [array.ravel() for _, array in tensors(network, values_of)]
    np.concatenate(start).astype(np.float32).tofile(f"{directory}/start.f32")
    subprocess.run([program, directory, mode] +
                   [str(n) for n in (STEPS, T, B, IN, FIRST, SECOND, OUT)], check=True)
    return (np.fromfile(f"{directory}/{name}", kind) for name, kind in (
        ("output.f32", np.float32), ("gradients.f32", np.float32), ("losses.f64", np.float64),
        ("trained.f32", np.float32)))


def train_theirs(network, x, lengths, targets):
    """First output and gradients, then all losses; the network keeps the last weights."""
    # A bias before |a - b| has no gradient where both sides are above zero; what rounding leaves must not become whole steps.
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-4 if network.mode == "pairs" else 1e-7)
    x, targets = torch.from_numpy(x), torch.from_numpy(targets)
    valid = torch.arange(T)[:, None] < torch.from_numpy(lengths)[None, :]
    losses, first = [], None
    for _ in range(STEPS):
        y = network(x, torch.from_numpy(lengths))
        if network.mode == "last":
            loss = (y * targets).sum()
        elif network.mode in SIAMESE:
            loss = F.binary_cross_entropy_with_logits(y, targets)
        else:
            loss = F.binary_cross_entropy_with_logits(y[valid], targets[valid])
        optimizer.zero_grad()
        loss.backward()
        if first is None:
            first = y.detach().numpy().copy(), list(tensors(network, gradients_of))
        optimizer.step()
        losses.append(loss.item())
    return *first, np.array(losses)


def compare_network(program, mode, padded, worst):
    print(f"{mode}, {'padded' if padded else 'one length'}:")
    torch.manual_seed(7)
    rng = np.random.default_rng(3)
    network = Network(mode)
    x = rng.normal(0, 1, (T, B, IN)).astype(np.float32)
    lengths = rng.integers(1, T + 1, B) if padded else np.full(B, T)
    if mode == "last":
        targets = rng.normal(0, 1, (B, OUT)).astype(np.float32)
    elif mode in SIAMESE:
        targets = (rng.random((B, 1)) < 0.5).astype(np.float32)
    else:
        targets = (rng.random((T, B, OUT)) < 0.4).astype(np.float32)
    with tempfile.TemporaryDirectory() as directory:
        output, gradients, losses, trained = run_ours(program, directory, mode, network, x, lengths, targets)
    their_output, their_gradients, their_losses = train_theirs(network, x, lengths, targets)
    output = output.reshape(their_output.shape)
    if mode == "frames":
        valid = np.arange(T)[:, None] < lengths[None, :]
        output, their_output = output[valid], their_output[valid]
    check("output, largest difference over largest", largest_difference(output, their_output), worst)
    compare("gradient", gradients, their_gradients, worst)
    print(f"  loss from {their_losses[0]:.4f} to {their_losses[-1]:.4f} in {STEPS} steps")
    check("loss, largest difference over largest", largest_difference(losses, their_losses), worst)
    compare("trained weights", trained, list(tensors(network, values_of)), worst)


def main():
    torch.set_num_threads(2)
    worst = []
    for mode in ("frames", "last", *SIAMESE):
        for padded in (False, True):
            compare_network(sys.argv[1], mode, padded, worst)
    print("agreement" if all(worst) else "DISAGREEMENT")
    return 0 if all(worst) else 1


if __name__ == "__main__":
    sys.exit(main())
