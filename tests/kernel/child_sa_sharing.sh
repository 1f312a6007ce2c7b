#!/usr/bin/env bash
# Children that share policies, and installations that fail half-way: nobody loses what is his. Each step is
# taken over IPv4 and over IPv6.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

ip netns add r1
start_tool r1
read_back() { ip -netns r1 xfrm policy; ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*'; }
expect_unchanged() { # what is compared, what it was
    [ "$(read_back)" = "$2" ] || die "$1 changed something: $(diff <(echo "$2") <(read_back))"
}

# By family: what is outside, and what inside.
declare -A ours=([4]=10.10.10.5 [6]=fd00:ffff::5) theirs=([4]=10.10.10.4 [6]=fd00:ffff::4)
declare -A near=([4]=192.168.10.0/24 [6]=fd00:10::/64) far=([4]=192.168.20.0/24 [6]=fd00:20::/64)
declare -A farther=([4]=192.168.99.0/24 [6]=fd00:99::/64)
child() { # family, number, words… ; prints what the tool is to be told
    printf '%s ' "$1$2" "reqid=7$1" "local=${near[$1]}"
    [[ "$*" == *outer=* ]] || printf '%s ' "outer=${ours[$1]},${theirs[$1]}"
    [[ "$*" == *remote=* ]] || printf '%s ' "remote=${far[$1]}"
    printf '%s ' "${@:3}"
}
install() { ask r1 install "$(child "$@")"; }
install_refused() { ask_refused r1 install "$(child "$@")"; }
spis() { ip -netns r1 xfrm state list dst "$1" | sed -n 's/.* spi \(0x[0-9a-f]*\) .*/\1/p'; } # address

# A child replaces another, as at a rekey: the policies stay as they are.
for family in 4 6; do install $family 1; done
policies=$(ip -netns r1 xfrm policy)
timeout 20 ip -netns r1 xfrm monitor policy >"$OUT/monitor" &
monitor=$!
sleep 0.5
for family in 4 6; do
    install $family 2 spi=0xc1000000
    ask r1 remove ${family}1
done
sleep 0.3
kill $monitor
[ ! -s "$OUT/monitor" ] || die "policies moved during a rekey: $(cat "$OUT/monitor")"
[ "$(ip -netns r1 xfrm policy)" = "$policies" ] || die "the policies changed"
for family in 4 6; do
    [ "$(spis "${ours[$family]}") $(spis "${theirs[$family]}")" = '0xc1000000 0xc1000001' ] ||
        die "other states: $(ip -netns r1 xfrm state)"
done

# The peer has moved, also into the other family: the policies follow the newest child, and come back when it goes
# first.
moves() { # family, addresses
    install "$1" 3 spi=0xc2000000 "outer=$2"
    [ "$(ip -netns r1 xfrm policy list src "${near[$1]}" | grep -cwF "dst ${2#*,}")" = 1 ] ||
        die "the policies did not follow to $2: $(ip -netns r1 xfrm policy)"
    ask r1 remove "${1}3"
    # Those that were put again are listed last.
    [ "$(ip -netns r1 xfrm policy | sort)" = "$(sort <<<"$policies")" ] || die "the policies did not come back"
}
moves 4 10.10.10.5,10.10.10.44
moves 6 fd00:ffff::5,fd00:ffff::44
moves 4 fd00:ffff::5,fd00:ffff::44
moves 6 10.10.10.5,10.10.10.44

# The inbound SPI is taken: nothing of the new child stays, what is there stays.
foreign_state() { # source, destination, SPI
    ip -netns r1 xfrm state add src "$1" dst "$2" proto esp spi "$3" reqid 99 mode tunnel \
        aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
}
for family in 4 6; do foreign_state "${theirs[$family]}" "${ours[$family]}" 0xc3000000; done
ip -netns r1 xfrm policy add src 172.16.0.0/16 dst 172.17.0.0/16 dir out action block
before=$(read_back)
for family in 4 6; do
    install_refused $family 4 spi=0xc3000000 "remote=${far[$family]},${farther[$family]}" |
        grep -F "NEWSA in ${theirs[$family]} -> ${ours[$family]} spi 0xc3000000: File exists"
    expect_unchanged "an inbound clash" "$before"
done
# So is the outbound one.
for family in 4 6; do foreign_state "${ours[$family]}" "${theirs[$family]}" 0xc4000001; done
before=$(read_back)
for family in 4 6; do
    install_refused $family 4 spi=0xc4000000 "remote=${farther[$family]}" | grep -F 'NEWSA out'
    expect_unchanged "an outbound clash" "$before"
done
# What the kernel cannot hold is refused before anything is sent, with the reason.
ask_refused r1 install 4 'local=192.168.10.0/24[0/443]' spi=0xc5000000 | grep -F 'ports without a protocol'
ask_refused r1 install 4 window=5000 spi=0xc5000000 | grep -F 'a replay window holds 4096 packets at most'
install_refused 4 2 spi=0xc5000000 | grep -F 'the child is installed already'
expect_unchanged "a refusal" "$before"

ask r1 remove-all
[ "$(ip -netns r1 xfrm policy | grep -c '^src')" = 1 ] || die "not only the foreign policy is left"
[ "$(ip -netns r1 xfrm state | grep -c '^src')" = 4 ] || die "not only the foreign states are left"
