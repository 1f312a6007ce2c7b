#!/usr/bin/env bash
# A router's namespace is deleted while packets travel through its tunnel: while it dies nothing between the
# networks is outside in clear, and the daemon lets go of it.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

make_gateways
router_file r1 'start = "initiate"'
router_file r2
# Without a guard the networks reach each other, so the capture sees what would leak.
start_capture before.pcap "$clear_filter"
reaches host1 192.168.20.20
stop_capture
[ "$(captured before.pcap '' | wc -l)" -gt 0 ] || die "this test shows nothing"

start_daemon r1
start_daemon r2
wait_until 40 "the tunnel is up" is_up r1
reaches host1 192.168.20.20 || die "no answer"
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
ip netns exec r2 sleep 60 &
holder=$!
holds() { [ "$(ip netns identify "$holder")" = r2 ]; }
wait_until 20 "somebody holds r2" holds
forwarding() { ip -netns "$1" xfrm policy getdefault | grep -q "fwd: *$2"; }
ip netns del r2
lost() { grep -q 'its namespace went away' "$OUT/r2.log"; }
wait_until 20 "r2 is missed" lost
ip netns attach held "$holder"
blocked() { forwarding held block; }
wait_until 20 "nothing passes in clear" blocked
ip netns attach r2 "$holder"
wait_until 20 "r2 runs again" daemon_runs r2
forwarding r2 accept || die "$(ip -netns r2 xfrm policy getdefault)"
kill "$holder"
stop_daemon r1
stop_daemon r2
