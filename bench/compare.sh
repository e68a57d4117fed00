#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# compare.sh [OPTIONS]: builds what is needed, then measures Runnel against its peers. compare_options.py has
# the options.
set -euo pipefail
# shellcheck source=../cmake/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/build.sh"
case " $* " in
  *" --help "* | *" -h "* | *" --build"*) ;; # nothing to build
  *)
    python3 "$runnel_root/bench/compare_options.py" "$@" # a mistake in them must not cost a build
    "$runnel_root/cmake/install-deps.sh"
    build release build runnel-bench
    build release build runnel
    ;;
esac
exec python3 -B "$runnel_root/bench/compare.py" "$@"
