"""Two gateways on one outer link with hosts behind them, made from a file in topologies/."""

import ipaddress
import os
import re
import socket
import struct
import threading
import time
import tomllib
from dataclasses import dataclass, field

from .kernel_xfrm import KernelXfrm
from .namespaces import Namespace, run_quietly

GATEWAYS = ("left", "right")
_OTHER = {"left": "right", "right": "left"}
_OUTER_MAC = {"left": "02:00:00:00:00:01", "right": "02:00:00:00:00:02"}


@dataclass
class Host:
    name: str
    gateway: str
    address: ipaddress.IPv4Interface | ipaddress.IPv6Interface

    @property
    def router_address(self):
        return f"{self.address.network[1]}/{self.address.network.prefixlen}"


@dataclass
class Topology:
    # Addresses of the gateways themselves.
    gateways: dict
    hosts: dict
    masquerade: list = field(default_factory=list)
    # gateway: the NAT in front of it, by its addresses on both sides
    nat: dict = field(default_factory=dict)

    def seen_at(self, gateway):
        """Where the other gateway finds this one."""
        return self.nat[gateway].outside if gateway in self.nat else self.gateways[gateway]

    def address(self, name):
        """Of a host, or of a gateway on the outer link."""
        return self.gateways[name].ip if name in self.gateways else self.hosts[name].address.ip

    def names(self):
        return {*self.hosts, *self.gateways}


@dataclass
class Nat:
    inside: ipaddress.IPv4Interface
    outside: ipaddress.IPv4Interface


def read_topology(path):
    with open(path, "rb") as file:
        table = tomllib.load(file)
    gateways = {name: ipaddress.ip_interface(table["gateways"][name]) for name in GATEWAYS}
    hosts = {
        name: Host(name, entry["behind"], ipaddress.ip_interface(entry["address"]))
        for name, entry in table["hosts"].items()
    }
    nat = {name: Nat(*(ipaddress.ip_interface(entry[side]) for side in ("inside", "outside")))
           for name, entry in table.get("nat", {}).items()}
    return Topology(gateways, hosts, table.get("masquerade", []), nat)


_MASQUERADE = """table inet outward {
 chain postrouting {
  type nat hook postrouting priority srcnat
  oifname "outer" masquerade
 }
}
"""

# What a gateway behind a NAT needs to be called by the other.
_FORWARD = """table ip forward_ike {{
 chain prerouting {{
  type nat hook prerouting priority dstnat
  iifname "outer" udp dport {{ 500, 4500 }} dnat to {gateway}
 }}
}}
"""


class Network:
    """
    host ── gateway "left" ──outer── [ bridge "wire" ] ──outer── gateway "right" ── host

    The bridge stands for the world between the gateways. What is captured there is what really left
    them; a capture on a gateway's own interface also shows decrypted packets. A NAT stands between
    a gateway and the bridge, in a namespace of its own: left-nat.
    """

    def __init__(self, topology):
        self.topology = topology
        names = ["wire", *GATEWAYS, *(f"{gateway}-nat" for gateway in topology.nat), *topology.hosts]
        run_quietly(["ip", "-batch", "-"], stdin="".join(f"netns add {name}\n" for name in names))
        self.namespaces = {name: Namespace(name) for name in names}
        self._kernels = {}
        self._make_links()
        self._set_addresses()
        self._masquerade()
        self._pingers = {name: Pinger(self.namespaces[name], topology.address(name))
                         for name in topology.names()}

    def __getitem__(self, name):
        return self.namespaces[name]

    def _make_links(self):
        lines = ["link add wire netns wire type bridge mcast_snooping 0"]
        for gateway in GATEWAYS:
            on_wire = gateway
            if gateway in self.topology.nat:
                lines.append(f"link add outer netns {gateway} type veth peer name inside netns {gateway}-nat")
                on_wire = f"{gateway}-nat"
            lines.append(f"link add outer netns {on_wire} address {_OUTER_MAC[gateway]}"
                         f" type veth peer name {gateway} netns wire")
        for host in self.topology.hosts.values():
            lines.append(f"link add inner netns {host.name} type veth"
                         f" peer name {host.name} netns {host.gateway}")
        run_quietly(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")

    def _batch(self, name, lines):
        run_quietly(["ip", "-batch", "-"], namespace=self[name], stdin="\n".join(lines) + "\n")

    def _set_addresses(self):
        self._batch("wire", ["link set wire up"] + [
            line for gateway in GATEWAYS
            for line in (f"link set {gateway} master wire", f"link set {gateway} up")])
        for gateway in GATEWAYS:
            other = self.topology.seen_at(_OTHER[gateway])
            lines = ["link set lo up", "link set outer up",
                     f"addr add {self.topology.gateways[gateway]} dev outer{_nodad(other)}"]
            for host in self.topology.hosts.values():
                if host.gateway == gateway:
                    lines += [f"link set {host.name} up",
                              f"addr add {host.router_address} dev {host.name}{_nodad(host.address)}"]
            if gateway in self.topology.nat:
                lines.append(f"route add default via {self.topology.nat[gateway].inside.ip}")
                self._set_nat(gateway, other)
            else:
                lines += _way_to(gateway, other)
            self._batch(gateway, lines)
            self[gateway].set({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1,
                               "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.all.send_redirects": 0})
        for host in self.topology.hosts.values():
            via = host.router_address.split("/")[0]
            self._batch(host.name, [
                "link set lo up", "link set inner up",
                f"addr add {host.address} dev inner{_nodad(host.address)}",
                f"route add default via {via}"])

    def _set_nat(self, gateway, other):
        nat, name = self.topology.nat[gateway], f"{gateway}-nat"
        self._batch(name, ["link set lo up", "link set outer up", "link set inside up",
                           f"addr add {nat.inside} dev inside", f"addr add {nat.outside} dev outer",
                           *_way_to(gateway, other)])
        self[name].set({"net.ipv4.ip_forward": 1})
        run_quietly(["nft", "-f", "-"], namespace=self[name], stdin=_MASQUERADE
                    + _FORWARD.format(gateway=self.topology.gateways[gateway].ip))

    def _masquerade(self):
        for gateway in self.topology.masquerade:
            run_quietly(["nft", "-f", "-"], namespace=self[gateway], stdin=_MASQUERADE)

    def send_ping(self, sender, address, sequence):
        self._pingers[sender].send(address, sequence)

    def stream(self, sender, address):
        """Starts a stream of echo requests from this host or gateway."""
        return Stream(
            Pinger(self.namespaces[sender], self.topology.address(sender), one_flow=True), address)

    def take_answers(self, sender):
        """Pairs of (address, sequence) that have arrived at this host since the last call."""
        return self._pingers[sender].take_answers()

    def cut(self):
        self._batch("wire", ["link set right nomaster"])

    def mend(self):
        self._batch("wire", ["link set right master wire"])

    def impair(self, kind, value):
        """`delay 500ms`, `loss 1%`: of either direction of the outer link."""
        for gateway in GATEWAYS:
            self["wire"].output(["tc", "qdisc", "replace", "dev", gateway, "root", "netem",
                                 "limit", "100000", kind, value])

    def repair(self):
        for gateway in GATEWAYS:
            self["wire"].output(["tc", "qdisc", "del", "dev", gateway, "root"])

    def dropped(self):
        """What the impaired link has dropped so far, in packets."""
        text = self["wire"].output(["tc", "-s", "qdisc", "show"])
        return sum(int(count) for count in re.findall(r"netem.*\n.*dropped (\d+)", text))

    def esp_counters(self, gateway):
        """Of all SAs with keys in this gateway's kernel: {(source, destination, SPI): packets}."""
        return self._xfrm(gateway).esp_packets()

    def policy_count(self, gateway):
        return self._xfrm(gateway).policy_count()

    def _xfrm(self, gateway):
        if gateway not in self._kernels:
            self._kernels[gateway] = self[gateway].socket(KernelXfrm)
        return self._kernels[gateway]


def _way_to(gateway, other):
    """Asking for a neighbour would fail where the link is slow."""
    return [f"neigh replace {other.ip} lladdr {_OUTER_MAC[_OTHER[gateway]]} dev outer nud permanent",
            f"route add default via {other.ip}"]


def _nodad(address):
    return " nodad" if address.version == 6 else ""


class Pinger:
    """Echo requests from one host, without a process for each. Those of a stream are one flow. Others are sent at once
    and are a flow each: of two first packets of an ICMP flow on two processors, connection tracking drops one."""

    _count = 0

    def __init__(self, namespace, address, one_flow=False):
        self.address = address
        Pinger._count += 1
        self._first_identifier = os.getpid() * 16 + Pinger._count
        self._step = 0 if one_flow else 97
        if address.version == 4:
            self.request, self.reply = 8, 0
            family, protocol = socket.AF_INET, socket.IPPROTO_ICMP
        else:
            self.request, self.reply = 128, 129
            family, protocol = socket.AF_INET6, socket.IPPROTO_ICMPV6
        self.socket = namespace.socket(lambda: socket.socket(family, socket.SOCK_RAW, protocol))
        # Room for what a busy machine lets arrive at once: 300 answers fit into the usual buffer.
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self.socket.setblocking(False)

    def _identifier(self, sequence):
        return (self._first_identifier + self._step * (sequence & 0xFFFF)) & 0xFFFF

    def send(self, destination, sequence):
        identifier, sequence = self._identifier(sequence), sequence & 0xFFFF
        # The kernel sets that of ICMPv6.
        checksum = _checksum(self.request << 8, identifier, sequence) if self.address.version == 4 else 0
        self.socket.sendto(
            struct.pack("!BBHHH", self.request, 0, checksum, identifier, sequence) + _BODY,
            (str(destination), 0))

    def take_answers(self):
        answers = []
        while True:
            try:
                packet, source = self.socket.recvfrom(2048)
            except BlockingIOError:
                return answers
            if self.address.version == 4:
                packet = packet[(packet[0] & 15) * 4:]
            kind, _, _, identifier, sequence = struct.unpack("!BBHHH", packet[:8])
            if kind == self.reply and identifier == self._identifier(sequence):
                answers.append((source[0], sequence))


class Stream:
    """Echo requests at a steady rate, each of which must be answered. The first goes alone: while
    connection tracking has not confirmed a flow, it drops one of two packets on two processors, and
    a thread that was kept waiting sends many at once."""

    rate = 100

    def __init__(self, pinger, destination):
        self._pinger, self._destination = pinger, destination
        self._began = time.monotonic()
        self._sent, self._answered = [], set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._send()
        opened = time.monotonic()
        while not self._answered and time.monotonic() < opened + 2:
            time.sleep(0.005)
            self._collect()
        due = time.monotonic()
        while not self._stopping.is_set():
            self._send()
            self._collect()
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _send(self):
        try:
            self._pinger.send(self._destination, len(self._sent))
        except OSError:
            pass  # counts as lost
        self._sent.append(time.monotonic() - self._began)

    def _collect(self):
        for _, sequence in self._pinger.take_answers():
            # Sequence numbers have sixteen bits; an answer belongs to the youngest request that fits.
            number = len(self._sent) - 1 - ((len(self._sent) - 1 - sequence) & 0xFFFF)
            self._answered.add(number)

    def finish(self, within=10):
        """(number of requests; number and moment, in seconds since the start, of those unanswered)"""
        self._stopping.set()
        self._thread.join()
        stop = time.monotonic() + within
        while len(self._answered) < len(self._sent) and time.monotonic() < stop:
            self._collect()
            time.sleep(0.02)
        return len(self._sent), [(number, moment) for number, moment in enumerate(self._sent)
                                 if number not in self._answered]


_SO_RCVBUFFORCE = 33
_BODY = b"viaduct interop scenario"
_BODY_SUM = sum(struct.unpack(f"!{len(_BODY) // 2}H", _BODY))


def _checksum(*words):
    """Of these sixteen-bit words and the body."""
    total = sum(words) + _BODY_SUM
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
