#!/usr/bin/env bash
# What a child SA becomes in the kernel, read back with ip(8): every suite, encapsulation, lifetime,
# selectors with ports, IPv6 and mixed families. What is removed leaves nothing.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

ip netns add r1
start_tool r1

# Keys are checked by traffic, in esp_traffic.sh.
states() { ip -netns r1 xfrm state; }
# The one from this address, with the flags that ip(8) shows only beside the statistics.
state_from() { ip -netns r1 -statistics xfrm state | awk -v from="src $1 " '/^src/ { here = index($0, from) == 1 } here'; }
# One a line, sorted; older kernels and builds do not say "ptype main".
policies() {
    ip -netns r1 xfrm policy | sed 's/ ptype main//' | awk '/^src/ && NR > 1 { print "" } { $1 = $1; printf "%s ", $0 }
        END { if (NR) print "" }' | sort
}

expect_lines() { # what is read back, then lines that it must hold
    local text=$1 line
    shift
    for line in "$@"; do
        grep -qF -- "$line" <<<"$text" || die "no \"$line\" in:"$'\n'"$text"
    done
}

expect_nothing_left() {
    [ -z "$(states)" ] || die "states are left: $(states)"
    [ -z "$(policies)" ] || die "policies are left: $(policies)"
}

installs() { # words of the install command
    ask r1 install 1 "$@"
}

removes() {
    ask r1 remove 1
    expect_nothing_left
}

installs suite=aes256gcm16
expect_lines "$(states)" 'src 10.10.10.4 dst 10.10.10.5' 'proto esp spi 0xc0000000 reqid 7 mode tunnel' \
    'replay-window 0 flag icmp af-unspec' 'anti-replay esn context' 'replay_window 1024, bitmap-length 32' \
    'aead rfc4106(gcm(aes)) 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324 128' \
    'src 10.10.10.5 dst 10.10.10.4' 'proto esp spi 0xc0000001 reqid 7 mode tunnel'
[ "$(policies)" = "$(cat <<'EXPECTED'
src 192.168.10.0/24 dst 192.168.20.0/24 dir out priority 193856 flag icmp tmpl src 10.10.10.5 dst 10.10.10.4 proto esp reqid 7 mode tunnel 
src 192.168.20.0/24 dst 192.168.10.0/24 dir fwd priority 193856 flag icmp tmpl src 0.0.0.0 dst 10.10.10.5 proto esp reqid 7 mode tunnel 
src 192.168.20.0/24 dst 192.168.10.0/24 dir in priority 193856 tmpl src 0.0.0.0 dst 10.10.10.5 proto esp reqid 7 mode tunnel 
EXPECTED
)" ] || die "other policies: $(policies)"
removes

installs suite=aes256gcm16-esn window=64
# A kernel that knows directions takes no window for what goes out, another wants one.
read -r -a features <<<"$(ask r1 features)"
echo "this kernel has: ${features[*]}"
# From 6.11 on both, whatever the probe says.
if [ "$(printf '6.11\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.11 ]; then
    for feature in sa-direction nat-keepalive; do
        [[ " ${features[*]} " == *" $feature "* ]] || die "the probe does not find $feature in $(uname -r)"
    done
fi
outbound_window='replay_window 32, bitmap-length 1'
[[ " ${features[*]} " != *' sa-direction '* ]] || outbound_window='replay_window 0, bitmap-length 0'
expect_lines "$(states)" 'flag af-unspec esn' 'replay_window 64, bitmap-length 2' "$outbound_window"
removes

installs suite=aes128-sha1 window=32
expect_lines "$(states)" 'replay-window 32 flag icmp af-unspec' 'auth-trunc hmac(sha1) 0x8182' ' 96' 'enc cbc(aes) 0x01020304'
removes
for hash in 'sha256 128' 'sha384 192' 'sha512 256'; do
    installs "suite=aes256-${hash% *}"
    [ "$(states | grep -c "auth-trunc hmac(${hash% *}) 0x[0-9a-f]* ${hash#* }\$")" = 2 ] || die "$hash: $(states)"
    removes
done

# The words of a proposal, how the kernel names the algorithm, and the bits of its key with the salt.
while read -r suite name icv bits; do
    installs "suite=$suite"
    [ "$(states | grep -cE "aead ${name//[()]/.} 0x[0-9a-f]{$((bits / 4))} $icv\$")" = 2 ] || die "$suite: $(states)"
    removes
done <<'SUITES'
aes128gcm8 rfc4106(gcm(aes)) 64 160
aes192gcm12 rfc4106(gcm(aes)) 96 224
aes128ccm8 rfc4309(ccm(aes)) 64 152
aes256ccm12 rfc4309(ccm(aes)) 96 280
aes128ccm16 rfc4309(ccm(aes)) 128 152
aes256gmac rfc4543(gcm(aes)) 128 288
chacha20poly1305 rfc7539esp(chacha20,poly1305) 128 288
SUITES
installs suite=aes128ctr-sha256
expect_lines "$(states)" 'auth-trunc hmac(sha256) 0x8182' 'enc rfc3686(ctr(aes)) 0x0102030405060708090a0b0c0d0e0f1011121314'
removes

# What an SA may carry, and what is done at which limit.
installs volume=900000,1000000,8000,10000
expect_lines "$(ip -netns r1 -statistics xfrm state)" 'limit: soft 900000(bytes), hard 1000000(bytes)' \
    'limit: soft 8000(packets), hard 10000(packets)'
removes

# How headers are made, each thing where it has a meaning.
installs dscp=in ecn=no df=no
expect_lines "$(state_from 10.10.10.4)" 'flag noecn decap-dscp icmp af-unspec'
expect_lines "$(state_from 10.10.10.5)" 'flag noecn nopmtudisc af-unspec' 'extra_flag dont-encap-dscp'
removes

# A kernel that knows directions is told them.
if [[ " ${features[*]} " == *' sa-direction '* ]]; then
    installs suite=aes256gcm16-esn
    expect_lines "$(state_from 10.10.10.4)" 'dir in' 'replay_window 1024, bitmap-length 32'
    expect_lines "$(state_from 10.10.10.5)" 'dir out' 'replay_window 0, bitmap-length 0'
    removes
fi

# Transport mode: the packets' own addresses, and nothing is passed on.
installs mode=transport local=10.10.10.5/32 remote=10.10.10.4/32
expect_lines "$(states)" 'proto esp spi 0xc0000000 reqid 7 mode transport'
[ "$(policies)" = "$(cat <<'EXPECTED'
src 10.10.10.4/32 dst 10.10.10.5/32 dir in priority 191808 tmpl src 0.0.0.0 dst 0.0.0.0 proto esp reqid 7 mode transport 
src 10.10.10.5/32 dst 10.10.10.4/32 dir out priority 191808 tmpl src 0.0.0.0 dst 0.0.0.0 proto esp reqid 7 mode transport 
EXPECTED
)" ] || die "other policies: $(policies)"
removes

# A range of ports is as many policies as it has blocks; ip(8) does not show the masks.
installs 'local=192.168.10.0/24[6/1000-2000]'
[ "$(policies | grep -c ' dir out ')" = 8 ] || die "not 8 blocks: $(policies)"
expect_lines "$(policies)" 'proto tcp sport 1000 ' 'proto tcp sport 1024 ' 'proto tcp sport 2000 '
removes

# Hardware that is not there is no obstacle, and is named.
ip -netns r1 link add outer type dummy
ip -netns r1 link set outer up
ip -netns r1 addr add 10.10.10.5/24 dev outer
for kind in crypto packet; do
    told=$(ask r1 install 1 offload=$kind)
    [[ "$told" == 'no offload: '* ]] || die "a dummy interface takes $kind offload: $told"
    removes
done
ip -netns r1 link del outer

# The kernel's own word on algorithms.
[ -z "$(ask r1 missing aes128gcm16-aes256ccm8-chacha20poly1305-aes256gmac)" ] || die "missing: $(ask r1 missing aes128gcm16)"
[ -z "$(ask r1 missing aes128-aes128ctr-sha1-sha256-sha384-sha512)" ] || die "missing: $(ask r1 missing aes128ctr-sha512)"

installs encap=yes lifetime=3600 if_id=9
expect_lines "$(states)" 'encap type espinudp sport 4500 dport 4500 addr 0.0.0.0' 'if_id 0x9'
expect_lines "$(ip -netns r1 -statistics xfrm state)" 'expire add: soft 0(sec), hard 3600(sec)' \
    'limit: soft (INF)(bytes), hard (INF)(bytes)'
expect_lines "$(policies)" 'if_id 0x9'
removes

# Two subnets to three, both families inside IPv6, a port at our end.
installs outer=fd00:ffff::5,fd00:ffff::4 'local=192.168.11.0/24,fd00:10::/64[6/443]' \
    remote=192.168.30.0/24,192.168.40.0-192.168.40.2,fd00:20::/64
expect_lines "$(states)" 'src fd00:ffff::4 dst fd00:ffff::5'
[ "$(policies | grep -c '^src')" = 12 ] || die "not 12 policies: $(policies)"
expect_lines "$(policies)" 'src 192.168.11.0/24 dst 192.168.40.2/32' 'tmpl src fd00:ffff::5 dst fd00:ffff::4' \
    'src fd00:10::/64 dst fd00:20::/64 proto tcp sport 443' 'src fd00:20::/64 dst fd00:10::/64 proto tcp dport 443'
removes

# Many policies in one batch.
many=$(printf ',10.%d.0.0/16' {1..100})
installs "local=${many#,}" remote=192.168.20.0/24,192.168.30.0/24,192.168.40.0/24
[ "$(policies | grep -c '^src')" = 900 ] || die "not 900 policies"
removes

installs
ask r1 install 2 spi=0xd0000000 reqid=8 remote=192.168.30.0/24
ask r1 remove-all
expect_nothing_left

# Nothing is wrong with removing what is gone, or what never was.
installs
ip -netns r1 xfrm state flush
ip -netns r1 xfrm policy flush
ask_refused r1 counters 1 | grep -F 'No such process'
ask r1 remove 1
ask r1 remove 17
