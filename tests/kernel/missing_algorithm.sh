#!/usr/bin/env bash
# A kernel whose module for a configured ESP algorithm is not to be had: it is named at start and in the status, the rest is
# negotiated, and a connection that is left without any says why it does not come up. With the module there all is as configured.
set -euo pipefail
# shellcheck source=tests/kernel/one_daemon
. tests/kernel/one_daemon

# Triple DES: no other test here needs it, and they run beside this one.
if [ "$(cat /proc/sys/kernel/hostname)" != viaduct-lab ]; then
    echo 'skipped: modules are hidden only from a kernel that the lab has booted'
    exit
fi
if [ ! -e /proc/modules ] || ! modinfo des_generic >/dev/null 2>&1; then
    echo 'skipped: this kernel has all algorithms built in'
    exit
fi
if grep -q '^des' /proc/modules; then die 'the module is loaded already'; fi
hidden=/etc/modprobe.d/missing_algorithm.conf
trap 'rm -f "$hidden"' EXIT
printf 'install %s /bin/false\n' des_generic des3_ede_x86_64 >"$hidden"

make_routers
for router in r1 r2; do
    configure $router
    sed -i 's/^proposals = \["aes256gcm16-x25519"\]/proposals = ["3des-sha256", "aes256gcm16"]/' "$configs/$router.toml"
    printf '[esp.old]\nproposals = ["3des-sha256"]\n' >>"$configs/$router.toml"
done
for family in 4 6; do
    [ $family = 4 ] && name=vpn networks=(192.168.10.0/24 192.168.20.0/24)
    [ $family = 6 ] && name=old networks=(fd00:10::/64 fd00:20::/64)
    local_one='local_subnets = ["'${networks[0]}'"]' remote_one='remote_subnets = ["'${networks[1]}'"]'
    connect r1 "$name" 10.10.10.5 10.10.10.4 "$local_one" "$remote_one" 'start = "initiate"'
    connect r2 "$name" 10.10.10.4 10.10.10.5 "local${remote_one#remote}" "remote${local_one#local}"
done
sed -i '/^name = "old"/,/^esp/s/^esp = .*/esp = "old"/' "$configs"/r?.toml

missing() { ask_daemon status --json r1 | tr -d ' \n' | sed -n 's/.*"missing_algorithms":\(\[[^]]*\]\).*/\1/p'; }
suite() { ask_daemon status --json "$1" | grep -o '"suite": "[^"]*"' | tail -n 1; }

start_capture outer.pcap
start_daemon
for router in r1 r2; do
    [ "$(grep -c "the kernel lacks 3DES: ESP goes without it router=$router" "$OUT/viaductd.log")" = 1 ] ||
        die "the log of $router does not name it once: $(grep lacks "$OUT/viaductd.log")"
done
[ "$(grep -c 'the kernel lacks' "$OUT/viaductd.log")" = 2 ] || die "others are named: $(grep lacks "$OUT/viaductd.log")"
[ "$(missing)" = '["3DES"]' ] || die "the status names $(missing)"
await_state r1/vpn up
reaches host1 192.168.20.20 || die 'nothing passes with what the kernel has'
ip -netns r1 xfrm state | found 'rfc4106(gcm(aes))' || die "not AES-GCM: $(ip -netns r1 xfrm state)"
ask_daemon status --json r1/old | found '"code": "kernel_lacks_algorithms"' || die "$(ask_daemon status r1/old)"
if reaches host1 fd00:20::20; then die 'it passes without an algorithm'; fi
if ask_daemon up --timeout 5 r1/old >"$OUT/up" 2>&1; then die 'it comes up without an algorithm'; fi
found 'the kernel has none of the algorithms' <"$OUT/up" || die "up does not say why: $(cat "$OUT/up")"
stop_daemon

rm "$hidden"
start_daemon
if grep -q 'the kernel lacks' "$OUT/viaductd.log"; then die 'it is named although it is there'; fi
[ "$(missing)" = '[]' ] || die "the status names $(missing)"
await_state r1/vpn up
await_state r1/old up
ip -netns r1 xfrm state | found 'cbc(des3_ede)' || die "not as configured: $(ip -netns r1 xfrm state)"
reaches host1 fd00:20::20 || die 'nothing passes with the module'
stop_daemon
stop_capture
[ -z "$(captured outer.pcap "$clear_filter")" ] || die "in clear: $(captured outer.pcap "$clear_filter" | head -n 3)"
echo 'ok: what the kernel lacks is named, and nothing else'
