#!/usr/bin/env bash
# offload = "crypto" over interfaces that take ESP as a network card would (netdevsim, which tells in debugfs what it
# holds): both states of a child are in the interface from the start, through a rekey and until they go; packets leave as
# its own. What the interface does not take, the kernel does, and the log says why.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon

if [ ! -e /sys/bus/netdevsim/new_device ]; then
    echo 'skipped: this kernel has no netdevsim'
    exit
fi

make_routers
mount -t debugfs debugfs /sys/kernel/debug
declare -A index
for number in 1 2; do
    echo "$number 1" >/sys/bus/netdevsim/new_device
    name=$(basename /sys/bus/netdevsim/devices/netdevsim$number/net/*)
    ip -netns r$number link del outer
    ip link set "$name" netns r$number name outer
    index[$number]=$(ip -netns r$number -oneline link show dev outer | cut -d : -f 1)
done
exec {r1}</run/netns/r1 {r2}</run/netns/r2
echo "$r1:${index[1]} $r2:${index[2]}" >/sys/bus/netdevsim/link_device
for router in 'r1 5 4 20' 'r2 4 5 10'; do
    read -r name own other network <<<"$router"
    ip -netns "$name" -batch - <<BATCH
link set outer up
addr add 10.10.10.$own/24 dev outer
addr add fd00:ffff::$own/64 dev outer nodad
route add 192.168.$network.0/24 via 10.10.10.$other
route add fd00:$network::/64 via fd00:ffff::$other
BATCH
done

in_device() { cat /sys/kernel/debug/netdevsim/netdevsim"$1"/ports/0/ipsec; } # number of the router
holds() { in_device "$1" | found "^SA count=$2 "; }                            # number of the router, count
sent() { in_device "$1" | sed -n 's/.* tx=\([0-9]*\).*/\1/p'; }
offloaded() { ip -netns "$1" xfrm state | grep -c 'crypto offload parameters: dev outer dir' || true; }
spis() { ip -netns "$1" xfrm state | sed -n 's/.* spi \(0x[0-9a-f]*\) .*/\1/p' | sort; }

for router in r1 r2; do
    configure $router
    cat >>"$configs/$router.toml" <<'TOML'
[esp.card]
proposals = ["aes128gcm16"]
offload = "crypto"
[esp.other]
proposals = ["aes128-sha256"]
offload = "crypto"
[esp.whole]
proposals = ["aes128gcm16"]
offload = "packet"
TOML
done
for family in 4 6; do
    [ $family = 4 ] && outer=(10.10.10.5 10.10.10.4) inner=(192.168.10.0/24 192.168.20.0/24)
    [ $family = 6 ] && outer=(fd00:ffff::5 fd00:ffff::4) inner=(fd00:10::/64 fd00:20::/64)
    connect r1 vpn$family "${outer[@]}" "local_subnets = [\"${inner[0]}\"]" "remote_subnets = [\"${inner[1]}\"]" \
        'start = "initiate"'
    connect r2 vpn$family "${outer[1]}" "${outer[0]}" "local_subnets = [\"${inner[1]}\"]" \
        "remote_subnets = [\"${inner[0]}\"]" 'start = "respond"'
done
both_use() { sed -i "s/^esp = .*/esp = \"$1\"/" "$configs"/r[12].toml; }
both_hold() { holds 1 "$1" && holds 2 "$1"; }
both_have() { [ "$(offloaded r1)" = "$1" ] && [ "$(offloaded r2)" = "$1" ]; }
refusals() { grep -c 'no hardware offload, the kernel does it' "$OUT/viaductd.log" || true; }

both_use card
start_daemon
for family in 4 6; do await_state r1/vpn$family up; done
await 'eight states are in the interfaces' both_hold 4
both_have 4 || die "states without: $(ip -netns r1 xfrm state)"
[ "$(refusals)" = 0 ] || die 'it is said that there is no offload'
ip -netns r1 xfrm state | grep -c 'crypto offload parameters: dev outer dir in mode crypto' | found -x 2
sed 's/key=.*/key=…/' <(in_device 1)

# The interface does not encrypt what it sends, nor does anybody decrypt it: no answers.
before=$(sent 1)
start_capture_in r1 outer outer.pcap
for address in 192.168.20.20 fd00:20::20; do
    ip netns exec host1 ping -q -c 3 -i 0.2 -W 1 $address >/dev/null && die 'who decrypted that?'
done
[ $(($(sent 1) - before)) = 6 ] || die "the interface sent $(sent 1) packets as its own, $before before"
stop_capture
[ "$(captured outer.pcap 'esp and (src host 10.10.10.5 or src host fd00:ffff::5)' | wc -l)" = 6 ] ||
    die "not six packets of ESP: $(captured outer.pcap)"
[ -z "$(captured outer.pcap "$clear_filter")" ] || die "in clear: $(captured outer.pcap "$clear_filter")"

old=$(spis r1)
for family in 4 6; do ask_daemon rekey r1/vpn$family; done
renewed() { both_hold 4 && both_have 4 && [ -z "$(comm -12 <(echo "$old") <(spis r1))" ]; }
await 'the new states alone are in the interfaces' renewed
[ "$(refusals)" = 0 ] || die 'it is said that there is no offload any more'

# use ESP-POLICY WHAT REASON: what the interfaces do not take works all the same.
use() {
    local before
    before=$(refusals)
    both_use "$1"
    ask_daemon reload
    none_left() { both_hold 0 && both_have 0; }
    await "the kernel does what is $2" none_left
    for family in 4 6; do await_state r1/vpn$family up; done
    reaches host1 192.168.20.20 || die "no answers with what is $2"
    reaches host1 fd00:20::20 || die "no answers over IPv6 with what is $2"
    tail -n "$(($(refusals) - before))" <(grep 'no hardware offload' "$OUT/viaductd.log") | found "$3" ||
        die "the log does not say why: $(grep 'no hardware offload' "$OUT/viaductd.log")"
}
use other 'of another algorithm' 'Failed to get key data for SA table'
use whole 'to be done whole' 'Unsupported ipsec offload type'

both_use card
ask_daemon reload
await 'the states are in the interfaces again' both_hold 4
for family in 4 6; do ask_daemon down r1/vpn$family; done
await 'nothing is in the interfaces' both_hold 0
stop_daemon
echo 'all is well'
