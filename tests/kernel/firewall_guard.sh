#!/usr/bin/env bash
# The leak guard: without SAs and policies nothing between the protected networks passes in clear, in
# neither direction, neither the hosts' packets nor the router's own; it is counted; everything else
# passes. Also beside another table with the same hooks.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tool r1
start_tool r2
dropped() { ask r1 dropped; } # on their way out, and in
expect_dropped() { # out and in, exactly
    [ "$(dropped)" = "$1" ] || die "counted $(dropped) drops out and in, not $1"
    echo "dropped $1"
}
blocked() { # namespace, address, ping options…
    if reaches "$@" -W 1; then die "$1 reaches $2 in clear"; fi
}

# The table reads back as it is written down for the byte tests, and what nft writes it reads.
ask r1 firewall '192.168.10.0/24>192.168.20.0/24,192.168.30.0-192.168.30.9' 'fd00:10::/64>fd00:20::/64' \
    interface=ipsec1 interface=ipsec0
ask r1 clamp '192.168.10.0/24>192.168.20.0/24>1406' 'fd00:10::/64>fd00:20::/64>1386' \
    '192.168.10.0/25>192.168.20.128/25>1300'
diff <(ip netns exec r1 nft list table inet viaduct) tests/vectors/kernel/table.nft
ip netns exec outside nft -f tests/vectors/kernel/table.nft
ip netns exec outside nft flush ruleset

reaches host1 192.168.20.20 && die "reached in clear"
ask r1 remove-firewall
reaches host1 192.168.20.20 || die "this test shows nothing: the networks do not reach each other without the guard"
reaches host1 fd00:20::20

ip netns exec r1 nft -f - <<'RULES'
table inet other {
    chain forward {
        type filter hook forward priority filter - 10
        accept
    }
    chain output {
        type filter hook output priority filter - 10
        accept
    }
}
RULES
other=$(ip netns exec r1 nft list ruleset)
pairs=('192.168.10.0/24>192.168.20.0/24' 'fd00:10::/64>fd00:20::/64')
ask r1 firewall "${pairs[@]}"
start_capture guard.pcap
blocked host1 192.168.20.20
blocked host1 fd00:20::20
blocked r1 192.168.20.20 -I 192.168.10.1
blocked r1 fd00:20::20 -I fd00:10::1
stop_capture
[ -z "$(captured guard.pcap "$clear_filter")" ] || die "leaked: $(captured guard.pcap "$clear_filter")"
expect_dropped '12 0'
# From outside: r2 has no guard, and sends in clear.
blocked host2 192.168.10.10
blocked host2 192.168.10.1
blocked host2 fd00:10::1
expect_dropped '12 9'

# An update changes what differs, loses no count and opens nothing: also while it is flooded.
start_capture update.pcap
ip netns exec host1 ping -q -f -c 1000 -W 1 192.168.20.20 >/dev/null &
pinging=$!
for ((round = 0; round < 20; ++round)); do
    ask r1 firewall "${pairs[@]}" "10.$round.0.0/16>10.99.0.0/16"
    ask r1 clamp "192.168.10.0/24>192.168.20.0/24>$((1000 + round))"
done
ask r1 firewall "${pairs[@]}"
ask r1 clamp
wait "$pinging" || true
stop_capture
[ -z "$(captured update.pcap "$clear_filter")" ] || die "leaked: $(captured update.pcap "$clear_filter")"
expect_dropped '1012 9'
ip netns exec r1 nft list table inet viaduct | grep -E '10\.99|segment_' && die "something of the updates is left"

# Pairs that give way to others that overlap them: while the sets change, nothing passes between.
start_capture overlap.pcap
ip netns exec host1 ping -q -i 0.001 -c 300 -W 1 192.168.20.20 >/dev/null &
pinging=$!
many=$(printf '10.0.%d.0/24>10.9.0.0/16 ' {0..19})
rounds=0
while kill -0 "$pinging" 2>/dev/null; do
    # shellcheck disable=SC2086 # many words
    ask r1 firewall '192.168.0.0/16>192.168.20.0/24' "${pairs[1]}" $many
    ask r1 firewall "${pairs[@]}"
    rounds=$((rounds + 1))
done
wait "$pinging" || true
stop_capture
[ "$rounds" -gt 1 ] || die "only $rounds rounds"
[ -z "$(captured overlap.pcap "$clear_filter")" ] || die "leaked: $(captured overlap.pcap "$clear_filter" | head -n 3)"
if ip netns exec r1 nft list table inet viaduct_bridge 2>/dev/null; then die "the bridge is left"; fi
counted=$(dropped)

# A table that another daemon takes over goes on counting, and one that was flushed behind our back comes back whole.
start_tool r1b r1
ask r1b firewall "${pairs[@]}"
[ "$(ask r1b dropped)" = "$counted" ] || die "a replacement counted $(ask r1b dropped)"
ip netns exec r1 nft delete table inet viaduct
ask r1 firewall "${pairs[@]}" '10.1.0.0/16>10.99.0.0/16'
ask r1 firewall "${pairs[@]}"
expect_dropped "$counted"

# What is not protected passes.
reaches host1 10.10.10.4
reaches r1 192.168.10.1 -I 192.168.10.1
reaches r1 10.10.10.4

# Through the tunnel everything passes, the router's own packets too.
words='local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64'
ask r1 install 1 side=left "$words"
ask r2 install 1 side=right "$words"
before=$(dropped)
reaches host1 192.168.20.20
reaches host1 fd00:20::20
reaches r1 192.168.20.20 -I 192.168.10.1
reaches host2 192.168.10.1
reaches host2 fd00:10::1
expect_dropped "$before"

# Somebody flushes it all.
ip -netns r1 xfrm state flush
ip -netns r1 xfrm policy flush
start_capture flushed.pcap
blocked host1 192.168.20.20
stop_capture
[ -z "$(captured flushed.pcap "$clear_filter")" ] || die "leaked: $(captured flushed.pcap "$clear_filter")"
ask r1 remove-all
ask r2 remove-all

# The selectors are the outer addresses themselves: the tunnel's own packets pass the guard, IKE's
# too, and nothing else that is clear.
ask r1 firewall '10.10.10.5/32>10.10.10.4/32' 'fd00:ffff::5/128>fd00:ffff::4/128'
blocked r1 10.10.10.4
ip -netns r1 neigh flush dev outer
ip netns exec r2 socat -u UDP4-RECV:500 STDOUT >"$OUT/ike" &
for _ in {1..50}; do
    [ -z "$(ip netns exec r2 ss -Hlnu sport = :500)" ] || break
    sleep 0.1
done
echo hello | ip netns exec r1 socat - UDP4-SENDTO:10.10.10.4:500,sourceport=500
sleep 0.3
grep -q hello "$OUT/ike" || die "IKE does not pass the guard"
words='local=10.10.10.5/32,fd00:ffff::5/128 remote=10.10.10.4/32,fd00:ffff::4/128'
ask r1 install 1 side=left "$words"
ask r2 install 1 side=right "$words"
reaches r1 10.10.10.4 || die "no answer between the routers themselves"
[ "$(esp_packets r1)" -ge 6 ] || die "not in ESP"

ask r1 remove-firewall
[ "$(ip netns exec r1 nft list ruleset)" = "$other" ] || die "another table changed"
