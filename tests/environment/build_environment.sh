#!/usr/bin/env bash
# What scripts/dev promises to those who run something in it, also on a kernel without overlays.
# shellcheck disable=SC2016 # expanded by those to whom it is given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/environment/statements
. tests/environment/statements

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=$(scripts/rootfs)
mkdir -p "$folder/scripts" "$folder/sub/of it"
sed 's/mount -t overlay/mount -t nonesuch/' scripts/dev >"$folder/scripts/without_overlays"
cp scripts/dev "$folder/scripts/dev"
printf '#!/bin/sh\necho %q\n' "$root" >"$folder/scripts/rootfs"
chmod +x "$folder/scripts"/*

dev() { "$folder/scripts/$environment" "$@" </dev/null >"$folder/out.log" 2>"$folder/err.log"; }
says() { [ "$(cat "$folder/out.log")" = "$1" ]; }
untouched() { [ -z "$(find "$root" -xdev -name 'viaduct-was-here*' -print -quit)" ]; }
in_folder() { (cd "$1" && shift && "$@"); }

for environment in dev without_overlays; do
    status=0
    in_folder "$folder/sub/of it" dev sh -c 'pwd; exit 7' || status=$?
    ok "$environment: the exit status comes back" [ "$status" -eq 7 ]
    ok "$environment: it stands where it was called" says "$folder/sub/of it"
    ok "$environment: the compiler is there" dev sh -c 'echo "int main() {}" >/tmp/$$.c && gcc -o /tmp/$$ /tmp/$$.c && /tmp/$$; status=$?; rm -f /tmp/$$ /tmp/$$.c; exit $status'
    ok "$environment: it writes what is forgotten" dev sh -c \
        'for folder in /etc /var/lib /root /opt /run; do touch "$folder/viaduct-was-here" || exit 1; done'
    ok "$environment: and that is gone the next time" dev sh -c '[ ! -e /etc/viaduct-was-here ] && [ ! -e /var/lib/viaduct-was-here ]'
    dev sh -c 'touch /usr/bin/viaduct-was-here /peers/libreswan/etc/viaduct-was-here' || true
    ok "$environment: nor is anything left where programs are" dev sh -c '[ ! -e /usr/bin/viaduct-was-here ]'
    ok "$environment: what all share is untouched" untouched
    ok "$environment: what is written in the tree stays" dev touch "$folder/written"
    ok "$environment: there" rm "$folder/written"
done
tell
