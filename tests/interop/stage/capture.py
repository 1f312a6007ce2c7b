"""What passes on the outer link, by kind; kept as a capture file that tcpdump and Wireshark read."""

import socket
import struct
import time
from collections import Counter

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_NOTIFIES = {
    1: "UNSUPPORTED_CRITICAL_PAYLOAD", 4: "INVALID_IKE_SPI", 5: "INVALID_MAJOR_VERSION",
    7: "INVALID_SYNTAX", 9: "INVALID_MESSAGE_ID", 11: "INVALID_SPI", 14: "NO_PROPOSAL_CHOSEN",
    17: "INVALID_KE_PAYLOAD", 24: "AUTHENTICATION_FAILED", 16388: "NAT_DETECTION_SOURCE_IP",
    16389: "NAT_DETECTION_DESTINATION_IP", 16390: "COOKIE",
}
_NOTIFIES_V1 = {14: "NO-PROPOSAL-CHOSEN", 16: "PAYLOAD-MALFORMED", 18: "INVALID-ID-INFORMATION",
                24: "AUTHENTICATION-FAILED"}
_EXCHANGES = {2: "IDENTITY_PROTECTION", 4: "AGGRESSIVE", 5: "INFORMATIONAL_V1", 32: "QUICK_MODE",
              34: "IKE_SA_INIT", 35: "IKE_AUTH", 36: "CREATE_CHILD_SA", 37: "INFORMATIONAL"}


class Capture:
    def __init__(self, namespace, interface, path):
        def listen():
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            packets.bind((interface, 0))
            packets.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
            packets.setblocking(False)
            return packets

        self._socket = namespace.socket(listen)
        self._file = open(path, "wb")
        self._file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        self.kinds = Counter()
        self.unexpected = []
        self.messages = []

    def drain(self):
        """Takes over what has arrived."""
        while True:
            try:
                frame = self._socket.recv(65535)
            except BlockingIOError:
                self._file.flush()
                return
            now = time.time()
            self._file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)))
            self._file.write(frame)
            kind, detail = classify(frame)
            self.kinds[kind] += 1
            if kind == "clear":
                self.unexpected.append(detail)
            elif kind == "IKE":
                self.messages.append(IkeMessage(detail))

    def close(self):
        self._socket.close()
        self._file.close()


def have_crossed(messages):
    """Whether both ends had a CREATE_CHILD_SA request under way at the same time."""
    asking = set()
    for message in messages:
        if message.exchange == "CREATE_CHILD_SA":
            if message.response:
                asking.clear()
            else:
                asking.add(message.of_initiator)
        if len(asking) == 2:
            return True
    return False


def classify(frame):
    """(kind, detail); the kind is ESP, IKE, neighbours or clear."""
    protocol, = struct.unpack("!H", frame[12:14])
    if protocol == 0x0806:
        return "neighbours", None
    if protocol == 0x0800:
        packet = frame[14:]
        source, destination = (socket.inet_ntop(socket.AF_INET, packet[at:at + 4]) for at in (12, 16))
        return _classify_ip(packet[9], packet[(packet[0] & 15) * 4:], source, destination)
    if protocol == 0x86DD:
        packet = frame[14:]
        source, destination = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
        number, rest = packet[6], packet[40:]
        if number == 0:  # hop-by-hop options, in front of multicast listener reports
            number, rest = rest[0], rest[(rest[1] + 1) * 8:]
        return _classify_ip(number, rest, source, destination)
    return "clear", f"ethernet protocol {protocol:#06x}"


# Router and neighbour discovery, multicast listeners.
_NEIGHBOURS = {130, 131, 132, 133, 134, 135, 136, 143}


def _classify_ip(number, payload, source, destination):
    if number == 50:
        return "ESP", None
    if number == 58 and payload[:1] and payload[0] in _NEIGHBOURS:
        return "neighbours", None
    if number == 17:
        ports = struct.unpack("!HH", payload[:4])
        if 500 in ports:
            return "IKE", payload[8:]
        if 4500 in ports:
            body = payload[8:]
            return ("IKE", body[4:]) if body[:4] == bytes(4) else ("ESP", None)
    # The outer gateways' own unreachable messages about ports 500 and 4500, when a daemon is gone.
    if (number == 1 and payload[:2] == b"\x03\x03") or (number == 58 and payload[:2] == b"\x01\x04"):
        quoted = payload[8:]
        inner = quoted[40:] if number == 58 else quoted[(quoted[0] & 15) * 4:]
        if {500, 4500} & set(struct.unpack("!HH", inner[:4])):
            return "unreachable", None
    return "clear", f"protocol {number}, {source} to {destination}"


class IkeMessage:
    """Header and, where nothing is encrypted, the notifies."""

    def __init__(self, octets):
        self.exchange, self.response, self.notifies = "?", False, []
        self.of_initiator = False
        if len(octets) < 28:
            return
        following, self.version, exchange, flags = octets[16:20]
        self.exchange = _EXCHANGES.get(exchange, str(exchange))
        self.response = bool(flags & 0x20)
        self.of_initiator = bool(flags & 0x08)
        if self.version >> 4 == 1:
            self._read_v1(following, octets, encrypted=bool(flags & 0x01))
            return
        at = 28
        while following not in (0, 46, 53) and at + 4 <= len(octets):
            kind, following = following, octets[at]
            length, = struct.unpack("!H", octets[at + 2:at + 4])
            if kind == 41 and length >= 8:
                number, = struct.unpack("!H", octets[at + 6:at + 8])
                self.notifies.append(_NOTIFIES.get(number, str(number)))
            if length < 4:
                return
            at += length

    def _read_v1(self, following, octets, encrypted):
        at = 28
        while following not in (0, 132) and not encrypted and at + 4 <= len(octets):
            kind, following = following, octets[at]
            length, = struct.unpack("!H", octets[at + 2:at + 4])
            if kind == 11 and length >= 12:
                number, = struct.unpack("!H", octets[at + 10:at + 12])
                self.notifies.append(_NOTIFIES_V1.get(number, str(number)))
            if length < 4:
                return
            at += length

    def __str__(self):
        arrow = "<--" if self.response else "-->"
        return f"{arrow} {self.exchange} {{ {', '.join(self.notifies)} }}"
