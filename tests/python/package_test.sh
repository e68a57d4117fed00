#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# A test of the Python package in the build tree: package_test.sh PACKAGE FILE MODULE…, where PACKAGE is the folder that
# has runnel/, FILE a test in Python, and MODULE what it imports besides.
set -euo pipefail
package=$1 file=$2
shift 2
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! compgen -G "$package/runnel/_binding*.so" >/dev/null; then
  echo "SKIPPED, NOT TESTED: built without the Python package; cmake/install-deps.sh --python, then configure again"
  exit 77
fi
for module in "$@"; do
  if ! found=$("$python" -c "import $module" 2>&1); then
    echo "SKIPPED, NOT TESTED: no $module in $python: ${found##*$'\n'}; RUNNEL_TEST_PYTHON names another"
    exit 77
  fi
done
RUNNEL_TEST_PACKAGE=$package PYTHONDONTWRITEBYTECODE=1 exec "$python" -W error::ResourceWarning "$file"
