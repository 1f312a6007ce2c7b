#!/usr/bin/env bash
# The configuration of two daemons is edited while packets travel: what can be done in place or by a rekey
# loses none, a new IKE SA comes before the old one goes, and the other connection is not touched.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
write_configuration() { # router, local address, peer address, local subnet, remote subnet, dpd, esp proposal, secret, start
    mkdir -p "$OUT/$1.d"
    cat >"$OUT/$1.d/router.toml" <<TOML
[router]
name = "$1"
netns = "$1"
[ike.modern]
proposals = ["aes256gcm16-prfsha384-x25519"]
[esp.edited]
proposals = ["$7"]
[esp.modern]
proposals = ["aes256gcm16"]
[[connection]]
name = "edited"
ike = "modern"
esp = "edited"
local_address = "$2"
peer_address = "$3"
psk = "$8"
local_subnets = [$4]
remote_subnets = [$5]
start = "$9"
dpd = { interval = "$6" }
[[connection]]
name = "kept"
ike = "modern"
esp = "modern"
local_address = "$2"
peer_address = "$3"
psk = "correct horse"
local_subnets = ["172.16.0.0/16"]
remote_subnets = ["172.17.0.0/16"]
start = "respond"
TOML
    chmod 600 "$OUT/$1.d/router.toml"
}
configure() { # dpd, esp proposal, secret
    local networks1='"192.168.10.0/24", "fd00:10::/64"' networks2='"192.168.20.0/24", "fd00:20::/64"'
    write_configuration r1 10.10.10.5 10.10.10.4 "$networks1" "$networks2" "$@" initiate
    write_configuration r2 10.10.10.4 10.10.10.5 "$networks2" "$networks1" "$@" respond
}
start_daemon() { viaductd --config "$OUT/$1.d" --foreground --control "$OUT/$1.sock" >"$OUT/$1.log" 2>&1 & }
ask_daemon() { local router=$1; shift; viaduct --control "$OUT/$router.sock" "$@"; }
tunnel_works() { reaches host1 192.168.20.20 -c 1 && reaches host1 fd00:20::20 -c 1; }
spis() { ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort; }
becomes() { # seconds, command…
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || { cat "$OUT"/r?.log >&2; die "not within the time: $*"; }
        sleep 0.2
    done
}
reload() { # what reload says of the edited connection
    local router
    for router in r2 r1; do
        ask_daemon $router reload | tee "$OUT/reload.$router"
        grep -q "changed: edited ($1); kept: kept" "$OUT/reload.$router" || die "reload says otherwise"
    done
}
suite_is() { ask_daemon r1 status edited | grep -q "$1"; }

configure 30s aes256gcm16 'correct horse'
start_daemon r1
start_daemon r2
# Before, the packets would travel in clear.
is_up() { ask_daemon r1 status edited --json 2>/dev/null | grep -q '"state": "up"'; }
becomes 20 is_up
becomes 20 tunnel_works
start_capture reload.pcap
# One packet a millisecond would drown the machine; a lost one shows at any rate.
ip netns exec host1 ping -q -i 0.02 -c 1500 192.168.20.20 >"$OUT/ping.4" 2>&1 &
pinging=($!)
ip netns exec host1 ping -q -i 0.02 -c 1500 fd00:20::20 >"$OUT/ping.6" 2>&1 &
pinging+=($!)

before=$(spis)
configure 20s aes256gcm16 'correct horse'
reload 'in place'
sleep 1
[ "$(spis)" = "$before" ] || die "an edit in place changed the SAs"

configure 20s aes256-sha256 'correct horse'
reload 'child SAs rekeyed'
becomes 20 suite_is AES_CBC
[ "$(spis)" != "$before" ] || die "nothing was rekeyed"

initiator() { ask_daemon r1 status -v edited | grep -o 'SPIs [0-9a-f]*_i' | sort; }
before=$(initiator)
configure 20s aes256-sha256 'another horse'
reload 'new IKE SA'
renewed() { [ "$(initiator | wc -l)" = 1 ] && [ "$(initiator)" != "$before" ]; }
becomes 30 renewed

for family in 4 6; do
    wait "${pinging[family / 2 - 2]}" || true
    cat "$OUT/ping.$family"
    grep -q ' 0% packet loss' "$OUT/ping.$family" || die "packets were lost: $(grep loss "$OUT/ping.$family")"
done
stop_capture
[ -z "$(captured reload.pcap "$clear_filter")" ] || die "something left in clear"
jobs -p | xargs kill
