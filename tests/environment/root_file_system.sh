#!/usr/bin/env bash
# How scripts/rootfs begins, fails, is interrupted and begins again. The packages are not: another mmdebstrap
# stands in for the real one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/environment/statements
. tests/environment/statements

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/scripts" "$folder/bin" "$folder/cache"
cp scripts/rootfs scripts/rootfs*.packages "$folder/scripts"
export VIADUCT_CACHE=$folder/cache VIADUCT_MIRROR=http://mirror.invalid/debian PATH=$folder/bin:$PATH
# The directory is the last argument but two.
cat >"$folder/bin/mmdebstrap" <<'S'
#!/bin/bash
directory=${*: -2:1}
mkdir -p "$directory/usr"
echo made >>"$VIADUCT_CACHE/../makings"
case $(cat "$VIADUCT_CACHE/../behave") in
well) sleep 0.3 ;;
fails) echo 'E: Unable to locate package nonesuch' >&2; exit 1 ;;
silent) echo 'E: Failed to fetch http://mirror.invalid/x  Could not connect to mirror.invalid:80' >&2; exit 1 ;;
hangs) sleep 1000 ;;
esac
touch "$directory/usr/complete"
S
chmod +x "$folder/bin/mmdebstrap"
behave() { echo "$1" >"$folder/behave"; : >"$folder/makings"; }

make() { "$folder/scripts/rootfs" >"$folder/path" 2>"$folder/making.log" </dev/null; }
fails() { ! "$@"; }
is_whole() { [ -e "$(cat "$folder/path")/usr/complete" ] && [ -d "$(cat "$folder/path")/peers/libreswan" ]; }
nothing_half_made() { [ -z "$(find "$folder/cache" -maxdepth 1 -name 'new-*')" ]; }
no_root() { [ -z "$(find "$folder/cache" -maxdepth 1 -name 'rootfs-*' -type d)" ]; }
made_times() { [ "$(wc -l <"$folder/makings")" -eq "$1" ]; }
# The line that an operator sees last.
last_line() { tail -n 1 "$folder/making.log" | grep -q -- "$1"; }
begin() {
    : >"$folder/makings"
    make &
    making=$!
    for _ in $(seq 100); do
        [ ! -s "$folder/makings" ] || return 0
        sleep 0.05
    done
    return 1
}

behave fails
ok "a package that is not there: it fails" fails make
ok "and names the cause and the log in one line" last_line 'failed: E: Unable to locate package nonesuch; the log is '
behave silent
ok "a mirror that does not answer" fails make
ok "is said to be that" last_line 'a package mirror does not answer: '
ok "neither leaves a root" no_root
ok "nor half of one" nothing_half_made

behave hangs
begin
pkill -TERM -f "$folder/scripts/rootfs"
ok "one that is interrupted fails" fails wait "$making"
ok "and leaves nothing half made" nothing_half_made
begin
pkill -KILL -f "$folder/scripts/rootfs"
wait "$making" 2>/dev/null || true
ok "one that is killed may" fails nothing_half_made
behave well
ok "but the next begins anew" make
ok "with a whole root" is_whole
ok "and takes away what was half made" nothing_half_made

behave well
ok "what is there is not made again" make
ok "at all" made_times 0
echo another >>"$folder/scripts/rootfs.packages"
begin
ok "another list of packages: while one makes it, a second waits" make
ok "and gets the same" is_whole
wait "$making"
ok "that was made once, with the peer's beside it" made_times 2
tell
