#!/usr/bin/env bash
# What only a GPU can tell: that ops and whole runs give there what they give on the CPU, and how fast.
# In the repository, or in what launch/bundle.sh packed. ./bench/gpu.sh [--only REGEX] [--out FILE.md]
set -euo pipefail
caller=$PWD
cd "$(dirname "$0")/.."
if [ -x build/release/muybridge ]; then
  export PATH=$PWD/build/release:$PWD/build/release/tests:$PATH
fi
command -v muybridge tests_core >/dev/null || {
  printf 'gpu: no muybridge and tests_core; build them with ./tests/run.sh\n' >&2
  exit 2
}
exec python3 bench/gpu.py --folder "$caller" "$@"
