#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
set -euo pipefail
# shellcheck source=cmake/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/build.sh"

usage() {
  cat <<'USAGE'
usage: tests/run.sh [--preset NAME] [CTEST OPTIONS…]

Installs what is missing, builds, and runs every test; then the tests of transport/ again with the oldest UCX.

  --preset NAME  of CMakePresets.json; release (the default) builds in build/, the others in build/NAME
  --help         this text
Every other option goes to ctest, for example:
  -R Bell        only tests whose names match
  -L transport   only tests with this label: transport runtime archive arrays trainer processes hosts bench build gpu
  -V             all output, not only that of failing tests
USAGE
}

preset=release
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --preset) preset=${2:?--preset needs a name}; shift ;;
    *) options+=("$1") ;;
  esac
  shift
done
folder=build
[ "$preset" = release ] || folder=build/$preset

passed=0 failed=0 skipped=0
# run_tests FOLDER CTEST OPTIONS…: runs them two at a time, and adds up the counts that ctest prints.
run_tests() {
  local folder=$runnel_root/$1 log p f s
  shift
  log=$folder/tests.log
  ctest --test-dir "$folder" -j2 --output-on-failure "$@" 2>&1 |
    grep --line-buffered -v '^ *Start ' | tee "$log" || true
  # Whatever ends ctest before its last line must not pass for a run of no tests.
  if ! grep -qE 'tests failed out of|^No tests were found' "$log"; then
    echo "FAILED: ctest ended before its summary"
    failed=$((failed + 1))
  fi
  read -r p f s < <(awk '/ tests passed, .* tests failed out of / {failed = $4; total = $9}
                         /\(Skipped\)$/ {skipped++}
                         END {print total - failed - skipped, failed + 0, skipped + 0}' "$log")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

if [ "$preset" = tsan ]; then
  "$runnel_root/cmake/install-deps.sh" --tests --dev
else
  "$runnel_root/cmake/install-deps.sh" --tests
fi
build "$preset" "$folder" all
stage "tests"
run_tests "$folder" "${options[@]}"
if [ "$preset" = release ] || [ "$preset" = ci ]; then
  # The one folder that includes UCX's headers.
  build "$preset" "$folder/ucx-1.19" transport_tests \
    "-DUCX_ROOT=${RUNNEL_DEPS:-$HOME/.cache/runnel}/ucx-1.19.0/libucx" \
    -DRUNNEL_MPI=OFF -DRUNNEL_TRAINER=OFF -DRUNNEL_BENCH=OFF -DRUNNEL_CUDA=OFF
  stage "tests of transport with UCX 1.19"
  run_tests "$folder/ucx-1.19" -L '^transport$' "${options[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
