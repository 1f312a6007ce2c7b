#!/usr/bin/env python3
"""Records IKEv1 exchanges between two strongSwan charon daemons as test vectors.

    scripts/dev unshare --net --mount python3 tests/vectors/record_charon_ikev1.py FOLDER [SCENARIO…]

The network, the daemons and the capture are record_charon.py's. FOLDER/README.md describes the format.
"""

import os
import sys
import tempfile

from record_charon import DOWN, INITIATOR, NET, NETS, PSK, datagrams, dumps, exchange, network

STRONG = "aes256-sha256-modp2048"
AGGRESSIVE = dict(extra="aggressive = yes", extra_r="aggressive = yes",
                  daemon="i_dont_care_about_security_and_use_aggressive_mode_psk = yes")
CLOSE = ["--terminate --child c", DOWN]
FQDNS = ("vpn.left.example.org", "vpn@right.example.org")

# As in record_charon.py.
SCENARIOS = {
    "main-aes256-sha256-modp2048": dict(ike=STRONG, esp=STRONG, do=["--rekey --child c", *CLOSE]),
    "main-aes128-sha1-modp1024-no-pfs": dict(ike="aes128-sha1-modp1024", esp="aes128-sha1", do=CLOSE),
    "main-3des-sha1-modp1536": dict(ike="3des-sha1-modp1536", esp="3des-sha1", ids=FQDNS, do=CLOSE),
    "main-aes192-sha384-modp3072": dict(ike="aes192-sha384-modp3072", esp="aes192-sha384-modp3072", do=CLOSE),
    "main-aes256-sha512-ecp384": dict(ike="aes256-sha512-ecp384", esp="aes256gcm16-ecp384", do=CLOSE),
    "main-aes128-sha256-x25519": dict(ike="aes128-sha256-x25519", esp="aes128gcm16-x25519",
                                      ids=("keyid:left", "keyid:right"), do=CLOSE),
    "main-several-subnets": dict(ike=STRONG, esp="aes128-sha256", second=(NETS[0], "192.168.30.0/24"),
                                 ts=("2001:db8:a::/48[tcp/443]", "2001:db8:b::7"),
                                 do=["--initiate --child d", DOWN]),
    "main-several-proposals": dict(
        ike="aes256-sha512-ecp384,aes128-sha256-modp2048,3des-sha1-modp1024", ike_r="aes128-sha256-modp2048",
        suite="aes128-sha256-modp2048", esp="aes256gcm16-modp2048,aes256-sha256-modp2048,aes128-sha1-modp2048",
        esp_r="aes128-sha1-modp2048", do=CLOSE),
    "aggressive-aes256-sha256-modp2048": dict(ike=STRONG, esp=STRONG, ids=FQDNS, do=CLOSE, **AGGRESSIVE),
    "aggressive-aes128-sha1-modp1024-no-pfs": dict(ike="aes128-sha1-modp1024", esp="aes128-sha1", do=CLOSE,
                                                   **AGGRESSIVE),
    "dead-peer-detection": dict(ike=STRONG, esp="aes256-sha256", extra="dpd_delay = 1s", do=["sleep", DOWN]),
    "rekey-isakmp-sa": dict(ike=STRONG, esp="aes256-sha256", do=["--rekey --ike vpn", DOWN]),
    "fragments": dict(ike=STRONG, esp=STRONG, fragmentation="yes", daemon="fragment_size = 200", ids=FQDNS,
                      do=CLOSE),
    "no-proposal-chosen": dict(ike=STRONG, ike_r="aes128-sha1-modp1024", esp="aes256-sha256", do=[]),
    "no-proposal-chosen-quick-mode": dict(ike=STRONG, esp="aes256-sha256", esp_r="aes128-sha1", do=[DOWN]),
    "invalid-id-information": dict(ike=STRONG, esp="aes256-sha256", ts=NET, ts_r=("172.16.1.0/24", "172.16.2.0/24"),
                                   do=[DOWN]),
    "wrong-psk": dict(ike=STRONG, esp="aes256-sha256", psk_r="another", do=[]),
}

PHASE_ONE = {"SKEYID": "skeyid", "SKEYID_d": "skeyid_d", "SKEYID_a": "skeyid_a", "SKEYID_e": "skeyid_e",
             "encryption key Ka": "encryption", "initial IV": "iv", "HASH_I": "hash_i", "HASH_R": "hash_r"}
PHASE_TWO = {"DH secret": "g_ir", "encryption initiator key": "encryption_i", "integrity initiator key": "integrity_i",
             "encryption responder key": "encryption_r", "integrity responder key": "integrity_r"}
FRAGMENT, NONCE = 132, 10


def key_lines(log, sas, suite):
    """The keys of each ISAKMP SA and its children in the order in which they were derived."""
    lines, sas = [], iter(sas)
    for label, octets in dumps(log):
        if label == "shared Diffie Hellman secret":
            spis, ni, nr = next(sas)
            lines += [f"sa {spis}", f"suite {suite}", f"ni {ni}", f"nr {nr}", f"g_ir {octets.hex()}"]
        elif label in PHASE_ONE:
            lines.append(f"{PHASE_ONE[label]} {octets.hex()}")
        elif label in PHASE_TWO:
            if label == "DH secret" or (label == "encryption initiator key" and not lines[-1].startswith("g_ir")):
                lines.append("child")
            lines.append(f"{PHASE_TWO[label]} {octets.hex()}")
    return lines


def opened(logs):
    """IV, content and padding of each ciphertext, as its sender logged it."""
    inside = {}
    for log in logs:
        sent = {}
        for label, octets in dumps(log):
            if label == "IV":
                sent = {"IV": octets, "padding": b""}
            elif label in ("plain", "padding"):
                sent[label] = octets
            elif label == "encrypted":
                if "IV" in sent and "plain" in sent:
                    inside[octets] = sent["IV"], sent["plain"] + sent["padding"]
                sent = {}
    return inside


def nonce(message):
    """The nonce of a message in clear."""
    kind, position = message[16], 28
    while kind and position < len(message):
        length = int.from_bytes(message[position + 2:position + 4], "big")
        if kind == NONCE:
            return message[position + 4:position + length].hex()
        kind, position = message[position], position + length
    return None


def isakmp_sas(messages):
    """(cookies, ni, nr) of each SA for which nonces were seen."""
    nonces = {}
    for source, message in whole(messages):
        if not message[19] & 1 and (found := nonce(message)):
            nonces.setdefault(message[:8], {})[source == INITIATOR] = found
            if any(message[8:16]):
                nonces[message[:8]]["responder"] = message[8:16]
    for cookie, found in nonces.items():
        if len(found) == 3:
            yield f"{cookie.hex()} {found['responder'].hex()}", found[True], found[False]


def whole(messages):
    """Messages, their fragments put together."""
    parts = b""
    for source, message in messages:
        if message[16] != FRAGMENT:
            yield source, message
            continue
        parts += message[36:]
        if message[35] & 1:
            yield source, parts
            parts = b""


def vector(name, folder, scenario):
    messages = list(dict.fromkeys(datagrams(f"{folder}/capture")))
    inside = opened(f"{folder}/{side}.log" for side in ("initiator", "responder"))
    yield "# Origin: two strongSwan charon 6.0.1 daemons of Debian 13, recorded by ../record_charon_ikev1.py"
    yield f"scenario {name}"
    yield f"psk {scenario.get('psk', PSK).encode().hex()}"
    yield from key_lines(f"{folder}/initiator.log", isakmp_sas(messages), scenario.get("suite", scenario["ike"]))
    for source, message in messages:
        yield f"message {'initiator' if source == INITIATOR else 'responder'} {message.hex()}"
        if message[16] != FRAGMENT and message[28:] in inside:
            iv, plain = inside[message[28:]]
            yield f"iv {iv.hex()}"
            yield f"plain {message[16]} {plain.hex()}"


def record(name, target):
    scenario = {"version": 1, **SCENARIOS[name]}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        exchange(folder, scenario)
        with open(f"{target}/{name}.hex", "w") as file:
            file.writelines(f"{line}\n" for line in vector(name, folder, scenario))


if __name__ == "__main__":
    network()
    for each in sys.argv[2:] or SCENARIOS:
        print(each)
        record(each, sys.argv[1])
