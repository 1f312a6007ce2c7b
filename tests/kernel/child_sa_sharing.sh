#!/usr/bin/env bash
# Children that share policies, and installations that fail half-way: nobody loses what is his.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

ip netns add r1
start_tool r1
read_back() { ip -netns r1 xfrm policy; ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*'; }
expect_unchanged() { # what is compared, what it was
    [ "$(read_back)" = "$2" ] || die "$1 changed something: $(diff <(echo "$2") <(read_back))"
}

# A child replaces another, as at a rekey: the policies stay as they are.
ask r1 install 1
policies=$(ip -netns r1 xfrm policy)
timeout 20 ip -netns r1 xfrm monitor policy >"$OUT/monitor" &
monitor=$!
sleep 0.5
ask r1 install 2 spi=0xc1000000
ask r1 remove 1
sleep 0.3
kill $monitor
[ ! -s "$OUT/monitor" ] || die "policies moved during a rekey: $(cat "$OUT/monitor")"
[ "$(ip -netns r1 xfrm policy)" = "$policies" ] || die "the policies changed"
[ "$(ip -netns r1 xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort | tr '\n' ' ')" = 'spi 0xc1000000 spi 0xc1000001 ' ] ||
    die "other states: $(ip -netns r1 xfrm state)"

# The peer has moved: the policies follow the newest child, and come back when it goes first.
ask r1 install 3 spi=0xc2000000 outer=10.10.10.5,10.10.10.44
ip -netns r1 xfrm policy | grep -F 'dst 10.10.10.44' >/dev/null || die "the policies did not follow"
ask r1 remove 3
# Those that were put again are listed last.
[ "$(ip -netns r1 xfrm policy | sort)" = "$(sort <<<"$policies")" ] || die "the policies did not come back"

# The inbound SPI is taken: nothing of the new child stays, what is there stays.
ip -netns r1 xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc3000000 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
ip -netns r1 xfrm policy add src 172.16.0.0/16 dst 172.17.0.0/16 dir out action block
before=$(read_back)
ask_refused r1 install 4 spi=0xc3000000 remote=192.168.20.0/24,192.168.99.0/24 |
    grep -F 'NEWSA in 10.10.10.4 -> 10.10.10.5 spi 0xc3000000: File exists'
expect_unchanged "an inbound clash" "$before"
# So is the outbound one.
ip -netns r1 xfrm state add src 10.10.10.5 dst 10.10.10.4 proto esp spi 0xc4000001 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
before=$(read_back)
ask_refused r1 install 4 spi=0xc4000000 remote=192.168.99.0/24 | grep -F 'NEWSA out'
expect_unchanged "an outbound clash" "$before"
# What the kernel cannot hold is refused before anything is sent, with the reason.
ask_refused r1 install 4 'local=192.168.10.0/24[0/443]' spi=0xc5000000 | grep -F 'ports without a protocol'
ask_refused r1 install 4 window=5000 spi=0xc5000000 | grep -F 'a replay window holds 4096 packets at most'
ask_refused r1 install 2 spi=0xc5000000 | grep -F 'the child is installed already'
expect_unchanged "a refusal" "$before"

ask r1 remove-all
[ "$(ip -netns r1 xfrm policy | grep -c '^src')" = 1 ] || die "not only the foreign policy is left"
[ "$(ip -netns r1 xfrm state | grep -c '^src')" = 2 ] || die "not only the foreign states are left"
