#!/usr/bin/env bash
# Two daemons with a tunnel over IPv6 for both families. Somebody deletes states, changes policies and flushes everything: the tunnel is
# whole again within seconds, the drift is reported, and nothing left in clear meanwhile.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_daemon() { # router, local address, peer address, local subnet, remote subnet, start
    mkdir -p "$OUT/$1.d"
    cat >"$OUT/$1.d/router.toml" <<TOML
[router]
name = "$1"
netns = "$1"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16-x25519"]
[[connection]]
name = "vpn"
ike = "modern"
esp = "modern"
local_address = "$2"
peer_address = "$3"
psk = "correct horse"
local_subnets = [$4]
remote_subnets = [$5]
start = "$6"
TOML
    chmod 600 "$OUT/$1.d/router.toml"
    viaductd --config "$OUT/$1.d" --foreground --control "$OUT/$1.sock" >"$OUT/$1.log" 2>&1 &
}
ask_daemon() { local router=$1; shift; viaduct --control "$OUT/$router.sock" "$@"; }
tunnel_works() { reaches host1 192.168.20.20 -c 1 -W 1 && reaches host1 fd00:20::20 -c 1 -W 1; }
networks1='"192.168.10.0/24", "fd00:10::/64"' networks2='"192.168.20.0/24", "fd00:20::/64"'
becomes() { # seconds, command…
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || { cat "$OUT"/r?.log >&2; die "not within the time: $*"; }
        sleep 0.2
    done
}
children() { ip -netns r1 xfrm state | grep -c '^src'; }
nothing_to_mend() { ask_daemon r1 plan | found 'as it was put there'; }
same_spis() { # the states of both ends are the same
    [ "$(ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort)" = "$(ip -netns r2 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort)" ]
}

# What the kernel says of requests that it only half understands.
complaints() { dmesg | grep -c "leftover after parsing attributes in process .viaductd" || true; }
complaints_before=$(complaints)
start_daemon r1 fd00:ffff::5 fd00:ffff::4 "$networks1" "$networks2" initiate
start_daemon r2 fd00:ffff::4 fd00:ffff::5 "$networks2" "$networks1" respond
peer=$!
# Before, the packets would travel in clear.
is_up() { ask_daemon r1 status vpn --json 2>/dev/null | found '"state": "up"'; }
becomes 20 is_up
start_capture drift.pcap
becomes 20 tunnel_works
becomes 20 nothing_to_mend

echo 'an outbound state is deleted'
spi=$(ip -netns r1 xfrm state | awk '/^src fd00:ffff::5/ { getline; print $4; exit }')
ip -netns r1 xfrm state delete src fd00:ffff::5 dst fd00:ffff::4 proto esp spi "$spi"
becomes 30 tunnel_works
grep -q "state missing: fd00:ffff::5 -> fd00:ffff::4 spi $spi" "$OUT/r1.log" || die "nobody was told"
becomes 15 same_spis

echo 'an inbound state is deleted'
spi=$(ip -netns r2 xfrm state | awk '/^src fd00:ffff::5/ { getline; print $4; exit }')
ip -netns r2 xfrm state delete src fd00:ffff::5 dst fd00:ffff::4 proto esp spi "$spi"
becomes 30 tunnel_works

echo 'a policy is deleted, another one changed'
# What looks every five seconds may have put it back already: then once more.
names_the_policy() { # plan or repair
    ip -netns r1 xfrm policy delete src fd00:10::/64 dst fd00:20::/64 dir out 2>/dev/null || true
    ask_daemon r1 "$1" | grep 'policy missing *out fd00:10::/64 -> fd00:20::/64'
}
becomes 15 names_the_policy plan
becomes 15 names_the_policy repair
becomes 5 nothing_to_mend
tunnel_works || die "the policy is back and the tunnel is not"
ip -netns r1 xfrm policy update src 192.168.20.0/24 dst 192.168.10.0/24 dir fwd action block
becomes 15 tunnel_works

echo 'everything is flushed'
ip -netns r1 xfrm state flush
ip -netns r1 xfrm policy flush
becomes 30 tunnel_works
becomes 15 nothing_to_mend
becomes 15 same_spis
ask_daemon r1 status --json | found '"kernel_differences": [1-9]' || die "the status does not count them"

echo 'the peer goes, and comes back'
kill $peer
wait $peer || true
plan_says_down() { ask_daemon r1 plan | grep 'connection down *vpn: '; }
becomes 15 plan_says_down
start_daemon r2 fd00:ffff::4 fd00:ffff::5 "$networks2" "$networks1" respond
repaired() { ask_daemon r1 repair >/dev/null && tunnel_works; }
becomes 20 repaired
becomes 15 nothing_to_mend

stop_capture
[ -z "$(captured drift.pcap "$clear_filter")" ] || die "something left in clear: $(captured drift.pcap "$clear_filter" | head -n 3)"
[ "$(captured drift.pcap esp | wc -l)" -gt 4 ] || die "nothing travelled in ESP"
[ "$(complaints)" = "$complaints_before" ] || die "the kernel complains: $(dmesg | grep viaductd | tail -n 1)"
jobs -pr | xargs kill
