#!/usr/bin/env bash
# outer_paths.sh BIN: outer addresses that appear later, go and move, and routes that appear, under one
# viaductd without a kernel side (--kernel none). Exit status 77 where namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/private_run
. "$(dirname "$0")/private_run"

bin=$1
folder=$(mktemp -d)
daemon=''

cleanup() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap cleanup EXIT

fail() {
    echo "outer_paths: $1" >&2
    viaduct status -v >&2 || true
    tail -n 60 "$folder/log" >&2
    exit 1
}
# On a machine that others keep busy everything takes longer.
slowness=$(awk -v processors="$(nproc)" '{ busy = int($1 / processors); print (busy > 1 ? busy : 1) }' /proc/loadavg)
# within MILLISECONDS WHAT COMMAND…
within() {
    local end=$(($(date +%s%N) + $1 * slowness * 1000000)) what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s%N)" -lt "$end" ] || fail "$what did not happen in time"
        sleep 0.02
    done
}
# grep reads to the end (no -q): else it may close the pipe under a program that still writes, and
# pipefail makes that a failure.
viaduct() { "$bin/viaduct" --control "$folder/control.sock" "$@"; }
code() { viaduct status --json "$1" | grep "\"code\": \"$2\"" >/dev/null; }
is() { viaduct status --json "$1" | sed -n '/"connections"/,$p' | grep "\"state\": \"$2\"" >/dev/null; }
logged() { grep -q -- "$1" "$folder/log"; }
times() { grep -c -- "$1" "$folder/log" || true; }
# What is logged when the address of left goes and when its way is open again; `more` than before.
gone='has the local address 10.10.10.5.*router=left'
open='the way to the peer is open.*router=left'
more() { [ "$(times "$1")" -gt "$2" ]; }

router_file() { # router, local address, peer address, start
    cat >"$folder/routers/$1.toml" <<TOML
[router]
name = "$1"
netns = "$1"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16-x25519"]
[[connection]]
name = "vpn"
ike = "modern"
esp = "modern"
local_address = "$2"
peer_address = "$3"
local_id = "$1"
peer_id = "any"
local_subnets = ["192.168.0.0/16"]
remote_subnets = ["192.168.0.0/16"]
psk = "secret"
start = "$4"
TOML
    chmod 600 "$folder/routers/$1.toml"
}

# left and its equal, twin, which has the same addresses and peer; right answers both.
mkdir "$folder/routers"
: >"$folder/log"
for name in left twin right far; do
    ip netns add $name
    ip -netns $name link set lo up
done
for name in left twin; do
    ip link add $name netns right type veth peer name outer netns $name
    ip -netns $name link set outer up
    ip -netns right link set $name up
done
ip -netns right addr add 10.10.10.4/24 dev left
ip -netns right addr add fd00:ffff::4/64 dev left nodad
# far is behind right.
ip link add far netns right type veth peer name outer netns far
ip -netns right addr add 10.30.0.1/24 dev far
ip -netns right link set far up
ip -netns far addr add 10.30.0.9/24 dev outer
ip -netns far link set outer up
ip -netns far route add 10.10.10.0/24 via 10.30.0.1
ip netns exec right sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'

router_file left 10.10.10.5 10.10.10.4 initiate
router_file twin 10.10.10.5 10.10.10.4 initiate
router_file right 10.10.10.4 any respond
router_file far 10.30.0.9 any respond

"$bin/viaductd" --foreground --kernel none --config "$folder/routers" --control "$folder/control.sock" \
    --debug ike=debug 2>"$folder/log" &
daemon=$!
within 10000 "the ready line" logged 'ready: 4 routers'

echo "without its address a connection waits, and sends nothing"
is left waiting || fail "left does not wait"
code left no_local_address || fail "status does not say why"
viaduct status left | grep 'no interface of the router has the local address 10.10.10.5' >/dev/null || fail "no sentence"
if viaduct up --timeout 5 left/vpn 2>"$folder/up.log"; then fail "up succeeded"; fi
grep -q 'has the local address 10.10.10.5' "$folder/up.log" || fail "up does not say why: $(cat "$folder/up.log")"
if logged 'cannot send'; then fail "it sends"; fi

echo "the address appears, and it starts at once"
ip -netns left addr add 10.10.10.5/24 dev outer
within 1000 "the start" is left up
code twin no_local_address || fail "its twin in another router is not where it was"
is twin waiting || fail "its twin began"

echo "the address goes: the SAs stay, and it comes back to them"
before=$(times 'IKE SA established')
goings=$(times "$gone")
ip -netns left addr del 10.10.10.5/24 dev outer
within 2500 "the notice" more "$gone" "$goings"
is left up || fail "the SAs went with the address"
openings=$(times "$open")
ip -netns left link add second type veth peer name other
ip -netns left link set second up
ip -netns left addr add 10.10.10.5/32 dev second
ip -netns left route add 10.10.10.0/24 dev outer src 10.10.10.5
within 2500 "the way back" more "$open" "$openings"
is left up || fail "left is not up"
[ "$(times 'IKE SA established')" = "$before" ] || fail "there are new SAs"
viaduct rekey left/vpn || fail "the SA does not work any more"

echo "down while the address is away: up again when it is there"
goings=$(times "$gone")
ip -netns left addr del 10.10.10.5/32 dev second
within 2500 "the notice" more "$gone" "$goings"
viaduct down left/vpn >/dev/null || fail "down failed"
viaduct up --no-wait left/vpn >/dev/null || fail "up failed"
within 4000 "waiting" is left waiting
ip -netns left addr add 10.10.10.5/24 dev outer
within 2500 "the start" is left up

echo "an IPv6 address is used when duplicate detection is over"
router_file left fd00:ffff::5 fd00:ffff::4 initiate
sed -i 's/10.10.10.4/fd00:ffff::4/' "$folder/routers/right.toml"
viaduct reload >/dev/null
within 1000 "waiting" code left no_local_address
ip -netns left addr add fd00:ffff::5/64 dev outer
within 6000 "the start" is left up

echo "a route appears, and what waits is tried at once"
router_file left 10.10.10.5 10.30.0.9 initiate
sed -i 's/fd00:ffff::4/10.10.10.4/' "$folder/routers/right.toml"
viaduct reload >/dev/null
within 1000 "the first attempt" logged 'cannot send.*10.30.0.9'
# Now the next retransmission is more than two seconds away.
sent_in_vain() { viaduct status left | grep 'cannot send ([4-9] times)' >/dev/null; }
within 10000 "waiting long" sent_in_vain
if is left up; then fail "there is a route already"; fi
ip -netns left route add 10.30.0.0/24 via 10.10.10.4
within 1500 "the start" is left up

echo "an automatic address follows the route, as with DHCP"
router_file left auto 10.30.0.9 initiate
ip -netns left addr flush dev outer
viaduct reload >/dev/null
# The SAs from the fixed address would stay until there are others.
viaduct down left/vpn >/dev/null || fail "down failed"
viaduct up --no-wait left/vpn >/dev/null || fail "up failed"
within 1000 "waiting" code left no_route
from() { viaduct status left | grep "$1\[500\] - 10.30.0.9" >/dev/null; }
ip -netns left -batch - <<'BATCH'
addr add 10.10.10.55/24 dev outer
route add default via 10.10.10.4
BATCH
within 2500 "the start from the first address" from 10.10.10.55
within 1000 "the start" is left up
# The lease ends; the next one has another address.
ip -netns left -batch - <<'BATCH'
addr del 10.10.10.55/24 dev outer
addr add 10.10.10.66/24 dev outer
route add default via 10.10.10.4
BATCH
within 2500 "the start from the second address" from 10.10.10.66
within 3000 "the start" is left up

echo "a namespace without any address, with an operator who does not want it any more"
viaduct down twin/vpn >/dev/null || fail "down failed"
ip -netns twin addr add 10.10.10.5/24 dev outer
within 2000 "the notice" logged 'the way to the peer is open.*router=twin'
is twin down || fail "it starts against the operator's will"

kill -TERM "$daemon"
wait "$daemon" || fail "viaductd ended with $?"
daemon=''
echo "outer_paths: passed"
