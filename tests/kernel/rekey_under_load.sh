#!/usr/bin/env bash
# Child SAs replaced one after another while both hosts send all the time, by the steps of a
# rekey in both roles: no packet is lost, none is in clear, and every packet that one end sent with a
# child came in with the same child at the other. IPv4 one way, IPv6 the other.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tools_with_udp

# Without SAs the networks reach each other in clear, so the capture sees what would leak.
start_capture clear.pcap "$clear_filter"
reaches host1 192.168.20.20
reaches host2 fd00:10::10
sleep 0.5
clear=$(captured clear.pcap '' | wc -l)
[ "$clear" -ge 12 ] || die "this test shows nothing: the capture saw $clear clear packets"

side_of() { [ "$1" = r1 ] && echo left || echo right; }

# Inbound and outbound packets.
packets() { # router, child
    local counted in out
    counted=$(ask "$1" counters "$2")
    read -r _ in _ out <<<"$counted"
    echo "$in $out"
}

rekey() { # initiator, responder, old child, new child, words
    local initiator=$1 responder=$2 old=$3 new=$4
    local words=("${@:5}" "spi=$(printf '0x%x' $((0xc0000000 + 16 * new)))")
    ask "$responder" install-inbound "$new" "side=$(side_of "$responder")" "${words[@]}"
    # The response is there.
    ask "$initiator" install "$new" "side=$(side_of "$initiator")" "${words[@]}"
    # So is the request to delete the old one.
    ask "$responder" install-outbound "$new" "side=$(side_of "$responder")" "${words[@]}"
    # A packet that has chosen the old state must still find it, so that goes a moment later, as
    # with the daemon. By then nothing uses it any more.
    sleep 0.3
    local in1 out1 in2 out2 later1 later2
    read -r _ out1 <<<"$(packets r1 "$old")"
    read -r _ out2 <<<"$(packets r2 "$old")"
    sleep 0.2
    ask "$initiator" remove-outbound "$old"
    ask "$responder" remove-outbound "$old"
    read -r in1 later1 <<<"$(packets r1 "$old")"
    read -r in2 later2 <<<"$(packets r2 "$old")"
    [ "$later1 $later2" = "$out1 $out2" ] || die "child $old still sends: $out1 $out2, then $later1 $later2"
    [ "$in1 $in2" = "$out2 $out1" ] || die "child $old: r1 received $in1 of $out2, r2 received $in2 of $out1"
    if [ "$out1" = 0 ] || [ "$out2" = 0 ]; then
        die "child $old carried nothing: $out1 $out2"
    fi
    ask "$initiator" remove "$old"
    ask "$responder" remove "$old"
}

try() { # words
    local child=1 lost
    set -- "$@" local=192.168.10.0/24,fd00:10::/64 remote=192.168.20.0/24,fd00:20::/64
    ask r1 install 1 side=left "$@"
    ask r2 install 1 side=right "$@"
    reaches host1 192.168.20.20 || die "no answer"
    start_flood 2500 192.168.20.20 fd00:10::10
    while is_flooding; do
        if [ $((child % 2)) = 1 ]; then
            rekey r1 r2 $child $((child + 1)) "$@"
        else
            rekey r2 r1 $child $((child + 1)) "$@"
        fi
        child=$((child + 1))
    done
    end_flood
    echo "$((child - 1)) rekeys, $lost packets lost with $*"
    [ "$child" -gt 4 ] || die "the flood was over too soon"
    [ "$lost" = 0 ] || die "lost: $lost, r1: $(xfrm_drops r1) r2: $(xfrm_drops r2)"
    reaches host1 192.168.20.20 || die "no answer behind the last rekey"
    for router in r1 r2; do
        [ "$(ip -netns $router xfrm state | grep -c '^src')" = 2 ] || die "$router: $(ip -netns $router xfrm state)"
        ask $router remove $child
        [ -z "$(ip -netns $router xfrm state; ip -netns $router xfrm policy list nosock)" ] || die "something is left in $router"
    done
}

try suite=aes256gcm16
try encap=yes suite=aes256gcm16-esn
try outer=fd00:ffff::5,fd00:ffff::4 encap=yes

# The outbound half is refused: nothing of the child stays, the old one goes on.
ask r1 install 1 side=left
ask r2 install 1 side=right
ask r1 install-inbound 2 side=left spi=0xd0000000
ip -netns r1 xfrm state add src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xd0000001 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
ask_refused r1 install-outbound 2 side=left spi=0xd0000000 | grep -F 'NEWSA out 10.10.10.5 -> 10.10.10.4 spi 0xd0000001: File exists'
[ "$(ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort | tr '\n' ' ')" = \
    'spi 0xc0000000 spi 0xc0000001 spi 0xd0000001 ' ] || die "other states: $(ip -netns r1 xfrm state)"
ask_refused r1 install-outbound 2 side=left spi=0xe0000000 | grep -F 'inbound SA is not installed'
ask r1 remove-outbound 2
stop_capture
[ "$(captured clear.pcap '' | wc -l)" = "$clear" ] || die "in clear: $(captured clear.pcap '' | tail -n 3)"
reaches host1 192.168.20.20 || die "the old child is gone"
