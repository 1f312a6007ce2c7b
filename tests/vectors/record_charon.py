#!/usr/bin/env python3
"""Records IKEv2 exchanges between two strongSwan charon daemons as test vectors.

    scripts/dev unshare --net --mount python3 tests/vectors/record_charon.py FOLDER [SCENARIO…]

Two daemons run in two network namespaces that live inside the one made by unshare, with
kernel-libipsec, so no ESP in the kernel is needed. A capture gives the datagrams, the daemons' logs
(levels that no one uses in earnest) the keys and the decrypted payloads. FOLDER/README.md describes
the format.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile
import time

INITIATOR, RESPONDER = "10.10.10.5", "10.10.10.4"
PSK = "correct horse battery staple"
CHARON = "/usr/lib/ipsec/charon"

DAEMON = """
charon {{
  load = random nonce kdf openssl aes ccm ctr kernel-libipsec kernel-netlink socket-default vici
  install_routes = no
  retransmit_tries = 1
  {extra}
  plugins {{
    vici {{ socket = unix://{folder}/{name}.vici }}
    kernel-libipsec {{ load = yes }}
  }}
  filelog {{
    file {{ path = {folder}/{name}.log
      flush_line = yes
      default = 1
      ike = 4
      enc = 3
      chd = 4
      cfg = 2
    }}
  }}
}}
"""

CONNECTIONS = """
connections {{ vpn {{
  version = {version}
  local_addrs = {local}
  remote_addrs = {remote}
  proposals = {ike}
  fragmentation = {fragmentation}
  {extra}
  local {{ auth = psk
    id = {local_id} }}
  remote {{ auth = psk
    id = {remote_id} }}
  children {{
    {children}
  }}
}} }}
secrets {{ ike-1 {{ secret = "{psk}" }} }}
"""


def child(name, local_ts, remote_ts, esp):
    return (f"{name} {{ local_ts = {local_ts}\n remote_ts = {remote_ts}\n"
            f"esp_proposals = {esp}\n rekey_time = 0 }}\n")


NET = ("192.168.10.0/24", "192.168.20.0/24")
NETS = ("192.168.11.0/24", "192.168.30.0/24,192.168.40.0/24")
GCM = "aes256gcm16-prfsha384-x25519"
DOWN = "--terminate --ike vpn"

# ike, esp: proposals of both; …_r: where the responder differs; suite: what is chosen, where `ike` leaves
# a choice; do: what happens after the connection was initiated, as swanctl commands of the initiator.
SCENARIOS = {
    "gcm256-x25519": dict(
        ike=GCM, esp="aes256gcm16", do=["--terminate --child c", DOWN]),
    "gcm128-ecp384-invalid-ke": dict(
        ike="aes128gcm16-prfsha256-x25519-ecp384", ike_r="aes128gcm16-prfsha256-ecp384",
        suite="aes128gcm16-prfsha256-ecp384", esp="aes128gcm16", do=[DOWN]),
    "cbc256-sha256-modp2048-selectors": dict(
        ike="aes256-sha256-modp2048", esp="aes256-sha256", ts=NETS,
        ids=("vpn.left.example.org", "vpn@right.example.org"), do=[DOWN]),
    "cbc128-sha1-ecp256-key-id": dict(
        ike="aes128-sha1-ecp256", esp="aes128-sha1", ids=("keyid:left", "keyid:right"), do=[DOWN]),
    "cbc192-sha512-modp3072-ipv6-selectors": dict(
        ike="aes192-sha512-modp3072", esp="aes192-sha384",
        ts=("2001:db8:a::/48,192.168.10.0/24[tcp/443]", "2001:db8:b::/48,192.168.20.0/24"), do=[DOWN]),
    "several-proposals": dict(
        ike="aes256gcm16-aes128gcm16-prfsha384-prfsha256-x25519-ecp384-modp2048,"
            "aes256-aes128-sha384-sha256-x25519-modp2048",
        ike_r="aes128-sha256-modp2048", suite="aes128-sha256-modp2048",
        esp="aes256gcm16-aes128gcm16-esn-noesn,aes256-aes128-sha256-sha1", esp_r="aes128-sha256", do=[DOWN]),
    "no-proposal-chosen": dict(
        ike=GCM, ike_r="aes128-sha256-modp2048", esp="aes256gcm16", do=[]),
    "wrong-psk": dict(
        ike=GCM, esp="aes256gcm16", psk_r="another", do=[]),
    "ts-unacceptable": dict(
        ike=GCM, esp="aes256gcm16", ts_r=("172.16.1.0/24", "172.16.2.0/24"), do=[DOWN]),
    "create-child-and-rekey": dict(
        ike=GCM, esp="aes256gcm16-x25519", second=NETS,
        do=["--initiate --child d", "--rekey --child c", "--rekey --ike vpn", DOWN]),
    "liveness": dict(
        ike=GCM, esp="aes256gcm16", extra="dpd_delay = 1s", do=["sleep", DOWN]),
    "chacha20poly1305": dict(
        ike="chacha20poly1305-prfsha256-x25519", esp="chacha20poly1305", do=[DOWN]),
    "aes256ctr-sha256": dict(
        ike="aes256ctr-sha256-ecp256", esp="aes128ctr-sha256", do=[DOWN]),
    "aes128ccm8": dict(
        ike="aes128ccm8-prfsha256-x25519", esp="aes128ccm16", do=[DOWN]),
    "aes256ccm16": dict(
        ike="aes256ccm16-prfsha384-ecp384", esp="aes256ccm8", do=[DOWN]),
    "aes256gcm8": dict(
        ike="aes256gcm8-prfsha256-x25519", esp="aes256gcm8", do=[DOWN]),
    "aes128gcm12": dict(
        ike="aes128gcm12-prfsha256-x25519", esp="aes128gcm12", do=[DOWN]),
    "fragments": dict(
        ike=GCM, esp="aes256gcm16", fragmentation="yes", daemon="fragment_size = 200",
        ids=("vpn.left.example.org", "vpn.right.example.org"), do=[DOWN]),
}


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def network():
    for name in ("initiator", "responder"):
        run("ip", "netns", "add", name, check=True)
        run("ip", "-n", name, "link", "set", "lo", "up", check=True)
    run("ip", "link", "add", "outer", "netns", "initiator", "type", "veth",
        "peer", "outer", "netns", "responder", check=True)
    for name, address in (("initiator", INITIATOR), ("responder", RESPONDER)):
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "outer", check=True)
        run("ip", "-n", name, "link", "set", "outer", "up", check=True)


def start(folder, name, scenario):
    configuration = f"{folder}/{name}.conf"
    with open(configuration, "w") as file:
        file.write(DAEMON.format(folder=folder, name=name, extra=scenario.get("daemon", "")))
    # Its own /run, because the place of its process id file is compiled in.
    return subprocess.Popen(["ip", "netns", "exec", name, "sh", "-c", f"mount -t tmpfs run /run; exec {CHARON}"],
                            env={**os.environ, "STRONGSWAN_CONF": configuration},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load(folder, name, scenario):
    initiates = name == "initiator"
    ids = scenario.get("ids", (INITIATOR, RESPONDER))

    def own(key, default=None):
        value = scenario.get(key, default)
        return value if initiates else scenario.get(key + "_r", value)

    def flip(pair):
        return pair if initiates else pair[::-1]

    local_ts, remote_ts = flip(own("ts", NET))
    children = child("c", local_ts, remote_ts, own("esp"))
    if "second" in scenario:
        children += child("d", *flip(scenario["second"]), scenario["esp"])
    local, remote = flip((INITIATOR, RESPONDER))
    local_id, remote_id = flip(ids)
    path = f"{folder}/{name}.swanctl"
    with open(path, "w") as file:
        file.write(CONNECTIONS.format(version=scenario.get("version", 2), local=local, remote=remote, local_id=local_id, remote_id=remote_id,
                                      ike=own("ike"), psk=own("psk", PSK), children=children,
                                      fragmentation=scenario.get("fragmentation", "no"),
                                      extra=scenario.get("extra" if initiates else "extra_r", "")))
    swanctl(folder, name, "--load-all", "--noprompt", "--file", path)


def swanctl(folder, name, *arguments):
    return run("timeout", "8", "swanctl", *arguments, "--uri", f"unix://{folder}/{name}.vici")


def wait_for(path):
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    sys.exit(f"{path} did not appear")


def datagrams(capture):
    """Yields (sender's address, IKE message) of an Ethernet capture."""
    octets = open(capture, "rb").read()
    position = 24
    while position + 16 <= len(octets):
        length = struct.unpack_from("<I", octets, position + 8)[0]
        frame = octets[position + 16:position + 16 + length]
        position += 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        ip = frame[14:]
        udp = ip[(ip[0] & 15) * 4:]
        port, size = struct.unpack_from("!HH", udp, 2)
        source, message = ".".join(map(str, ip[12:16])), udp[8:size]
        if 4500 in struct.unpack_from("!HH", udp, 0):
            if message[:4] != bytes(4):
                continue
            message = message[4:]
        yield source, message


def dumps(log):
    """Yields (label, octets) of everything a daemon logged as a hex dump, and (heading, None)."""
    label, octets = None, b""
    for line in open(log, errors="replace"):
        line = re.sub(r"^\d\d\[[A-Z]+\] ?", "", line.rstrip("\n"))
        if row := re.match(r" +\d+: ((?:[0-9A-F]{2} )+)", line):
            octets += bytes.fromhex(row[1])
            continue
        if label:
            yield label, octets
        head = re.match(r" *(.*?) => \d+ bytes @ ", line)
        label, octets = head and head[1], b""
        if line.startswith("encrypted payload "):
            yield line, None


IKE_KEYS = {"key exchange secret": "g_ir", "Sk_d secret": "sk_d", "Sk_ai secret": "sk_ai", "Sk_ar secret": "sk_ar",
            "Sk_ei secret": "sk_ei", "Sk_er secret": "sk_er", "Sk_pi secret": "sk_pi", "Sk_pr secret": "sk_pr"}
CHILD_KEYS = {"encryption initiator key": "encryption_i", "integrity initiator key": "integrity_i",
              "encryption responder key": "encryption_r", "integrity responder key": "integrity_r"}


def key_lines(log, sas, suite):
    """The keys of each SA in the order in which they were derived."""
    lines, sas = [], iter(sas)
    for label, octets in dumps(log):
        if label == "nonces":
            lines += [f"sa {next(sas, 'unused unused')}", f"suite {suite}",
                      f"ni {octets[:32].hex()}", f"nr {octets[32:].hex()}", f"g_ir {secret.hex()}"]
        elif label == "key exchange secret":
            secret = octets
        elif label in IKE_KEYS:
            lines.append(f"{IKE_KEYS[label]} {octets.hex()}")
        elif label in CHILD_KEYS:
            if label.startswith("encryption initiator"):
                lines.append("child")
            lines.append(f"{CHILD_KEYS[label]} {octets.hex()}")
    return lines


def opened(logs):
    """What was inside each encrypted payload, by its ciphertext."""
    inside = {}
    for log in logs:
        plain = encrypted = None
        for label, octets in dumps(log):
            if label.startswith("encrypted payload "):
                plain = encrypted = None
            elif label == "plain":
                plain = octets
            elif label == "encrypted":
                encrypted = octets
            if plain is not None and encrypted is not None:
                inside[encrypted] = plain
                plain = encrypted = None
    return inside


def vector(name, folder, scenario):
    messages = list(dict.fromkeys(datagrams(f"{folder}/capture")))
    inside = opened(f"{folder}/{side}.log" for side in ("initiator", "responder"))
    sas = dict.fromkeys(f"{m[:8].hex()} {m[8:16].hex()}" for _, m in messages if m[16] in (46, 53))
    suite = scenario.get("suite", scenario["ike"])
    yield "# Origin: two strongSwan charon 6.0.1 daemons of Debian 13, recorded by ../record_charon.py"
    yield f"scenario {name}"
    yield f"psk {scenario.get('psk', PSK).encode().hex()}"
    yield from key_lines(f"{folder}/initiator.log", sas, suite)
    for source, message in messages:
        yield f"message {'initiator' if source == INITIATOR else 'responder'} {message.hex()}"
        if message[16] == 46:
            ciphertext = max((each for each in inside if each in message), key=len)
            yield f"plain {message[28]} {inside[ciphertext].hex()}".rstrip()


def record(name, target):
    scenario = SCENARIOS[name]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        exchange(folder, scenario)
        with open(f"{target}/{name}.hex", "w") as file:
            file.writelines(f"{line}\n" for line in vector(name, folder, scenario))


def exchange(folder, scenario):
    sides = ("initiator", "responder")
    capture = subprocess.Popen(["ip", "netns", "exec", "initiator", "tcpdump", "-i", "outer", "-Z", "root", "-U",
                                "--immediate-mode", "-s0", "-w", f"{folder}/capture", "udp"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(f"{folder}/capture")
    daemons = [start(folder, side, scenario) for side in sides]
    for side in sides:
        wait_for(f"{folder}/{side}.vici")
        load(folder, side, scenario)
    swanctl(folder, "initiator", "--initiate", "--child", "c", "--timeout", "5")
    for step in scenario["do"]:
        if step == "sleep":
            time.sleep(1.5)
        else:
            swanctl(folder, "initiator", *step.split())
            time.sleep(0.5)
    time.sleep(0.3)
    for process in [*daemons, capture]:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    network()
    for each in sys.argv[2:] or SCENARIOS:
        print(each)
        record(each, sys.argv[1])
