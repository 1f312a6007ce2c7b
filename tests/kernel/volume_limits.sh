#!/usr/bin/env bash
# SAs that may carry only so much are rekeyed before they reach their limit, by packets and by octets, and no
# packet is lost; one that reaches it all the same is replaced. Of two connections at a time, over IPv4 and IPv6.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon

make_routers

serve() { # a line for [esp.modern] of r1
    configure r1
    printf '%s\n' "$1" >>"$configs/r1.toml"
    connect r1 four 10.10.10.5 10.10.10.4 'local_subnets = ["192.168.10.0/24"]' \
        'remote_subnets = ["192.168.20.0/24"]' 'start = "initiate"'
    connect r1 six fd00:ffff::5 fd00:ffff::4 'local_subnets = ["fd00:10::/64"]' \
        'remote_subnets = ["fd00:20::/64"]' 'start = "initiate"'
    configure r2
    connect r2 four 10.10.10.4 10.10.10.5 'local_subnets = ["192.168.20.0/24"]' \
        'remote_subnets = ["192.168.10.0/24"]'
    connect r2 six fd00:ffff::4 fd00:ffff::5 'local_subnets = ["fd00:20::/64"]' \
        'remote_subnets = ["fd00:10::/64"]'
}
declare -A gateway=([four]=10.10.10.5 [six]=fd00:ffff::5) host=([four]=192.168.20.20 [six]=fd00:20::20)
have_limit() { # text; both SAs of both
    [ "$(ip -netns r1 -statistics xfrm state | grep -cE "$1")" -ge 4 ]
}
declare -A spis
note_spis() {
    local name
    for name in four six; do
        spis[$name]=$(ip -netns r1 xfrm state | grep -wA 1 "${gateway[$name]}" | sed -n 's/.*spi 0x\([0-9a-f]*\).*/\1/p')
    done
}
# Of the SAs that were noted.
told() { # text, connection
    grep "$1" "$OUT/viaductd.log" | found -F "${spis[$2]}"
}
were_rekeyed() { # at which limit
    local name
    for name in four six; do
        told "soft limit of $1" $name || die "no soft limit of $1 of $name"
        ip -netns r1 xfrm state | grep -w -A 1 "${gateway[$name]}" | grep 'spi 0x' | found -vF "${spis[$name]}" ||
            die "the child SA of $name was not rekeyed"
    done
    if grep 'hard limit' "$OUT/viaductd.log"; then die 'a hard limit was reached'; fi
    echo "ok: $(grep -c "soft limit of $1" "$OUT/viaductd.log") soft limits of $1"
}

serve 'lifetime_packets = 1000'
start_daemon
await_state r1/four up
await_state r1/six up
await 'limits of packets' have_limit 'soft [89][0-9][0-9]\(packets\), hard 1000\(packets\)'
# Of the peer, who has none, nothing is asked.
if ip -netns r2 -statistics xfrm state | found 'hard 1000'; then die 'limits at the peer'; fi
start_capture limits
note_spis
# IPv4 from host1, IPv6 from host2.
start_flood 1200 192.168.20.20 fd00:10::10
end_flood
[ "$lost" = 0 ] || die "$lost packets lost: $(xfrm_drops r1) $(xfrm_drops r2)"
were_rekeyed packets

serve 'lifetime_bytes = 1048576'
ask_daemon reload
await 'limits of octets' have_limit 'soft [0-9]+\(bytes\), hard 1048576\(bytes\)'
note_spis
ping_both() { # what is said where, ping options…
    local name pids=()
    for name in four six; do
        ip netns exec host1 ping -q "${@:2}" "${host[$name]}" >"$OUT/$1.$name" &
        pids+=($!)
    done
    wait "${pids[0]}" || true
    wait "${pids[1]}" || true
}
ping_both octets -i 0.002 -s 1300 -c 1000
for name in four six; do
    grep -q ' 0% packet loss' "$OUT/octets.$name" || die "$(cat "$OUT/octets.$name")"
done
were_rekeyed bytes

# Without IKE there are no successors: the SA goes at its limit, and what it would carry does not leave in clear.
ip netns exec r2 nft -f - <<'NFT'
table inet cut {
  chain input { type filter hook input priority -500; udp dport { 500, 4500 } drop; }
}
NFT
note_spis
ping_both cut -i 0.01 -s 30000 -c 60
for name in four six; do
    await "a hard limit of $name" told 'hard limit of bytes' $name
    if grep -q ' 0% packet loss' "$OUT/cut.$name"; then die "an SA of $name carried more than it may"; fi
done
ip netns exec r2 nft delete table inet cut
answers() { ip netns exec host1 ping -q -c 1 -W 0.5 "$1" >/dev/null; } # address
for name in four six; do await "the tunnel $name again" answers "${host[$name]}"; done
stop_capture
leaked=$(captured limits "$clear_filter")
[ -z "$leaked" ] || die "in clear: $leaked"
stop_daemon
echo 'ok: a hard limit ends an SA'
