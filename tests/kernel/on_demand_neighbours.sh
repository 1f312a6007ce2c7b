#!/usr/bin/env bash
# Two gateways that are neighbours on an IPv6 link, both on demand and in transport mode: what catches their
# packets must not catch the neighbour discovery without which they would never find each other.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers

neighbour() { # router, local address, peer address
    configure "$1"
    cat >>"$configs/$1.toml" <<TOML
[esp.between]
proposals = ["aes256gcm16-x25519"]
mode = "transport"
[[connection]]
name = "neighbours"
ike = "modern"
esp = "between"
psk = "not for production"
local_address = "$2"
peer_address = "$3"
local_subnets = ["$2/128"]
remote_subnets = ["$3/128"]
start = "on-demand"
TOML
}
forget_neighbours() { for router in r1 r2; do ip -netns $router -6 neigh flush dev outer; done; }
discovery_policies() { ip -netns "$1" xfrm policy | grep -c 'proto ipv6-icmp type 13[3-7]' || true; }
neighbour r1 fd00:ffff::5 fd00:ffff::4
neighbour r2 fd00:ffff::4 fd00:ffff::5
start_capture outer.pcap
start_daemon
for router in r1 r2; do
    [ "$(discovery_policies $router)" -eq 10 ] || die "$router: $(ip -netns $router xfrm policy)"
done
forget_neighbours
reaches r1 fd00:ffff::4 -c 1 -W 20 || {
    tail -n 40 "$OUT/viaductd.log"
    die "neighbours do not find each other"
}
await_state r1/neighbours up
await_state r2/neighbours up
forget_neighbours
reaches r2 fd00:ffff::5 || die "neighbours do not find each other through their tunnel"
# Somebody takes one of these policies away; somebody else's is never ours.
ip -netns r1 xfrm policy add src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 128 dir out priority 5
ip -netns r1 xfrm policy delete src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 135 dir out
# The daemon may have seen it by itself meanwhile.
{ ask_daemon repair r1; grep 'differs from what was put there' "$OUT/viaductd.log"; } |
    grep 'policy missing:* *out fd00:ffff::5/128 -> fd00:ffff::4/128' || die "it is not missed"
[ "$(discovery_policies r1)" -eq 10 ] || die "r1: $(ip -netns r1 xfrm policy)"
# What a killed daemon leaves of them goes; the connection comes up again.
kill_daemon
[ "$(discovery_policies r1)" -eq 10 ] || die "r1 after kill -9: $(ip -netns r1 xfrm policy)"
sed -i '/^name = "neighbours"/,/^start/s/on-demand/respond/' "$configs/r1.toml"
start_daemon
[ "$(discovery_policies r1)" -eq 0 ] || die "r1 after a restart: $(ip -netns r1 xfrm policy)"
ip -netns r1 xfrm policy get src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 128 dir out | found 'priority 5' ||
    die "somebody else's policy is gone"
ip -netns r1 xfrm policy delete src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 128 dir out
reaches r2 fd00:ffff::5 -c 1 -W 20 || die "no answer after kill -9"
[ "$(discovery_policies r1)" -eq 10 ] || die "r1 with a child: $(ip -netns r1 xfrm policy)"

stop_daemon
for router in r1 r2; do
    [ -z "$(ip -netns $router xfrm policy list nosock)" ] || die "$router: $(ip -netns $router xfrm policy)"
done
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 0 ] || die "no ESP was seen"
echoes='icmp6 and (ip6[40] == 128 or ip6[40] == 129)'
[ -z "$(captured outer.pcap "$echoes")" ] || die "in clear: $(captured outer.pcap "$echoes" | head -n 3)"
