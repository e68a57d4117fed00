#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the wheel, installs it into an empty environment, and trains there: wheel_test.sh UCX (wheel.sh).
set -euo pipefail
# shellcheck source=tests/python/wheel.sh
source "$(dirname "$0")/wheel.sh" "$1"
build_wheel "$python" "$work"
empty_environment "$python" "$work"/runnel-*.whl
for file in "$site"/runnel/_binding*.so "$site"/runnel/bin/*; do
  if readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -F "$HOME"; then
    echo "FAILED: $file leads to a folder of this machine"
    exit 1
  fi
done
grep -qF 'runnel = runnel.command:main' "$site"/runnel-*.dist-info/entry_points.txt
cd "$work"
trains
echo "the wheel trains in an empty environment"
