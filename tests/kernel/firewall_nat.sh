#!/usr/bin/env bash
# The null mappings keep packets in their tunnel although the router masquerades, has a 1:1 NAT for the
# host and forwards a port of everything that comes from outside; without our table the same packets do leave
# in clear, so the test can see it. Flows that were masqueraded before are dropped.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tool r1
start_tool r2
ip netns exec r1 nft -f - <<'RULES'
table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 192.168.10.10 oifname "outer" snat to 10.10.10.99
        oifname "outer" masquerade
    }
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 10.10.10.99 dnat to 192.168.10.10
        iifname "outer" udp dport 7000 dnat to 192.168.10.1:7001
    }
}
table ip6 nat {
    chain prerouting {
        type nat hook prerouting priority dstnat
        iifname "outer" udp dport 7000 dnat to [fd00:10::1]:7001
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname "outer" masquerade
    }
}
RULES
ip -netns r1 addr add 10.10.10.99/24 dev outer
others=$(ip netns exec r1 nft list ruleset)

words='local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64'
ask r1 install 1 side=left "$words"
ask r2 install 1 side=right "$words"

# As it would be without us.
reaches host1 192.168.20.20 || true
[ "$(esp_packets r1)" = 0 ] || die "the other rules do not rewrite: this test shows nothing"

# The echo requests of one run of ping are one flow. It keeps the mapping that it has.
start_capture before.pcap
ip netns exec host1 ping -q -i 0.2 -c 15 192.168.20.20 >/dev/null &
flow=$!
sleep 1
ask r1 firewall '192.168.10.0/24>192.168.20.0/24' 'fd00:10::/64>fd00:20::/64'
sleep 0.2
seen=$(captured before.pcap 'icmp and src 10.10.10.99' | wc -l)
[ "$seen" -ge 2 ] || die "the flow did not leave in clear before: this test shows nothing"
sleep 1
[ "$(captured before.pcap 'icmp and src 10.10.10.99' | wc -l)" = "$seen" ] || die "a masqueraded flow goes on in clear"
wait "$flow" || true
stop_capture
[ "$(ask r1 dropped)" != '0 0' ] || die "the flow's packets were not counted"
ask r1 remove-firewall

ip netns exec r1 conntrack -F 2>/dev/null || true
ask r1 firewall '192.168.10.0/24>192.168.20.0/24' 'fd00:10::/64>fd00:20::/64'
start_capture nat.pcap
reaches host1 192.168.20.20 || die "no answer through the tunnel"
reaches host1 fd00:20::20 || die "no answer through the tunnel over IPv6"
reaches host2 192.168.10.10 || die "no answer from the other side"
stop_capture
[ "$(esp_packets r1)" = 18 ] || die "not every packet was in ESP: $(esp_packets r1)"
leaked=$(captured nat.pcap "$clear_filter or ip host 10.10.10.99 or icmp or icmp6[0] = 128")
[ -z "$leaked" ] || die "clear packets: $leaked"

# Everybody else still meets the other rules: the gateway's outside address sees the mapped source.
start_capture mapped.pcap
reaches host1 10.10.10.4 || die "no answer from outside the tunnel"
stop_capture
captured mapped.pcap 'icmp and src 10.10.10.99' | grep 'echo request' >/dev/null || die "the 1:1 NAT does nothing any more"

# From outside the floating address leads to the host, and the forwarded port to the router.
ip netns exec r2 ping -q -c 2 -W 2 10.10.10.99 >/dev/null || die "the floating address does not work any more"
listen() { # namespace, address with protocol, file
    ip netns exec "$1" socat -u "$2" STDOUT >"$OUT/$3" &
}
listen r1 UDP4-RECV:7001,bind=192.168.10.1 forwarded
listen host1 UDP4-RECV:7000 arrived4
listen host1 UDP6-RECV:7000,ipv6only=1 arrived6
sleep 1
say() { echo "$2" | ip netns exec "$1" socat -u - "$3"; } # namespace, text, address
say r2 port UDP4-SENDTO:10.10.10.5:7000
# What the tunnel brings is where it was sent, though it comes in through "outer" as well.
say host2 four UDP4-SENDTO:192.168.10.10:7000
say host2 six 'UDP6-SENDTO:[fd00:10::10]:7000'
sleep 1
[ "$(cat "$OUT/forwarded")" = port ] || die "the forwarded port got: $(cat "$OUT/forwarded")"
[ "$(cat "$OUT/arrived4")" = four ] || die "the tunnel brought: $(cat "$OUT/arrived4")"
[ "$(cat "$OUT/arrived6")" = six ] || die "the tunnel brought over IPv6: $(cat "$OUT/arrived6")"

ask r1 remove-firewall
ask r1 remove-firewall
[ "$(ip netns exec r1 nft list ruleset)" = "$others" ] || die "other tables changed"
