#!/usr/bin/env bash
# many_routers.sh BIN: while a reload starts hundreds of routers, those that run wait for none of them.
# Exit status 77 where namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/left_and_right
. "$(dirname "$0")/left_and_right"

here=$(cd "$(dirname "$0")" && pwd)
bin=$1
count=400
folder=$(mktemp -d)
trap end_all EXIT

for number in $(seq 0 $count); do echo "netns add n$number"; done | ip -batch -
router_file n0 'netns = "n0"' 10.10.10.5 10.10.10.4 192.168.11.0/24 192.168.30.0/24
start n0 "$bin/viaductd" --foreground --kernel none --config "$folder/n0" --control "$folder/control.sock"
for number in $(seq $count); do
    sed "s/\"n0\"/\"n$number\"/" "$folder/n0/router.toml" >"$folder/n0/n$number.toml"
    chmod 600 "$folder/n0/n$number.toml"
done
python3 "$here/many_routers.py" "$folder/control.sock" "$count" || fail "the reload was not as it should be"
all_run() { [ "$(grep -c 'router is running' "$folder/$1")" -eq $((count + 1)) ]; }
wait_for "the start of every router, once" all_run n0.log
end 0

echo "at the daemon's start it is ready when all run"
"$bin/viaductd" --foreground --kernel none --config "$folder/n0" --control "$folder/control.sock" 2>"$folder/again.log" &
daemons=("$!")
wait_for "the ready line" logged again "ready: $((count + 1)) routers"
sed '/ready: /q' "$folder/again.log" >"$folder/until_ready.log"
all_run until_ready.log || fail "it is ready before all run"

echo "one that is told to end meanwhile ends"
end 0
"$bin/viaductd" --foreground --kernel none --config "$folder/n0" --control "$folder/control.sock" 2>"$folder/ended.log" &
daemons=("$!")
wait_for "the first router" logged ended 'router is running'
end 0
echo "many_routers: passed"
