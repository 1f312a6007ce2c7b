#!/usr/bin/env python3
"""flood.py TARGET SECONDS SEED: datagrams for UDP 500 and 4500 of TARGET as fast as they go, from many
ports: noise of every length, and headers of IKE of any version with noise behind them. Prints how
many it sent."""

import random
import socket
import struct
import sys
import time

target, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
_EXCHANGES = (2, 4, 5, 32, 33, 34, 35, 36, 37)


def header_and_noise():
    body = draw.randbytes(draw.choice((0, 1, 3, 4, 8, 28, 200, 1200)))
    length = draw.choice((28 + len(body), 28 + len(body), 28, 0, 0xFFFFFFFF, draw.getrandbits(16)))
    responder = draw.choice((bytes(8), draw.randbytes(8)))
    return struct.pack("!8s8sBBBBII", draw.randbytes(8), responder,
                       draw.choice((0, 1, 5, 33, 35, 46, 53, draw.getrandbits(8))),
                       draw.choice((0x10, 0x20, 0x20, 0x21, 0x30, draw.getrandbits(8))),
                       draw.choice(_EXCHANGES + (draw.getrandbits(8),)), draw.getrandbits(8),
                       draw.choice((0, 0, 1, draw.getrandbits(32))), length) + body


def noise():
    return draw.randbytes(draw.choice((0, 1, 4, 27, 28, 29, 512, 1472, draw.randrange(60000))))


sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(32)]
sent, stop = 0, time.monotonic() + seconds
while time.monotonic() < stop:
    datagram = draw.choice((noise, header_and_noise, header_and_noise))()
    port = draw.choice((500, 4500))
    if port == 4500 and draw.random() < 0.8:
        datagram = bytes(4) + datagram
    try:
        draw.choice(sockets).sendto(datagram, (target, port))
        sent += 1
    except OSError:
        pass  # too long, or the port answered that it is closed
print(sent)
