#!/usr/bin/env bash
# A run that was killed leaves its states and policies; the next one takes them out, and nothing else.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

ip netns add r1
start_tool r1
read_back() { ip -netns r1 xfrm policy; ip -netns r1 xfrm state; }

ip -netns r1 xfrm state add src 10.10.10.4 dst 10.10.10.5 proto esp spi 0xc3000000 reqid 99 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
ip -netns r1 xfrm policy add src 172.16.0.0/16 dst 172.17.0.0/16 dir out action block
ip -netns r1 xfrm policy add src 172.18.0.0/16 dst 172.19.0.0/16 dir out \
    tmpl src 10.10.10.5 dst 10.10.10.4 proto esp reqid 99 mode tunnel
ask r1 install 1 spi=0xc4000000 local=172.20.0.0/16 # reqid 7
others=$(read_back)
[ "$(ask r1 remove-leftovers)" = '0 0' ] || die "something was removed although nothing is ours"
[ "$(read_back)" = "$others" ] || die "what is not ours changed"

# 0x56000001 and following. Both families, an interface id, and more than one message of a listing.
many=$(printf '192.168.%d.0/24,' {20..119})
ask r1 install 2 spi=0xc5000000 reqid=1442840577 "local=192.168.10.0/24,fd00:10::/64" "remote=${many}fd00:20::/64"
ask r1 install 3 spi=0xc6000000 reqid=1442840578 local=172.21.0.0/16
ask r1 install 4 spi=0xc7000000 reqid=1442840579 local=172.22.0.0/16 if_id=5
removed=$(ask r1 remove-leftovers)
[ "$removed" = '6 309' ] || die "removed $removed"
[ "$(read_back)" = "$others" ] || die "not as before: $(diff <(echo "$others") <(read_back))"
[ "$(ask r1 remove-leftovers)" = '0 0' ] || die "there was something left"
