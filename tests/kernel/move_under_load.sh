#!/usr/bin/env bash
# A peer behind NAT whose mapping changes while both hosts send all the time: r1 follows
# with the same child, to another port without any loss, and to another address.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
ip -netns r2 addr add 10.10.10.44/24 dev outer
ip -netns r2 addr add fd00:ffff::44/64 dev outer nodad
start_tools_with_udp

# Stands for a NAT in front of r2. What comes to an earlier mapping still passes.
map_r2() { # family, private address, public address, public port
    ip netns exec r2 nft -f - <<RULES
table inet mapping
delete table inet mapping
table inet mapping {
    chain there {
        type filter hook prerouting priority raw;
        udp dport 61000-62000 udp dport set 4500
        $1 daddr $3 udp dport 4500 $1 daddr set $2
    }
    chain back {
        type filter hook postrouting priority srcnat;
        $1 saddr $2 udp sport 4500 $1 saddr set $3 udp sport set $4
    }
}
RULES
}

state() { ip -netns r1 xfrm state; }
sent() { local out; read -r _ _ _ out <<<"$(ask r1 counters 1)"; echo "$out"; }
received() { local in; read -r _ in _ <<<"$(ask r2 counters 1)"; echo "$in"; }

# shellcheck disable=SC2016 # awk's
no_state() { ip netns exec r1 awk '$1 == "XfrmInNoStates" { print $2 }' /proc/net/xfrm_stat; }

try() { # family, r1's address, r2's address, another of r2's
    local family=$1 own=$2 peer=$3 other=$4 lost port=61000
    local networks='local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64'
    ask r1 install 1 side=left encap=yes "outer=$own,$peer" "$networks"
    ask r2 install 1 side=right encap=yes "outer=$own,$peer" "$networks"
    reaches host1 192.168.20.20 || die "no answer"

    start_flood 3000 192.168.20.20 fd00:10::10
    while is_flooding; do
        port=$((port + 1))
        map_r2 "$family" "$peer" "$peer" $port
        ask r1 move 1 side=left "outer=$own,$peer" encap=4500,$port
        sleep 0.1
    done
    end_flood
    echo "$family: $((port - 61000)) ports, $lost packets lost"
    [ "$lost" = 0 ] || die "lost: $lost, r1: $(xfrm_drops r1) r2: $(xfrm_drops r2)"
    [ $port -gt 61002 ] || die "the flood was over too soon"
    state | grep -F "encap type espinudp sport 4500 dport $port" >/dev/null || die "$(state)"
    state | grep -F "encap type espinudp sport $port dport 4500" >/dev/null || die "$(state)"
    sleep 0.3
    [ "$(sent)" = "$(received)" ] || die "r1 sent $(sent), r2 received $(received)"
    [ "$(sent)" -gt 6000 ] || die "the counters began again: $(sent)"

    # For a moment r1 has no inbound state; that is all that may be lost.
    local missed
    missed=$(no_state)
    start_flood 1500
    sleep 0.3
    map_r2 "$family" "$peer" "$other" 62000
    ask r1 move 1 side=left "outer=$own,$other" encap=4500,62000
    is_flooding || die "the flood was over too soon"
    end_flood
    missed=$(($(no_state) - missed))
    echo "$family: another address, $lost packets lost, $missed of them without a state"
    if [ "$lost" != "$missed" ] || [ "$lost" -ge 60 ]; then
        die "lost: $lost, r1: $(xfrm_drops r1) r2: $(xfrm_drops r2)"
    fi
    [ -z "$(xfrm_drops r2)" ] || die "r2 dropped: $(xfrm_drops r2)"
    [ "$(state | grep -cF "$other")" = 2 ] || die "$(state)"
    [ "$(sent)" -gt 8900 ] || die "the counters began again: $(sent)"
    ip netns exec r2 nft delete table inet mapping
    ask r1 remove 1
    ask r2 remove 1
    [ -z "$(state; ip -netns r1 xfrm policy list nosock)" ] || die "something is left"
}

try ip 10.10.10.5 10.10.10.4 10.10.10.44
try ip6 fd00:ffff::5 fd00:ffff::4 fd00:ffff::44

# To the other family and out of UDP, at both ends.
ask r1 install 1 side=left encap=yes
ask r2 install 1 side=right encap=yes
reaches host1 192.168.20.20 || die "no answer"
ask r1 move 1 side=left outer=fd00:ffff::5,fd00:ffff::4
ask r2 move 1 side=right outer=fd00:ffff::5,fd00:ffff::4
reaches host1 192.168.20.20 || die "no answer over IPv6"
[ "$(ask r1 counters 1)" = '504 6 504 6' ] || die "counters: $(ask r1 counters 1)"
# Those that had to come back have left numbers out again.
places() { state | sed -n '/^src/{N;s/\n//;p}' | sort; }
before=$(places)

# The new place is taken: everything is as it was.
ip -netns r1 xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc0000000 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
ask_refused r1 move 1 side=left | grep -F 'NEWSA in 10.10.10.4 -> 10.10.10.5 spi 0xc0000000: File exists'
ip -netns r1 xfrm state delete src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc0000000
[ "$(places)" = "$before" ] || die "a refusal changed something: $(diff <(echo "$before") <(places))"
ask_refused r1 move 17 | grep -F 'the child is not installed'
reaches host1 192.168.20.20 || die "no answer behind a refusal"
