#!/usr/bin/env python3
"""Makes first seeds for fuzz_endpoint_conversation: one script for each exchange, each way.

tests/fuzz/conversation_seeds.py FOLDER. The words below are the operations of the target.
"""

import pathlib
import sys

LEFT, RIGHT = 0, 0x80
INSERT, REMOVE, REPEAT, REPLACE, CUT, APPEND, RETYPE, SWAP, FLIP, HEADER, CHAIN, RAW = range(12)
CHILD, IKE = 2, 4
SA, KE, NONCE, NOTIFY, DELETE, TS_I = 33, 34, 40, 41, 42, 44
EXCHANGES = {"auth": 0, "create_child": 1, "informational": 2}


def ms(time):
    return bytes([0, time // 20])


def s(time):
    return bytes([1, time // 2])


def edit(side, what, payload=0, place=0, octets=b""):
    return bytes([2 | side, what, payload, place, len(octets)]) + octets


def say(side, exchange, first, chain, response=False):
    kind = next(k for k in range(0, 32, 4) if k % 3 == EXCHANGES[exchange])
    if response:
        kind = next(k for k in range(16, 32) if k % 3 == EXCHANGES[exchange])
    return bytes([6 | side, kind, first]) + len(chain).to_bytes(2, "big") + chain


def command(side, choice):
    return bytes([8 | side, choice])


def event(side, choice):
    return bytes([10 | side, choice])


def hold(side):
    return bytes([11 | side])


def restart(side):
    return bytes([13 | side])


def repeat(side, choice):
    return bytes([14 | side, choice])


def refuse(side, number):
    return bytes([15 | side, number])


def notify(kind, data=b"", protocol=0, spi=b"", following=0):
    body = bytes([protocol, len(spi)]) + kind.to_bytes(2, "big") + spi + data
    return bytes([following, 0]) + (len(body) + 4).to_bytes(2, "big") + body


CUTTING = bytes([12])
INITIATE, TERMINATE, RELOAD, NAT = bytes([0]), bytes([1]), bytes([6]), bytes([7])
edits = {
    "flip": lambda side: edit(side, FLIP, 1, 4, b"\x01"),
    "remove": lambda side: edit(side, REMOVE, 1),
    "repeat": lambda side: edit(side, REPEAT, 0),
    "notify": lambda side: edit(side, INSERT, 0, NOTIFY, bytes([0, 0, 0, 14])),
}
seeds = {"peace": s(40) + ms(400)}
for name, change in edits.items():
    for side, who in (LEFT, "left"), (RIGHT, "right"):
        seeds[f"sa_init_{name}_{who}"] = restart(LEFT) + change(side) + s(30)
        seeds[f"auth_{name}_{who}"] = restart(LEFT) + ms(20) + change(side) + s(30)
        seeds[f"rekey_child_{name}_{who}"] = command(LEFT, CHILD) + change(side) + s(30)
        seeds[f"rekey_ike_{name}_{who}"] = command(RIGHT, IKE) + change(side) + s(30)
        seeds[f"informational_{name}_{who}"] = s(8) + change(side) + s(20)
        seeds[f"delete_{name}_{who}"] = change(side) + command(side, TERMINATE[0]) + s(30)
for shape in 1, 2, 4, 8, 16, 17, 32, 64, 128:
    seeds[f"shape_{shape}"] = bytes([shape]) + s(200) + command(LEFT, CHILD) + s(100)
seeds["rekeys_cross"] = hold(LEFT) + hold(RIGHT) + command(LEFT, CHILD) + command(RIGHT, CHILD) \
    + hold(LEFT) + hold(RIGHT) + s(20)
seeds["ike_rekeys_cross"] = hold(LEFT) + hold(RIGHT) + command(LEFT, IKE) + command(RIGHT, IKE) \
    + ms(100) + hold(LEFT) + hold(RIGHT) + s(20)
seeds["child_crosses_ike"] = hold(LEFT) + hold(RIGHT) + command(LEFT, CHILD) \
    + command(RIGHT, IKE) + hold(LEFT) + hold(RIGHT) + s(20)
seeds["first_contacts_cross"] = bytes([64]) + restart(LEFT) + restart(RIGHT) + s(30)
seeds["refused"] = refuse(LEFT, 1) + refuse(RIGHT, 1) + command(LEFT, CHILD) + s(30)
seeds["expired"] = event(LEFT, 0) + s(4) + event(RIGHT, 1) + s(30)
seeds["moved"] = command(LEFT, NAT[0]) + s(20) + command(LEFT, NAT[0]) + s(20)
seeds["repeated"] = b"".join(repeat(RIGHT, n) + repeat(LEFT, n) for n in range(6)) + s(20)
seeds["restarted"] = restart(LEFT) + s(30) + restart(RIGHT) + s(60)
seeds["dead"] = CUTTING + s(100) + CUTTING + s(60)
seeds["reload"] = command(LEFT, RELOAD[0]) + s(30) + command(RIGHT, INITIATE[0]) + s(30)
for name, exchange in EXCHANGES.items():
    del exchange
    for response in False, True:
        what = "response" if response else "request"
        for side, who in (LEFT, "left"), (RIGHT, "right"):
            seeds[f"say_{name}_{what}_{who}"] = (
                say(side, name, NOTIFY, notify(16393, protocol=3, spi=b"\xc0\0\0\1", following=42)
                    + bytes([0, 0, 0, 8, 1, 0, 0, 0]), response) + s(4)
                + say(side, name, DELETE, bytes([0, 0, 0, 12, 3, 4, 0, 1, 1, 2, 3, 4]), response) + s(30))
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, script in seeds.items():
    shaped = name.startswith(("shape_", "first_contacts"))
    (folder / name).write_bytes(script if shaped else b"\0" + script)
