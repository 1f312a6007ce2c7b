#!/usr/bin/env bash
# two_daemons.sh BIN: two viaductd, each in a router namespace of its own, joined by a veth, negotiate
# without a kernel side (--kernel none). Exit status 77 where namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/logs
. "$(dirname "$0")/logs"

bin=$1
left=vdl$$ right=vdr$$ late=vdn$$
folder=$(mktemp -d)
left_daemon='' right_daemon=''

cleanup() {
    for process in $left_daemon $right_daemon; do
        kill "$process" 2>/dev/null || true
    done
    for name in $left $right $late; do
        ip netns del "$name" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT

viaduct() { "$bin/viaduct" --control "$folder/$1.sock" "${@:2}"; }
# grep reads to the end (no -q): else it may close the pipe under a program that still writes, and
# pipefail makes that a failure.
says() { viaduct "$1" status --json "${@:3}" 2>/dev/null | grep -- "$2" >/dev/null; }
shows() { viaduct "$1" status -v | grep -- "$2" >/dev/null; }

# router_file SIDE NAMESPACE LOCAL PEER LOCAL-SUBNETS REMOTE-SUBNETS PSK
router_file() {
    mkdir -p "$folder/$1"
    cat >"$folder/$1/router.toml" <<TOML
[router]
name = "$1"
netns = "$2"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.modern]
proposals = ["aes256gcm16-x25519"]
[[connection]]
name = "vpn2"
ike = "modern"
esp = "modern"
local_address = "$3"
peer_address = "$4"
local_subnets = [$5]
remote_subnets = [$6]
psk = "$7"
TOML
    chmod 600 "$folder/$1/router.toml"
}
left_file() {
    router_file left "$left" 10.10.10.5 10.10.10.4 '"192.168.11.0/24"' \
        '"192.168.30.0/24", "192.168.40.0/24"' "$1"
}

ip netns add $left 2>/dev/null || { echo "two_daemons: no namespaces here" >&2; exit 77; }
ip netns add $right
ip link add vleft netns $left type veth peer name vright netns $right ||
    { echo "two_daemons: no veth here" >&2; exit 77; }
ip -n $left addr add 10.10.10.5/24 dev vleft
ip -n $right addr add 10.10.10.4/24 dev vright
ip -n $left link set vleft up
ip -n $right link set vright up

left_file secret
router_file right $right 10.10.10.4 10.10.10.5 '"192.168.30.0/24", "192.168.40.0/24"' \
    '"192.168.11.0/24"' secret
sed "s/\"right\"/\"unrelated\"/; s/\"$right\"/\"$late\"/" "$folder/right/router.toml" \
    >"$folder/right/unrelated.toml"
chmod 600 "$folder/right/unrelated.toml"

"$bin/viaductd" --check --config "$folder/left" >/dev/null || fail "--check refuses a good file"

echo "--check names every mistake of every file with its place"
mkdir "$folder/broken"
sed 's/^name = "left"/name = 5/; s/^peer_address = .*/peer_address = "10.10.10"/; $a colour = "red"' \
    "$folder/left/router.toml" >"$folder/broken/a.toml"
echo '[router' >"$folder/broken/b.toml"
for file in c d; do
    cp "$folder/left/router.toml" "$folder/broken/$file.toml"
done
chmod 600 "$folder"/broken/*.toml
status=0
"$bin/viaductd" --check --config "$folder/broken" >"$folder/check.log" || status=$?
[ $status -eq 1 ] || fail "--check ended with $status"
at() { # FILE PATTERN: the line of the file that the pattern finds is named with a column
    local line
    line=$(grep -n -- "$2" "$folder/broken/$1.toml" | cut -d : -f 1)
    grep -q "^$folder/broken/$1.toml:$line:[1-9][0-9]*: ." "$folder/check.log" ||
        fail "--check does not name $1.toml:$line"
}
at a '^name = 5'
at a '^peer_address'
at a '^colour'
at b '^.router'
at d '^name = "left"'
at d '^netns'
grep -qx '1 router, 1 connection, 6 mistakes' "$folder/check.log" || fail "--check does not count 6 mistakes"

"$bin/viaductd" --foreground --kernel none --config "$folder/left" \
    --control "$folder/left.sock" --debug ike=debug 2>"$folder/left.log" &
left_daemon=$!
"$bin/viaductd" --foreground --kernel none --config "$folder/right" \
    --control "$folder/right.sock" --debug ike=debug 2>"$folder/right.log" &
right_daemon=$!
wait_for "left's ready line" logged left 'ready: 1 router, 1 connection'
wait_for "right's ready line" logged right 'ready: 2 routers, 2 connections'

echo "a router whose namespace is missing waits, and starts when it is there"
says right '"state": "waiting"' unrelated || fail "the unrelated router does not wait"
says right '"state": "running"' right || fail "the other router does not run"
ip netns add $late
wait_for "the start of the unrelated router" says right '"state": "running"' unrelated
ip netns del $late
wait_for "the end of the unrelated router" says right '"state": "waiting"' unrelated

echo "up brings both ends up"
viaduct left up vpn2 >/dev/null || fail "up failed"
says left '"state": "up"' || fail "left is not up"
wait_for "right coming up" says right '"state": "up"' right
shows left '192.168.11.0/24 === 192.168.30.0/24, 192.168.40.0/24' || fail "selectors are missing"
shows right 'responder, established' || fail "right does not show its role"

echo "rekey replaces the child SA, or the IKE SA"
child_spis() { viaduct left status --json vpn2 | grep -o '"inbound_spi": "[^"]*"'; }
ike_spis() { viaduct left status --json vpn2 | grep -o '"initiator_spi": "[^"]*"'; }
rekeyed() { [ "$("$1")" != "$2" ] && says left '"state": "up"'; }
before=$(child_spis)
viaduct left rekey vpn2 >/dev/null || fail "rekey failed"
wait_for "another child SA" rekeyed child_spis "$before"
before=$(ike_spis)
viaduct left rekey --ike vpn2 >/dev/null || fail "rekey --ike failed"
wait_for "another IKE SA" rekeyed ike_spis "$before"

echo "down closes both ends"
viaduct left down vpn2 >/dev/null || fail "down failed"
wait_for "left going down" says left '"state": "down"'
wait_for "right noticing" says right '"code": "closed_by_peer"' right
viaduct left rekey vpn2 2>/dev/null && fail "rekey of what is down succeeded"

echo "a wrong secret is named on both sides"
left_file wrong
viaduct left reload | grep 'changed: vpn2' >/dev/null || fail "reload does not tell the change"
if viaduct left up vpn2 2>"$folder/up.log"; then
    fail "up succeeded with a wrong secret"
fi
grep -q AUTHENTICATION_FAILED "$folder/up.log" || fail "up does not name the reason"
wait_for "right's reason" logged right 'pre-shared keys differ'

echo "a broken file leaves the router as it was"
left_file secret
viaduct left reload >/dev/null || fail "reload failed"
echo 'colour = 1' >>"$folder/left/router.toml"
if viaduct left reload >"$folder/reload.log" 2>&1; then
    fail "reload accepts a broken file"
fi
grep -q 'router.toml:[0-9]*:[0-9]*: ' "$folder/reload.log" || fail "the mistake has no place"
viaduct left up vpn2 >/dev/null || fail "the router does not go on"

echo "a missing folder stops nobody, and a second name of the namespace is refused"
left_file secret
mv "$folder/left" "$folder/aside"
if viaduct left reload >/dev/null 2>&1; then
    fail "reload accepts a missing folder"
fi
mv "$folder/aside" "$folder/left"
sed "s/\"left\"/\"twice\"/; s/\"$left\"/\"\/run\/netns\/$left\"/" "$folder/left/router.toml" \
    >"$folder/left/twice.toml"
chmod 600 "$folder/left/twice.toml"
viaduct left reload >/dev/null || fail "reload failed"
shows left "that of router 'left'" || fail "the second name is not refused"
rm "$folder/left/twice.toml"
viaduct left reload >/dev/null || fail "reload failed"
says left '"state": "up"' left || fail "the first router did not go on"

echo "random datagrams are counted and harm nothing"
# shellcheck disable=SC2016 # expanded by the inner shell
ip netns exec $left bash -c 'for i in $(seq 200); do
    head -c $((i * 5)) /dev/urandom >/dev/udp/10.10.10.4/500 || true; done'
wait_for "the count" shows right 'dropped: '
says right '"state": "up"' right || fail "right went down"

echo "a router moves to ports of its own, and is called there"
sed -i 's/^netns = .*/&\nike_port = 1500\nnat_port = 1501/' "$folder/right/router.toml"
viaduct right reload | grep 'other ports' >/dev/null || fail "reload does not tell the move"
printf 'peer_port = 1500\npeer_nat_port = 1501\n' >>"$folder/left/router.toml"
viaduct left reload >/dev/null || fail "reload failed"
viaduct left up vpn2 >/dev/null || fail "up failed with other ports"
says left '10.10.10.4\[1500\]' || fail "left is not at the other port"
sed -i 's/^peer_port = .*/peer_port = 1501/' "$folder/left/router.toml"
viaduct left reload >/dev/null || fail "reload failed"
viaduct left up vpn2 >/dev/null || fail "up failed from the NAT port"
says left '10.10.10.5\[4500\]' || fail "left did not begin from its NAT port"
says left '10.10.10.4\[1501\]' || fail "left is not at the NAT port"

echo "SIGTERM tells the peer, takes the socket away and ends with 0"
kill -TERM "$left_daemon"
wait "$left_daemon" || fail "left ended with $?"
left_daemon=''
[ ! -e "$folder/left.sock" ] || fail "left's socket is still there"
says right '"code": "closed_by_peer"' right || fail "right was not told"
status=0
viaduct left status 2>"$folder/status.log" || status=$?
[ $status -eq 3 ] || fail "status without a daemon ended with $status"
grep -q 'viaductd does not run' "$folder/status.log" || fail "status does not say so"

echo "--only leaves the others alone, and says so"
"$bin/viaductd" --foreground --kernel none --config "$folder/left" --only other \
    --control "$folder/left.sock" 2>"$folder/only.log" &
left_daemon=$!
wait_for "the ready line" logged only "ready: 1 router, 1 connection; of these only 'other' is served"
logged only "no connection 'other' is configured" || fail "nobody says that there is no such connection"
if viaduct left up vpn2 2>"$folder/up.log"; then
    fail "up succeeded for what is not served"
fi
grep -q -- 'vpn2 is not served: viaductd was started with --only' "$folder/up.log" ||
    fail "up does not say that the connection is left out"
kill -TERM "$left_daemon"
wait "$left_daemon" || fail "left ended with $?"
left_daemon=''

echo "of a peer that says nothing, up tells what is awaited"
kill -STOP "$right_daemon"
"$bin/viaductd" --foreground --kernel none --config "$folder/left" --control "$folder/left.sock" 2>"$folder/left.log" &
left_daemon=$!
wait_for "left's ready line" logged left 'ready: 1 router, 1 connection'
if viaduct left up --timeout 1 vpn2 2>"$folder/up.log"; then fail "up succeeded without a peer"; fi
grep -q 'still negotiating; awaited: IKE_SA_INIT response' "$folder/up.log" || fail "up does not say what is awaited"
kill -CONT "$right_daemon"
kill -TERM "$left_daemon"
wait "$left_daemon" || fail "left ended with $?"
left_daemon=''

kill -TERM "$right_daemon"
wait "$right_daemon" || fail "right ended with $?"
right_daemon=''
echo "two_daemons: passed"
