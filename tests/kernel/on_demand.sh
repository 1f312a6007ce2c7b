#!/usr/bin/env bash
# The first packet of a connection with start = "on-demand" brings it up, waits for it and arrives;
# nothing is ever in clear on the outer link. One viaductd serves both routers; r1 waits for packets,
# r2 for its peer.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers

configure r1
connect r1 vpn 10.10.10.5 10.10.10.4 'local_subnets = ["192.168.10.0/24", "fd00:10::/64"]' \
    'remote_subnets = ["192.168.20.0/24", "fd00:20::/64"]' 'start = "on-demand"' 'dpd = { interval = "2s" }'
configure r2
connect r2 vpn 10.10.10.4 10.10.10.5 'local_subnets = ["192.168.20.0/24", "fd00:20::/64"]' \
    'remote_subnets = ["192.168.10.0/24", "fd00:10::/64"]'

# The reqids of traps begin at 0x56800000.
traps() { ip -netns r1 xfrm policy | grep -c 'reqid 14512[0-9]*' || true; }
larval_drop() { ip netns exec "$1" cat /proc/sys/net/core/xfrm_larval_drop; }
first_ping() { # why, address
    ip netns exec host1 ping -q -c 1 -W 20 "$2" >/dev/null || {
        tail -n 40 "$OUT/viaductd.log"
        xfrm_drops r1
        ip netns exec r1 nft list table inet viaduct
        die "the first packet did not arrive: $1"
    }
}
negotiations() { grep -c 'IKE SA established.*router=r1' "$OUT/viaductd.log" || true; }

start_capture outer.pcap
start_daemon

# The traps stand, nobody has negotiated, and the kernel holds packets back.
[ "$(traps)" -eq 6 ] || die "r1 has $(traps) trap policies"
is_in r1/vpn down || die "vpn is $(state_of r1/vpn) before the first packet"
[ "$(larval_drop r1)" = 0 ] || die "packets are dropped"
[ "$(larval_drop r2)" = 1 ] || die "r2 has no trap and yet holds packets back"

first_ping "at the beginning" 192.168.20.20
await_state r1/vpn up
[ "$(traps)" -eq 0 ] || die "$(traps) traps stand beside the tunnel"
reaches host1 fd00:20::20 || die "no IPv6 through the tunnel"
reaches host2 192.168.10.10 || die "no traffic from the other side"

# A storm of packets while the peer is away: one negotiation, and all arrive that fit the queue.
ask_daemon down r2/vpn >/dev/null
await_state r1/vpn down
[ "$(traps)" -eq 6 ] || die "r1 has $(traps) trap policies after the end"
sleep 3
before=$(negotiations)
for host in {1..40}; do
    ip netns exec host1 ping -q -c 1 -W 20 192.168.20.20 >"$OUT/storm.$host" &
    pings[host]=$!
done
for host in {1..40}; do
    wait "${pings[host]}" || die "a packet of the storm was lost"
done
await_state r1/vpn up
[ "$(negotiations)" -eq $((before + 1)) ] || die "$(($(negotiations) - before)) negotiations of one storm"

# IPv6 is caught too, soon after the end: what waited before does not stand in the way.
ask_daemon down r2/vpn >/dev/null
await_state r1/vpn down
sleep 3
first_ping "IPv6 after the peer closed" fd00:20::20
await_state r1/vpn up

# What the operator closed stays closed, and nothing leaves.
ask_daemon down r1/vpn >/dev/null
await_state r1/vpn down
if reaches host1 192.168.20.20; then die "a ping was answered"; fi
is_in r1/vpn down || die "traffic brought up what the operator closed"
ask_daemon up r1/vpn >/dev/null
await_state r1/vpn up

# Killed and started again: the traps come back, and the first packet arrives.
kill_daemon
start_daemon
[ "$(traps)" -eq 6 ] || die "r1 has $(traps) trap policies after kill -9"
first_ping "after kill -9" 192.168.20.20
await_state r1/vpn up

# A reload that takes the trap away, and one that brings it back.
sed -i 's/start = "on-demand"/start = "respond"/' "$configs/r1.toml"
ask_daemon reload >/dev/null
[ "$(traps)" -eq 0 ] || die "$(traps) traps are left by a reload"
sed -i 's/start = "respond"/start = "on-demand"/' "$configs/r1.toml"
ask_daemon reload >/dev/null
first_ping "after a reload" 192.168.20.20

# The gateways themselves, neighbours on an IPv6 link and both on demand: what catches their packets must
# not catch the neighbour discovery without which they would never find each other.
neighbour() { # router, local address, peer address
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
ask_daemon reload >/dev/null
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
ask_daemon repair r1 | grep 'policy missing *out fd00:ffff::5/128 -> fd00:ffff::4/128' || die "it is not missed"
[ "$(discovery_policies r1)" -eq 10 ] || die "r1: $(ip -netns r1 xfrm policy)"
# What a killed daemon leaves of them goes; the connection comes up again.
kill_daemon
[ "$(discovery_policies r1)" -eq 10 ] || die "r1 after kill -9: $(ip -netns r1 xfrm policy)"
sed -i '/^name = "neighbours"/,/^start/s/on-demand/respond/' "$configs/r1.toml"
start_daemon
[ "$(discovery_policies r1)" -eq 0 ] || die "r1 after a restart: $(ip -netns r1 xfrm policy)"
ip -netns r1 xfrm policy get src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 128 dir out | grep -q 'priority 5' ||
    die "somebody else's policy is gone"
ip -netns r1 xfrm policy delete src fd00:ffff::5 dst fd00:ffff::4 proto ipv6-icmp type 128 dir out
reaches r2 fd00:ffff::5 -c 1 -W 20 || die "no answer after kill -9"
[ "$(discovery_policies r1)" -eq 10 ] || die "r1 with a child: $(ip -netns r1 xfrm policy)"

stop_daemon
for router in r1 r2; do
    [ -z "$(ip -netns $router xfrm policy list nosock)" ] || die "$router: $(ip -netns $router xfrm policy)"
done
[ "$(traps)" -eq 0 ] || die "$(traps) traps are left"
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 0 ] || die "no ESP was seen"
echoes='ip6 and (host fd00:ffff::4 and host fd00:ffff::5) and icmp6 and (ip6[40] == 128 or ip6[40] == 129)'
for filter in "$clear_filter" "$echoes"; do
    [ -z "$(captured outer.pcap "$filter")" ] || die "in clear: $(captured outer.pcap "$filter" | head -n 3)"
done
