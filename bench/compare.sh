#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# compare.sh [OPTIONS]: builds what is needed, then measures Runnel against its peers. bench/compare.py has the options.
set -euo pipefail
# shellcheck source=../cmake/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/build.sh"
case " $* " in
  *" --help "* | *" -h "* | *" --build"*) ;; # nothing to build
  *)
    "$runnel_root/cmake/install-deps.sh"
    build release build runnel-bench
    build release build runnel
    ;;
esac
exec python3 "$runnel_root/bench/compare.py" "$@"
