#!/usr/bin/env bash
# Two hosts behind two routers reach each other through ESP, with every suite, in UDP, over IPv4 and
# IPv6 and across families; counters() says what ip(8) says; nothing leaves in clear.
# covers 3948-1-b
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

make_routers
start_tools_with_udp
start_capture outside.pcap

spi=0xc0000000
try() { # words of the install command
    spi=$(printf '0x%x' $((spi + 16)))
    ask r1 install 1 side=left "spi=$spi" "$@"
    ask r2 install 1 side=right "spi=$spi" "$@"
    reaches host1 "$to" || die "no answer with $*"
    # 3 echo requests and their replies, of 84 octets (IPv4) or 104 (IPv6).
    local counted size=84
    [ "$to" = 192.168.20.20 ] || size=104
    counted=$(ask r1 counters 1)
    [ "$counted" = "$((3 * size)) 3 $((3 * size)) 3" ] || die "counters: $counted with $*"
    [ "$(esp_packets r1)" = 6 ] || die "ip(8) counts $(esp_packets r1) packets with $*"
    ask r1 remove 1
    ask r2 remove 1
    echo "ok: $to with $*"
}

to=192.168.20.20
for suite in aes128gcm16 aes256gcm16 aes256gcm16-esn aes128gcm8 aes256gcm12 aes128ccm8 aes192ccm12 aes256ccm16 \
    chacha20poly1305 chacha20poly1305-esn aes128ctr-sha256 aes256ctr-sha512-esn aes128gmac aes256gmac \
    aes128-sha1 aes256-sha256 aes256-sha384 aes256-sha512; do
    try suite=$suite
done
try window=0
try encap=yes
try lifetime=3600 window=32
try local=192.168.10.0-192.168.10.99 'remote=192.168.20.20/32[1/0-65535],10.0.0.0/8'
try outer=fd00:ffff::5,fd00:ffff::4
to=fd00:20::20
try local=fd00:10::/64,192.168.10.0/24 remote=fd00:20::/64,192.168.20.0/24
try outer=fd00:ffff::5,fd00:ffff::4 local=fd00:10::/64 remote=fd00:20::/64

stop_capture
[ -z "$(captured outside.pcap "$clear_filter")" ] || die "clear packets: $(captured outside.pcap "$clear_filter" | head)"
[ "$(captured outside.pcap 'esp or udp port 4500 or (ip6 and ip6 proto 50)' | wc -l)" -ge 84 ] || die "too few packets of ESP"
