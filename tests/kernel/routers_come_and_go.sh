#!/usr/bin/env bash
# Routers come and go with the kernel's own IPsec and nftables: see the script that this runs.
set -euo pipefail
VIADUCT_PRIVATE_RUN=1 && export VIADUCT_PRIVATE_RUN
umount /run/netns
rmdir /run/netns 2>/dev/null || true
exec tests/daemon/routers_come_and_go.sh "$(dirname "$(command -v viaductd)")" --kernel xfrm
