#!/usr/bin/env bash
# The configuration of two daemons is edited while packets travel: what can be done in place or by a rekey
# loses none, a new IKE SA comes before the old one goes, and the other connection is not touched. One tunnel is over
# IPv4, one over IPv6.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
connection_table() { # name, esp, local address, peer address, local subnet, remote subnet, secret, start
    cat <<TOML
[[connection]]
name = "$1"
ike = "modern"
esp = "$2"
local_address = "$3"
peer_address = "$4"
local_subnets = ["$5"]
remote_subnets = ["$6"]
psk = "$7"
start = "$8"
TOML
}
write_configuration() { # router, its number, the peer's, its networks' number, the peer's, dpd, esp proposal, secret, start
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
$(connection_table edited edited "10.10.10.$2" "10.10.10.$3" "192.168.$4.0/24" "192.168.$5.0/24" "$8" "$9")
dpd = { interval = "$6" }
$(connection_table six edited "fd00:ffff::$2" "fd00:ffff::$3" "fd00:$4::/64" "fd00:$5::/64" "$8" "$9")
dpd = { interval = "$6" }
$(connection_table kept modern "10.10.10.$2" "10.10.10.$3" 172.16.0.0/16 172.17.0.0/16 'correct horse' respond)
TOML
    chmod 600 "$OUT/$1.d/router.toml"
}
configure() { # dpd, esp proposal, secret
    write_configuration r1 5 4 10 20 "$@" initiate
    write_configuration r2 4 5 20 10 "$@" respond
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
reload() { # what reload says of the edited connections
    local router
    for router in r2 r1; do
        ask_daemon $router reload | tee "$OUT/reload.$router"
        grep -q "changed: edited ($1), six ($1); kept: kept" "$OUT/reload.$router" || die "reload says otherwise"
    done
}
suite_is() { [ "$(ask_daemon r1 status | grep -c "child SA.*$1")" -eq 2 ]; }

configure 30s aes256gcm16 'correct horse'
start_daemon r1
start_daemon r2
# Before, the packets would travel in clear.
are_up() { [ "$(ask_daemon r1 status --json 2>/dev/null | grep -c '"state": "up"')" -eq 2 ]; }
becomes 20 are_up
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

initiator() { ask_daemon r1 status -v | grep -o 'SPIs [0-9a-f]*_i' | sort; }
before=$(initiator)
configure 20s aes256-sha256 'another horse'
reload 'new IKE SA'
renewed() { [ "$(initiator | wc -l)" = 2 ] && [ -z "$(comm -12 <(initiator) - <<<"$before")" ]; }
becomes 30 renewed

for family in 4 6; do
    wait "${pinging[family / 2 - 2]}" || true
    cat "$OUT/ping.$family"
    grep -q ' 0% packet loss' "$OUT/ping.$family" || die "packets were lost: $(grep loss "$OUT/ping.$family")"
done
stop_capture
[ -z "$(captured reload.pcap "$clear_filter")" ] || die "something left in clear"
for family in ip ip6; do
    [ "$(captured reload.pcap "$family proto 50" | wc -l)" -gt 1000 ] || die "few packets of $family in ESP"
done
jobs -p | xargs kill
