#!/usr/bin/env bash
# protected_system.sh BIN: routers come and go under a viaductd with mounts such as packaging/viaductd.service
# gives it (ProtectSystem=strict): its own, read-only, and following those of the host. Exit status 77 where
# namespaces cannot be made.
set -euo pipefail

if [ -z "${VIADUCT_PRIVATE_RUN:-}" ]; then
    export VIADUCT_PRIVATE_RUN=1
    unshare --mount --net true 2>/dev/null || { echo "protected_system: no namespaces here" >&2; exit 77; }
    # As systemd begins: everything is shared.
    exec unshare --mount --net --propagation private bash -c '
        mount --make-rshared / || exit 77
        mount -t tmpfs run /run && exec "$@"' shared "$0" "$@"
fi

bin=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$bin/viaduct" "$folder/viaduct"
cat >"$folder/viaductd" <<WRAPPER
#!/bin/bash
export VIADUCTD=$bin/viaductd
WRAPPER
cat >>"$folder/viaductd" <<'WRAPPER'
exec unshare --mount --propagation "${PROPAGATION:-slave}" bash -c '
    set -eu
    while read -r _ _ _ _ place _; do
        case $place in
        /proc* | /sys* | /dev*) ;;
        # What another mount covers is not there to be changed.
        *) [ ! -e "$place" ] || mount -o remount,bind,ro "$place" ;;
        esac
    done </proc/self/mountinfo
    # Where the control socket comes is its own.
    previous=
    for word; do
        if [ "$previous" = --control ]; then
            control=${word%/*}
            mount --bind "$control" "$control"
            mount -o remount,bind,rw "$control"
        fi
        previous=$word
    done
    for place in /run /etc; do
        if touch "$place/written" 2>/dev/null; then exit 99; fi
    done
    exec "$VIADUCTD" "$@"' viaductd "$@"
WRAPPER
chmod +x "$folder/viaductd"
"$(dirname "$0")/routers_come_and_go.sh" "$folder"
