#!/usr/bin/env bash
# The tests, from nothing: set-up, checks of the source, build, ctest, clang-tidy, the documents'
# commands. Ends with one line `N passed, N failed`; exits 1 when anything failed.
#   TIDY_SECONDS=240      time for clang-tidy, changed files first; 0 leaves it out
#   TEST_JOBS=2           tests at once (default: a core each)
#   ./tests/run.sh NAME   only the tests whose name matches this regular expression
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 70

passed=0
failed=0
skipped=0
failures=()

# step NAME COMMAND...: runs it, says how long it took, counts it.
step() {
  local name=$1 began=$SECONDS
  shift
  printf '== %s\n' "$name"
  if "$@"; then
    passed=$((passed + 1))
    printf '   %s: passed in %d s\n' "$name" $((SECONDS - began))
  else
    failed=$((failed + 1))
    failures+=("$name")
    printf '   %s: FAILED after %d s\n' "$name" $((SECONDS - began))
    return 1
  fi
}

readonly rooms=(core config parallel data model eval train cli bench tests)

check_format() {
  find "${rooms[@]}" -regex '.*\.\(h\|cpp\|cu\|cuh\)' -print0 | xargs -0 clang-format --dry-run -Werror
}

check_scripts() {
  find launch bench tests .ci \( -name '*.sh' -o -path .ci/run -o -name '*.sbatch' \) -print0 |
    xargs -0 shellcheck --severity=warning
}

# Tests of several ranks must not fight for the cores: threads sleep while they wait.
run_ctest() {
  local log=build/ctest.log status words
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=passive
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  ctest --test-dir build/release --no-tests=error --output-on-failure \
    --parallel "${TEST_JOBS:-$(nproc)}" ${1:+--tests-regex "$1"} >"$log" 2>&1
  status=$?
  grep -v -E '^ +Start +[0-9]+: |[0-9]+/[0-9]+ Test +#.* Passed ' "$log"
  words=$(sed -n -E 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log")
  skipped=$(grep -c -E 'Test +#.*\*\*\*Skipped' "$log")
  if [[ $words ]]; then
    failed=$((failed + ${words% *}))
    passed=$((passed + ${words#* } - ${words% *} - skipped))
    # The tests are counted, not the step.
    ((status == 0)) && passed=$((passed - 1))
    ((${words% *} > 0)) && failed=$((failed - 1))
  fi
  return $status
}

rm -f build/ctest.log
step set-up ./launch/setup.sh --no-build
step format check_format
step scripts check_scripts
step house python3 tests/check_house.py
if step build ./launch/setup.sh --target all; then
  step ctest run_ctest "${1:-}"
  export TIDY_SECONDS=${TIDY_SECONDS:-240}
  [[ $TIDY_SECONDS == 0 ]] || step clang-tidy python3 tests/check_tidy.py
  step documents python3 tests/check_documents.py
fi

printf '\n'
if ((failed)); then printf 'failed: %s\n' "${failures[*]}"; fi
grep -h -E '^[0-9]+% tests passed' build/ctest.log 2>/dev/null
if ((skipped)); then
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
else
  printf '%d passed, %d failed\n' "$passed" "$failed"
fi
((failed == 0))
