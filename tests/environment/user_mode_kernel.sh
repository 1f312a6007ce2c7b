#!/usr/bin/env bash
# What is remembered of a user-mode kernel that cannot be made or does not run, and for how long. Neither the
# compiler nor a kernel is needed: others stand in for what the scripts call.
# shellcheck disable=SC2016 # expanded by those to whom it is given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/environment/statements
. tests/environment/statements

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/scripts" "$folder/bin" "$folder/cache" "$folder/root/boot"
cp scripts/lab scripts/lab_initramfs scripts/um_kernel scripts/um_kernel.config "$folder/scripts"
touch "$folder/root/boot/vmlinuz-1"
export VIADUCT_CACHE=$folder/cache STAND_IN=$folder
unset VIADUCT_LAB
stand_in() { cat >"$folder/$1" && chmod +x "$folder/$1"; }

stand_in scripts/rootfs <<<'#!/bin/sh
echo "$STAND_IN/root"'
# The build environment: this one, with the tools below. What the lab runs there is a kernel that runs, or not.
stand_in scripts/dev <<'S'
#!/bin/bash
behave=$(cat "$STAND_IN/behave")
case "$*" in
*viaduct.um*)
    echo tried >>"$STAND_IN/tries"
    control=${VIADUCT_BIND#*:}
    [ "$behave" = hangs ] || echo 0 >"${control%%:*}/control/status"
    ;;
*um_kernel.config*)
    echo tried >>"$STAND_IN/tries"
    PATH=$STAND_IN/bin:$PATH exec "$@"
    ;;
*lab_initramfs*) ;;
*) exit 1 ;;
esac
S
stand_in bin/awk <<<'#!/bin/sh
echo http://mirror.invalid/debian'
stand_in bin/apt-cache <<<'#!/bin/sh
echo linux-source-9.9'
stand_in bin/apt-get <<'S'
#!/bin/sh
if [ "$(cat "$STAND_IN/behave")" = unreachable ]; then
    echo 'E: Failed to fetch http://mirror.invalid/x  Could not connect to mirror.invalid:80' >&2
    exit 100
fi
touch linux-source-9.9_1_all.deb
S
stand_in bin/dpkg-deb <<<'#!/bin/sh
mkdir -p usr/src && touch usr/src/linux-source-9.9.tar.xz'
stand_in bin/tar <<<'#!/bin/sh
mkdir linux-source-9.9'
stand_in bin/strip <<<'#!/bin/sh
cp "$3" "$2" && chmod +x "$2"'
stand_in bin/make <<'S'
#!/bin/sh
for word; do case $word in O=*) out=${word#O=} ;; esac; done
mkdir -p "$out"
case "$*" in *allnoconfig) exec cp "$KCONFIG_ALLCONFIG" "$out/.config" ;; esac
case $(cat "$STAND_IN/behave") in
broken) echo 'a.c:1:1: error: expected a declaration' >&2; exit 2 ;;
full) echo 'fatal error: cannot write x.o: No space left on device' >&2; exit 2 ;;
esac
touch "$out/linux"
S

behave() { echo "$1" >"$folder/behave"; : >"$folder/tries"; }
fails() { ! "$@"; }
tried() { [ "$(wc -l <"$folder/tries")" -eq "$1" ]; }
making_says() { tail -n 1 "$folder/making.log" | grep -q -- "$1"; }
make() { "$folder/scripts/um_kernel" >"$folder/path" 2>"$folder/making.log" </dev/null; }
later() { find "$folder/cache" -maxdepth 1 -name "$1" -exec touch -d '2 days ago' {} +; }

behave unreachable
ok "without a mirror none is made" fails make
ok "which is said" making_says 'failed: E: Failed to fetch '
ok "and is tried again the next time" fails make
ok "with the mirror" tried 2
behave full
ok "without room none is made" fails make
ok "which is said, too" making_says 'No space left'
behave broken
ok "the next time it is tried again" fails make
ok "in earnest" tried 1
ok "what does not compile is said, with what to do" making_says 'error: expected a declaration .*; tried again in a day, or at once without '
ok "and is not tried the next time" fails make
ok "in vain" tried 1
ok "and says so again" making_says 'could not be made: a.c:1:1: error: '
later 'um-*.failed'
behave well
ok "a day later it is made" make
ok "where it says" test -x "$(cat "$folder/path")"
ok "and leaves nothing else" [ -z "$(find "$folder/cache" -maxdepth 1 -name 'um-new*' -o -maxdepth 1 -name '*.failed')" ]

kind() { scripts_say=$("$folder/scripts/lab" kind 2>"$folder/kind.log" </dev/null) && [ "$scripts_say" = "$1" ]; }
# Whether KVM works is not asked here.
echo "$(cat /proc/sys/kernel/random/boot_id) no" >"$folder/cache/kvm-verdict"
behave hangs
ok "a kernel that does not run is not taken" kind emulation
ok "which is said, with what to do" grep -q 'does not run here; tried again in an hour, or at once without ' "$folder/kind.log"
ok "and is known the next time" kind emulation
ok "without another try" tried 1
behave well
later um-verdict
touch -d '3 days ago' "$(cat "$folder/path")"
ok "later it is tried again" kind um
ok "and that it runs" kind um
ok "is known" tried 1
later um-verdict
ok "for as long as this machine runs" kind um
ok "indeed" tried 1
touch "$(cat "$folder/path")"
behave hangs
ok "another one is tried anew" kind emulation
ok "once" tried 1
tell
