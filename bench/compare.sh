#!/usr/bin/env bash
# Compares train steps with PyTorch on this machine. The first time it makes a virtual environment
# with PyTorch in build/peer; PEER_PYTHON=/path/to/python uses one that is there.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PEER_PYTHON:-build/peer/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv build/peer
  build/peer/bin/pip install --quiet torch numpy
fi
[ -x build/release/muybridge ] || ./launch/setup.sh
exec "$python" bench/compare.py --torch "$python" "$@"
