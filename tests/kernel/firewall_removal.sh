#!/usr/bin/env bash
# When the guard goes: with the connection, with leak_guard = false, with the router, by
# viaductd --remove-guard; not with the daemon, and not for a namespace that comes back.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

make_gateways
router_file r1
start_daemon r1
reaches host1 192.168.20.20 -c 1 -W 1 && die "reached in clear"
[ "$(guard_counts r1)" = '1 0' ] || die "counted $(guard_counts r1)"
viaduct_at r1 status | grep 'leak guard: dropped 1 packets' || die "not in the status"

echo "a connection without a guard"
router_file r1 'leak_guard = false'
viaduct_at r1 reload
for address in 192.168.20.20 fd00:20::20; do
    reaches host1 $address || die "does not pass in clear to $address"
done
router_file r1
viaduct_at r1 reload
reaches host1 fd00:20::20 -c 1 -W 1 && die "reached in clear over IPv6"
reaches host1 192.168.20.20 -c 1 -W 1 && die "reached in clear"
[ "$(guard_counts r1)" = '3 0' ] || die "counted $(guard_counts r1)"

echo "a killed daemon's states and policies, and the guard, go by --remove-guard, not while a daemon runs"
remove() { viaductd --remove-guard"$1" --config "$OUT/r1.d" --control "$(control r1)"; }
if remove '' 2>"$OUT/refusal"; then die "removed under a running daemon"; fi
cat "$OUT/refusal"
has_table r1 || die "the table went"
kill_daemon r1
# Not before: the daemon would find it itself, and take it away.
ip -netns r1 xfrm policy add src 192.168.10.0/24 dst 192.168.20.0/24 dir out \
    tmpl src 10.10.10.5 dst 10.10.10.4 proto esp reqid 1442840577 mode tunnel
remove '' | tee "$OUT/removed"
grep -q 'r1: removed table inet viaduct, 0 states, 1 policies' "$OUT/removed" || die "it does not say what it did"
if has_table r1 || [ -n "$(ip -netns r1 xfrm policy)" ]; then die "something is left"; fi
reaches host1 192.168.20.20 || die "does not pass in clear"
[ -z "$(remove '')" ] || die "there was something left"

echo "a router that is configured no more"
start_daemon r1
has_table r1 || die "no table"
mv "$OUT/r1.d/router.toml" "$OUT/aside"
viaduct_at r1 reload
has_table r1 && die "the table of a router that is gone"
mv "$OUT/aside" "$OUT/r1.d/router.toml"
viaduct_at r1 reload
has_table r1 || die "no table"

echo "a namespace that changes hands keeps its table"
# A large table takes the kernel longer to replace.
sed -i "s|^remote_subnets = \[|&$(seq -s '' -f '"172.20.%g.0/24", ' 0 99)|" "$OUT/r1.d/router.toml"
viaduct_at r1 reload
# The moment between two tables is a short one: as many packets as the machine can send.
ip netns exec r1 python3 -c '
import contextlib, socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("192.168.10.1", 0))
for _ in range(2000000):
    with contextlib.suppress(OSError):
        sender.sendto(b"clear", ("192.168.20.20", 9))
' &
sending=$!
start_capture hands.pcap
for _ in {1..4}; do
    sed -i 's/^name = "r1"/name = "another"/' "$OUT/r1.d/router.toml"
    viaduct_at r1 reload >/dev/null
    sed -i 's/^name = "another"/name = "r1"/' "$OUT/r1.d/router.toml"
    viaduct_at r1 reload >/dev/null
done
sed -i 's/^name = "r1"/name = "another"/; s/^netns.*/&\nike_port = 1500\nnat_port = 14500/' "$OUT/r1.d/router.toml"
viaduct_at r1 reload
sed -i 's/^name = "another"/name = "r1"/' "$OUT/r1.d/router.toml"
viaduct_at r1 reload
kill -0 "$sending" || die "there was nothing to send any more"
kill "$sending"
wait "$sending" || true
stop_capture
[ -z "$(captured hands.pcap "$clear_filter")" ] || die "leaked: $(captured hands.pcap "$clear_filter" | head -n 3)"
ip netns exec r1 nft list chain inet viaduct guard_input | grep 14500 || die "not the table of the second"

echo "a namespace that goes and comes back"
ip netns del r1
gone() { viaduct_at r1 status --json | found '"state": "waiting"'; }
wait_until 10 "the router waits" gone
ip netns add r1
ip -netns r1 link set lo up
wait_until 20 "the router runs again" daemon_runs r1
has_table r1 || die "no table in the new namespace"

echo "a router that was removed while no daemon ran"
stop_daemon r1
rm "$OUT/r1.d/router.toml"
remove ''
has_table r1 || die "removed although it is not configured"
remove "=all"
has_table r1 && die "the table is still there"
true
