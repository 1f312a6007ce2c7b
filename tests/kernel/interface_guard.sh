#!/usr/bin/env bash
# Route-based connections, and somebody who deletes or changes what they need: the interface, its routes, addresses, MTU
# and state. What is between the protected subnets and would leave another way is dropped and counted; what is ours comes
# back by itself and is told of; routes of others are left alone, also those into the interface.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers
drop_clear_routes
# What the tunnel's routes do not take leaves by these, in clear.
ip -netns r1 route add default via 10.10.10.4
ip -netns r1 -6 route add default via fd00:ffff::4

near='"192.168.10.0/24", "fd00:10::/64"' far='"192.168.20.0/24", "fd00:20::/64"'
configure r1
connect r1 vpn 10.10.10.5 10.10.10.4 "local_subnets = [$near]" "remote_subnets = [$far]" 'interface = "vti"' \
    'interface_addresses = ["169.254.10.1/30", "fd00:a::1/64"]' 'mtu = 1400' 'start = "initiate"'
# A routing daemon's: nobody uses it.
connect r1 bgp 10.10.10.5 10.10.10.99 'local_subnets = ["192.168.30.0/24"]' 'remote_subnets = ["192.168.40.0/24"]' \
    'interface = "vti-bgp"' 'routes = false'
configure r2
connect r2 vpn 10.10.10.4 10.10.10.5 "local_subnets = [$far]" "remote_subnets = [$near]" 'interface = "vti"' \
    'interface_addresses = ["169.254.10.2/30", "fd00:a::2/64"]'

at_r1() { ip -netns r1 "$@"; }
has_route() { at_r1 route show 192.168.20.0/24 dev vti proto 86 | found . && at_r1 -6 route show fd00:20::/64 dev vti proto 86 | found .; }
has_addresses() { at_r1 addr show dev vti | found 169.254.10.1/30 && at_r1 addr show dev vti | found fd00:a::1/64; }
has_mtu() { at_r1 -oneline link show dev vti 2>/dev/null | found 'mtu 1400 .*state UNKNOWN'; }
passes() { ip netns exec host1 ping -q -c 1 -W 1 192.168.20.20 >/dev/null && ip netns exec host1 ping -q -c 1 -W 1 fd00:20::20 >/dev/null; }
whole() { has_mtu && has_addresses && has_route && passes; }
told() { grep -c 'somebody changed what is ours.*router=r1' "$OUT/viaductd.log" || true; }
dropped() { ip netns exec r1 nft list counter inet viaduct guard_out | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
blocked() { # address
    local before
    before=$(dropped)
    if ip netns exec host1 ping -q -c 3 -i 0.05 -W 1 "$1" >/dev/null; then die "$1 is reached in clear"; fi
    [ "$(dropped)" -eq $((before + 3)) ] || die "what would go to $1 in clear was not counted: $before, $(dropped)"
}

start_capture outer.pcap
start_daemon
await_state r1/vpn up
await 'the tunnel is whole' whole
at_r1 route add 192.168.40.0/24 dev vti-bgp proto bird
start_flood 30000

spoil() { # what, command…
    local before
    before=$(told)
    echo "$1"
    "${@:2}"
    await "whole again: $1" whole
    [ "$(told)" -gt "$before" ] || [ "$before" -ge 3 ] || die "nobody is told: $1"
}
spoil 'a route is deleted' at_r1 route del 192.168.20.0/24 dev vti
at_r1 -6 route del fd00:20::/64 dev vti
spoil 'addresses are flushed' at_r1 addr flush dev vti
grep -q 'asked for again: NEWROUTE 192.168.20.0/24 dev vti' "$OUT/viaductd.log" || die 'the route is not named'
spoil 'another MTU' at_r1 link set dev vti mtu 1300
spoil 'an MTU without IPv6' at_r1 link set dev vti mtu 1000
flap() { at_r1 link set dev vti down && at_r1 link set dev vti up; }
spoil 'down and up again' flap
spoil 'down' at_r1 link set dev vti down
spoil 'the interface is deleted' at_r1 link del vti

kill "${flood[@]}"
end_flood

# Another way: nothing takes it, and what stands there is not touched.
at_r1 route replace 192.168.20.0/24 via 10.10.10.4 dev outer
at_r1 -6 route replace fd00:20::/64 via fd00:ffff::4 dev outer
blocked 192.168.20.20
blocked fd00:20::20
await 'a word about the route' grep -q 'NEWROUTE 192.168.20.0/24 dev vti: File exists' "$OUT/viaductd.log"
at_r1 route show 192.168.20.0/24 | found 'via 10.10.10.4 dev outer' || die "somebody's route was taken away"
at_r1 route add 192.168.20.0/25 via 10.10.10.4 dev outer
blocked 192.168.20.20
at_r1 route del 192.168.20.0/25
at_r1 route del 192.168.20.0/24 via 10.10.10.4
at_r1 -6 route del fd00:20::/64 via fd00:ffff::4
await 'the routes are back' whole
# A rule that leads around the interface.
at_r1 route add 192.168.20.0/24 via 10.10.10.4 table 7
at_r1 rule add to 192.168.20.0/24 table 7 priority 100
blocked 192.168.20.20
at_r1 rule del priority 100
passes || die 'nothing passes without the rule'

# A routing daemon's own affair.
before=$(told)
at_r1 route del 192.168.40.0/24 dev vti-bgp
at_r1 route add 192.168.20.128/25 dev vti proto bird
at_r1 route replace 192.168.20.128/25 dev vti metric 5 proto bird
at_r1 route flush proto bird
sleep 2.5
[ -z "$(at_r1 route show dev vti-bgp)" ] || die "a route of others was put back: $(at_r1 route show dev vti-bgp)"
[ "$(told)" = "$before" ] || die 'routes of others count as ours'

stop_daemon
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 100 ] || die "no ESP was seen"
private="$clear_filter or net 169.254.0.0/16 or net fd00:a::/64"
[ -z "$(captured outer.pcap "$private")" ] || die "in clear: $(captured outer.pcap "$private" | head -n 3)"
echo "ok: $(told) words, $(captured outer.pcap esp | wc -l) packets in ESP, none in clear"
