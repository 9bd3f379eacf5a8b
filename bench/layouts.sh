#!/usr/bin/env bash
# Trains one small model on many layouts of ranks and holds each against one rank: a line a layout.
# ./bench/layouts.sh [--quick] [--precision f32|bf16] [--matrices adamw|muon] [--only REGEX]
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/release/muybridge ] || ./launch/setup.sh
exec python3 bench/layouts.py --program build/release/muybridge "$@"
