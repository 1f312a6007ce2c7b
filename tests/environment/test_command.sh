#!/usr/bin/env bash
# How scripts/test ends: well where nothing failed; when it is ended, with it ends what it runs beside itself, whenever
# that comes. Others stand in for the lab, the compiler and the tests.
# shellcheck disable=SC2016 # expanded by those to whom it is given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/environment/statements
. tests/environment/statements

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/scripts" "$folder/tests/kernel"
cp scripts/test "$folder/scripts"
export STAND_IN=$folder
unset VIADUCT_LAB
stand_in() { cat >"$folder/$1" && chmod +x "$folder/$1"; }
stand_in scripts/rootfs <<<'#!/bin/sh'
stand_in scripts/build <<<'#!/bin/sh'
stand_in scripts/dev <<'S'
#!/bin/sh
case $* in *count_cases*) echo "3 ${STAND_IN_FAILED:-0}" ;; esac
S
stand_in scripts/lab <<'S'
#!/bin/sh
[ "$1" != kind ] || { echo um; exit; }
echo $$ >"$STAND_IN/lab.pid"
exec sleep 1000
S
# Between two commands of scripts/test other things may happen: here for a second, once the lab has begun.
stand_in slow <<'S'
set -T
trap 'case $BASH_COMMAND in "trap "*kill*) sleep 1 ;; esac' DEBUG
S

is_over() {
    for _ in $(seq 50); do
        kill -0 "$(cat "$folder/lab.pid")" 2>/dev/null || return 0
        sleep 0.1
    done
    kill "$(cat "$folder/lab.pid")"
    return 1
}
ended_when_the_lab_runs() { # seconds later
    local pid
    rm -f "$folder/lab.pid"
    "$folder/scripts/test" kernel >"$folder/test.log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 100); do
        [ ! -s "$folder/lab.pid" ] || break
        sleep 0.05
    done
    [ -s "$folder/lab.pid" ] || return 1
    sleep "$1"
    kill -TERM "$pid"
    for _ in $(seq 50); do
        if ! kill -0 "$pid" 2>/dev/null; then
            if wait "$pid"; then return 1; else return 0; fi
        fi
        sleep 0.1
    done
    kill -KILL "$pid"
    return 1
}
runs_units() { "$folder/scripts/test" unit >"$folder/test.log" 2>&1 </dev/null; }
runs_units_with_failures() { STAND_IN_FAILED=1 "$folder/scripts/test" unit >"$folder/test.log" 2>&1 </dev/null; }
fails() { ! "$@"; }
ok "a part that has nothing running beside it ends well" runs_units
ok "and badly where something failed" fails runs_units_with_failures
ok "one that waits for the lab can be ended" ended_when_the_lab_runs 0.5
ok "and the lab with it" is_over
export BASH_ENV=$folder/slow
ok "one that has just begun the lab can be ended" ended_when_the_lab_runs 0
ok "and the lab with it, too" is_over
tell
