#!/usr/bin/env bash
# Over IKEv1: a storm of first packets brings a connection on demand up, and each is answered, although the answers
# come before the third message of the quick mode does. A child SA that may carry only so much is replaced before it
# reaches its limit, and no packet is lost.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon
make_routers

ike='version = 1
proposals = ["aes256-sha256-x25519"]'
configure r1
echo 'lifetime_packets = 1000' >>"$configs/r1.toml"
connect r1 vpn 10.10.10.5 10.10.10.4 'local_subnets = ["192.168.10.0/24"]' \
    'remote_subnets = ["192.168.20.0/24"]' 'start = "on-demand"'
configure r2
connect r2 vpn 10.10.10.4 10.10.10.5 'local_subnets = ["192.168.20.0/24"]' 'remote_subnets = ["192.168.10.0/24"]'

storm() {
    local number pings=() lost=()
    for number in {1..40}; do
        ip netns exec host1 ping -q -c 1 -W 20 192.168.20.20 >/dev/null &
        pings[number]=$!
    done
    for number in {1..40}; do
        wait "${pings[number]}" || lost+=("$number")
    done
    [ ${#lost[@]} = 0 ] || die "packets of the storm were lost: ${lost[*]}; $(xfrm_drops r1) $(xfrm_drops r2)"
}

start_daemon
storm
await_state r1/vpn up
ask_daemon down r2/vpn >/dev/null
await_state r1/vpn down
sleep 3
storm
await_state r1/vpn up

ip netns exec host1 ping -q -i 0.002 -c 1500 192.168.20.20 >"$OUT/limit" || true
grep -q ' 0% packet loss' "$OUT/limit" || die "$(cat "$OUT/limit")"
grep -q 'soft limit of packets' "$OUT/viaductd.log" || die 'no limit was reached'
if grep 'hard limit' "$OUT/viaductd.log"; then die 'a hard limit was reached'; fi
stop_daemon
echo 'ok: first packets over IKEv1, and a limit'
