#!/usr/bin/env bash
# Somebody owns a table of our name, and the kernel refuses ours: that is said once, and when he has gone the guard is
# there at once.
set -euo pipefail
# shellcheck source=tests/kernel/two_gateways
. tests/kernel/two_gateways

make_gateways
router_file r1
daemon_options[r1]=--shared-table
start_daemon r1
has_table r1 || die "no table"

# It belongs to him as long as this runs.
mkfifo "$OUT/words"
ip netns exec r1 nft -i <"$OUT/words" >"$OUT/owner.log" 2>&1 &
owner=$!
exec {words}>"$OUT/words"
echo 'delete table inet viaduct; add table inet viaduct { flags owner; }' >&"$words"
told() { grep -c "$1" "$OUT/r1.log" || true; } # text
refused() { [ "$(told 'the firewall table (inet viaduct) is not as it should be')" -ge 1 ]; }
wait_until 10 "the refusal is told: $(cat "$OUT/owner.log")" refused
sleep 12
[ "$(told 'the firewall table (inet viaduct) is not as it should be')" = 1 ] || die "told again and again: $(grep 'firewall table' "$OUT/r1.log")"

kill "$owner"
exec {words}>&-
wait "$owner" || true
mended() { [ "$(told 'is as it should be again')" = 1 ]; }
wait_until 5 "the table is back" mended
ip netns exec r1 nft list table inet viaduct | found guard_forward || die "no guard: $(ip netns exec r1 nft list table inet viaduct)"
stop_daemon r1
