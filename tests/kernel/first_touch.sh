#!/usr/bin/env bash
# A kernel in which nothing has touched IPsec yet: the daemon's sockets open, the first child SA
# installs and carries traffic. What needs modules must bring them along.
set -euo pipefail
# shellcheck source=tests/kernel/two_routers
. tests/kernel/two_routers

# A kernel without modules has all of it from the start.
loaded=$([ ! -e /proc/modules ] || awk '$1 ~ /^(xfrm_user|xfrm_algo|esp4|esp6)$/ { print $1 }' /proc/modules)
if [ -n "$loaded" ]; then
    [ "$(cat /proc/sys/kernel/hostname)" != viaduct-lab ] || die "already loaded: ${loaded//$'\n'/ }"
    echo "this kernel is not the test's own, and has loaded: ${loaded//$'\n'/ }"
fi

make_routers
start_tool r1
start_tool r2
for router in r1 r2; do
    ask $router udp-open
done
ask r1 install 1 side=left encap=yes
ask r2 install 1 side=right encap=yes
reaches host1 192.168.20.20 || die "no answer"
[ "$(ask r1 counters 1)" = '252 3 252 3' ] || die "counters: $(ask r1 counters 1)"
