#!/usr/bin/env python3
"""Makes the seeds of the wire fuzz targets from tests/vectors/charon-6.0.1. Run in the tree's root.

Of messages with the same payload types in the same exchange one is enough.
"""

import pathlib

SEEDS = pathlib.Path("tests/fuzz/seeds")


def types(first, chain):
    while first and len(chain) >= 4:
        yield first
        if first in (46, 53):
            return
        first, chain = chain[0], chain[int.from_bytes(chain[2:4], "big"):]


def write(target, name, octets, known):
    if target == "decode_v2_message":
        kind = (target, octets[18:20], *types(octets[16], octets[28:]))
    else:
        kind = (target, *types(octets[0], octets[1:]))
    if kind not in known:
        known.add(kind)
        folder = SEEDS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(octets)


seen = set()
for vector in sorted(pathlib.Path("tests/vectors/charon-6.0.1").glob("*.hex")):
    number = 0
    for line in vector.read_text().splitlines():
        words = line.split()
        seed = f"{vector.stem}-{number}"
        if words[0] == "message":
            number += 1
            message = bytes.fromhex(words[2])
            seed = f"{vector.stem}-{number}"
            write("decode_v2_message", seed, message, seen)
            if message[16] not in (46, 53):
                write("decode_v2_payloads", seed, message[16:17] + message[28:], seen)
        elif words[0] == "plain" and len(words) == 3:
            write("decode_v2_payloads", seed, bytes([int(words[1])]) + bytes.fromhex(words[2]), seen)
