#!/usr/bin/env bash
# A link between two routers becomes narrower than their own: the router before it drops ESP and tells who sent
# it. The hosts behind learn what fits from then on, in both directions, and TCP goes on; over both families, with
# ESP alone and in UDP.
#
#   host1 ──── r1 ──── outside ──── r2 ──── host2
#       10.10.10.5  .1         10.10.30.1  .4
#     fd00:ffff::5  ::1      fd00:fff3::1  ::4
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

ours[r2 4]=10.10.30.4 ours[r2 6]=fd00:fff3::4
connections=(four six)
inside=([four]=4 [six]=6) outside=([four]=4 [six]=6)
declare -A host1=([4]=192.168.10.10 [6]=fd00:10::10) host2=([4]=192.168.20.20 [6]=fd00:20::20)

# Here `outside` is a router, the bridge its link to r1.
make_gateways
ip -netns outside -batch - <<'BATCH'
link set to-r2 nomaster
addr add 10.10.10.1/24 dev bridge0
addr add fd00:ffff::1/64 dev bridge0 nodad
addr add 10.10.30.1/24 dev to-r2
addr add fd00:fff3::1/64 dev to-r2 nodad
BATCH
ip netns exec outside sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -netns r1 -batch - <<'BATCH'
route del 192.168.20.0/24
route del fd00:20::/64
route add default via 10.10.10.1
route add default via fd00:ffff::1
BATCH
ip -netns r2 -batch - <<'BATCH'
addr flush dev outer scope global
addr add 10.10.30.4/24 dev outer
addr add fd00:fff3::4/64 dev outer nodad
route add default via 10.10.30.1
route add default via fd00:fff3::1
BATCH

# The MTU of a route is as that of a link here, but may differ from the other end's, which r1 and r2 would know.
narrow() { # MTU
    ip -netns outside -batch - <<BATCH
route replace 10.10.10.0/24 dev bridge0 src 10.10.10.1 proto kernel mtu $1
route replace 10.10.30.0/24 dev to-r2 src 10.10.30.1 proto kernel mtu $1
BATCH
    ip -netns outside -6 -batch - <<BATCH
route replace fd00:ffff::/64 dev bridge0 proto kernel metric 256 mtu $1
route replace fd00:fff3::/64 dev to-r2 proto kernel metric 256 mtu $1
BATCH
}
forget() { # family, namespaces…
    local name
    for name in "${@:2}"; do ip -netns "$name" "-$1" route flush cache; done
}

# In both directions: who sends what no longer fits is told, once the router has been, and what fits passes.
learns() { # family, what fits inside
    local head=28 here
    [ "$1" = 4 ] || head=48
    for here in "host1 ${host2[$1]}" "host2 ${host1[$1]}"; do
        forget "$1" "${here% *}" "r${here:4:1}"
        ip netns exec "${here% *}" ping -c 2 -i 0.2 -W 0.3 -M 'do' -s 1370 "${here#* }" >"$OUT/ping" 2>&1 || true
        grep -qE "mtu ?= ?$2" "$OUT/ping" || die "${here% *} is not told of $2: $(cat "$OUT/ping")"
        ip netns exec "${here% *}" ping -q -c 1 -W 2 -M 'do' -s $(($2 - head)) "${here#* }" >"$OUT/ping" ||
            die "what fits does not pass from $here: $(cat "$OUT/ping")"
    done
}
# Without segments that the kernel would cut later, as from a card.
for name in host1 host2; do ip -netns $name link set inner gso_max_segs 1; done
ip netns exec host2 socat TCP4-LISTEN:7004,fork,reuseaddr EXEC:cat 2>/dev/null &
ip netns exec host2 socat TCP6-LISTEN:7006,fork,reuseaddr,ipv6only=1 EXEC:cat 2>/dev/null &
both_listen() { [ "$(ip netns exec host2 ss -Hltn | grep -cE ':700[46] ')" = 2 ]; }
declare -A echo_at=([4]=TCP4:192.168.20.20:7004 [6]='TCP6:[fd00:20::20]:7006')
# There and back.
echoes() { # family
    [ "$(head -c 300000 /dev/zero | timeout 20 ip netns exec host1 socat -t 20 - "${echo_at[$1]}" | wc -c)" = 300000 ]
}
all_echo() { # why
    local family
    for family in 4 6; do echoes $family || die "TCP stands still, IPv$family, $1"; done
}
clamps() { ip netns exec r1 nft list table inet viaduct | found "segment_$1 "; } # segment

router_file r1 'start = "initiate"'
router_file r2
start_daemon r1
start_daemon r2
wait_until 40 "the tunnels are up" is_up r1
wait_until 10 "host2 listens" both_listen
all_echo "before"

# Nobody knows, and TCP meets it first.
narrow 1400
all_echo "with 1400 octets"
learns 4 1346
learns 6 1326
echo 'ok: a narrow link'

# What the kernel has learned counts for TCP soon, without anybody's doing.
soon_clamps() { # segment of IPv4, of IPv6
    wait_until 20 "IPv4 in segments of $1" clamps "$1"
    wait_until 20 "IPv6 in segments of $2" clamps "$2"
}
soon_clamps 1306 1266

# Over IPv6 less than 1280 octets may be left, and IPv6 inside stands still: the kernel tells the hosts so, but they
# must not believe it (RFC 8200 section 5). With the clamp TCP comes through.
narrow 1280
learns 4 1226
for here in "host1 ${host2[6]}" "host2 ${host1[6]}"; do
    ip netns exec "${here% *}" ping -c 2 -i 0.2 -W 0.3 -M 'do' -s 1232 "${here#* }" >"$OUT/ping" || true
    grep -q 'mtu=1206' "$OUT/ping" || die "not told: $(cat "$OUT/ping")"
done
soon_clamps 1186 1146
all_echo "with 1280 octets"
echo 'ok: a very narrow link'

# As when what was learned has grown old.
narrow 1500
for family in 4 6; do forget $family r1 r2; done
soon_clamps 1406 1366
all_echo "with 1500 octets again"
# Nothing changes where nothing changed.
handles() { ip netns exec r1 nft -a list table inet viaduct; }
before=$(handles)
sleep 17
[ "$(handles)" = "$before" ] || die "the table changed: $(diff <(echo "$before") <(handles))"
echo 'ok: a wide link again'

# In UDP the errors are about datagrams of port 4500, and the kernel heeds them all the same.
narrow 1500
for family in 4 6; do forget $family r1 r2; done
router_file r1 'start = "initiate"' 'encapsulation = "always"'
viaduct_at r1 reload
wait_until 20 "IPv4 in UDP" clamps 1398
wait_until 20 "IPv6 in UDP" clamps 1358
wait_until 20 "the tunnels are up" is_up r1
narrow 1400
learns 4 1338
learns 6 1318
all_echo "in UDP"
[ "$(ip -netns r1 xfrm state | grep -c 'encap type espinudp')" -ge 4 ] || die "not in UDP: $(ip -netns r1 xfrm state)"
stop_daemon r1
stop_daemon r2
