#!/usr/bin/env python3
"""What an idle router costs: one viaductd with N routers of two connections each, beside one charon
per namespace.

Namespaces, sockets, nftables and XFRM's netlink are this machine's own; no SA is made, so ESP is not
needed. All routers have the same addresses, peers and connection names. Run by scripts/bench routers.
"""

import argparse
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TREE, "tests", "interop"))
sys.path.insert(0, HERE)

from process_cost import cpu_seconds, proportional_bytes  # noqa: E402
from stage.namespaces import CommandFailed, Namespace, make_private_run, run_quietly  # noqa: E402

BIN = os.path.join(TREE, "build", "release", "bin")
ADDRESSES = ("10.99.0.1", "10.99.0.2")
PEERS = ("10.99.1.1", "10.99.1.2")
# A stop closes sockets, one router after the other.
PATIENCE = 300
# linux/sockios.h and linux/if.h
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, IFF_UP = 0x8914, 0x8916, 0x891C, 1


def namespace_name(number):
    return f"router{number}"


def make_namespaces(count):
    names = [namespace_name(number) for number in range(count)]
    run_quietly(["ip", "-batch", "-"], stdin="".join(f"netns add {name}\n" for name in names),
                within=PATIENCE)
    for name in names:
        place = Namespace(name)
        place.socket(configure_loopback)
        os.close(place.fileno)


def configure_loopback():
    """By netdevice(7), since a thousand ip processes take their time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
        for number, address in enumerate(ADDRESSES):
            for request, value in (SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255"):
                fcntl.ioctl(control, request, struct.pack("16sHH4s16x", f"lo:{number}".encode(),
                                                          socket.AF_INET, 0, socket.inet_aton(value)))


def connection_text(number, address, peer):
    return f"""[[connection]]
name = "vpn{number}"
ike = "modern"
esp = "modern"
local_address = "{address}"
peer_address = "{peer}"
psk = "a secret of vpn{number}"
local_subnets = ["192.168.1{number}.0/24"]
remote_subnets = ["192.168.3{number}.0/24", "192.168.4{number}.0/24"]
start = "respond"
"""


def router_text(number):
    connections = "".join(connection_text(index + 1, *pair)
                          for index, pair in enumerate(zip(ADDRESSES, PEERS)))
    return f"""[router]
name = "{namespace_name(number)}"
netns = "{namespace_name(number)}"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519", "aes256-sha256-modp2048"]
[esp.modern]
proposals = ["aes256gcm16-x25519", "aes128gcm16"]
{connections}"""


class Viaduct:
    def __init__(self, directory):
        self.routers = os.path.join(directory, "routers")
        self.control = os.path.join(directory, "control.sock")
        self.log = os.path.join(directory, "viaductd.log")
        os.makedirs(self.routers)
        self.process = None

    def file_of(self, number):
        return os.path.join(self.routers, f"{namespace_name(number)}.toml")

    def write_router(self, number):
        partial = self.file_of(number) + ".new"
        with open(partial, "w") as file:
            os.chmod(partial, 0o600)
            file.write(router_text(number))
        os.rename(partial, self.file_of(number))

    def start(self, count):
        """How long it takes until it says that it is ready."""
        for number in range(count):
            self.write_router(number)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [os.path.join(BIN, "viaductd"), "--foreground", "--config", self.routers,
             "--control", self.control], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.log, "w"))
        try:
            self.await_line("ready: ")
        except CommandFailed:
            self.stop()
            raise
        return time.monotonic() - began

    def log_text(self):
        with open(self.log) as file:
            return file.read()

    def await_line(self, text, times=1, interval=0.002):
        stop = time.monotonic() + PATIENCE
        while self.log_text().count(text) < times:
            if self.process.poll() is not None or time.monotonic() > stop:
                raise CommandFailed(f"viaductd: no '{text}': {self.log_text()[-2000:]}")
            time.sleep(interval)

    def count_running(self):
        return self.log_text().count("router is running")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def reload_one(self, number):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.control)
            request = {"command": "reload", "name": namespace_name(number)}
            client.sendall(json.dumps(request).encode() + b"\n")
            client.makefile().readline()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def middle(values):
    return sorted(values)[len(values) // 2]


def timed(viaduct, action, line):
    """Wall time and the daemon's CPU time from the action's begin until the line is in the log."""
    seen = viaduct.log_text().count(line)
    cpu, began = cpu_seconds(viaduct.process.pid), time.monotonic()
    action()
    viaduct.await_line(line, seen + 1)
    return time.monotonic() - began, cpu_seconds(viaduct.process.pid) - cpu


def come_and_go(viaduct, number, repetitions):
    """A namespace that goes and comes back, and a file that goes and comes back."""
    name, file = namespace_name(number), viaduct.file_of(number)

    def go():
        run_quietly(["ip", "netns", "del", name])

    def come():
        run_quietly(["ip", "netns", "add", name])

    def take_file():
        os.rename(file, file + ".aside")
        viaduct.reload()

    def put_file():
        os.rename(file + ".aside", file)
        viaduct.reload()

    def take_file_alone():
        os.rename(file, file + ".aside")
        viaduct.reload_one(number)

    def put_file_alone():
        os.rename(file + ".aside", file)
        viaduct.reload_one(number)

    steps = (("namespace_goes", go, "router waits"), ("namespace_comes", come, "router is running"),
             ("file_goes", take_file, "router removed"), ("file_comes", put_file, "router added"),
             ("file_goes_alone", take_file_alone, "router removed"),
             ("file_comes_alone", put_file_alone, "router added"))
    taken = {key: [] for key, _, _ in steps}
    for _ in range(repetitions):
        for key, action, line in steps:
            taken[key].append(timed(viaduct, action, line))
    figures = {}
    for key, times in taken.items():
        figures[key + "_ms"] = round(middle([wall for wall, _ in times]) * 1000, 2)
        # Its clock ticks every 10 ms, which only a sum makes up for.
        figures[key + "_cpu_ms"] = round(sum(cpu for _, cpu in times) * 1000 / len(times), 2)
    return figures


def idle_cpu(pid, seconds=5):
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return round((cpu_seconds(pid) - before) / seconds * 100, 2)


def measure_viaduct(count, directory, repetitions):
    viaduct = Viaduct(directory)
    wall = viaduct.start(count)
    try:
        pid = viaduct.process.pid
        start_cpu = cpu_seconds(pid)
        running = viaduct.count_running()
        if running != count:
            raise CommandFailed(f"viaductd runs {running} of {count} routers:"
                                f" {viaduct.log_text()[-1000:]}")
        time.sleep(1)
        result = {"routers": count, "start_ms": round(wall * 1000, 1),
                  "start_ms_per_router": round(wall * 1000 / count, 3),
                  "bytes": proportional_bytes(pid), "threads": threads_of(pid),
                  "descriptors": descriptors_of(pid), "idle_cpu_percent": idle_cpu(pid)}
        result["start_cpu_ms_per_router"] = round(start_cpu * 1000 / count, 3)
        result |= come_and_go(viaduct, count // 2, repetitions)
        # The client of the last command may still be there.
        stop = time.monotonic() + 2
        while descriptors_of(pid) != result["descriptors"] and time.monotonic() < stop:
            time.sleep(0.01)
        if descriptors_of(pid) != result["descriptors"]:
            raise CommandFailed(f"{descriptors_of(pid)} descriptors after coming and going,"
                                f" {result['descriptors']} before")
        return result
    finally:
        viaduct.stop()


def charon_settings(directory, log):
    path = os.path.join(directory, "strongswan.conf")
    with open(path, "w") as file:
        file.write(f"""charon {{
    load = random nonce openssl kdf kernel-netlink socket-default vici
    install_routes = no
    plugins {{
        vici {{
            socket = unix:///run/charon.vici
        }}
    }}
    filelog {{
        log {{
            path = {log}
            default = -1
        }}
    }}
}}
swanctl {{
    load = random openssl
}}
""")
    return path


def charon_connections(directory):
    path = os.path.join(directory, "swanctl.conf")
    connections = secrets = ""
    for index, (address, peer) in enumerate(zip(ADDRESSES, PEERS), 1):
        connections += f"""    vpn{index} {{
        version = 2
        local_addrs = {address}
        remote_addrs = {peer}
        proposals = aes256gcm16-prfsha384-x25519, aes256-sha256-modp2048
        local {{
            auth = psk
        }}
        remote {{
            auth = psk
        }}
        children {{
            vpn{index} {{
                local_ts = 192.168.1{index}.0/24
                remote_ts = 192.168.3{index}.0/24, 192.168.4{index}.0/24
                esp_proposals = aes256gcm16-x25519, aes128gcm16
            }}
        }}
    }}
"""
        secrets += f"""    ike-vpn{index} {{
        id = {peer}
        secret = "a secret of vpn{index}"
    }}
"""
    with open(path, "w") as file:
        file.write(f"connections {{\n{connections}}}\nsecrets {{\n{secrets}}}\n")
    return path


def start_charon(number, directory, settings, connections):
    """The process, and the time until it has its connections."""
    run = os.path.join(directory, f"run{number}")
    os.makedirs(run)
    place = Namespace(namespace_name(number))
    environment = {**os.environ, "STRONGSWAN_CONF": settings}
    began = time.monotonic()
    process = place.spawn(["/usr/lib/ipsec/charon"], run=run, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists(os.path.join(run, "charon.vici")):
        if process.poll() is not None or time.monotonic() - began > 60:
            process.kill()
            raise CommandFailed("charon did not start")
        time.sleep(0.002)
    run_quietly(["swanctl", "--load-all", "--file", connections, "--uri",
                 "unix:///run/charon.vici"], run=run, env=environment)
    os.close(place.fileno)
    return process, time.monotonic() - began


def measure_charon(count, directory):
    settings = charon_settings(directory, "/dev/null")
    connections = charon_connections(directory)
    processes, walls = [], []
    try:
        for number in range(count):
            process, wall = start_charon(number, directory, settings, connections)
            processes.append(process)
            walls.append(wall)
        time.sleep(1)
        pids = [process.pid for process in processes]
        return {"routers": count,
                "start_ms_per_router": round(sum(walls) * 1000 / count, 2),
                "bytes_per_router": round(sum(map(proportional_bytes, pids)) / count),
                "threads_per_router": round(sum(map(threads_of, pids)) / count, 1),
                "descriptors_per_router": round(sum(map(descriptors_of, pids)) / count, 1)}
    finally:
        for process in processes:
            process.kill()
            process.wait()


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench routers")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="routers (1000)")
    parser.add_argument("--few", type=int, default=10, metavar="N",
                        help="what N is compared with (10)")
    parser.add_argument("--charons", type=int, default=20, metavar="N",
                        help="charon processes beside them (20; 0: none)")
    parser.add_argument("--repetitions", type=int, default=9, metavar="N",
                        help="of coming and going (9)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not 0 < options.few < options.count or options.charons > options.count:
        parser.error("few must be below count, and charons at most count")
    return options


def measure(options, directory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    make_private_run()
    make_namespaces(options.count)
    results = []
    for count in (options.few, options.count):
        place = os.path.join(directory, str(count))
        os.makedirs(place)
        results.append(measure_viaduct(count, place, options.repetitions))
    few, many = results
    added = many["routers"] - few["routers"]
    summary = {
        "bytes_per_router": round((many["bytes"] - few["bytes"]) / added),
        "descriptors_per_router": round((many["descriptors"] - few["descriptors"]) / added, 2),
        "descriptor_limit": hard}
    result = {"viaduct": results, "viaduct_per_router": summary}
    if options.charons:
        result["charon"] = measure_charon(options.charons, directory)
    return result


def show(result):
    few, many = result["viaduct"]
    each = result["viaduct_per_router"]
    print(f"{'viaductd':34}{few['routers']:>10} routers{many['routers']:>10} routers")
    rows = (("start until all sockets are open", "start_ms", "ms"),
            ("  per router", "start_ms_per_router", "ms"),
            ("  per router, CPU time", "start_cpu_ms_per_router", "ms"),
            ("memory (PSS)", "bytes", ""), ("threads", "threads", ""),
            ("descriptors", "descriptors", ""), ("CPU time while idle", "idle_cpu_percent", "%"),
            ("a namespace goes", "namespace_goes_ms", "ms"),
            ("  CPU time", "namespace_goes_cpu_ms", "ms"),
            ("a namespace comes", "namespace_comes_ms", "ms"),
            ("  CPU time", "namespace_comes_cpu_ms", "ms"),
            ("a file goes, reload", "file_goes_ms", "ms"),
            ("  CPU time", "file_goes_cpu_ms", "ms"),
            ("a file comes, reload", "file_comes_ms", "ms"),
            ("  CPU time", "file_comes_cpu_ms", "ms"),
            ("a file goes, reload of it alone", "file_goes_alone_ms", "ms"),
            ("  CPU time", "file_goes_alone_cpu_ms", "ms"),
            ("a file comes, reload of it alone", "file_comes_alone_ms", "ms"),
            ("  CPU time", "file_comes_alone_cpu_ms", "ms"))
    for title, key, unit in rows:
        print(f"{title:34}{few[key]:>15} {unit:2}{many[key]:>15} {unit}")
    print(f"\neach router more: {each['bytes_per_router'] / 1024:.1f} KiB,"
          f" {each['descriptors_per_router']} descriptors"
          f" (of at most {each['descriptor_limit']}), no thread")
    if "charon" in result:
        charon = result["charon"]
        print(f"one charon each ({charon['routers']} measured):"
              f" {charon['bytes_per_router'] / 1024:.1f} KiB,"
              f" {charon['descriptors_per_router']} descriptors,"
              f" {charon['threads_per_router']} threads,"
              f" {charon['start_ms_per_router']} ms to start")
    print("\nKernel memory of namespaces and sockets is not counted. Coming and going: the middle of"
          " the\nrepetitions, with the command that does it, from its begin to the daemon's line in"
          " the log.")


def main():
    options = arguments()
    directory = tempfile.mkdtemp(prefix="viaduct-bench.")
    try:
        result = measure(options, directory)
    except CommandFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
