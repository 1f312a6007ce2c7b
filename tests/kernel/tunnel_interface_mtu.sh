#!/usr/bin/env bash
# The MTU of a route-based connection's interface: it follows the path where none is configured; where less fits than IPv6
# allows an interface, TCP is told all the same; one that is configured so narrow has no IPv6.
set -euo pipefail
# shellcheck source=tests/kernel/two_interfaces
. tests/kernel/two_interfaces

ip -netns r1 route add fd00:20::/64 dev vti-wide
ip -netns r2 route add fd00:10::/64 dev vti-wide

# A path that becomes narrower, or wider again, is followed where no MTU is configured.
for mtu in 1400 1500; do
    ip -netns r1 link set outer mtu $mtu
    ip -netns r2 link set outer mtu $mtu
    await "vti-wide fits $mtu" has_link vti-wide "mtu $((mtu - 62))"
    await "r2's vti-wide fits $mtu" r2_fits $((mtu - 62))
    has_link vti-narrow 'mtu 1400' || die "vti-narrow: $(link_of vti-narrow)"
done

# So narrow that the interface cannot tell IPv6 what fits: TCP is told all the same.
ip netns exec host2 socat TCP6-LISTEN:7006,fork,reuseaddr,ipv6only=1 EXEC:cat 2>/dev/null &
clamps() { ip netns exec r1 nft list map inet viaduct clamp6 | found segment_; }
clamps_not() { ! clamps; }
if clamps; then die "a clamp where the interface tells"; fi
set_outer_mtu() { for router in r1 r2; do ip -netns $router link set outer mtu "$1"; done; }
set_outer_mtu 1320
await "vti-wide is as narrow as it may be" has_link vti-wide 'mtu 1280'
await "IPv6 is clamped" clamps
ip netns exec r1 nft list map inet viaduct clamp6 | found segment_1206 || die "clamped otherwise: $(ip netns exec r1 nft list map inet viaduct clamp6)"
# Without segments that the kernel would cut later, as from a card.
for host in host1 host2; do ip -netns $host link set inner gso_max_segs 1; done
[ "$(head -c 100000 /dev/zero | timeout 20 ip netns exec host1 socat -t 20 - 'TCP6:[fd00:20::20]:7006' | wc -c)" = 100000 ] ||
    die "IPv6 stands still on a very narrow path"
set_outer_mtu 1500
await "vti-wide fits again" has_link vti-wide 'mtu 1438'
await "the clamp goes" clamps_not

# So narrow that there is no IPv6: not where some is wanted, which the check says, and else it works and is quiet.
sed 's/mtu = 1400/mtu = 1279\ninterface_addresses = ["fd00:b::1\/64"]/' "$configs/r1.toml" >"$OUT/narrow.toml"
chmod 600 "$OUT/narrow.toml"
if viaductd --check --config "$OUT/narrow.toml" >"$OUT/check" 2>&1; then die "IPv6 in 1279 octets: no mistake"; fi
found "mtu = 1279 the interface 'vti-narrow' has no IPv6" <"$OUT/check" || die "not told: $(cat "$OUT/check")"
narrow_with() { # mtu, addresses
    sed -i -e '/vti-narrow/,/^start/s/^mtu = .*/mtu = '"$1"'/' -e '/^interface_addresses = .*b::1/d' "$configs/r1.toml"
    [ -z "$2" ] || sed -i "s|^mtu = $1\$|&\ninterface_addresses = [\"$2\"]|" "$configs/r1.toml"
    ask_daemon reload >/dev/null
    has_link vti-narrow "mtu $1" || die "vti-narrow: $(link_of vti-narrow)"
}
narrow_with 1280 fd00:b::1/64
ip -netns r1 addr show dev vti-narrow | found fd00:b::1/64 || die "no IPv6 address"
narrow_with 1000 ''
reaches host1 192.168.20.20 || die "host1 does not reach host2 through 1000 octets"
sleep 1.5
if grep 'not as configured' "$OUT/viaductd.log"; then die "it asks for what cannot be"; fi
ask_daemon plan r1 | found 'as it was put there' || die "more than was there: $(ask_daemon plan r1)"
narrow_with 1380 ''

stop_daemon
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 0 ] || die "no ESP was seen"
[ -z "$(captured outer.pcap "$clear_filter")" ] || die "in clear: $(captured outer.pcap "$clear_filter" | head -n 3)"
