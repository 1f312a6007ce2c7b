#!/usr/bin/env bash
# Beside the rules of iptables-nft, as most systems have them, in whichever order the two came: masquerading, a
# 1:1 NAT and a forwarded port of iptables leave the tunnel alone, nothing leaves in clear without SAs,
# and flushing or restoring one of the two does not touch the other.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tool r1
start_tool r2
words='local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64'
pairs=('192.168.10.0/24>192.168.20.0/24' 'fd00:10::/64>fd00:20::/64')
in_r1() { ip netns exec r1 "$@"; }

their_rules() {
    in_r1 iptables-nft -t nat -A PREROUTING -d 10.10.10.99 -j DNAT --to-destination 192.168.10.10
    in_r1 iptables-nft -t nat -A PREROUTING -i outer -p udp --dport 7000 -j DNAT --to-destination 192.168.10.1:7001
    in_r1 iptables-nft -t nat -A POSTROUTING -s 192.168.10.10 -o outer -j SNAT --to-source 10.10.10.99
    in_r1 iptables-nft -t nat -A POSTROUTING -o outer -j MASQUERADE
    in_r1 ip6tables-nft -t nat -A POSTROUTING -o outer -j MASQUERADE
    in_r1 iptables-nft -A FORWARD -j ACCEPT
    in_r1 iptables-nft -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
}
theirs() { in_r1 iptables-nft-save | grep -v '^[#:]'; in_r1 ip6tables-nft-save | grep -v '^[#:]'; }

tunnel_carries_everything() { # name of the capture
    ask r1 install 1 side=left "$words"
    ask r2 install 1 side=right "$words"
    start_capture "$1"
    reaches host1 192.168.20.20 || die "$1: no answer"
    reaches host1 fd00:20::20 || die "$1: no answer over IPv6"
    reaches host2 192.168.10.10 || die "$1: no answer from the other side"
    [ "$(esp_packets r1)" = 18 ] || die "$1: not every packet was in ESP: $(esp_packets r1)"
    ask r1 remove 1
    ask r2 remove 1
    reaches host1 192.168.20.20 -W 1 && die "$1: reached without a tunnel"
    reaches host1 fd00:20::20 -W 1 && die "$1: reached without a tunnel over IPv6"
    stop_capture
    local leaked
    leaked=$(captured "$1" "$clear_filter or ip host 10.10.10.99 or icmp or icmp6[0] = 128")
    [ -z "$leaked" ] || die "$1: in clear: $leaked"
}

their_rules
written=$(theirs)
ip -netns r1 addr add 10.10.10.99/24 dev outer

# Without us the same packets do leave in clear.
ask r1 install 1 side=left "$words"
ask r2 install 1 side=right "$words"
reaches host1 192.168.20.20 || true
[ "$(esp_packets r1)" = 0 ] || die "the other rules do not rewrite: this test shows nothing"
ask r1 remove 1
ask r2 remove 1

ask r1 firewall "${pairs[@]}"
tunnel_carries_everything theirs-first
[ "$(theirs)" = "$written" ] || die "their rules changed: $(theirs)"

# Everybody else still meets them.
start_capture mapped
reaches host1 10.10.10.4 || die "no answer from outside the tunnel"
stop_capture
captured mapped 'icmp and src 10.10.10.99' | grep 'echo request' >/dev/null || die "their 1:1 NAT does nothing any more"

# Theirs made anew behind ours.
in_r1 iptables-nft-save >"$OUT/saved"
for table in filter nat mangle; do in_r1 iptables-nft -t $table -F; done
in_r1 nft list table inet viaduct >"$OUT/ours"
grep -q null_source "$OUT/ours" || die "flushing their tables took ours"
in_r1 iptables-nft-restore <"$OUT/saved"
[ "$(theirs)" = "$written" ] || die "their rules are others: $(theirs)"
tunnel_carries_everything ours-first

ask r1 remove-firewall
[ "$(theirs)" = "$written" ] || die "their rules went with ours: $(theirs)"
in_r1 iptables-nft -t nat -S >"$OUT/readable" || die "iptables cannot read its table beside ours"
