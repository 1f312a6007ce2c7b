#!/usr/bin/env bash
# The outer addresses of r1 change under running tunnels, as with DHCP and router advertisements: the new before
# the old goes, and the old before a new comes; then the default route moves to another link. Connections
# with local_address = "auto" follow by themselves, their peer with them, and nothing of the old address is left.
# One with an address of its own waits for that, and for its return. Meanwhile the hosts send all the time, and
# nothing of it leaves in clear.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers

# The peer is behind the default routes, r2 at the other end of both links.
ip -netns r2 -batch - <<'BATCH'
addr add 10.10.20.4/24 dev outer
addr add 10.10.30.4/32 dev outer
addr add fd00:eeee::4/64 dev outer nodad
addr add fd00:dddd::4/128 dev outer nodad
addr add 192.168.40.1/24 dev inner
addr add 192.168.60.1/24 dev inner
BATCH
ip link add second netns r1 type veth peer name to-r1-second netns outside
ip -netns outside link set to-r1-second master bridge0 up
ip -netns r1 -batch - <<'BATCH'
link set second up
addr add 10.10.20.5/24 dev second
addr add fd00:eeee::5/64 dev second nodad
addr add 192.168.30.1/24 dev inner
addr add 192.168.50.1/24 dev inner
BATCH
ip -netns host1 -batch - <<'BATCH'
addr add 192.168.30.10/24 dev inner
addr add 192.168.50.10/24 dev inner
BATCH
ip -netns host2 -batch - <<'BATCH'
addr add 192.168.40.20/24 dev inner
addr add 192.168.60.20/24 dev inner
BATCH
ip -netns r2 route add 192.168.30.0/24 via 10.10.10.5
ip -netns r2 route add 192.168.50.0/24 via 10.10.10.5
# As systemd has it: a second address of a network outlives the first.
ip netns exec r1 sysctl -qw net.ipv4.conf.all.promote_secondaries=1
# What a tunnel does not take goes out in clear by the default route.
ip -netns r1 route flush root 192.168.20.0/24
ip -netns r1 -6 route flush root fd00:20::/64 2>/dev/null
lease() { # its own addresses, of the routes: IPv4, IPv6
    ip -netns r1 route replace default via 10.10.10.4 dev outer src "$1" proto dhcp
    ip -netns r1 -6 route replace default via fd00:ffff::4 dev outer src "$2" proto ra
}
lease 10.10.10.5 fd00:ffff::5

configure r1
for family in 4 6; do
    [ $family = 4 ] && peer=10.10.30.4 subnets=(192.168.10.0/24 192.168.20.0/24)
    [ $family = 6 ] && peer=fd00:dddd::4 subnets=(fd00:10::/64 fd00:20::/64)
    connect r1 auto$family auto "$peer" "local_id = \"r1-$family\"" "local_subnets = [\"${subnets[0]}\"]" \
        "remote_subnets = [\"${subnets[1]}\"]" 'start = "initiate"'
    [ -f "$configs/r2.toml" ] || configure r2
    connect r2 auto$family "$peer" any "peer_id = \"r1-$family\"" "local_subnets = [\"${subnets[1]}\"]" \
        "remote_subnets = [\"${subnets[0]}\"]"
done
# Over IKEv1, to a peer that keeps what nobody tells it to forget.
for router in r1 r2; do
    printf '[ike.old]\nversion = 1\nproposals = ["aes256-sha256-x25519"]\n' >>"$configs/$router.toml"
done
ike_policy=old connect r1 old auto 10.10.30.4 'local_id = "r1-old"' 'local_subnets = ["192.168.50.0/24"]' \
    'remote_subnets = ["192.168.60.0/24"]' 'start = "initiate"'
ike_policy=old connect r2 old 10.10.30.4 any 'peer_id = "r1-old"' 'local_subnets = ["192.168.60.0/24"]' \
    'remote_subnets = ["192.168.50.0/24"]' 'unique = "never"' 'dpd = { interval = "0s" }'
connect r1 late 10.10.10.77 10.10.10.4 'local_subnets = ["192.168.30.0/24"]' \
    'remote_subnets = ["192.168.40.0/24"]' 'start = "initiate"'
connect r2 late 10.10.10.4 10.10.10.77 'local_subnets = ["192.168.40.0/24"]' \
    'remote_subnets = ["192.168.30.0/24"]'

in_kernel() { ip -netns "$1" xfrm state && ip -netns "$1" xfrm policy; } # router
knows() { in_kernel "$1" | found -wF -- "$2"; }                          # router, address
knows_not() { if knows "$@"; then return 1; fi; }
# What was under way along the old way is still taken in for a minute.
uses_not() { # router, address of r1
    local old="^src .* dst $2\$"
    if [ "$1" = r2 ]; then old="^src $2 dst "; fi
    if in_kernel "$1" | grep -v "$old" | found -wF -- "$2"; then return 1; fi
}
has_code() { ask_daemon status --json "$1" | found "\"code\": \"$2\""; } # connection, code
passes() { ip netns exec host1 ping -q -c 1 -W 1 "$@" >/dev/null; }      # address, ping options…
moves=0
# Each time r2 learned that the phase 1 before is over.
was_told() {
    [ "$(grep -c 'IKE SA closed: closed by the peer router=r2 connection=old' "$OUT/viaductd.log")" = $moves ]
}
established() { grep -c "IKE SA established.*router=r1.*connection=$1" "$OUT/viaductd.log" || true; }

# Both tunnels work from these addresses, at both ends, and nothing leads to those before. The time counts: a
# peer that is not told goes on sending to the old address until it looks for itself, 15 seconds later.
follow_to() { # IPv4, IPv6, those before
    local begun=$SECONDS
    for router in r1 r2; do
        await "$router knows $1" knows $router "$1"
        await "$router knows $2" knows $router "$2"
    done
    await 'IPv4 passes' passes 192.168.20.20
    await 'IPv6 passes' passes fd00:20::20
    await 'IPv4 passes over IKEv1' passes 192.168.60.20 -I 192.168.50.10
    [ $((SECONDS - begun)) -lt 10 ] || die "it took $((SECONDS - begun)) seconds to follow to $1"
    for router in r1 r2; do
        for old in "${@:3}"; do await "$router does not use $old" uses_not $router "$old"; done
    done
    [ $# -lt 3 ] || moves=$((moves + 1))
    await 'r2 is told that the old phase 1 is over' was_told
}

start_capture outer.pcap
start_daemon
pings=()
for words in 'host1 192.168.20.20' 'host1 fd00:20::20' 'host1 192.168.40.20 -I 192.168.30.10' \
    'host1 192.168.60.20 -I 192.168.50.10' 'host2 192.168.50.10 -I 192.168.60.20' \
    'host2 192.168.10.10' 'host2 fd00:10::10' 'host2 192.168.30.10 -I 192.168.40.20'; do
    # shellcheck disable=SC2086 # words
    ip netns exec ${words%% *} ping -q -i 0.02 ${words#* } >/dev/null 2>&1 &
    pings+=($!)
done
follow_to 10.10.10.5 fd00:ffff::5
has_code r1/late no_local_address || die "late does not say that its address is not there"

# The new addresses before the old ones go.
ip -netns r1 addr add 10.10.10.6/24 dev outer
ip -netns r1 addr add fd00:ffff::6/64 dev outer nodad
lease 10.10.10.6 fd00:ffff::6
ip -netns r1 addr del 10.10.10.5/24 dev outer
ip -netns r1 addr del fd00:ffff::5/64 dev outer
follow_to 10.10.10.6 fd00:ffff::6 10.10.10.5 fd00:ffff::5

# The old ones go first, with all routes of the link; its networks may come back before the router's address does.
ip -netns r1 addr del 10.10.10.6/24 dev outer
ip -netns r1 addr del fd00:ffff::6/64 dev outer
ip -netns r1 -6 route flush default
await 'there is no route' grep -q 'has no route to 10.10.30.4 .*connection=auto4' "$OUT/viaductd.log"
await 'there is no route of IPv6' grep -q 'has no route to fd00:dddd::4 .*connection=auto6' "$OUT/viaductd.log"
ip -netns r1 addr add 10.10.10.7/24 dev outer
ip -netns r1 addr add fd00:ffff::7/64 dev outer nodad
lease 10.10.10.7 fd00:ffff::7
follow_to 10.10.10.7 fd00:ffff::7 10.10.10.6 fd00:ffff::6

# The address of late appears, goes, and comes back to the same SAs.
ip -netns r1 addr add 10.10.10.77/24 dev outer
await_state r1/late up
passes 192.168.40.20 -I 192.168.30.10 || die 'late is up and nothing passes'
before=$(established late)
ip -netns r1 addr del 10.10.10.77/24 dev outer
if passes 192.168.40.20 -I 192.168.30.10; then die 'it passes from an address that is not there'; fi
ip -netns r1 addr add 10.10.10.77/24 dev outer
await 'late passes again' passes 192.168.40.20 -I 192.168.30.10
[ "$(established late)" = "$before" ] || die 'late has new SAs'

# The default routes move to the other link, the addresses of the first one stay. Late has a route of its own.
ip -netns r1 route replace default via 10.10.20.4 dev second
ip -netns r1 -6 route replace default via fd00:eeee::4 dev second proto ra
follow_to 10.10.20.5 fd00:eeee::5 10.10.10.7 fd00:ffff::7
is_in r1/late up || die 'late went with the default route'
passes 192.168.40.20 -I 192.168.30.10 || die 'late does not pass beside the moved default route'

kill "${pings[@]}"
forgotten() { knows_not "$1" 10.10.10.5 && knows_not "$1" fd00:ffff::5; } # router
for router in r1 r2; do
    end=$((SECONDS + 70))
    until forgotten $router; do
        [ $SECONDS -lt $end ] || die "$router remembers: $(in_kernel $router)"
        sleep 0.5
    done
done
stop_daemon
stop_capture
[ -z "$(captured outer.pcap "$clear_filter")" ] || die "in clear: $(captured outer.pcap "$clear_filter" | head -n 3)"
captured outer.pcap 'esp or ip6 proto 50' >"$OUT/esp.txt"
for address in 10.10.10.5 10.10.10.6 10.10.10.7 10.10.20.5 10.10.10.77 fd00:ffff::5 fd00:ffff::6 fd00:ffff::7 fd00:eeee::5; do
    for end in " $address > " " > $address: "; do
        found -F "$end" "$OUT/esp.txt" || die "no ESP with '$end'"
    done
done
echo "ok: $(wc -l <"$OUT/esp.txt") packets in ESP, none in clear"
