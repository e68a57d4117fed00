#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
set -euo pipefail
# shellcheck source=cmake/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/build.sh"
# shellcheck source=tests/gpu_pack.sh
source "$runnel_root/tests/gpu_pack.sh"

usage() {
  cat <<'USAGE'
usage: tests/gpu.sh [--deps FOLDER] [--report FILE] [--repetitions N] [PART…]
       tests/gpu.sh --pack FOLDER

Builds Runnel with CUDA in build/gpu, runs its tests and benchmarks on this machine's GPUs, and prints one report.
Without a GPU it says so and ends at once; build and tests run all the same where they are named.

  PART           build, tests, exchange, training; default: all. The report also has the parts of earlier calls
  --deps FOLDER  take what --pack put into FOLDER, and the LibTorch of python3's torch; needs no network. Without it:
                 what the machine has
  --report FILE  write the report there, too, line by line: what a time limit cuts off keeps what was measured
  --repetitions N  of each pair of measurements; default: 3
  --pack FOLDER  on a machine with network, Debian 12 and cmake/install-deps.sh done: put into FOLDER what a GPU machine
                 lacks besides g++, CMake 3.25, Ninja, CUDA 13 and python3 with torch; 14 MB. It needs glibc 2.36 there
  --help         this text

Exit status: 0 all that was asked for passed; 1 some did not; 64 usage; 77 no GPU, so that nothing of CUDA has run.
USAGE
}

readonly build_folder=build/gpu all_parts=(build tests exchange training)
readonly sections=$runnel_root/$build_folder/report

say_missing_gpu() { echo "SKIPPED, NOT TESTED: $gpus" >&2; }

describe_machine() {
  echo "commit    $(git -C "$runnel_root" describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)"
  echo "system    $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), Linux $(uname -r)"
  echo "processor $(nproc) × $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
  echo "driver    $(sed -n 's/^NVRM version: //p' /proc/driver/nvidia/version 2>/dev/null || echo none)"
  echo "GPUs      ${gpus//$'\n'/$'\n'          }"
  echo "nvcc      $(nvcc --version 2>/dev/null | sed -n 's/.*release.*, V//p' || true)"
  echo "Open MPI  $(mpirun --version 2>/dev/null | sed -n '1s/.* //p' || true)"
  python3 -c 'import torch
print("PyTorch  ", torch.__version__, "NCCL", ".".join(map(str, torch.cuda.nccl.version())))' \
    2>/dev/null || echo "PyTorch   none in python3"
}

part_build() {
  local begin=$SECONDS
  build release "$build_folder" all "${cmake_options[@]}" || return 1
  echo "built with CUDA in $((SECONDS - begin)) s"
  "$runnel_root/$build_folder/runnel" --version
}

# Those that need a GPU, then exchange and training without one, on this machine and with these libraries.
part_tests() {
  local status=0
  run_tests gpu -L '^gpu$' || status=1
  run_tests exchange -L '^processes$' -R 'ExchangeTest|ZeroCopy|SameBits|LaunchTest' || status=1
  return "$status"
}

# run_tests NAME CTEST OPTIONS…
run_tests() {
  local name=$1 status=0
  shift
  ctest --test-dir "$runnel_root/$build_folder" --no-tests=error --no-label-summary --output-on-failure "$@" \
    >"$sections/$name.log" 2>&1 || status=1
  echo "tests: $name"
  sed -n '/tests passed,/,$p; /^No tests/p' "$sections/$name.log"
  return "$status"
}

# First what this machine offers, where findings (status 1) are no failure; then the paths, each alone; then beside
# peers.
part_exchange() {
  local status=0
  "$runnel_root/$build_folder/runnel" doctor || [ $? -eq 1 ] || status=1
  "$runnel_root/$build_folder/runnel-bench" --benchmark_filter='^device_' --benchmark_min_time=0.1 || return 1
  compare gpu || status=1
  return "$status"
}

part_training() { compare gpu-training; }

compare() {
  python3 -B "$runnel_root/bench/compare.py" --only "$1" --repetitions "$repetitions" \
    --build "$runnel_root/$build_folder" --json "$sections/$1.json"
}

# run_part NUMBER NAME: its output is its section of the report, which takes the place of an earlier one.
run_part() {
  { printf '\n== %s, %s\n' "$2" "$(date -u '+%F %R')"; "part_$2"; } 2>&1 |
    tee "$sections/$1-$2.txt" | tee -a "${report:-/dev/null}" >&2
}

deps='' report='' repetitions=3 parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --pack) pack "${2:?--pack needs a folder}"; exit ;;
    --deps) deps=${2:?--deps needs a folder}; shift ;;
    --report) report=${2:?--report needs a file}; shift ;;
    --repetitions) repetitions=${2:?--repetitions needs a number}; shift ;;
    build | tests | exchange | training) parts+=("$1") ;;
    *) usage >&2; exit 64 ;;
  esac
  shift
done

cmake_options=(-DRUNNEL_CUDA=ON)
no_gpu=0
gpus=$("$runnel_root/bench/gpus.py") || no_gpu=77
if [ $no_gpu -ne 0 ]; then
  say_missing_gpu
  [ ${#parts[@]} -gt 0 ] || exit $no_gpu
fi
if [ -n "$deps" ]; then
  prefix=${RUNNEL_DEPS:-$HOME/.cache/runnel}/gpu-deps
  unpack "$deps" "$prefix"
  torch=$(python3 -c 'import importlib.util as i; print(i.find_spec("torch").submodule_search_locations[0])')
  # Options and not variables: UCX takes UCX_ROOT in the environment of a process for a setting of its own, and warns.
  cmake_options+=("-DUCX_ROOT=$prefix/ucx" "-DLibTorch_ROOT=$torch")
fi

mkdir -p "$sections"
describe_machine >"$sections/0-machine.txt"
[ -z "$report" ] || cp "$sections/0-machine.txt" "$report"
status=$no_gpu
for number in "${!all_parts[@]}"; do
  part=${all_parts[$number]}
  case " ${parts[*]-} " in
    *" $part "* | "  ")
      [ $no_gpu -eq 0 ] || [ "$part" = build ] || [ "$part" = tests ] || continue
      run_part "$((number + 1))" "$part" && continue
      status=1
      [ "$part" != build ] || break # what an earlier build left is not what was asked for
      ;;
  esac
done
cat "$sections"/[0-9]-*.txt | tee ${report:+"$report"}
exit "$status"
