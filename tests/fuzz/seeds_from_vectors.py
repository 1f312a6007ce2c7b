#!/usr/bin/env python3
"""Makes the seeds of the wire fuzz targets from the exchanges in tests/vectors. Run in the tree's root.

Of messages with the same payload types in the same exchange one is enough.
"""

import pathlib

SEEDS = pathlib.Path("tests/fuzz/seeds")


# Where a version's recordings are, and its payloads behind which no chain can be followed in clear.
VERSIONS = {"v1": ("charon-6.0.1-ikev1", (132,)), "v2": ("charon-6.0.1", (46, 53))}


def types(first, chain, closed):
    while first and len(chain) >= 4:
        yield first
        if first in closed:
            return
        first, chain = chain[0], chain[int.from_bytes(chain[2:4], "big"):]


def write(target, name, octets, closed, known):
    if target.endswith("message"):
        encrypted = octets[17] == 0x10 and octets[19] & 1
        chain = () if encrypted else types(octets[16], octets[28:], closed)
        kind = (target, octets[18:20], *chain)
    else:
        kind = (target, *types(octets[0], octets[1:], closed))
    if kind not in known:
        known.add(kind)
        folder = SEEDS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(octets)


def seeds(version):
    source, closed = VERSIONS[version]
    seen = set()
    for vector in sorted(pathlib.Path("tests/vectors", source).glob("*.hex")):
        number = 0
        for line in vector.read_text().splitlines():
            words = line.split()
            if words[0] == "message":
                number += 1
                message = bytes.fromhex(words[2])
                seed = f"{vector.stem}-{number}"
                write(f"decode_{version}_message", seed, message, closed, seen)
                if message[16] not in closed and not (version == "v1" and message[19] & 1):
                    write(f"decode_{version}_payloads", seed, message[16:17] + message[28:], closed, seen)
            elif words[0] == "plain" and len(words) == 3:
                inside = bytes([int(words[1])]) + bytes.fromhex(words[2])
                write(f"decode_{version}_payloads", f"{vector.stem}-{number}", inside, closed, seen)


for each in VERSIONS:
    seeds(each)
