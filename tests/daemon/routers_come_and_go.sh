#!/usr/bin/env bash
# routers_come_and_go.sh BIN [OPTION…]: namespaces come, go and come back under one viaductd (with these
# options; else --kernel none). All routers have the same addresses, peers and connection names. What
# goes is let go: the namespace dies in the kernel and every descriptor comes back. Exit status 77 where
# namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/private_run
. "$(dirname "$0")/private_run"

bin=$1
shift
options=("$@")
[ $# -gt 0 ] || options=(--kernel none)
count=8
folder=$(mktemp -d)
daemon=''

cleanup() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap cleanup EXIT

fail() {
    echo "routers_come_and_go: $1" >&2
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
        sleep 0.01
    done
}

router_file() { # router, namespace, further lines of the connection
    cat >"$folder/routers/$1.toml" <<TOML
[router]
name = "$1"
netns = "$2"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16-x25519"]
[[connection]]
name = "vpn"
ike = "modern"
esp = "modern"
local_address = "10.10.10.5"
peer_address = "10.10.10.4"
local_subnets = ["192.168.11.0/24"]
remote_subnets = ["192.168.30.0/24"]
psk = "secret"
${3:-}
TOML
    chmod 600 "$folder/routers/$1.toml"
}
peer_file() { # router, namespace
    router_file "$1" "$2"
    sed -i 's/10.10.10.5/LOCAL/; s/10.10.10.4/10.10.10.5/; s/LOCAL/10.10.10.4/;
        s/192.168.11.0/OURS/; s/192.168.30.0/192.168.11.0/; s/OURS/192.168.30.0/' "$folder/routers/$1.toml"
}
make_router() { # namespace
    ip -batch - <<BATCH
netns add $1
link add out-$1 type veth peer name outer netns $1
BATCH
    configure_router "$1" 10.10.10.5
}
configure_router() { # namespace, address
    ip -netns "$1" -batch - <<BATCH
link set lo up
link set outer up
addr add $2/24 dev outer
BATCH
}

# grep reads to the end (no -q): else it may close the pipe under a program that still writes, and
# pipefail makes that a failure.
viaduct() { "$bin/viaduct" --control "$folder/control.sock" "$@"; }
state() { viaduct status --json "$1" | sed -n 's/^ *"state": "\(running\|waiting\)".*/\1/p'; }
is() { [ "$(state "$1")" = "$2" ]; }
descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
descriptors_are() { [ "$(descriptors)" -eq "$1" ]; }
# As many as it keeps: a command that has just been answered may have its own for a moment.
kept_descriptors() { for _ in $(seq 20); do descriptors && sleep 0.01; done | sort -n | head -n 1; }
threads() { find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l; }
gone() { ! ip link show "out-$1" >/dev/null 2>&1; }
up() { viaduct status --json "$1" | grep '"state": "up"' >/dev/null; }
logged() { [ "$(grep -c -- "$1" "$folder/log" || true)" -ge "${2:-1}" ]; }
listens() { [ "$(ip netns exec "$1" ss -Hlun '( sport = :500 or sport = :4500 )' | wc -l)" -ge 2 ]; }

mkdir "$folder/routers"
: >"$folder/log"
for number in $(seq $count); do
    router_file "router$number" "router$number"
done
"$bin/viaductd" --foreground --process-namespaces "${options[@]}" --config "$folder/routers" \
    --control "$folder/control.sock" 2>"$folder/log" &
daemon=$!
within 10000 "the ready line" logged 'ready: 8 routers'
[ ! -e /run/netns ] || fail "this test wants to see the folder come"
before=$(kept_descriptors)
threads_before=$(threads)

echo "they come, together with their folder"
for number in $(seq $count); do
    make_router "router$number"
done
for number in $(seq $count); do
    within 1000 "the start of router$number" is "router$number" running
    within 1000 "its sockets" listens "router$number"
done
running=$(kept_descriptors)
[ "$(threads)" -eq "$threads_before" ] || fail "routers cost threads"

echo "one goes: its namespace dies, the others do not notice"
ip netns del router3
within 1000 "the death of router3's namespace" gone router3
within 1000 "its end" is router3 waiting
is router2 running || fail "another router stopped"
viaduct status router3 | grep 'went away' >/dev/null || fail "status does not say why"

echo "it comes back, and goes, many times"
for round in $(seq 10); do
    make_router router3
    within 1000 "return $round" is router3 running
    ip netns del router3
    within 1000 "death $round" gone router3
done
make_router router3
within 1000 "the last return" is router3 running
within 2000 "the return of all descriptors" descriptors_are "$running"

echo "the same name at once is another namespace"
ip -batch - <<'BATCH'
netns del router4
netns add router4
BATCH
within 1000 "the death of the namespace before" gone router4
within 1000 "the service of the new one" listens router4
within 1000 "its start" is router4 running

echo "a name that is no namespace is none"
touch /run/netns/router9
router_file router9 router9
viaduct reload router9 >/dev/null
is router9 waiting || fail "an empty file is taken for a namespace"
viaduct status router9 | grep 'no network namespace' >/dev/null || fail "status does not say so"
rm /run/netns/router9 "$folder/routers/router9.toml"
[ "$(viaduct reload router9)" = 'router9          removed; removed: vpn' ] || fail "router9 is not removed alone"

echo "one router is reloaded, and the others are not looked at"
router_file router10 router2
mv "$folder/routers/router5.toml" "$folder/routers/.router5"
if viaduct reload router10 >"$folder/reload.log" 2>&1; then fail "two routers in one namespace"; fi
grep "its namespace belongs to router 'router2'" "$folder/reload.log" >/dev/null || fail "$(cat "$folder/reload.log")"
is router5 running || fail "the reload of another stopped router5"
mv "$folder/routers/.router5" "$folder/routers/router5.toml"
rm "$folder/routers/router10.toml"
if viaduct reload router10 >"$folder/reload.log" 2>&1; then fail "a router that is not there is reloaded"; fi
grep "there is no router 'router10', and no router10.toml" "$folder/reload.log" >/dev/null || fail "$(cat "$folder/reload.log")"

echo "unmounted, but not removed"
umount -l /run/netns/router4
within 1500 "its end" is router4 waiting
rm /run/netns/router4

echo "at a path of its own"
mkdir /run/elsewhere
touch /run/elsewhere/place
router_file elsewhere /run/elsewhere/place
viaduct reload >/dev/null
ip netns add elsewhere
mount --bind /run/netns/elsewhere /run/elsewhere/place
ip netns del elsewhere
within 2000 "its start" is elsewhere running
umount -l /run/elsewhere/place
within 1500 "its end" is elsewhere waiting
rm "$folder/routers/elsewhere.toml"
viaduct reload >/dev/null

echo "a process's namespace goes with the process"
unshare --net sleep 1000 &
process=$!
other_namespace() { [ "$(readlink "/proc/$process/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
within 1000 "the process" other_namespace
router_file process "/proc/$process/ns/net"
viaduct reload >/dev/null
within 2000 "its start" is process running
ip link add out-process type veth peer name outer netns "$process"
kill "$process"
wait "$process" || true
within 1800 "the death of its namespace" gone process
within 1000 "its end" is process waiting
rm "$folder/routers/process.toml"
viaduct reload >/dev/null

echo "a tunnel is up on one of two equal routers; the namespace goes, and comes back"
peer_file peer1 peer1
peer_file peer2 peer2
for number in 1 2; do
    ip -batch - <<BATCH
netns add peer$number
link set out-router$number netns peer$number name outer
BATCH
    configure_router "peer$number" 10.10.10.4
done
viaduct reload >/dev/null
for number in 1 2; do
    within 1000 "the start of peer$number" is "peer$number" running
    viaduct up "router$number/vpn" >/dev/null || fail "router$number/vpn is not up"
done
{ up router1/vpn && up router2/vpn; } || fail "equal connections are in each other's way"
ip netns del router1
died() { ! ip -netns peer1 link show outer >/dev/null 2>&1; }
within 1000 "the death of router1's namespace" died
within 1000 "the peer's notice" logged 'closed by the peer\|closed_by_peer\|peer closed'
up router2/vpn || fail "the other tunnel went down"
ip netns add router1
ip -batch - <<'BATCH'
link add outer netns router1 type veth peer name outer netns peer1
BATCH
configure_router router1 10.10.10.5
configure_router peer1 10.10.10.4
within 1000 "the return of router1" is router1 running
viaduct up router1/vpn >/dev/null || fail "router1/vpn does not come up again"

echo "all go, and nothing is left"
for number in $(seq $count); do
    [ ! -e "/run/netns/router$number" ] || ip netns del "router$number"
done
ip netns del peer1
ip netns del peer2
rm "$folder"/routers/peer*.toml
viaduct reload >/dev/null
for number in 5 6 7 8; do
    within 1000 "the death of router$number's namespace" gone "router$number"
done
within 2000 "the return of all descriptors" descriptors_are "$before"
[ "$(threads)" -eq "$threads_before" ] || fail "threads are left"

kill -TERM "$daemon"
wait "$daemon" || fail "viaductd ended with $?"
daemon=''

echo "too few descriptors: some run, the others say why"
for number in $(seq $count); do
    ip netns add "router$number"
done
# The ready line of the one before must not be seen.
: >"$folder/log"
# A process that may raise its limit would.
setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource prlimit --nofile=96:96 \
    "$bin/viaductd" --foreground "${options[@]}" --config "$folder/routers" --control "$folder/control.sock" \
    2>"$folder/log" &
daemon=$!
within 10000 "the ready line" logged 'ready: 8 routers'
is router1 running || fail "no router runs"
is router8 waiting || fail "the limit does not matter"
viaduct status router8 | grep 'RLIMIT_NOFILE.* for no more' >/dev/null || fail "status does not name the limit"
# The place of one that goes is free for another.
for number in 1 2 3 4; do
    ip netns del "router$number"
done
within 8000 "the start of router8" is router8 running
kill -TERM "$daemon"
wait "$daemon" || fail "viaductd ended with $?"
daemon=''
echo "routers_come_and_go: passed"
