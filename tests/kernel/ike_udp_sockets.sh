#!/usr/bin/env bash
# The sockets for IKE: they answer from the address that was asked, pass policies untouched, send
# what is longer than the path in fragments, survive ICMP errors, and leave keepalives to the kernel.
# covers 7296-2.11-c, 2408-2.5.1-a
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
ip -netns r2 addr add 10.10.10.44/24 dev outer
ip -netns r2 addr add fd00:ffff::44/64 dev outer nodad
start_tools_with_udp
expect() { # router, local address, port, what is received
    local got
    got=$(ask "$1" udp-receive "$2" "$3")
    [ "$got" = "$4" ] || die "received \"$got\", not \"$4\""
    echo "ok: $got"
}

ask r1 udp-send 10.10.10.5 10.10.10.44 500 hello
expect r2 10.10.10.44 500 '10.10.10.44[500] <- 10.10.10.5[500] 5'
ask r2 udp-send 10.10.10.44 10.10.10.5 500 hello
expect r1 10.10.10.5 500 '10.10.10.5[500] <- 10.10.10.44[500] 5'
ask r2 udp-send fd00:ffff::44 fd00:ffff::5 500 hello
expect r1 fd00:ffff::5 500 'fd00:ffff::5[500] <- fd00:ffff::44[500] 5'

long=$(printf 'x%.0s' {1..4000})
ask r1 udp-send 10.10.10.5 10.10.10.4 500 "$long"
expect r2 10.10.10.4 500 '10.10.10.4[500] <- 10.10.10.5[500] 4000'
ask r1 udp-send fd00:ffff::5 fd00:ffff::4 500 "$long"
expect r2 fd00:ffff::4 500 'fd00:ffff::4[500] <- fd00:ffff::5[500] 4000'

# On 4500 IKE comes with the non-ESP marker; a keepalive and what would be ESP are the kernel's.
ask r1 udp-send 10.10.10.5 10.10.10.4 4500 0hello
expect r2 10.10.10.4 4500 '10.10.10.4[4500] <- 10.10.10.5[4500] 9'
ask r1 udp-send fd00:ffff::5 fd00:ffff::4 4500 0hello
expect r2 fd00:ffff::4 4500 'fd00:ffff::4[4500] <- fd00:ffff::5[4500] 9'
printf '\xff' | ip netns exec r1 socat - UDP4-SENDTO:10.10.10.4:4500
ask r1 udp-send 10.10.10.5 10.10.10.4 4500 this-would-be-an-ESP-packet
expect r2 10.10.10.4 4500 nothing

# ICMP errors are nobody's failure.
ip netns exec r2 nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in udp dport 500 reject'
ask r1 udp-send 10.10.10.5 10.10.10.4 500 hello
ask r1 udp-send fd00:ffff::5 fd00:ffff::4 500 hello
expect r1 10.10.10.5 500 nothing
expect r1 fd00:ffff::5 500 nothing
ip netns exec r2 nft delete table inet t

# A policy that blocks everything blocks everything else.
for router in r1 r2; do
    for direction in in out; do
        ip -netns $router xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir $direction action block
        ip -netns $router xfrm policy add src ::/0 dst ::/0 dir $direction action block
    done
done
if reaches r1 10.10.10.4; then die "the policies block nothing"; fi
ip -netns r1 neigh replace fd00:ffff::4 dev outer lladdr "$(ip netns exec r2 cat /sys/class/net/outer/address)"
ip -netns r2 neigh replace fd00:ffff::5 dev outer lladdr "$(ip netns exec r1 cat /sys/class/net/outer/address)"
ask r1 udp-send 10.10.10.5 10.10.10.4 500 hello
expect r2 10.10.10.4 500 '10.10.10.4[500] <- 10.10.10.5[500] 5'
ask r1 udp-send fd00:ffff::5 fd00:ffff::4 500 hello
expect r2 fd00:ffff::4 500 'fd00:ffff::4[500] <- fd00:ffff::5[500] 5'

# The port is taken, and the error says which.
why=$(echo udp-open | viaduct-kernel-test r1)
[ "$why" = 'failed: bind UDP 0.0.0.0[500]: Address already in use' ] || die "$why"
# What is no namespace is named so.
: >/run/netns/empty
why=$(viaduct-kernel-test empty </dev/null) && die "an empty file is a namespace"
grep -F 'network namespace /run/netns/empty' <<<"$why"
