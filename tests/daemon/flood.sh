#!/usr/bin/env bash
# flood.sh BIN: anybody's datagrams at ports 500 and 4500, as many as one processor makes, do nothing to
# a tunnel that stands, nor to the next. Exit status 77 where namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/left_and_right
. "$(dirname "$0")/left_and_right"

here=$(cd "$(dirname "$0")" && pwd)
bin=$1
seed=${VIADUCT_SEED:-$RANDOM}
folder=$(mktemp -d)
trap end_all EXIT
make_left_and_right
ip -netns right addr add 10.10.10.9/24 dev outer

field() { # field of a child SA or an IKE SA on the left
    "$bin/viaduct" --control "$folder/left.sock" status --json | sed -n "s/^ *\"$1\": \"\?\([0-9a-f]*\)\"\?,\?$/\1/p" | head -n 1
}
other_than() { local now; now=$(field "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }
memory() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${daemons[0]}/status"; }

for name in left right; do
    start $name "$bin/viaductd" --foreground --kernel none --config "$folder/$name" --control "$folder/$name.sock"
done
"$bin/viaduct" --control "$folder/left.sock" up vpn >/dev/null || fail "up failed"
wait_for "right coming up" is_up right
child=$(field inbound_spi) ike=$(field initiator_spi)

flood() { # seconds
    ip netns exec right python3 "$here/flood.py" 10.10.10.5 "$1" "$seed" >"$folder/sent"
}
echo "seed $seed"
# Once, so that what grows with the first datagrams has grown.
flood 1
before=$(memory)
flood 8 &
flooder=$!
"$bin/viaduct" --control "$folder/right.sock" rekey vpn >/dev/null || fail "rekey of the child failed"
wait_for "a new child SA under the flood" other_than inbound_spi "$child"
"$bin/viaduct" --control "$folder/left.sock" rekey --ike vpn >/dev/null || fail "rekey of the IKE SA failed"
wait_for "a new IKE SA under the flood" other_than initiator_spi "$ike"
wait "$flooder" || fail "nobody flooded"
echo "$(cat "$folder/sent") datagrams"

child=$(field inbound_spi) ike=$(field initiator_spi)
for name in left right; do is_up $name || fail "$name is not up"; done
after=$(memory)
# The address sanitizer holds back what was freed.
grep -q __asan_init "$bin/viaductd" || [ "$after" -lt $((before + 8192)) ] || fail "the daemon holds $after KiB after the flood and held $before before it"
"$bin/viaduct" --control "$folder/left.sock" status -v >"$folder/status.log"
grep -q 'dropped' "$folder/status.log" || fail "the status does not say what was dropped"
"$bin/viaduct" --control "$folder/left.sock" down vpn >/dev/null || fail "down failed"
"$bin/viaduct" --control "$folder/left.sock" up vpn >/dev/null || fail "the next tunnel did not come up"
other_than inbound_spi "$child" || fail "it is still the old child SA"
# What was not understood is told at a bounded rate.
lines=$(wc -l <"$folder/left.log")
[ "$lines" -lt 2000 ] || fail "$lines lines in the log"
end 0
end 1
echo "flood: passed"
