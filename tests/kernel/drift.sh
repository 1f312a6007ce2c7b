#!/usr/bin/env bash
# What somebody does to the states and policies of a router is found, put back where that is possible, and
# what is not ours is left alone.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

ip netns add r1
start_tool r1
xfrm() { ip -netns r1 xfrm "$@"; }
finds() { # verb, lines
    local found
    found=$(ask r1 "$1" | sort)
    [ "$found" = "$(sort <<<"$2" | sed '/^$/d')" ] || die "$1 found:
$found
instead of:
$2"
}

# 0x56000001: ours. Two suites, both families, encapsulated or not, an interface id.
ask r1 install 1 spi=0xc4000000 reqid=1442840577 local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64
ask r1 install 2 spi=0xc5000000 reqid=1442840578 suite=aes256-sha256 encap=yes local=172.21.0.0/16 window=32
ask r1 install 3 spi=0xc6000000 reqid=1442840579 suite=aes256gcm16-esn if_id=5 local=172.22.0.0/16
xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc3000000 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
xfrm policy add src 172.16.0.0/16 dst 172.17.0.0/16 dir out action block
xfrm policy add src 172.18.0.0/16 dst 172.19.0.0/16 dir out tmpl src 10.10.10.5 dst 10.10.10.4 proto esp reqid 99 mode tunnel
finds compare ''

echo 'states that are gone or another, policies that are gone or lead elsewhere'
xfrm state delete src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc4000001
xfrm state delete src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc6000000
xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc6000000 reqid 1442840579 mode tunnel if_id 5 flag esn \
    replay-window 1024 aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
xfrm policy delete src 192.168.10.0/24 dst 192.168.20.0/24 dir out
xfrm policy update src 172.21.0.0/16 dst 192.168.20.0/24 dir out priority 1 tmpl src 10.10.10.5 dst 10.10.10.9 proto esp mode tunnel
differences="state missing: 10.10.10.5 -> 10.10.10.4 spi 0xc4000001 (a child's)
state changed: 10.10.10.4 -> 10.10.10.5 spi 0xc6000000 (a child's)
policy missing: out 192.168.10.0/24 -> 192.168.20.0/24
policy changed: out 172.21.0.0/16 -> 192.168.20.0/24"
finds compare "$differences"
finds compare "$differences"
finds mend "$differences"
finds compare "state missing: 10.10.10.5 -> 10.10.10.4 spi 0xc4000001 (a child's)
state changed: 10.10.10.4 -> 10.10.10.5 spi 0xc6000000 (a child's)"
xfrm policy get src 192.168.10.0/24 dst 192.168.20.0/24 dir out | found 'reqid 1442840577' || die "the policy is not back"
xfrm policy get src 172.21.0.0/16 dst 192.168.20.0/24 dir out | found 'dst 10.10.10.4' || die "the policy leads elsewhere"
ask r1 remove 1
ask r1 remove 3
finds compare ''

echo 'what nobody knows, with our mark'
xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc7000000 reqid 1442840580 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
xfrm policy add src 172.30.0.0/16 dst 172.31.0.0/16 dir out if_id 7 \
    tmpl src 10.10.10.5 dst 10.10.10.4 proto esp reqid 1442840580 mode tunnel
left='state left over: 10.10.10.4 -> 10.10.10.5 spi 0xc7000000
policy left over: out 172.30.0.0/16 -> 172.31.0.0/16'
finds mend "$left"
finds compare ''
xfrm state | found 0xc7000000 && die "the leftover is still there"
[ "$(xfrm state | grep -c 'reqid 99')" = 1 ] || die "somebody else's state is gone"
[ "$(xfrm policy | grep -c -e 'dst 172.17.0.0/16' -e 'dst 172.19.0.0/16')" = 2 ] || die "somebody else's policy is gone"

echo 'a child that moves, and flushed tables'
ask r1 move 2 encap=4500,61000
finds compare ''
ask r1 move 2 outer=10.10.10.6,10.10.10.4 encap=no
finds compare ''
xfrm state flush
xfrm policy flush
[ "$(ask r1 compare | wc -l)" = 5 ] || die "not everything is missed: $(ask r1 compare)"
ask r1 mend >/dev/null
[ "$(ask r1 compare | grep -c '^state missing')" = 2 ] || die "mended otherwise: $(ask r1 compare)"
[ "$(xfrm policy | grep -c 'reqid 1442840578')" = 3 ] || die "not all policies are back"
ask r1 remove 2
finds compare ''
