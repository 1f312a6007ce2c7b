#!/usr/bin/env bash
# The first packet of a connection with start = "on-demand" brings it up, waits for it and arrives;
# nothing is ever in clear on the outer link. One viaductd serves both routers; r1 waits for packets,
# r2 for its peer.
set -euo pipefail
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
        show_drops
        die "the first packet did not arrive: $1"
    }
}
show_drops() {
    tail -n 30 "$OUT/viaductd.log"
    for router in r1 r2; do
        echo "$router dropped:"
        xfrm_drops "$router"
        ip netns exec "$router" nft list counters table inet viaduct
        ip -netns "$router" -statistics xfrm state | grep -A 1 'lifetime current'
    done
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

# A storm of packets while the peer is away: one negotiation, and all arrive that fit the queue. Soon after the
# end: what waited before does not stand in the way.
storm() { # address
    local before host pings=() lost=()
    ask_daemon down r2/vpn >/dev/null
    await_state r1/vpn down
    [ "$(traps)" -eq 6 ] || die "r1 has $(traps) trap policies after the end"
    sleep 3
    before=$(negotiations)
    for host in {1..40}; do
        ip netns exec host1 ping -q -c 1 -W 20 "$1" >"$OUT/storm.$host" &
        pings[host]=$!
    done
    for host in {1..40}; do
        wait "${pings[host]}" || lost+=("$host")
    done
    if [ ${#lost[@]} -gt 0 ]; then
        show_drops
        die "packets of the storm to $1 were lost: ${lost[*]}"
    fi
    await_state r1/vpn up
    [ "$(negotiations)" -eq $((before + 1)) ] || die "$(($(negotiations) - before)) negotiations of one storm to $1"
}
storm 192.168.20.20

# From here on the routers also masquerade what leaves. What waits for the tunnel keeps its address, and so does what
# follows: with the router's it would not belong into the tunnel.
masquerade() { # router
    ip netns exec "$1" nft -f - <<'NFT'
table inet outward {
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname "outer" counter masquerade
    }
}
NFT
}
masquerade r1
masquerade r2
# Others' packets are.
ip netns exec host1 ping -q -c 1 -W 2 10.10.10.4 >/dev/null || die "nothing is masqueraded"

storm fd00:20::20
for address in 192.168.20.20 fd00:20::20; do
    reaches host1 $address || die "what follows the first packets to $address is lost behind masquerading"
done

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

stop_daemon
[ "$(traps)" -eq 0 ] || die "$(traps) traps are left"
[ "$(larval_drop r1)" = 1 ] || die "packets would still be held back"

# Nothing stands now but the guard, which lets the router's own IKE and ESP pass: a host's is no such.
guarded=$(ip netns exec r1 nft list counter inet viaduct guard_out | grep -o 'packets [0-9]*')
for address in 192.168.20.20 fd00:20::20; do
    ip netns exec host1 python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
ike = socket.socket(family, socket.SOCK_DGRAM)
ike.bind(("", 500))
ike.sendto(b"in clear", (sys.argv[1], 500))
socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ESP).sendto(bytes(64), (sys.argv[1], 0))' "$address"
done
# Nor one that takes the router's address; of IPv4 the kernel refuses that itself.
ip netns exec host1 python3 -c '
import socket, struct
source, destination = (socket.inet_pton(socket.AF_INET6, each) for each in ("fd00:10::1", "fd00:20::20"))
datagram = struct.pack("!HHHH", 500, 500, 16, 0) + b"in clear"
packet = struct.pack("!IHBB", 6 << 28, len(datagram), 17, 64) + source + destination + datagram
socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(packet, ("fd00:20::20", 0))'
sleep 0.5
[ "$(ip netns exec r1 nft list counter inet viaduct guard_out | grep -o 'packets [0-9]*')" = \
    "packets $((${guarded#packets } + 5))" ] || die "a host's IKE or ESP got past the guard"
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 0 ] || die "no ESP was seen"
[ -z "$(captured outer.pcap "$clear_filter")" ] || die "in clear: $(captured outer.pcap "$clear_filter" | head -n 3)"
