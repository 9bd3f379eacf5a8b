#!/usr/bin/env bash
# Trains over several nodes, kills or cuts one off at random moments, and goes on with the others.
# ./bench/nodes.sh [--nodes 2] [--ranks 2] [--kills 10] [--cuts 5] [--stops 0] [--liveness 60] [--launcher apart|first] [--demo] [--start-faults] [--seed 0]
# The nodes are network namespaces of this machine: needs root, and ip and unshare.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/release/muybridge ] || ./launch/setup.sh
exec python3 bench/nodes.py --program build/release/muybridge "$@"
