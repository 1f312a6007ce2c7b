"""What XFRM holds in a namespace, without a process for each look (linux/xfrm.h, linux/netlink.h)."""

import ipaddress
import os
import socket
import struct

from .namespaces import CommandFailed

_NETLINK_XFRM = 6
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_NEWSA, _GETSA, _NEWPOLICY, _GETPOLICY = 0x10, 0x12, 0x13, 0x15
_XFRMA_ALG_CRYPT, _XFRMA_ALG_AEAD = 2, 18
_XFRM_POLICY_MAX = 3
# struct xfrm_usersa_info and xfrm_userpolicy_info
_SA_DESTINATION, _SA_SPI, _SA_PROTOCOL, _SA_SOURCE = 56, 72, 76, 80
_SA_PACKETS, _SA_FAMILY, _SA_LENGTH = 168, 212, 224
_POLICY_DIRECTION = 160


class KernelXfrm:
    """Of the namespace that it is made in."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC,
                                     _NETLINK_XFRM)
        self._socket.settimeout(60)
        self._sequence = 0

    def esp_packets(self):
        """Of all ESP states with keys: {(source, destination, SPI): packets}."""
        counters = {}
        for body in self._dump(_GETSA, _NEWSA):
            if body[_SA_PROTOCOL] != socket.IPPROTO_ESP or not _has_keys(body[_SA_LENGTH:]):
                continue
            family, = struct.unpack_from("=H", body, _SA_FAMILY)
            packets, = struct.unpack_from("=Q", body, _SA_PACKETS)
            key = (_address(body, _SA_SOURCE, family), _address(body, _SA_DESTINATION, family),
                   "0x" + body[_SA_SPI:_SA_SPI + 4].hex())
            counters[key] = packets
        return counters

    def policy_count(self):
        """Of those of the namespace, not those of single sockets."""
        return sum(body[_POLICY_DIRECTION] < _XFRM_POLICY_MAX
                   for body in self._dump(_GETPOLICY, _NEWPOLICY))

    def _dump(self, request, answer):
        self._sequence += 1
        self._socket.send(struct.pack("=IHHII", 16, request, _NLM_F_REQUEST | _NLM_F_DUMP,
                                      self._sequence, 0))
        while True:
            datagram = self._receive()
            while datagram:
                length, kind, _, sequence, _ = struct.unpack_from("=IHHII", datagram)
                body, datagram = datagram[16:length], datagram[(length + 3) & ~3:]
                if sequence != self._sequence:
                    continue
                if kind in (_NLMSG_DONE, _NLMSG_ERROR):
                    error = -struct.unpack_from("=i", body)[0]
                    if error:
                        raise CommandFailed(f"XFRM dump: {os.strerror(error)}")
                    return
                if kind == answer:
                    yield body

    def _receive(self):
        try:
            return self._socket.recv(1 << 20)
        except OSError as error:
            raise CommandFailed(f"XFRM dump: {error}") from None


def _has_keys(attributes):
    while len(attributes) >= 4:
        length, kind = struct.unpack_from("=HH", attributes)
        if kind in (_XFRMA_ALG_CRYPT, _XFRMA_ALG_AEAD):
            return True
        attributes = attributes[max(4, (length + 3) & ~3):]
    return False


def _address(body, offset, family):
    length = 16 if family == socket.AF_INET6 else 4
    return str(ipaddress.ip_address(body[offset:offset + length]))
