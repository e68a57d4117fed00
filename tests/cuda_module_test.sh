#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# cuda_module_test.sh BUILD RUNNEL_HAS_CUDA: what can be known of the module for CUDA without a GPU. Compiles the
# kernels once more with the build's own command, and looks at what nvcc makes of them; looks at what the programs are
# linked to, and at what a run on the CPU loads.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
if [ "$2" != ON ]; then
  echo "SKIPPED, NOT TESTED: this build has no module for CUDA (RUNNEL_CUDA, cmake/README.md)"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }

command=$(sed -n 's/^ *"command": "\(.*nvcc .*reduce_kernels\.cu .*\)",\?$/\1/p' "$build/compile_commands.json" |
  sed 's/\\"/"/g')
mkdir "$work/kept"
(cd "$build" && eval "${command/ -o */} -o $work/kernels.o --keep --keep-dir $work/kept")
for architecture in 80 90 100; do
  ls "$work"/kept/*_"$architecture".cubin >/dev/null || fail "no code for sm_$architecture"
done
for ptx in "$work"/kept/*.ptx; do
  # A fused multiply-add, an approximation or a flushed denormal would change bits.
  ! grep -nE 'fma\.|\.approx|\.ftz|mad\.[a-z]*\.?f' "$ptx" ||
    fail "the kernels in ${ptx##*/} do not compute as the host does"
  grep -q 'div\.rn\.f32' "$ptx" && grep -q 'sqrt\.rn\.f32' "$ptx" || fail "${ptx##*/} is not the kernels' code"
  grep -q 'ld\.global\.v4\.f32' "$ptx" || fail "the kernels in ${ptx##*/} do not load 16 bytes at once"
done

# LibTorch's library for the CPU brings libcudart; no program asks for more, but for the one with a driver of its own.
programs=()
for program in "$build"/runnel "$build"/runnel-bench "$build"/tests/*/*_tests; do
  [ ! -x "$program" ] || [[ $program == */cuda_stand_in/* ]] || programs+=("$program")
done
for program in "${programs[@]}"; do
  ! readelf -d "$program" | grep -E 'NEEDED.*(libcuda|libcudart|libtorch_cuda|libc10_cuda|librunnel_cuda)' ||
    fail "${program##*/} is linked to CUDA"
done

# loads_module COMMAND…: whether one of its processes loads the module or LibTorch's library for CUDA.
loads_module() {
  rm -f "$work"/loaded*
  LD_DEBUG=files LD_DEBUG_OUTPUT=$work/loaded "$@" >"$work/output" 2>&1 || { cat "$work/output"; fail "$*"; }
  grep -qE 'file=[^ ]*(librunnel_cuda|libtorch_cuda)' "$work"/loaded*
}
loads_module "$build/tests/runtime/runtime_tests" --gtest_filter='DeviceModule.*' ||
  fail "a program that looks for GPUs does not load the module"
if [ -x "$build/runnel" ]; then
  ! loads_module "$build/runnel" train trainer/configs/mnist.toml -n 1 --set run.max_gradients=1 \
    --set trainer.device=cpu --set generator.device=cpu || fail "a run on the CPU loads CUDA"
fi
exit $failed
