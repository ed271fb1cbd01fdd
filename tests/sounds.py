"""WAV files made by hand, whole and broken, for tests of what reads them."""
import math
import os
import struct

RATE = 16000


def wav(samples, rate=RATE, channels=1, form=1, bits=16, claim=None):
    """Bytes of a WAV file; CLAIM: the length that its header gives."""
    data = b"".join(struct.pack("<f", s) if form == 3 else struct.pack("<h", int(s * 32767)) for s in samples)
    frame = channels * bits // 8
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, form, channels, rate, rate * frame % 2**32, frame % 2**16, bits) +
            b"data" + struct.pack("<I", len(data) if claim is None else claim) + data)


def tone(hertz, seconds, rate=RATE):
    return [0.4 * math.sin(2 * math.pi * hertz * i / rate) * (1 + math.sin(9 * i / rate)) / 2 for i in range(int(seconds * rate))]


def put(path, content):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
