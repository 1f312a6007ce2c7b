#!/usr/bin/env bash
# The null mapping keeps packets in their tunnel although the router masquerades and has a 1:1 NAT
# for the host; without our table the same packets do leave in clear, so the test can see it.
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
}
table ip6 nat {
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

ask r1 remove-firewall
ask r1 remove-firewall
[ "$(ip netns exec r1 nft list ruleset)" = "$others" ] || die "other tables changed"
