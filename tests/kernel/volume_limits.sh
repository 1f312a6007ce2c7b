#!/usr/bin/env bash
# SAs that may carry only so much are rekeyed before they reach their limit, by packets and by octets, and no
# packet is lost; one that reaches it all the same is replaced.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon

make_routers

serve() { # a line for [esp.modern] of r1
    configure r1
    printf '%s\n' "$1" >>"$configs/r1.toml"
    connect r1 vpn 10.10.10.5 10.10.10.4 'local_subnets = ["192.168.10.0/24"]' \
        'remote_subnets = ["192.168.20.0/24"]' 'start = "initiate"'
    configure r2
    connect r2 vpn 10.10.10.4 10.10.10.5 'local_subnets = ["192.168.20.0/24"]' \
        'remote_subnets = ["192.168.10.0/24"]'
}
spis() { ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort; }
have_limit() { # text
    [ "$(ip -netns r1 -statistics xfrm state | grep -cE "$1")" -ge 2 ]
}
told() { grep -c "$1" "$OUT/viaductd.log" || true; }

serve 'lifetime_packets = 1000'
start_daemon
await_state r1/vpn up
await 'limits of packets' have_limit 'soft [89][0-9][0-9]\(packets\), hard 1000\(packets\)'
# Of the peer, who has none, nothing is asked.
if ip -netns r2 -statistics xfrm state | found 'hard 1000'; then die 'limits at the peer'; fi
start_capture limits
before=$(spis)
start_flood 600
end_flood
[ "$lost" = 0 ] || die "$lost packets lost: $(xfrm_drops r1) $(xfrm_drops r2)"
[ "$(told 'soft limit of packets')" -ge 1 ] || die 'no soft limit of packets'
[ "$(told 'hard limit')" = 0 ] || die 'a hard limit was reached'
[ "$(spis)" != "$before" ] || die 'the child SA was not rekeyed'
echo "ok: $(told 'soft limit of packets') soft limits of packets"

before=$(spis)
serve 'lifetime_bytes = 1048576'
ask_daemon reload
await 'new child SAs' test "$(spis)" != "$before"
await 'limits of octets' have_limit 'soft [0-9]+\(bytes\), hard 1048576\(bytes\)'
ip netns exec host1 ping -q -i 0.002 -s 1300 -c 1000 192.168.20.20 >"$OUT/octets"
grep -q ' 0% packet loss' "$OUT/octets" || die "$(cat "$OUT/octets")"
[ "$(told 'soft limit of bytes')" -ge 1 ] || die 'no soft limit of bytes'
[ "$(told 'hard limit')" = 0 ] || die 'a hard limit was reached'
echo "ok: $(told 'soft limit of bytes') soft limits of octets"

# Without IKE there are no successors: the SA goes at its limit, and what it would carry does not leave in clear.
ip netns exec r2 nft -f - <<'NFT'
table inet cut {
  chain input { type filter hook input priority -500; udp dport { 500, 4500 } drop; }
}
NFT
ip netns exec host1 ping -q -i 0.01 -s 30000 -c 60 192.168.20.20 >"$OUT/cut" || true
await 'a hard limit' grep -q 'hard limit of bytes' "$OUT/viaductd.log"
if grep -q ' 0% packet loss' "$OUT/cut"; then die 'an SA carried more than it may'; fi
ip netns exec r2 nft delete table inet cut
await 'the tunnel again' reaches host1 192.168.20.20
stop_capture
leaked=$(captured limits "$clear_filter")
[ -z "$leaked" ] || die "in clear: $leaked"
stop_daemon
echo 'ok: a hard limit ends an SA'
