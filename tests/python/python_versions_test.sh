#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the wheel for other versions of Python than that of the test environment, and imports it there:
# python_versions_test.sh UCX VERSION… (wheel.sh). Those that are not on PATH are named.
set -euo pipefail
# shellcheck source=tests/python/wheel.sh
source "$(dirname "$0")/wheel.sh" "$1"
shift
# Each is a whole build: minutes without what other builds have compiled.
if ! command -v ccache >/dev/null; then
  echo "SKIPPED, NOT TESTED: other versions of Python, without ccache"
  exit 77
fi

# link_tools: makes a folder with what builds the wheel. It is Python only, so that it serves any version.
link_tools() {
  local site name info
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  mkdir -p "$work/tools"
  for name in scikit_build_core nanobind packaging pathspec; do
    ln -sfn "$site/$name" "$work/tools/$name"
    for info in "$site/$name"-*.dist-info; do ln -sfn "$info" "$work/tools/$(basename "$info")"; done
  done
}

# imports VERSION: builds the wheel and imports the package; NumPy, of another version, stands aside.
imports() {
  local interpreter
  interpreter=$("python$1" -c 'import sys; print(sys.executable)')
  PYTHONPATH=$work/tools build_wheel "$interpreter" "$work/$1" || return 1
  empty_environment "$interpreter" "$work/$1"/runnel-*.whl
  in_environment -c 'import sys, types; sys.modules["numpy"] = types.ModuleType("numpy")
import runnel
print("imported by Python", sys.version.split()[0], runnel.__version__)'
}

link_tools
echo "SKIPPED, NOT TESTED: other versions of torch than that of $python; RUNNEL_TEST_PYTHON names another one"
tested=0
for version in "$@"; do
  if [ "$("$python" -c 'import sys; print(*sys.version_info[:2], sep=".")')" = "$version" ]; then continue; fi
  if ! "python$version" -c 'import pip, venv' >/dev/null 2>&1; then
    echo "SKIPPED, NOT TESTED: Python $version: no python$version with pip on PATH"
  elif [ "$version" = 3.10 ] && ! python3.10 -c 'import tomli, exceptiongroup' >/dev/null 2>&1; then
    echo "SKIPPED, NOT TESTED: Python 3.10: no tomli and exceptiongroup, which scikit-build-core needs there"
  else
    imports "$version"
    tested=$((tested + 1))
  fi
done
[ "$tested" -gt 0 ] || exit 77
