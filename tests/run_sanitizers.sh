#!/usr/bin/env bash
# The tests under the address, undefined-behaviour and thread sanitizers. Slow: not part of run.sh.
#   tests/run_sanitizers.sh [asan|tsan] [REGEX]   one of them (default both), matching tests only
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

presets=(asan tsan)
case ${1:-} in
  asan | tsan)
    presets=("$1")
    shift
    ;;
  -h | --help)
    sed -n '2,3s/^# *//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMP_WAIT_POLICY=passive
# Open MPI's memory hooks replace malloc before the sanitizer's own is in place.
export OMPI_MCA_memory=^patcher
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:halt_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1

# Left out: tests that preload a library (the sanitizers' own must come first) or kill processes at
# chosen moments, whose reports nobody would see.
readonly leave_out='CheckpointCrash|Killed'

failed=0
for preset in "${presets[@]}"; do
  printf '== %s\n' "$preset"
  ./launch/setup.sh --preset "$preset" --target all || exit
  # libgomp is not instrumented: with more threads than one, its barriers look like races.
  [[ $preset == tsan ]] && export OMP_NUM_THREADS=1
  [[ $preset == asan ]] && export OMP_NUM_THREADS=2
  ctest --test-dir "build/$preset" --no-tests=error --output-on-failure --timeout 1200 \
    --parallel "${TEST_JOBS:-$(nproc)}" --exclude-regex "$leave_out" ${1:+--tests-regex "$1"} || failed=1
done
exit $failed
