# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# What the tests of the wheel share. Source this file with the folder libucx, as the package of that name has it, as $1;
# it skips the test where the wheel cannot be built, and makes a folder $work that is gone at exit.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
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
# What is built before is reused, from build/wheel-… and by ccache.
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$root; fi

# build_wheel PYTHON FOLDER: the wheel for that interpreter, by its pip.
build_wheel() {
  PATH=$(dirname "$python"):$PATH "$1" -m pip --disable-pip-version-check wheel --quiet --no-build-isolation \
    --no-deps --no-index -w "$2" "$root/trainer/python"
}

# empty_environment PYTHON WHEEL: in $work/venv, with the wheel and libucx alone. Sets $site, its site-packages.
empty_environment() {
  rm -rf "$work/venv"
  "$1" -m venv --without-pip "$work/venv"
  site=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  "$1" -m zipfile -e "$2" "$site"
  chmod +x "$site"/runnel/bin/* # pip keeps the mode, zipfile does not
  ln -s "$ucx" "$site/libucx"
}

# in_environment ARGUMENT…: its Python without compilers, and with no path to a UCX but that of the libucx package.
in_environment() { env -i HOME="$work" PATH=/nowhere UCX_NET_DEVICES=lo "$work/venv/bin/python" "$@"; }

# trains: with NumPy alone, by itself and as two trainers of `runnel run`.
trains() {
  local example=$root/trainer/python/examples/numpy_only.py numpy
  local command='import sys; from runnel.command import main; sys.exit(main())'
  numpy=$("$python" -c 'import numpy, pathlib; print(pathlib.Path(numpy.__file__).parent)')
  ln -s "$numpy" "$site/numpy"
  [ ! -d "$numpy.libs" ] || ln -s "$numpy.libs" "$site/numpy.libs"
  in_environment "$example" | tee "$work/out"
  grep -q "largest error" "$work/out"
  in_environment -c "$command" run -n 2 "$example" | tee "$work/out"
  grep -q "largest error" "$work/out"
}
