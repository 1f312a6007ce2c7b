#!/usr/bin/env bash
# The whole life of a tunnel over IPv4 and of one over IPv6 under a stream of packets, with routers that
# masquerade: while they are negotiated, rekeyed, reconfigured, while a daemon or its peer is killed, stopped, missing, and while the
# ruleset is flushed, nothing between the networks is ever outside in clear.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

# r1's table is its daemon's alone, where the kernel can do that.
daemon_options=([r2]=--shared-table)
connections=(vpn six)
inside=([vpn]=4 [six]=6) outside=([vpn]=4 [six]=6)
make_gateways
router_file r1 'start = "initiate"' 'dpd = { interval = "2s" }'
router_file r2

# From before the first guard on: what passes until then is seen, so the capture sees what would leak.
start_capture life.pcap
for address in 192.168.20.20 fd00:20::20; do
    reaches host1 "$address" || die "this test shows nothing: the networks do not reach each other"
done
for family in ip ip6; do
    before=$(captured life.pcap "$family and ($clear_filter)" | wc -l)
    [ "$before" -ge 3 ] || die "this test shows nothing: the capture saw $before clear packets of $family"
done
# What r1 itself sent in clear. Answers to what r2 masqueraded before it had a guard go to r2 itself: no
# traffic between the networks for r1.
clear_of_r1() {
    captured life.pcap "($clear_filter) and not dst host 10.10.10.4 and not dst host fd00:ffff::4 and \
        ether src $(ip netns exec r1 cat /sys/class/net/outer/address)" | wc -l
}

start_daemon r1
reaches host1 192.168.20.20 -c 1 -W 1 && die "reached before there is a tunnel"
seen=$(clear_of_r1)
[ "$seen" -ge 6 ] || die "this test shows nothing: r1 sent $seen packets in clear before it had a guard"
streams=()
for address in 192.168.20.20 fd00:20::20; do
    ip netns exec host1 ping -q -i 0.05 "$address" >/dev/null &
    streams+=($!)
done
stream_from_host2() {
    local address
    from_host2=()
    for address in 192.168.10.10 fd00:10::10; do
        ip netns exec host2 ping -q -i 0.05 "$address" >/dev/null &
        from_host2+=($!)
    done
}
stream_from_host2
# r2 has no guard yet, and its hosts' packets are outside; they are what must not come in.
step() { echo "--- $SECONDS s: $*"; }
answered() { ip netns exec host1 ping -q -c 1 -W 1 192.168.20.20 >/dev/null && ip netns exec host1 ping -q -c 1 -W 1 fd00:20::20 >/dev/null; }

step "established"
start_daemon r2
wait_until 40 "both tunnels are up" is_up r1
wait_until 20 "answers" answered
# Without a gap between them.
life=$capture life_err=$capture_err
start_capture guarded.pcap
guarded=$capture guarded_err=$capture_err
capture=$life capture_err=$life_err
stop_capture
capture=$guarded capture_err=$guarded_err

step "rekeyed"
for name in "${connections[@]}"; do
    viaduct_at r1 rekey "$name"
    viaduct_at r1 rekey --ike "$name"
    viaduct_at r2 rekey "$name"
done
answered || die "no answer after the rekeys"

step "reloaded, with another connection and without it again"
cat >>"$OUT/r1.d/router.toml" <<'TOML'
[[connection]]
name = "more"
ike = "modern"
esp = "modern"
local_address = "10.10.10.5"
peer_address = "10.10.10.9"
psk = "x"
local_subnets = ["10.1.0.0/16"]
remote_subnets = ["10.2.0.0/16"]
TOML
viaduct_at r1 reload
ip netns exec r1 nft list set inet viaduct out4 | found '10.1.0.0/16 . 10.2.0.0/16' || die "not guarded"
router_file r1 'start = "initiate"' 'dpd = { interval = "2s" }'
viaduct_at r1 reload
ip netns exec r1 nft list set inet viaduct out4 | found 10.1.0.0 && die "still guarded"
answered || die "no answer after the reload"
# Nobody changed anything: nothing is touched.
handle() { ip netns exec "$1" nft -a list table inet viaduct | sed -n '1s/.*# handle //p'; }
handles=$(handle r1)
viaduct_at r1 reload
[ "${handles:?}" = "$(handle r1)" ] || die "a reload replaced the table of a router that did not change"

# New flows, one a packet: a mapping of NAT that a flow has already would outlive the rules.
new_flows() {
    ip netns exec host1 python3 -c '
import contextlib, itertools, socket, time
ends = [("192.168.20.20", socket.AF_INET), ("fd00:20::20", socket.AF_INET6)]
for number in itertools.count():
    for address, family in ends:
        with socket.socket(family, socket.SOCK_DGRAM) as flow, contextlib.suppress(OSError):
            flow.sendto(b"x", (address, 7))
    time.sleep(0.002)' &
    streams+=($!)
}
step "the ruleset is flushed and loaded again, in one transaction that masquerades at once"
if ip netns exec r1 nft 'add table inet probe { flags owner, persist; }' 2>/dev/null; then
    ip netns exec r1 nft delete table inet probe
    ip netns exec r1 nft list table inet viaduct | found 'flags owner,persist' || die "the table has no owner"
    new_flows
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        { echo 'flush ruleset'; masquerading; } | ip netns exec r1 nft -f -
        [ "$(handle r1)" = "$handles" ] || die "the flush took the table: $(handle r1), not $handles"
    done
    kill "${streams[-1]}"
    unset 'streams[-1]'
    for change in 'flush chain inet viaduct guard_forward' 'delete table inet viaduct'; do
        # shellcheck disable=SC2086 # words
        refused=$(ip netns exec r1 nft $change 2>&1) && die "$change: allowed"
        grep -q 'Operation not permitted' <<<"$refused" || die "$change: $refused"
    done
else
    echo "this kernel knows no owners of tables that stay"
fi
answered || die "no answer after the flush"

step "where others may change the table, what they do is undone: the ruleset is flushed"
# Flows that r2 masqueraded before it had a guard would go on as they were while it has none again.
kill "${from_host2[@]}"
stream_from_host2
ip netns exec host2 ping -q -c 2 192.168.10.10 >/dev/null || die "no answer to host2"
for _ in 1 2 3; do
    ip netns exec r2 nft flush ruleset
    flushed=$(date +%s%N)
    until has_table r2; do
        # A second is promised; an emulated machine that is kept busy may need more.
        [ $((($(date +%s%N) - flushed) / 1000000)) -lt 5000 ] || die "no table after the flush"
    done
    echo "back after at most $((($(date +%s%N) - flushed) / 1000000)) ms"
    masquerade r2
done
answered || die "no answer after the flush"
step "a part of the table is deleted, and it is replaced"
ip netns exec r2 nft flush chain inet viaduct guard_forward
guards() { ip netns exec r2 nft list chain inet viaduct guard_forward | found '@out4'; }
wait_until 5 "the rules are there again" guards
ip netns exec r2 nft delete chain inet viaduct null_source
has_chain() { ip netns exec r2 nft list chain inet viaduct null_source >/dev/null 2>&1; }
wait_until 5 "the chain is there again" has_chain
# Another table is nobody's business.
handles=$(handle r2)
ip netns exec r2 nft add table inet foreign
ip netns exec r2 nft delete table inet foreign
sleep 0.3
[ "$(handle r2)" = "$handles" ] || die "the table was replaced although nobody touched it"
answered || die "no answer after the repairs"

step "the daemon is killed, its SAs end, another one takes over"
kill_daemon r1
answered || die "no answer without a daemon"
# A policy without states would have the packets leave states behind that wait for half a minute.
ip -netns r1 xfrm policy flush
ip -netns r1 xfrm state flush
for _ in 1 2 3 4 5 6; do answered && die "answers without SAs"; done
start_daemon r1
wait_until 60 "the tunnel is up again" is_up r1
wait_until 20 "answers again" answered

step "the peer is killed and comes back"
kill_daemon r2
ip -netns r2 xfrm policy flush
ip -netns r2 xfrm state flush
sleep 1
start_daemon r2
wait_until 60 "answers after the peer's death" answered

step "the daemon is stopped and started"
counted=$(guard_counts r1)
stop_daemon r1
left=$(ip -netns r1 xfrm state; ip -netns r1 xfrm policy)
[ -z "$left" ] || die "SAs or policies are left: $left"
has_table r1 || die "the table went with the daemon"
ip netns exec r1 nft list table inet viaduct | found 'flags.*owner' && die "the table has an owner that is no more"
answered && die "answers without a daemon"
start_daemon r1
wait_until 60 "the tunnel is up after the restart" is_up r1
echo "counted before the restart $counted, after it $(guard_counts r1)"
[ "$(guard_counts r1 | cut -d' ' -f1)" -gt "${counted% *}" ] || die "the count did not go on"

step "the peer is stopped"
stop_daemon r2
wait_until 20 "the tunnel goes down" is_down r1
answered && die "answers without the peer"

step "the end"
stop_capture
leaked=$(captured guarded.pcap "$clear_filter")
[ -z "$leaked" ] || die "leaked: $(head -n 5 <<<"$leaked")"
for family in ip ip6; do
    esp=$(captured guarded.pcap "$family proto 50" | wc -l)
    [ "$esp" -gt 100 ] || die "only $esp packets of $family in ESP"
    echo "$esp packets of $family in ESP, none in clear"
done
kill "${streams[@]}" "${from_host2[@]}" 2>/dev/null || true
# r1's own guard stood all the time: what r1 sent in clear was before it.
own=$(clear_of_r1)
echo "clear packets of r1: $seen before its guard, $own in all"
[ "$own" -eq "$seen" ] || die "r1 sent in clear while the tunnel was negotiated"
stop_daemon r1
