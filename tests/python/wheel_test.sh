#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the wheel, installs it into an empty environment, and trains there with NumPy alone, without compilers, and
# with no path to a UCX but that of the libucx package: wheel_test.sh UCX, the folder libucx as that package has it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
ucx=$1
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
if ! found=$("$python" -c "import scikit_build_core, nanobind, numpy" 2>&1); then
  echo "SKIPPED, NOT TESTED: $python: ${found##*$'\n'}; cmake/install-deps.sh --python installs it"
  exit 77
fi
if [ ! -e "$ucx/lib/libucp.so.0" ] || [ "$(basename "$ucx")" != libucx ]; then
  echo "SKIPPED, NOT TESTED: the UCX of this build is not that of a libucx wheel: $ucx"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=$(dirname "$python"):$PATH "$python" -m pip --disable-pip-version-check wheel --quiet --no-build-isolation \
  --no-deps --no-index -w "$work" "$root/trainer/python"

"$python" -m venv --without-pip "$work/venv"
site=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
"$python" -m zipfile -e "$work"/runnel-*.whl "$site"
chmod +x "$site"/runnel/bin/* # pip keeps the mode, zipfile does not
ln -s "$ucx" "$site/libucx"
numpy=$("$python" -c 'import numpy, pathlib; print(pathlib.Path(numpy.__file__).parent)')
ln -s "$numpy" "$site/numpy"
[ ! -d "$numpy.libs" ] || ln -s "$numpy.libs" "$site/numpy.libs"

for file in "$site"/runnel/_binding*.so "$site"/runnel/bin/*; do
  if readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -F "$HOME"; then
    echo "FAILED: $file leads to a folder of this machine"
    exit 1
  fi
done
cd "$work"
grep -qF 'runnel = runnel.command:main' "$site"/runnel-*.dist-info/entry_points.txt
readonly example=$root/trainer/python/examples/numpy_only.py
readonly command='import sys; from runnel.command import main; sys.exit(main())'
train() { env -i HOME="$work" PATH=/nowhere UCX_NET_DEVICES=lo "$work/venv/bin/python" "$@" | tee "$work/out"; }
train "$example"
grep -q "largest error" "$work/out"
train -c "$command" run -n 2 "$example"
grep -q "largest error" "$work/out"
echo "the wheel trains in an empty environment"
