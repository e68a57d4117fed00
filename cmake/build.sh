# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# What trainer/demo.sh and tests/run.sh have in common. Source this file.

runnel_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# stage WHAT: one line for each thing that takes a while.
stage() { printf '== %s\n' "$*" >&2; }

# build PRESET FOLDER TARGET [CMAKE OPTIONS…]: configures and builds, says so only when there is something to do, and shows
# the compiler's output only on a terminal or when it fails. One run shows all errors (-k 0).
build() {
  local preset=$1 folder=$runnel_root/$2 target=$3 log
  shift 3
  mkdir -p "$folder"
  log=$folder/build.log
  (cd "$runnel_root" && cmake --preset "$preset" -B "$folder" "$@") >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  if ninja -C "$folder" -n "$target" 2>/dev/null | grep -q 'no work to do'; then
    return 0
  fi
  stage "building ${folder#"$runnel_root"/}, $target (minutes the first time)"
  if [ -t 1 ]; then
    ninja -C "$folder" -k 0 "$target"
  else
    ninja -C "$folder" -k 0 "$target" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  fi
}
