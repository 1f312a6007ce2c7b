#!/usr/bin/env bash
# TCP segments fit into the tunnel, in both directions and both families: by the outer link's MTU, by
# ESP in UDP, by what the operator allows, also when that changes; and who sends too long a packet is told.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

make_gateways
lines=('start = "initiate"')
router_file r1 "${lines[@]}"
router_file r2
start_daemon r1
start_daemon r2
wait_until 40 "the tunnel is up" is_up r1
sleep 0.5

ip netns exec host2 socat -u TCP4-LISTEN:7000,fork,reuseaddr OPEN:/dev/null &
ip netns exec host2 socat -u TCP6-LISTEN:7001,fork,reuseaddr,ipv6only=1 OPEN:/dev/null &
both_listen() { [ "$(ip netns exec host2 ss -Hltn | grep -cE ':700[01] ')" = 2 ]; }
wait_until 10 "host2 listens" both_listen

# The segments in the SYN that reaches host2 and in the SYN+ACK that reaches host1.
segments() { # address with protocol
    local host pids=()
    for host in host1 host2; do
        start_capture_in $host inner $host.pcap 'tcp or (ip6 and ip6[6] == 6)'
        pids+=("$capture")
    done
    echo hello | ip netns exec host1 socat -u - "$1" || true
    # What tcpdump has not read when it is told to end, it throws away.
    wait_until 10 "a SYN and its answer" both_seen
    kill "${pids[@]}"
    wait "${pids[@]}" || true
    echo "$(mss_of host2 'Flags \[S\]') $(mss_of host1 'Flags \[S\.\]')"
}
mss_of() { # host, flags
    captured "$1.pcap" | grep -m 1 -E "$2" | sed -nE 's/.*mss ([0-9]+).*/\1/p'
}
both_seen() { [ -n "$(mss_of host2 'Flags \[S\]')" ] && [ -n "$(mss_of host1 'Flags \[S\.\]')" ]; }
expect_segments() { # what, IPv4, IPv6
    local four six
    four=$(segments TCP4:192.168.20.20:7000)
    six=$(segments 'TCP6:[fd00:20::20]:7001')
    echo "$1: $four over IPv4, $six over IPv6"
    [ "$four" = "$2 $2" ] || die "$1: $four, not $2 in both directions"
    [ "$six" = "$3 $3" ] || die "$1: $six over IPv6, not $3 in both directions"
}

expect_segments "in 1500 octets" 1406 1386

# The sender of what does not fit is told what would, and it does fit.
too_long() { ip netns exec host1 ping -c 2 -i 0.3 -W 2 -M 'do' -s 1450 "$1" 2>&1 || true; }
ip netns exec host1 ip route flush cache
too_long 192.168.20.20 | tee "$OUT/too_long4" | grep -E 'mtu ?= ?1446' || die "not told: $(cat "$OUT/too_long4")"
too_long fd00:20::20 | tee "$OUT/too_long6" | grep -iE 'mtu ?[=:] ?1446' || die "not told: $(cat "$OUT/too_long6")"
ip netns exec host1 ping -q -c 1 -W 3 -M 'do' -s 1418 192.168.20.20 || die "what fits does not pass"
ip netns exec host1 ping -q -c 1 -W 3 -M 'do' -s 1398 fd00:20::20 || die "what fits does not pass over IPv6"

# Another MTU counts soon.
for router in r1 r2; do ip -netns $router link set outer mtu 1400; done
follows() { ip netns exec r1 nft list map inet viaduct clamp4 | found segment_1306; }
wait_until 10 "the clamp follows" follows
expect_segments "in 1400 octets" 1306 1286
for router in r1 r2; do ip -netns $router link set outer mtu 1500; done

# The operator's limit, without a new negotiation of anything.
router_file r1 "${lines[@]}" 'mtu = 1300'
viaduct_at r1 reload
limited() { ip netns exec r1 nft list map inet viaduct clamp4 | found segment_1260; }
wait_until 20 "the limit counts" limited
wait_until 20 "the tunnel is up" is_up r1
expect_segments "with packets of 1300 octets" 1260 1240

# ESP in UDP takes eight octets more.
router_file r1 "${lines[@]}" 'encapsulation = "always"'
viaduct_at r1 reload
in_udp() { ip netns exec r1 nft list map inet viaduct clamp4 | found segment_1398; }
wait_until 40 "ESP in UDP" in_udp
wait_until 20 "the tunnel is up" is_up r1
expect_segments "in UDP" 1398 1378

# Without SAs nothing is left of it.
viaduct_at r1 down vpn
nothing() { ! ip netns exec r1 nft list table inet viaduct | found segment_; }
wait_until 20 "the clamp goes" nothing
stop_daemon r1
stop_daemon r2
