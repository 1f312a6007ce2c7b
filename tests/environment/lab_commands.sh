#!/usr/bin/env bash
# What scripts/lab promises to those who run something in it: the exit status, both outputs, the tree, the
# folder for results, the time limit, and that nothing outlives it. Takes scripts/lab's options, such as --vm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/environment/statements
. tests/environment/statements

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options=("$@" --out "$folder/out")
script() { cat >"$folder/script" && chmod +x "$folder/script"; }
lab() { # expected status, further options and FILE ARG…
    local expected=$1 status=0
    shift
    scripts/lab run "${options[@]}" "$@" >"$folder/out.log" 2>"$folder/err.log" </dev/null || status=$?
    [ "$status" -eq "$expected" ] || { echo "exit status $status, not $expected"; return 1; }
}
says() { [ "$(cat "$folder/$1.log")" = "$2" ]; } # out or err, text
# No process of this test's is left that runs, or waits for, the machine.
is_over() {
    for _ in $(seq 50); do
        pgrep -f "$folder/out" >/dev/null || return 0
        sleep 0.1
    done
    pgrep -fa "$folder/out"
    return 1
}

script <<'S'
#!/bin/bash
printf '%s\n' "$PWD" "$#" "$2" "$VIADUCT_SAID"
echo complaint >&2
ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 reqid 1 mode tunnel \
    aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128 || exit 1
touch written 2>/dev/null && exit 2
echo result >"$OUT/result"
exit 7
S
export VIADUCT_SAID='two  words'
ok "the exit status comes back" lab 7 "$folder/script" one 'and "two"'
ok "its output too, and the words arrive as they were" says out "$PWD"$'\n2\nand "two"\ntwo  words'
ok "the other output is another one" says err complaint
ok "what it leaves in \$OUT is there" grep -qx result "$folder/out/result"
ok "it leaves nothing else" [ ! -e written ]

script <<'S'
#!/bin/bash
seq 20000
S
ok "much output ends well" lab 0 "$folder/script"
ok "and nothing of it is missing" says out "$(seq 20000)"

script <<'S'
#!/bin/bash
echo begun
sleep 1000 & sleep 1000
S
ok "one that hangs ends at its time limit" lab 124 --timeout 10 "$folder/script"
ok "what it said before that was seen" says out begun
ok "nothing is left of it" is_over

interrupted() { # signal
    local pid
    scripts/lab run "${options[@]}" "$folder/script" >"$folder/out.log" 2>"$folder/err.log" </dev/null &
    pid=$!
    for _ in $(seq 600); do
        grep -q begun "$folder/out.log" && break
        sleep 0.1
    done
    grep -q begun "$folder/out.log" || return 1
    kill "-$1" "$pid"
    wait "$pid" && return 1
    is_over
}
ok "one that is ended leaves nothing" interrupted TERM
ok "nor one that is killed" interrupted KILL
ok "a file that is not there is named" lab 125 "$folder/nowhere"
tell
