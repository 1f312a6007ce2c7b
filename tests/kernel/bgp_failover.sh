#!/usr/bin/env bash
# FRR's BGP over two route-based tunnels between two gateways: routes are learned through the tunnels,
# the preferred one is cut off on the outer network, the traffic moves to the other and back, and
# nothing is ever in clear.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers
drop_clear_routes
for router in r1 r2; do
    ip netns exec "$router" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
ip -netns r1 addr add 10.10.11.5/24 dev outer
ip -netns r2 addr add 10.10.11.4/24 dev outer

everything='["0.0.0.0/0", "::/0"]'
for router in r1 r2; do
    configure "$router"
    if [ $router = r1 ]; then own=5 peer=4 inner=1; else own=4 peer=5 inner=2; fi
    connect $router first 10.10.10.$own 10.10.10.$peer "local_subnets = $everything" \
        "remote_subnets = $everything" 'interface = "vti-first"' "interface_addresses = [\"169.254.10.$inner/30\"]" \
        'routes = false' 'start = "initiate"' 'dpd = { interval = "5s" }'
    connect $router second 10.10.11.$own 10.10.11.$peer "local_subnets = $everything" \
        "remote_subnets = $everything" 'interface = "vti-second"' "interface_addresses = [\"169.254.11.$inner/30\"]" \
        'routes = false' 'start = "initiate"' 'dpd = { interval = "5s" }'
done

start_frr() { # router, its number, the peer's, its network
    local place=/var/run/frr/$1 daemon
    install -d -o frr -g frr -m 755 /var/run/frr "$place"
    cat >"$place/bgpd.conf" <<CONF
hostname $1
router bgp 6500$2
 bgp router-id 192.0.2.$2
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 1 3
 neighbor 169.254.10.$3 remote-as 6500$3
 neighbor 169.254.10.$3 timers connect 1
 neighbor 169.254.11.$3 remote-as 6500$3
 neighbor 169.254.11.$3 timers connect 1
 address-family ipv4 unicast
  network $4
  neighbor 169.254.10.$3 route-map prefer in
  neighbor 169.254.10.$3 advertisement-interval 0
  neighbor 169.254.11.$3 advertisement-interval 0
 exit-address-family
route-map prefer permit 10
 set local-preference 200
CONF
    echo "hostname $1" >"$place/zebra.conf"
    chmod 644 "$place"/*.conf
    for daemon in zebra bgpd; do
        ip netns exec "$1" /usr/lib/frr/$daemon -d -N "$1" -f "$place/$daemon.conf" -A 127.0.0.1 \
            2>"$OUT/$1.$daemon.err" || die "$daemon of $1: $(cat "$OUT/$1.$daemon.err")"
    done
}
goes_by() { ip -netns "$1" route get "$2" 2>/dev/null | found "dev $3"; } # router, address, interface
goes_by_both() { goes_by r1 192.168.20.20 "$1" && goes_by r2 192.168.10.10 "$1"; }

start_capture outer.pcap
start_daemon
await_state r1/first up
await_state r1/second up
start_frr r1 1 2 192.168.10.0/24
start_frr r2 2 1 192.168.20.0/24
await 'the routes lead into the first tunnel' goes_by_both vti-first
reaches host1 192.168.20.20 || die "no traffic through the first tunnel"

# The first tunnel's packets are lost on the outer network; both ends believe in it for a while.
ip netns exec host1 ping -i 0.1 -w 100 192.168.20.20 >"$OUT/ping" 2>&1 &
ping=$!
ip netns exec outside nft -f - <<'RULES'
table bridge cut {
    chain forward {
        type filter hook forward priority 0;
        ip daddr 10.10.10.0/24 drop
    }
}
RULES
await 'the routes lead into the second tunnel' goes_by_both vti-second
reaches host1 192.168.20.20 || die "no traffic through the second tunnel"

# It comes back, and the traffic with it.
ip netns exec outside nft delete table bridge cut
await 'the routes lead into the first tunnel again' goes_by_both vti-first
await_state r1/first up
reaches host1 192.168.20.20 || die "no traffic through the first tunnel after it came back"
kill -INT $ping
wait $ping || true
grep 'packets transmitted' "$OUT/ping" >&2

for router in r1 r2; do
    for name in bgpd zebra; do kill "$(cat "/var/run/frr/$router/$name.pid")"; done
done
stop_daemon
stop_capture
[ "$(captured outer.pcap 'esp and net 10.10.10.0/24' | wc -l)" -gt 0 ] || die "no ESP of the first tunnel was seen"
[ "$(captured outer.pcap 'esp and net 10.10.11.0/24' | wc -l)" -gt 0 ] || die "no ESP of the second tunnel was seen"
private="($clear_filter) or net 169.254.0.0/16"
[ -z "$(captured outer.pcap "$private")" ] || die "in clear: $(captured outer.pcap "$private" | head -n 3)"
