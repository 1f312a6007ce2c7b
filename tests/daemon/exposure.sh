#!/usr/bin/env bash
# exposure.sh BIN: what a viaductd may do, what its log gives away and what a dry run leaves in the
# kernel. Two of them negotiate, one with --dry-run, then one of an unprivileged user. Exit status 77 where
# namespaces cannot be made.
set -euo pipefail
# shellcheck source=tests/daemon/left_and_right
. "$(dirname "$0")/left_and_right"

bin=$1
folder=$(mktemp -d)
trap end_all EXIT
make_left_and_right

start left "$bin/viaductd" --foreground --dry-run --config "$folder/left" --control "$folder/left.sock" \
    --debug all=trace
start right "$bin/viaductd" --foreground --kernel none --config "$folder/right" \
    --control "$folder/right.sock" --debug ike=debug,keys
"$bin/viaduct" --control "$folder/left.sock" up vpn >/dev/null || fail "up failed"
wait_for "right coming up" is_up right

echo "each thread has three capabilities and gets no more"
for status in /proc/"${daemons[1]}"/task/*/status; do
    # CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_SYS_ADMIN.
    three=$(printf '%016x' $((1 << 10 | 1 << 12 | 1 << 21))) none=$(printf '%016x' 0)
    for line in CapInh:$none CapPrm:"$three" CapEff:"$three" CapBnd:"$three" CapAmb:$none NoNewPrivs:1; do
        tr -d '\t ' <"$status" | grep -x "$line" >/dev/null ||
            fail "$status has no $line but $(grep "^${line%:*}:" "$status")"
    done
done

echo "a dry run leaves the kernel empty"
for program in ip nft; do command -v $program >/dev/null || fail "there is no $program"; done
for list in 'ip xfrm state' 'ip xfrm policy' 'nft list ruleset'; do
    # What the kernel cannot list it does not hold either.
    # shellcheck disable=SC2086 # words
    found=$(ip netns exec left $list 2>/dev/null || true)
    [ -z "$found" ] || fail "$list says: $found"
done

"$bin/viaduct" --control "$folder/left.sock" rekey vpn >/dev/null || fail "rekey failed"
end 0
end 1

echo "it says what it would put there"
for would in 'would put in place: table inet viaduct' 'ip xfrm state add src 10.10.10.4 dst 10.10.10.5 ' \
    'ip xfrm state add src 10.10.10.5 dst 10.10.10.4 ' \
    'ip xfrm policy update src 192.168.11.0/24 dst 192.168.30.0/24 dir out '; do
    logged left "$would" || fail "it does not say: $would"
done

echo "ike=debug shows messages in arrow notation with their payloads, ike=trace the octets too"
octets=' octets [0-9a-f]\{100\}'
for name in left right; do
    for shown in ' IKE_SA_INIT { SA, KE, Ni, .*} --> \[10.10.10.5\[500\] > 10.10.10.4\[500\]\] request id 0' \
        ' <-- IKE_AUTH { IDr, AUTH, SA, TSi, TSr } \[10.10.10.4\[500\] > 10.10.10.5\[500\]\] response id 1' \
        '     SA 1 ESP:AES_CBC_256/HMAC_SHA2_256_128/NO_ESN SPI [0-9a-f]\{8\}$' '     TSi 192.168.11.0/24$'; do
        logged $name "$shown" || fail "$name does not show: $shown"
    done
done
logged left "sent 10.10.10.5\[500\] > 10.10.10.4\[500\]: [0-9]*$octets" || fail "no octets of what left sent"
logged left "received 10.10.10.4\[500\] > 10.10.10.5\[500\]: [0-9]*$octets" ||
    fail "no octets of what left received"
if logged right "$octets"; then fail "right shows octets"; fi

echo "ESP keys are in the log of the daemon that was asked for them and nowhere else, the secret in none"
mapfile -t keys < <(sed -n 's/.* KEYS .*: encryption \([0-9a-f]*\) integrity \([0-9a-f]*\) .*/\1\n\2/p' "$folder/right.log")
# Encryption and integrity, both ways, before and after the rekeying.
[ ${#keys[@]} -eq 8 ] || fail "right shows ${#keys[@]} keys"
for key in "${keys[@]}"; do
    [ ${#key} -eq 64 ] || fail "$key is no key of 256 bits"
    if grep -qi "$key" "$folder/left.log"; then fail "left shows $key"; fi
done
if logged left KEYS; then fail "left shows keys"; fi
for name in left right; do
    for text in "$secret" "$(printf %s "$secret" | od -A n -t x1 | tr -d ' \n')"; do
        if grep -qiF "$text" "$folder/$name.log"; then fail "$name shows the secret"; fi
    done
done

echo "an unprivileged user runs one on other ports, in a folder of its own"
mkdir "$folder/nobody"
chmod 755 "$folder"
# The tree may be where only root comes.
cp "$bin/viaductd" "$bin/viaduct" "$folder/"
sed '/^netns/d' "$folder/right/router.toml" >"$folder/nobody/router.toml"
chmod 600 "$folder/nobody/router.toml"
chown -R 65534:65534 "$folder/nobody"
nobody() { ip netns exec right setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
nobody "$folder/viaductd" --foreground --kernel none --config "$folder/nobody" \
    --control "$folder/nobody/sock" 2>"$folder/refused.log" && fail "port 500 without the right to it"
logged refused 'need CAP_NET_BIND_SERVICE; choose others with --ike-port' || fail "the refusal names no way out"
# One port is said by the router, the other by the option.
sed -i '/^\[router\]/a ike_port = 1500' "$folder/nobody/router.toml"
printf 'peer_port = 1500\npeer_nat_port = 1501\n' >>"$folder/left/router.toml"
start left "$bin/viaductd" --foreground --kernel none --config "$folder/left" --control "$folder/left.sock"
start nobody ip netns exec right setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$folder/viaductd" --foreground --kernel none --nat-port 1501 \
    --config "$folder/nobody" --control "$folder/nobody/sock"
"$bin/viaduct" --control "$folder/left.sock" up vpn >/dev/null || fail "up failed against an unprivileged user"
nobody "$folder/viaduct" --control "$folder/nobody/sock" status >"$folder/status.log" ||
    fail "the user has no use of the control socket"
grep -q 10.10.10.5 "$folder/status.log" || fail "status shows no peer"
for shown in ' --> ' "$octets" KEYS; do
    if logged nobody "$shown"; then fail "without --debug the log shows $shown"; fi
done
for daemon in "${!daemons[@]}"; do end "$daemon"; done
echo "exposure: passed"
