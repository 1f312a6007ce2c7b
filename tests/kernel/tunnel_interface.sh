#!/usr/bin/env bash
# Route-based connections: the interface with its addresses, MTU and routes, both families through
# selectors that take everything, what an earlier run left, what is somebody else's, and a reload.
set -euo pipefail
# shellcheck source=tests/kernel/two_interfaces
. tests/kernel/two_interfaces

has_link vti-wide 'mtu 1438' || die "vti-wide: $(link_of vti-wide)"
has_link vti-wide 'xfrm if_id 0x56' || die "vti-wide: $(link_of vti-wide)"
has_link vti-wide 'alias made by viaductd' || die "vti-wide: $(link_of vti-wide)"
has_link vti-narrow 'mtu 1400' || die "vti-narrow: $(link_of vti-narrow)"
has_route 192.168.20.0/24 vti-narrow || die "no route into vti-narrow"
[ -z "$(ip -netns r1 -6 addr show dev vti-wide scope link)" ] || die "the kernel gave vti-wide an address"

# The gateways to each other through the wide one, the hosts through the narrow one.
reaches r1 169.254.10.2 || die "r1 does not reach r2 in the tunnel"
reaches r1 fd00:a::2 || die "r1 does not reach r2 in the tunnel by IPv6"
reaches host1 192.168.20.20 || die "host1 does not reach host2"
# The hosts' IPv6 by routes of our own.
ip -netns r1 route add fd00:20::/64 dev vti-wide
ip -netns r2 route add fd00:10::/64 dev vti-wide
reaches host1 fd00:20::20 || die "host1 does not reach host2 by IPv6"
# What does not fit says so, and what fits arrives.
ip netns exec host1 ping -q -c 2 -M "do" -s 1372 192.168.20.20 >/dev/null || die "1400 octets do not pass"
if ip netns exec host1 ping -q -c 2 -W 2 -M "do" -s 1373 192.168.20.20 >/dev/null; then die "1401 octets pass"; fi

# Taken away, it comes back.
ip -netns r1 link del vti-narrow
await 'vti-narrow is back' has_link vti-narrow 'mtu 1400'
await 'its route is back' has_route 192.168.20.0/24 vti-narrow
reaches host1 192.168.20.20 || die "host1 does not reach host2 after the interface came back"

# The operator is told what lacks, and may put it back himself. What looks each second may have been faster: then once more.
names_the_loss() { # plan or repair, kind, remedy, what to take away…
    ip -netns r1 "${@:4}" 2>/dev/null || true
    ask_daemon "$1" r1 | tee "$OUT/plan" | found "$2 *vti-narrow.*$3"
}
for command in plan repair; do
    await "$command tells of a route" names_the_loss $command 'interface changed' 'NEWROUTE 192.168.20.0/24 dev vti-narrow' route del 192.168.20.0/24
    await "$command tells of an MTU" names_the_loss $command 'interface changed' 'NEWLINK vti-narrow mtu 1400' link set vti-narrow mtu 1390
    await "$command tells of an interface" names_the_loss $command 'interface missing' 'NEWLINK vti-narrow' link del vti-narrow
done
has_link vti-narrow 'mtu 1400' || die "not repaired: $(link_of vti-narrow)"
has_route 192.168.20.0/24 vti-narrow || die "its route was not repaired"
ask_daemon plan r1 | found 'as it was put there' || die "more than was there: $(ask_daemon plan r1)"

# Down with its SAs, the interface stays, and nothing leaves.
ask_daemon down r1/narrow >/dev/null
if reaches host1 192.168.20.20; then die "a ping was answered without a tunnel"; fi
has_route 192.168.20.0/24 vti-narrow || die "the route went with the tunnel"
ask_daemon up r1/narrow >/dev/null

# A reload changes the MTU in place.
index=$(ip netns exec r1 cat /sys/class/net/vti-narrow/ifindex 2>/dev/null || link_of vti-narrow | cut -d: -f1)
sed -i 's/mtu = 1400/mtu = 1380/' "$configs/r1.toml"
ask_daemon reload >/dev/null
has_link vti-narrow 'mtu 1380' || die "vti-narrow: $(link_of vti-narrow)"
[ "$(link_of vti-narrow | cut -d: -f1)" = "$(cut -d: -f1 <<<"$index")" ] || die "a reload made vti-narrow anew"

# Killed: what is left is ours and goes; what is not ours stays, under whatever name.
kill_daemon
link_of vti-wide >/dev/null || die "nothing was left by the killed daemon"
ip -netns r1 link add vti-mine type xfrm if_id 42
sed -i -e 's/"vti-narrow"/"vti-mine"/' -e '/^name = "wide"/,/^start/s/"vti-wide"/"vti-other"/' "$configs/r1.toml"
start_daemon
await 'a word about the interface that is not ours' grep -q 'there is an interface of that name that is not ours' "$OUT/viaductd.log"
has_link vti-mine 'if_id 0x2a' || die "vti-mine: $(link_of vti-mine)"
if link_of vti-wide; then die "vti-wide of the killed daemon is left"; fi
if link_of vti-narrow; then die "vti-narrow of the killed daemon is left"; fi
ip -netns r1 link del vti-mine
await 'vti-mine is ours' has_link vti-mine 'alias made by viaductd'

stop_daemon
for interface in vti-wide vti-narrow vti-other vti-mine; do
    if link_of "$interface"; then die "$interface is left"; fi
done
stop_capture
[ "$(captured outer.pcap esp | wc -l)" -gt 0 ] || die "no ESP was seen"
private="$clear_filter or net 169.254.0.0/16 or net fd00:a::/64"
[ -z "$(captured outer.pcap "$private")" ] || die "in clear: $(captured outer.pcap "$private" | head -n 3)"
