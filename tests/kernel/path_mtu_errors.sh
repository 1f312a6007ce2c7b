#!/usr/bin/env bash
# ICMP errors about what the tunnel carried come back through it, although their senders are outside of the
# selectors: from the far gateway itself, and from a router behind it. None travels in clear.
#
#   host1 ──── r1 ═══════ r2 ──── deep ──── host3
#                          172.31.0.1  .2    192.168.40.40
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
for name in deep host3; do
    ip netns add "$name"
    ip netns exec "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
done
ip link add behind netns r2 type veth peer name ahead netns deep
ip link add behind netns deep type veth peer name ahead netns host3
ip -netns r2 -batch - <<'BATCH'
link set behind up
addr add 172.31.0.1/30 dev behind
addr add fd00:31::1/64 dev behind nodad
route add 192.168.40.0/24 via 172.31.0.2
route add fd00:40::/64 via fd00:31::2
BATCH
ip -netns deep -batch - <<'BATCH'
link set ahead up
addr add 172.31.0.2/30 dev ahead
addr add fd00:31::2/64 dev ahead nodad
link set behind up
addr add 192.168.40.1/24 dev behind
addr add fd00:40::1/64 dev behind nodad
route add default via 172.31.0.1
route add default via fd00:31::1
BATCH
ip -netns host3 -batch - <<'BATCH'
link set ahead up
addr add 192.168.40.40/24 dev ahead
addr add fd00:40::40/64 dev ahead nodad
route add default via 192.168.40.1
route add default via fd00:40::1
BATCH
ip -netns r1 route add 192.168.40.0/24 via 10.10.10.4
ip -netns r1 route add fd00:40::/64 via fd00:ffff::4

start_tool r1
start_tool r2
ours=192.168.10.0/24,fd00:10::/64 theirs=192.168.40.0/24,fd00:40::/64
ask r1 install 1 side=left "local=$ours remote=$theirs"
ask r2 install 1 side=right "local=$ours remote=$theirs"
ask r1 firewall '192.168.10.0/24>192.168.40.0/24' 'fd00:10::/64>fd00:40::/64'
ask r2 firewall '192.168.40.0/24>192.168.10.0/24' 'fd00:40::/64>fd00:10::/64'
for address in 192.168.40.40 fd00:40::40; do
    reaches host1 "$address" || die "no way to $address"
done

# A link that is narrower than the tunnel. The first packet meets it, the error is heard, and the next says so.
learns() { # the router that has the narrow link, its name for it, address, its MTU
    ip -netns "$1" link set "$2" mtu "$4"
    ip netns exec host1 ping -c 2 -i 0.3 -W 2 -M 'do' -s 1330 "$3" >"$OUT/ping" 2>&1 || true
    grep -qE "mtu ?= ?$4" "$OUT/ping" || die "$1's error about $3 does not arrive: $(cat "$OUT/ping") $(xfrm_drops r1) $(xfrm_drops r2)"
    grep '^From' "$OUT/ping" | head -n 1
    ip -netns host1 route get "$3" | found "mtu $4" || die "host1 does not know: $(ip -netns host1 route get "$3")"
    ip -netns "$1" link set "$2" mtu 1500
    ip -netns host1 route flush cache
    ip -netns host1 -6 route flush cache
}
# Without the flag of its policy the far gateway keeps the error to itself: this test shows something.
out_policy() { # flag…
    ip -netns r2 xfrm policy update src 192.168.40.0/24 dst 192.168.10.0/24 dir out priority 193856 "$@" \
        tmpl src 10.10.10.4 dst 10.10.10.5 proto esp reqid 7 mode tunnel
}
out_policy
ip -netns deep link set behind mtu 1290
ip netns exec host1 ping -c 2 -i 0.3 -W 1 -M 'do' -s 1330 192.168.40.40 >"$OUT/ping" 2>&1 || true
if grep -q 'mtu' "$OUT/ping"; then die "it arrives without the flag: $(cat "$OUT/ping")"; fi
ip -netns deep link set behind mtu 1500
out_policy flag icmp

start_capture errors.pcap
for address in 192.168.40.40 fd00:40::40; do
    learns r2 behind "$address" 1300
    learns deep behind "$address" 1290
done

# Other errors likewise: nobody is there.
ip netns exec host1 ping -c 1 -W 5 192.168.40.77 >"$OUT/ping" 2>&1 || true
grep -q 'From 172.31.0.2 .*Destination Host Unreachable' "$OUT/ping" || die "no error: $(cat "$OUT/ping")"
stop_capture
leaked=$(captured errors.pcap "$clear_filter or icmp or icmp6[0] <= 4 or ip net 172.31.0.0/24 or ip6 net fd00:31::/64")
[ -z "$leaked" ] || die "in clear: $leaked"
[ "$(ask r1 dropped) $(ask r2 dropped)" = '0 0 0 0' ] || die "the guard dropped: $(ask r1 dropped) $(ask r2 dropped)"
