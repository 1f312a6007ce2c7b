#!/usr/bin/env python3
"""TCP through a Viaduct tunnel beside TCP through the same SAs and policies set up by hand.

Runs in the lab as root: two routers with a host each, one viaductd that serves both. The SAs that it
negotiated are read back with ip(8), and after it has ended they are put there again with `ip xfrm`:
same algorithms, keys of our own, windows and selectors. Started by scripts/bench throughput.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests", "interop"))

from stage.namespaces import CommandFailed, Namespace, make_private_run, run_quietly  # noqa: E402

# Name, outer address, inner subnet without its last octet, host's last octet.
ROUTERS = (("r1", "10.10.10.5", "192.168.10", 10), ("r2", "10.10.10.4", "192.168.20", 20))
PORT = 5001
CHUNK = bytes(65536)


def ip(batch, namespace=None):
    run_quietly(["ip", *(["-netns", namespace] if namespace else []), "-batch", "-"], stdin=batch)


def make_network():
    make_private_run()
    ip("netns add r1\nnetns add r2\nnetns add host1\nnetns add host2\n"
       "link add outer netns r1 type veth peer name outer netns r2\n"
       "link add inner netns r1 type veth peer name inner netns host1\n"
       "link add inner netns r2 type veth peer name inner netns host2\n")
    for (name, outer, inner, last), host in zip(ROUTERS, ("host1", "host2")):
        peer = next(router for router in ROUTERS if router[0] != name)
        ip(f"link set lo up\nlink set outer up\nlink set inner up\naddr add {outer}/24 dev outer\n"
           f"addr add {inner}.1/24 dev inner\nroute add {peer[2]}.0/24 via {peer[1]}\n", name)
        ip(f"link set lo up\nlink set inner up\naddr add {inner}.{last}/24 dev inner\n"
           f"route add default via {inner}.1\n", host)
        run_quietly(["sysctl", "-qw", "net.ipv4.ip_forward=1"], namespace=Namespace(name))


def router_text(own, peer, esp):
    return f"""[router]
name = "{own[0]}"
netns = "{own[0]}"
[ike.bench]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.bench]
proposals = ["{esp}"]
[[connection]]
name = "bench"
ike = "bench"
esp = "bench"
local_address = "{own[1]}"
peer_address = "{peer[1]}"
psk = "throughput"
local_subnets = ["{own[2]}.0/24"]
remote_subnets = ["{peer[2]}.0/24"]
"""


class Viaduct:
    def __init__(self, esp):
        self.directory = tempfile.mkdtemp(prefix="viaduct-bench.")
        self.control = os.path.join(self.directory, "control.sock")
        routers = os.path.join(self.directory, "routers")
        os.makedirs(routers)
        for own, peer in (ROUTERS, ROUTERS[::-1]):
            path = os.path.join(routers, own[0] + ".toml")
            with open(path, "w") as file:
                os.chmod(path, 0o600)
                file.write(router_text(own, peer, esp))
        self.process = subprocess.Popen(
            ["viaductd", "--foreground", "--config", routers, "--control", self.control],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stop = time.monotonic() + 120
        while not os.path.exists(self.control):
            if self.process.poll() is not None or time.monotonic() > stop:
                raise CommandFailed("viaductd did not start")
            time.sleep(0.05)
        run_quietly(["viaduct", "--control", self.control, "up", "r1/bench"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def words_of(pattern, text, default=""):
    found = re.search(pattern, text)
    return found.group(1) if found else default


def state_command(text):
    """An `ip xfrm state add` for a state as `ip xfrm state` shows it."""
    source, target = re.match(r"src (\S+) dst (\S+)", text).groups()
    spi, reqid = (words_of(rf"{word} (\S+)", text) for word in ("spi", r"reqid"))
    command = f"xfrm state add src {source} dst {target} proto esp spi {spi} reqid {reqid} mode tunnel"
    window = words_of(r"replay-window (\d+)", text, "0")
    # Windows above 32 are shown in the extended form.
    extended = words_of(r"replay_window (\d+)", text)
    command += f" replay-window {extended or window}"
    if "flag " in text and "esn" in words_of(r"flag (.*)", text):
        command += " flag esn"
    for kind in ("aead", "auth-trunc", "enc"):
        found = re.search(rf"^\s*{kind} (.*)$", text, re.MULTILINE)
        if found:
            command += f" {kind} {found.group(1).strip()}"
    if "encap" in text:
        command += " encap " + words_of(r"encap type (.*)", text)
    return command


def policy_command(text):
    lines = [line.strip() for line in text.strip().splitlines()]
    template = " ".join(line for line in lines[2:] if not line.startswith("if_id"))
    direction = re.sub(r" ptype \S+", "", lines[1])
    # Of a template, addresses, protocol, reqid and mode.
    template = template.replace(" proto esp", " proto esp").replace("level required", "")
    return f"xfrm policy add {lines[0]} {direction} {template}"


def entries(text):
    """What begins in the first column, with the lines below it."""
    return re.findall(r"^\S.*\n(?:[ \t].*\n?)*", text + "\n", re.MULTILINE)


def read_back(router):
    states = run_quietly(["ip", "-netns", router, "xfrm", "state"])
    policies = run_quietly(["ip", "-netns", router, "xfrm", "policy"])
    # Sockets have policies of their own.
    return ([state_command(each) for each in entries(states)],
            [policy_command(each) for each in entries(policies) if "socket" not in each])


def set_up_by_hand(commands):
    for router, (states, policies) in commands.items():
        ip("xfrm state flush\nxfrm policy flush\n" + "\n".join(states + policies) + "\n", router)


def remove_by_hand(commands):
    for router in commands:
        ip("xfrm state flush\nxfrm policy flush\n", router)


def esp_packets(router):
    text = run_quietly(["ip", "-netns", router, "-statistics", "xfrm", "state"])
    return sum(int(count) for count in re.findall(r"(\d+)\(packets\)", text))


def receive(listener, seconds, result):
    connection, _ = listener.accept()
    connection.settimeout(5)
    # The beginning is TCP's own.
    begin, end, octets = time.monotonic() + 1, time.monotonic() + 1 + seconds, 0
    while (now := time.monotonic()) < end:
        got = len(connection.recv(262144))
        if got == 0:
            break
        if now >= begin:
            octets += got
    result["bits_per_second"] = octets * 8 / seconds
    connection.close()


def send(sender, stop):
    try:
        while not stop.is_set():
            sender.sendall(CHUNK)
    except OSError:
        pass


def transfer(seconds):
    """Bits per second of one TCP connection from host1 to host2."""
    target = f"{ROUTERS[1][2]}.{ROUTERS[1][3]}"
    listener = Namespace("host2").socket(lambda: socket.create_server((target, PORT)))
    sender = Namespace("host1").socket(socket.socket)
    before, result, stop = esp_packets("r1"), {}, threading.Event()
    receiver = threading.Thread(target=receive, args=(listener, seconds, result))
    receiver.start()
    sender.settimeout(30)
    sender.connect((target, PORT))
    sending = threading.Thread(target=send, args=(sender, stop))
    sending.start()
    receiver.join()
    stop.set()
    sender.close()
    sending.join()
    listener.close()
    octets = result["bits_per_second"] * seconds / 8
    if esp_packets("r1") - before < octets / 2000:
        raise CommandFailed("the transfer did not go through the tunnel")
    return result["bits_per_second"]


def one_round(esp, seconds):
    viaduct = Viaduct(esp)
    try:
        by_viaduct = transfer(seconds)
        commands = {router[0]: read_back(router[0]) for router in ROUTERS}
    finally:
        viaduct.stop()
    set_up_by_hand(commands)
    by_hand = transfer(seconds)
    remove_by_hand(commands)
    return by_viaduct, by_hand


def middle(values):
    return sorted(values)[len(values) // 2]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench throughput")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=int, default=8, metavar="S", help="of each transfer")
    parser.add_argument("--esp", default="aes256gcm16", metavar="PROPOSAL")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        make_network()
        rounds = [one_round(options.esp, options.seconds) for _ in range(options.rounds)]
    except CommandFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    viaduct, by_hand = (middle([each[index] for each in rounds]) for index in (0, 1))
    result = {"esp": options.esp, "rounds": len(rounds), "seconds": options.seconds,
              "viaduct_mbit_per_s": round(viaduct / 1e6, 1),
              "by_hand_mbit_per_s": round(by_hand / 1e6, 1),
              "ratio": round(middle([each[0] / each[1] for each in rounds]), 3),
              "ratios": [round(each[0] / each[1], 3) for each in rounds]}
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print(f"one TCP connection, {options.esp}, {len(rounds)} rounds of {options.seconds} s each:"
              f" through Viaduct's tunnel {result['viaduct_mbit_per_s']} Mbit/s, through the same SAs"
              f" set up by hand {result['by_hand_mbit_per_s']} Mbit/s\n"
              f"ratio {result['ratio']} (the middle of {result['ratios']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
