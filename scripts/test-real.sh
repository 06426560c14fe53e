#!/usr/bin/env bash
# test-real.sh [NAME…]: installs each real component by test/real/NAME/install.sh into a cache folder and runs its tests.
# A component that cannot be had (install.sh exits 3) is skipped aloud. Ends with `N passed, N failed, N skipped`.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
export WARMROUTE_TEST_REAL=1
export WARMROUTE_REAL_CACHE="${WARMROUTE_REAL_CACHE:-$PWD/.cache/real}"
mkdir -p "$WARMROUTE_REAL_CACHE"
node scripts/install-if-missing.js || exit 1

passed=0 failed=0 skipped=0
if [ $# -gt 0 ]; then names=("$@"); else names=(); for folder in test/real/*/; do names+=("$(basename "$folder")"); done; fi
for name in "${names[@]}"; do
  folder="test/real/$name"
  [ -d "$folder" ] || { echo "test-real: there is no $folder" >&2; exit 64; }
  if [ -x "$folder/install.sh" ]; then
    "$folder/install.sh" "$WARMROUTE_REAL_CACHE"
    status=$?
    if [ $status -eq 3 ]; then
      echo "SKIPPED $name: the component cannot be had on this machine"
      skipped=$((skipped + 1))
      continue
    elif [ $status -ne 0 ]; then
      echo "FAILED $name: install.sh ended with $status"
      failed=$((failed + 1))
      continue
    fi
  fi
  log=$(mktemp)
  node --disable-warning=ExperimentalWarning --experimental-vm-modules node_modules/jest/bin/jest.js \
    --runInBand --testPathPatterns "test/real/$name/" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  totals=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
  rm -f "$log"
  if [[ $totals =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    if [ "$status" -ne 0 ] && [ "${BASH_REMATCH[2]}" -eq 0 ]; then failed=$((failed + 1)); fi
  else
    echo "FAILED $name: the test run gave no totals"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
