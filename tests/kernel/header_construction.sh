#!/usr/bin/env bash
# What of the inner IP header shows on the outer one, and back, as the operator chose; transport mode
# between the routers; NAT keepalives of the kernel.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tools_with_udp

# One child of each family, outside as inside.
install_both() { # router, words…
    local side=left
    [ "$1" = r1 ] || side=right
    ask "$1" install 1 side=$side "${@:2}"
    ask "$1" install 2 side=$side spi=0xc6000000 reqid=8 outer=fd00:ffff::5,fd00:ffff::4 local=fd00:10::/64 \
        remote=fd00:20::/64 "${@:2}"
}
remove_both() {
    local router
    for router in r1 r2; do
        ask $router remove 1
        ask $router remove 2
    done
}
# Pings of both families at a time.
both_reach() { # why, ping options…
    local six
    reaches host1 fd00:20::20 "${@:2}" &
    six=$!
    reaches host1 192.168.20.20 "${@:2}" || die "no answer $1"
    wait $six || die "no answer $1 over IPv6"
}

number=0
# Installs with these words and pings with these options. The ESP packets from r1 in words are in $four and $six then.
send() { # words, ping options…
    local router
    number=$((number + 1))
    for router in r1 r2; do
        # shellcheck disable=SC2086 # words
        install_both $router $1
    done
    start_capture "headers.$number"
    both_reach "with $*" "${@:2}"
    stop_capture
    remove_both
    four=$(captured "headers.$number" -v 'ip proto 50 and src host 10.10.10.5')
    six=$(captured "headers.$number" -v 'ip6 proto 50 and src host fd00:ffff::5')
}

has() { # text, what it must hold on every packet
    [ "$(grep -c ' ESP (50)' <<<"$1")" -ge 3 ] || die "too few packets: $1"
    ! grep ' ESP (50)' <<<"$1" | found -vF -- "$2" || die "not \"$2\" in: $1"
}

# 0xb9: DSCP EF and ECT(1). Of ECN both directions are one choice.
send dscp=out -Q 0xb9 -M 'do'
has "$four" 'tos 0xb9,ECT(1)'
has "$four" 'flags [DF]'
has "$six" '(class 0xb9,'
send dscp=no -Q 0xb9 -M dont
has "$four" 'tos 0x1,ECT(1)'
has "$four" 'flags [none]'
has "$six" '(class 0x01,'
send 'dscp=out ecn=no df=no' -Q 0xb9 -M 'do'
has "$four" 'tos 0xb8'
has "$four" 'flags [none]'
has "$six" '(class 0xb8,'
echo 'ok: DSCP, ECN and DF'

# What the network changes on the outer header comes in where it is to: here r1's firewall does, who says EF and
# that there is congestion.
ip netns exec r1 nft -f - <<'NFT'
table inet congested {
    chain postrouting {
        type filter hook postrouting priority mangle
        ip protocol esp ip dscp set ef ip ecn set ce
        # Version, class and the flow label's first bits at once: "ip6 ecn set" changes nothing on some kernels.
        ip6 nexthdr esp @nh,0,16 set 0x6bb0
    }
}
NFT
# Installs r2's with these words, and compares what arrives at host2.
arrives() { # words, what every packet must hold of IPv4, of IPv6
    number=$((number + 1))
    install_both r1 dscp=no
    # shellcheck disable=SC2086 # words
    install_both r2 $1
    start_capture_in host2 inner "inside.$number"
    # DSCP AF11 and ECT(0).
    both_reach "with $1 at r2" -Q 0x2a
    stop_capture
    remove_both
    six=$(captured "inside.$number" -v 'icmp6[0] == 128')
    four=$(captured "inside.$number" -v 'icmp[0] == 8')
    [ "$(grep -cF "$2" <<<"$four")" = 3 ] || die "not \"$2\" inside with $1: $four"
    [ "$(grep -cF "$3" <<<"$six")" = 3 ] || die "not \"$3\" inside with $1: $six"
}
arrives dscp=both '(tos 0xbb,CE,' '(class 0xbb,'
arrives dscp=out '(tos 0x2b,CE,' '(class 0x2b,'
arrives 'dscp=in ecn=no' '(tos 0xba,ECT(0),' '(class 0xba,'
ip netns exec r1 nft delete table inet congested
echo 'ok: DSCP and ECN of the outer header'

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
