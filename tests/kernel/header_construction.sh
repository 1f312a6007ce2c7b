#!/usr/bin/env bash
# What of the inner IP header shows on the outer one, and back, as the operator chose; transport mode
# between the routers; NAT keepalives of the kernel.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tools_with_udp

number=0
# Installs with these words and pings with these options; prints the ESP packets from r1 in words.
outer_header() { # words, ping options…
    local words=$1
    number=$((number + 1))
    # shellcheck disable=SC2086 # words
    ask r1 install 1 side=left "spi=0xc00000${number}0" $words
    # shellcheck disable=SC2086
    ask r2 install 1 side=right "spi=0xc00000${number}0" $words
    start_capture "headers.$number"
    reaches host1 192.168.20.20 "${@:2}" || die "no answer with $*"
    stop_capture
    ask r1 remove 1
    ask r2 remove 1
    tcpdump -n -v -r "$OUT/headers.$number" 'esp and src host 10.10.10.5' 2>/dev/null
}

has() { # text, what it must hold on every packet
    [ "$(grep -c 'proto ESP' <<<"$1")" -ge 3 ] || die "too few packets: $1"
    ! grep 'proto ESP' <<<"$1" | found -vF -- "$2" || die "not \"$2\" in: $1"
}

# 0xb9: DSCP EF and ECT(1). Of ECN both directions are one choice.
has "$(outer_header dscp=out -Q 0xb9 -M 'do')" 'tos 0xb9,ECT(1)'
has "$(outer_header dscp=no -Q 0xb9 -M 'do')" 'tos 0x1,ECT(1)'
has "$(outer_header 'dscp=out ecn=no' -Q 0xb9 -M 'do')" 'tos 0xb8'
has "$(outer_header dscp=out -M 'do')" 'flags [DF]'
has "$(outer_header df=no -M 'do')" 'flags [none]'
has "$(outer_header df=yes -M dont)" 'flags [none]'
echo 'ok: DSCP, ECN and DF'

# The peer's outer DSCP comes in where it is to: the network's change of it, here made by r1.
ask r1 install 1 side=left spi=0xc1000000 dscp=no
ask r2 install 1 side=right spi=0xc1000000 dscp=both
ip netns exec host2 tcpdump -n -v --immediate-mode -c 3 -i inner 'icmp[0] == 8' >"$OUT/inside" 2>/dev/null &
inside=$!
sleep 1
reaches host1 192.168.20.20 -Q 0xb8 || die "no answer with a copied DSCP"
wait $inside
[ "$(grep -c 'tos 0x0' "$OUT/inside")" = 3 ] || die "DSCP was not taken over: $(cat "$OUT/inside")"
ask r1 remove 1
ask r2 remove 1
echo 'ok: DSCP of the outer header'

# Transport mode, of both families; what the routers pass on is none of its business.
for ends in '10.10.10.5 10.10.10.4' 'fd00:ffff::5 fd00:ffff::4'; do
    read -r left right <<<"$ends"
    for router in r1 r2; do
        ask $router install 1 "side=$([ $router = r1 ] && echo left || echo right)" spi=0xc2000000 mode=transport \
            "outer=$left,$right" "local=$left" "remote=$right"
    done
    reaches r1 "$right" || die "no answer in transport mode"
    # Of IPv6, neighbour discovery too.
    [ "$(esp_packets r1)" -ge 6 ] || die "ip(8) counts $(esp_packets r1) packets in transport mode"
    ask r1 remove 1
    ask r2 remove 1
done
echo 'ok: transport mode'

# A range of ports: what is inside travels in ESP, what is not does not.
for router in r1 r2; do
    ask $router install 1 "side=$([ $router = r1 ] && echo left || echo right)" spi=0xc3000000 \
        'remote=192.168.20.0/24[17/1000-2000]'
done
for port in 999 1000 1500 2000 2001; do
    before=$(ip -netns r1 -statistics xfrm state get src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc3000001 |
        sed -n 's/.*, \([0-9]*\)(packets).*/\1/p' | head -n 1)
    ip netns exec host1 sh -c "echo x | nc -u -w 1 -q 0 192.168.20.20 $port" || true
    after=$(ip -netns r1 -statistics xfrm state get src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc3000001 |
        sed -n 's/.*, \([0-9]*\)(packets).*/\1/p' | head -n 1)
    expected=$([ "$port" -ge 1000 ] && [ "$port" -le 2000 ] && echo 1 || echo 0)
    [ "$((after - before))" = "$expected" ] || die "port $port: $((after - before)) packets in ESP, not $expected"
done
ask r1 remove 1
ask r2 remove 1
echo 'ok: a range of ports'

if [[ "$(ask r1 features)" == *nat-keepalive* ]]; then
    start_capture keepalives
    ask r1 install 1 side=left encap=yes keepalive=1
    sleep 4
    stop_capture
    count=$(captured keepalives 'src host 10.10.10.5 and udp port 4500 and udp[4:2] == 9 and udp[8] == 0xff' | wc -l)
    [ "$count" -ge 2 ] || die "$count NAT keepalives in four seconds"
    ask r1 remove 1
    echo "ok: $count NAT keepalives of the kernel"
fi
