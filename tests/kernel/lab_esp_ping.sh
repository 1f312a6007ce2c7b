#!/usr/bin/env bash
# The lab itself: two namespaces, a hand-made ESP tunnel between them, and counters that move.
#
#   left 10.9.0.1 ────── ESP, AES-GCM ────── 10.9.0.2 right
#   192.168.1.1/32                           192.168.2.1/32
set -euo pipefail

cleanup() {
    ip netns del lab-left 2>/dev/null || true
    ip netns del lab-right 2>/dev/null || true
}
trap cleanup EXIT

ip netns add lab-left
ip netns add lab-right
ip link add veth-left netns lab-left type veth peer name veth-right netns lab-right

key=0x000102030405060708090a0b0c0d0e0f10111213
side() { # namespace, interface, own outer, peer outer, own inner, peer inner
    ip -netns "$1" -batch - <<BATCH
link set lo up
link set $2 up
addr add $3/24 dev $2
addr add $5/32 dev lo
route add $6/32 via $4 src $5
xfrm state add src 10.9.0.1 dst 10.9.0.2 proto esp spi 0x1001 reqid 1 mode tunnel aead rfc4106(gcm(aes)) $key 128
xfrm state add src 10.9.0.2 dst 10.9.0.1 proto esp spi 0x1002 reqid 1 mode tunnel aead rfc4106(gcm(aes)) $key 128
xfrm policy add src $5/32 dst $6/32 dir out tmpl src $3 dst $4 proto esp reqid 1 mode tunnel
xfrm policy add src $6/32 dst $5/32 dir in tmpl src $4 dst $3 proto esp reqid 1 mode tunnel
BATCH
}
side lab-left veth-left 10.9.0.1 10.9.0.2 192.168.1.1 192.168.2.1
side lab-right veth-right 10.9.0.2 10.9.0.1 192.168.2.1 192.168.1.1

ip netns exec lab-left ping -q -c 3 -i 0.2 -W 2 -I 192.168.1.1 192.168.2.1

for namespace in lab-left lab-right; do
    for spi in 0x1001 0x1002; do
        packets=$(ip -netns "$namespace" -statistics xfrm state get \
            src "$([ $spi = 0x1001 ] && echo 10.9.0.1 || echo 10.9.0.2)" \
            dst "$([ $spi = 0x1001 ] && echo 10.9.0.2 || echo 10.9.0.1)" proto esp spi $spi |
            sed -n 's/.* \([0-9]*\)(packets).*/\1/p' | head -n 1)
        echo "$namespace SPI $spi: ${packets:-no} packets"
        [ "${packets:-0}" -eq 3 ]
    done
done
