#!/usr/bin/env bash
# A router's namespace is deleted while packets travel through its tunnels, IPv4 in IPv6 and IPv6 in IPv4: while it
# dies nothing between the networks is outside in clear, and the daemon lets go of it.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

connections=(vpn six)
inside=([vpn]=4 [six]=6) outside=([vpn]=6 [six]=4)
make_gateways
router_file r1 'start = "initiate"'
router_file r2
# Without a guard the networks reach each other, so the capture sees what would leak.
start_capture before.pcap "$clear_filter"
reaches host1 192.168.20.20
reaches host1 fd00:20::20
stop_capture
for family in ip ip6; do
    [ "$(captured before.pcap $family | wc -l)" -gt 0 ] || die "this test shows nothing of $family"
done

start_daemon r1
start_daemon r2
wait_until 40 "both tunnels are up" is_up r1
for address in 192.168.20.20 fd00:20::20; do
    reaches host1 "$address" || die "no answer from $address"
done
start_capture clear.pcap "$clear_filter"
# Two in each direction and family at once.
pinging=()
for address in 192.168.20.20 fd00:20::20; do
    ip netns exec host1 ping -q -i 0.001 "$address" >/dev/null 2>&1 &
    pinging+=($!)
done
for address in 192.168.10.10 fd00:10::10; do
    ip netns exec host2 ping -q -i 0.001 "$address" >/dev/null 2>&1 &
    pinging+=($!)
done
sleep 1
ip netns del r1
is_gone() { ! ip -netns outside link show to-r1 >/dev/null 2>&1; }
wait_until 20 "the namespace is gone, and with it its end of the link" is_gone
grep -q 'its namespace went away' "$OUT/r1.log" || die "nobody was told"
sleep 0.5
kill "${pinging[@]}"
stop_capture
leaked=$(captured clear.pcap '')
[ -z "$leaked" ] || die "leaked: $(wc -l <<<"$leaked"): $(head -n 5 <<<"$leaked")"

# One that somebody else holds on to passes on nothing in clear, until it has a name and a router again.
ip netns exec r2 sleep infinity &
holder=$!
holds() { [ "$(ip netns identify "$holder")" = r2 ]; }
wait_until 20 "somebody holds r2" holds
ip netns attach held "$holder"
forwarding() { ip -netns "$1" xfrm policy getdefault | found "fwd: *$2"; }
lose_name() {
    local before
    before=$(grep -c 'its namespace went away' "$OUT/r2.log" || true)
    ip netns del r2
    lost() { [ "$(grep -c 'its namespace went away' "$OUT/r2.log")" -gt "$before" ]; }
    wait_until 20 "r2 is missed" lost
}
lose_name
wait_until 20 "nothing passes in clear" forwarding held block
# Who takes it over lets it forward behind the guard, and not before.
start_capture takeover.pcap "$clear_filter"
ip netns exec host2 ping -q -i 0.001 192.168.10.10 >/dev/null 2>&1 &
sender=$!
ip netns attach r2 "$holder"
wait_until 20 "r2 passes on again" forwarding r2 accept
has_mark() { ip netns exec r2 nft list chain inet viaduct abandoned >/dev/null 2>&1; }
has_no_mark() { ! has_mark; }
wait_until 20 "the mark goes" has_no_mark
daemon_runs r2 || die "r2 does not run"

# Also when another daemon takes it over.
lose_name
wait_until 20 "nothing passes in clear" forwarding held block
kill -9 "${daemon[r2]}"
wait "${daemon[r2]}" || true
ip netns attach r2 "$holder"
start_daemon r2
wait_until 20 "another daemon lets r2 pass on" forwarding r2 accept
sleep 0.5
kill "$sender"
stop_capture
leaked=$(captured takeover.pcap '')
[ -z "$leaked" ] || die "leaked at a takeover: $(wc -l <<<"$leaked"): $(head -n 5 <<<"$leaked")"

# What an operator has closed stays closed.
ip -netns r2 xfrm policy setdefault fwd block
lose_name
ip netns attach r2 "$holder"
wait_until 20 "r2 runs again" daemon_runs r2
is_negotiating() { up=$(grep -c 'router is running' "$OUT/r2.log") && [ "$up" -ge 4 ]; }
wait_until 20 "r2 is taken over" is_negotiating
forwarding r2 block || die "$(ip -netns r2 xfrm policy getdefault)"
ip -netns r2 xfrm policy setdefault fwd accept

# Removing the guard by hand opens what the daemon had closed.
lose_name
wait_until 20 "nothing passes in clear" forwarding held block
kill -9 "${daemon[r2]}"
wait "${daemon[r2]}" || true
ip netns attach r2 "$holder"
viaductd --remove-guard --config "$OUT/r2.d" --control "$(control r2)" | tee "$OUT/removed"
grep -q 'r2: removed table inet viaduct, .*; it forwards again' "$OUT/removed" || die "it does not say what it did"
forwarding r2 accept || die "still closed: $(ip -netns r2 xfrm policy getdefault)"
kill "$holder"

# The daemon's own network is not closed when one of its names goes.
touch /run/netns/own
mount --bind /proc/self/ns/net /run/netns/own
sed 's/^name = "r1"/name = "own"/; s/^netns = "r1"/netns = "own"/; s/^start = .*//' "$OUT/r1.d/router.toml" >"$OUT/own.toml"
chmod 600 "$OUT/own.toml"
mv "$OUT/own.toml" "$OUT/r1.d/own.toml"
viaduct_at r1 reload
own_runs() { viaduct_at r1 status --json own | found '"state": "running"'; }
wait_until 20 "a router in the daemon's own network" own_runs
umount --lazy /run/netns/own
rm /run/netns/own
own_waits() { viaduct_at r1 status --json own | found '"state": "waiting"'; }
wait_until 20 "it is missed" own_waits
ip xfrm policy getdefault | found 'fwd: *accept' || die "the daemon's own network was closed"
stop_daemon r1
