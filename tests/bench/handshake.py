#!/usr/bin/env python3
"""Sets up N IKE SAs with one child SA each against a responder and says what that cost it: with
IKEv2, or with IKEv1's main and quick mode.

The same initiator asks viaductd and charon, one after the other, in two network namespaces on this
machine's kernel, which carries no ESP for this. Run by scripts/bench handshake.
"""

import argparse
import json
import os
import shutil
import signal
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

BUILD = os.path.join(TREE, "build", "release")
INITIATOR = os.path.join(BUILD, "bench", "handshake_initiator")
RESPONDER_ADDRESS, INITIATOR_ADDRESS = "10.99.0.1", "10.99.0.2"
GROUPS = ("x25519", "ecp256", "modp2048")
ESP = "aes128gcm16"
WARM_UP = 50
SECRET = "handshake bench"


def ike_proposal(group, version):
    # IKEv1 has no AEAD in phase 1.
    return f"aes128gcm16-prfsha256-{group}" if version == 2 else f"aes128-sha256-{group}"


class Viaduct:
    name = "viaduct"
    note = "viaductd --kernel none"

    def __init__(self, namespace, directory, version):
        self.namespace, self.directory, self.version = namespace, directory, version

    def start(self, group):
        configuration = os.path.join(self.directory, "router.toml")
        with open(configuration, "w") as file:
            os.chmod(configuration, 0o600)
            file.write(f"""[router]
name = "bench"
[ike.bench]
version = {self.version}
proposals = ["{ike_proposal(group, self.version)}"]
[esp.bench]
proposals = ["{ESP}"]
[[connection]]
name = "bench"
ike = "bench"
esp = "bench"
local_address = "{RESPONDER_ADDRESS}"
peer_address = "any"
local_id = "responder.example.org"
peer_id = "*.example.org"
psk = "{SECRET}"
local_subnets = ["172.16.0.0/16"]
remote_subnets = ["10.0.0.0/8"]
start = "respond"
dpd = {{ interval = "0s", action = "clear" }}
""")
        control = os.path.join(self.directory, "control.sock")
        self.log = os.path.join(self.directory, "viaductd.log")
        with open(self.log, "w") as log:
            self.process = self.namespace.spawn(
                [os.path.join(BUILD, "bin", "viaductd"), "--foreground", "--kernel", "none",
                 "--debug", "all=error", "--config", configuration, "--control", control],
                stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(control), self)
        return self.process

    def held(self):
        """The SAs that it holds, as it says itself."""
        status = json.loads(run_quietly([os.path.join(BUILD, "bin", "viaduct"), "--control",
                                         os.path.join(self.directory, "control.sock"), "status",
                                         "--json"]))
        return sum(len(sa["child_sas"]) for router in status["routers"]
                   for connection in router["connections"] for sa in connection["ike_sas"])


class Charon:
    name = "charon"
    note = ("charon with kernel-libipsec: its child SAs live in user space (keys, policies and replay"
            " state there), which the kernel would hold otherwise, so its memory and time include"
            " what installing an SA costs in user space; Viaduct's include nothing for that")

    def __init__(self, namespace, directory, version):
        self.namespace, self.directory, self.version = namespace, directory, version
        self.run = os.path.join(directory, "run")
        os.makedirs(self.run)

    def start(self, group):
        settings = os.path.join(self.directory, "strongswan.conf")
        self.log = os.path.join(self.directory, "charon.log")
        with open(settings, "w") as file:
            file.write(f"""charon {{
    load = random nonce openssl kdf kernel-libipsec kernel-netlink socket-default vici
    threads = 16
    install_routes = no
    ikesa_table_size = 4096
    ikesa_table_segments = 16
    cookie_threshold = 0
    cookie_threshold_ip = 0
    block_threshold = 0
    init_limit_half_open = 0
    init_limit_job_load = 0
    dos_protection = no
    half_open_timeout = 300
    delete_rekeyed_delay = 0
    plugins {{
        vici {{
            socket = unix:///run/charon.vici
        }}
    }}
    filelog {{
        log {{
            path = {self.log}
            default = -1
            flush_line = yes
        }}
    }}
}}
swanctl {{
    load = random openssl
}}
""")
        connections = os.path.join(self.directory, "swanctl.conf")
        with open(connections, "w") as file:
            file.write(f"""connections {{
    bench {{
        version = {self.version}
        mobike = no
        unique = never
        local_addrs = {RESPONDER_ADDRESS}
        proposals = {ike_proposal(group, self.version)}
        rekey_time = 0
        local {{
            auth = psk
            id = responder.example.org
        }}
        remote {{
            auth = psk
            id = *.example.org
        }}
        children {{
            bench {{
                local_ts = 172.16.0.0/16
                remote_ts = 10.0.0.0/8
                esp_proposals = {ESP}
                rekey_time = 0
            }}
        }}
    }}
}}
secrets {{
    ike-bench {{
        secret = "{SECRET}"
    }}
}}
""")
        self.environment = {**os.environ, "STRONGSWAN_CONF": settings}
        self.process = self.namespace.spawn(["/usr/lib/ipsec/charon"], run=self.run,
                                            env=self.environment, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(os.path.join(self.run, "charon.vici")), self)
        run_quietly(["swanctl", "--load-all", "--file", connections, "--uri",
                     "unix:///run/charon.vici"], run=self.run, env=self.environment)
        return self.process

    def held(self):
        text = run_quietly(["swanctl", "--stats", "--uri", "unix:///run/charon.vici"], run=self.run,
                           env=self.environment)
        for line in text.splitlines():
            if line.startswith("IKE_SAs:"):
                return int(line.split()[1])
        raise CommandFailed(f"charon's statistics: {text}")


def wait_for(ready, responder, within=60):
    stop = time.monotonic() + within
    while not ready():
        if responder.process.poll() is not None or time.monotonic() > stop:
            text = open(responder.log).read()[-1000:] if os.path.exists(responder.log) else ""
            raise CommandFailed(f"{responder.name} did not start: {text}")
        time.sleep(0.05)


def initiate(namespace, first, count, group, options):
    return json.loads(run_quietly(
        [INITIATOR, INITIATOR_ADDRESS, RESPONDER_ADDRESS, str(options.ike), str(first), str(count),
         str(options.window), ike_proposal(group, options.ike), ESP], namespace=namespace, within=1800))


def measure(responder, initiator, group, options):
    process = responder.start(group)
    try:
        initiate(initiator, 0, WARM_UP, group, options)
        memory, cpu = proportional_bytes(process.pid), cpu_seconds(process.pid)
        result = initiate(initiator, WARM_UP, options.count, group, options)
        cpu, memory = cpu_seconds(process.pid) - cpu, proportional_bytes(process.pid) - memory
        held = responder.held()
        if held != WARM_UP + options.count:
            raise CommandFailed(f"{responder.name} holds {held} SAs, not {WARM_UP + options.count}")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = result["completed"]
    return {"implementation": responder.name, "ike": options.ike, "group": group, "handshakes": done,
            "cpu_us_per_handshake": round(cpu * 1e6 / done, 1),
            "bytes_per_sa": round(memory / done), "wall_s": round(result["wall_s"], 3),
            "handshakes_per_s": round(done / result["wall_s"], 1),
            "retransmitted": result["retransmitted"]}


def make_namespaces():
    make_private_run()
    run_quietly(["ip", "-batch", "-"], stdin="""netns add responder
netns add initiator
link add outer netns responder type veth peer name outer netns initiator
""")
    for name, address in (("responder", RESPONDER_ADDRESS), ("initiator", INITIATOR_ADDRESS)):
        run_quietly(["ip", "-netns", name, "-batch", "-"], stdin=f"""link set lo up
link set outer up
addr add {address}/24 dev outer
""")
    return Namespace("responder"), Namespace("initiator")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench handshake")
    parser.add_argument("--count", type=int, default=2000, metavar="N")
    parser.add_argument("--ike", type=int, choices=[1, 2], default=2, help="1: main and quick mode")
    parser.add_argument("--group", choices=[*GROUPS, "all"], default="all")
    parser.add_argument("--window", type=int, default=50, metavar="N",
                        help="handshakes under way at a time")
    parser.add_argument("--only", choices=["viaduct", "charon"])
    parser.add_argument("--json", action="store_true", help="an array with one object per result")
    return parser.parse_args()


def main():
    options = arguments()
    directory = tempfile.mkdtemp(prefix="viaduct-bench.")
    results = []
    try:
        responder, initiator = make_namespaces()
        for group in GROUPS if options.group == "all" else [options.group]:
            for kind in (Viaduct, Charon):
                if options.only in (None, kind.name):
                    place = os.path.join(directory, f"{kind.name}-{group}")
                    os.makedirs(place)
                    if not options.json:
                        print(f"bench: {kind.name}, IKEv{options.ike}, {group}, {options.count} handshakes",
                              flush=True)
                    results.append(measure(kind(responder, place, options.ike), initiator, group, options))
    except CommandFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)
    return 0


def show(results):
    print(f"\n{'group':10}{'responder':10}{'handshakes/s':>14}{'CPU us/handshake':>18}"
          f"{'bytes/SA':>10}{'wall s':>9}")
    for result in results:
        print(f"{result['group']:10}{result['implementation']:10}{result['handshakes_per_s']:14.0f}"
              f"{result['cpu_us_per_handshake']:18.0f}{result['bytes_per_sa']:10}"
              f"{result['wall_s']:9.2f}")
    groups = {}
    for result in results:
        groups.setdefault(result["group"], {})[result["implementation"]] = result
    for group, pair in groups.items():
        if len(pair) == 2:
            cpu, memory = (pair["viaduct"][key] / pair["charon"][key]
                           for key in ("cpu_us_per_handshake", "bytes_per_sa"))
            print(f"{group}: Viaduct needs {cpu:.2f} of charon's CPU time and {memory:.2f} of its"
                  " memory")
    print("\nCPU time and memory are the responder's; handshakes/s and wall time include the"
          " initiator,\nwhich shares this machine's processors.")
    for kind in (Viaduct, Charon):
        print(f"{kind.name}: {kind.note}")


if __name__ == "__main__":
    sys.exit(main())
