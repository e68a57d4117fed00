#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Checks which folder includes what, and that calls which break the protocol do not occur. Then plants one violation of
# each rule in a copy of the sources and checks that it is found.
set -euo pipefail
cd "$(dirname "$0")/.."

# Prints the violations in the tree at $1; fails when there are any.
check_tree() (
  cd "$1"
  violations=0
  # forbid WHY REGEX FILE…: prints the lines that match.
  forbid() {
    local why=$1 regex=$2
    shift 2
    [ $# -eq 0 ] || ! grep -nE -- "$regex" "$@" /dev/null | sed "s|$| <- $why|" || violations=1
  }
  include() { echo "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)"; }
  shopt -s nullglob globstar
  local torch='torch/|ATen/|c10/' ucx='uc[pst]/api/|uc[pst]/sys/|ucs/' formatting='spdlog/|fmt/|toml\+\+/|nlohmann/'
  local cuda='cuda|nccl|cub/|thrust/|ATen/cuda/|c10/cuda/'
  local transport=(transport/**/*.{h,cc}) runtime=(runtime/**/*.{h,cc}) trainer=(trainer/**/*.{h,cc})
  local bench=(bench/**/*.{h,cc}) not_bootstrap=()
  for file in "${runtime[@]}"; do
    [ "$file" = runtime/bootstrap/bootstrap_mpi.cc ] || not_bootstrap+=("$file")
  done
  local cpu=("${transport[@]}" "${trainer[@]}" "${bench[@]}") file_of_runtime
  for file_of_runtime in "${runtime[@]}"; do
    [[ $file_of_runtime == runtime/cuda/* ]] || cpu+=("$file_of_runtime")
  done
  local headers=(transport/**/*.h runtime/**/*.h trainer/**/*.h)

  forbid "transport stands alone" "$(include "$torch|mpi\\.h|toml\\+\\+/|nlohmann/|runtime/|trainer/|bench/|tests/")" "${transport[@]}"
  forbid "runtime knows transport only" "$(include "$torch|trainer/|bench/|tests/")" "${runtime[@]}"
  forbid "trainer knows runtime and transport only" "$(include "bench/|tests/")" "${trainer[@]}"
  forbid "only runtime/bootstrap/bootstrap_mpi.cc includes mpi.h" "$(include 'mpi\.h')" "${not_bootstrap[@]}" "${trainer[@]}"
  forbid "CUDA stays in runtime/cuda" "$(include "$cuda")" "${cpu[@]}"
  forbid "UCX stays in transport" "$(include "$ucx")" "${runtime[@]}" "${trainer[@]}"
  forbid "LibTorch brings an fmt of its own" "$(include 'spdlog/|fmt/')" "${trainer[@]}"
  forbid "headers do not pass libraries on" "$(include "$formatting")" "${headers[@]}"
  forbid "it blocks for all peers" 'ucp_worker_fence' "${transport[@]}" "${runtime[@]}" "${trainer[@]}" "${bench[@]}"
  forbid "UCX cancels it on endpoints with error handling" 'ucp_atomic_op' "${transport[@]}" "${runtime[@]}" "${trainer[@]}" "${bench[@]}"
  return $violations
)

if ! check_tree .; then
  echo "FAILED: the lines above break the rules of layers (cmake/README.md)"
  exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# plant FILE LINE: the check must fail with LINE in that file.
plant() {
  rm -rf "${copy:?}"/*
  cp -r transport runtime "$copy"
  mkdir -p "$copy/trainer" "$copy/bench" "$(dirname "$copy/$1")"
  echo "$2" >>"$copy/$1"
  if check_tree "$copy" >"$copy/found" || ! grep -qF "$2" "$copy/found"; then
    echo "FAILED: not found when planted in $1: $2"
    exit 1
  fi
}
plant transport/slab.h '#include <torch/torch.h>'
plant transport/slab.cc '#include "runtime/config/config.h"'
plant transport/worker.cc '#  include <toml++/toml.h>'
plant runtime/config/config.cc '#include <ATen/ATen.h>'
plant runtime/config/config.h '#include "trainer/model/model.h"'
plant runtime/config/config.cc '#include <mpi.h>'
plant runtime/reduction/host_reducer.cc '#include <ucp/api/ucp.h>'
plant runtime/device/device_module.cc '#include <cuda_runtime.h>'
plant trainer/model/model.cc '#include <c10/cuda/CUDAStream.h>'
plant trainer/model/model.cc '#include <mpi.h>'
plant trainer/model/model.cc '#include <spdlog/spdlog.h>'
plant trainer/model/model.cc '#include "bench/peer_process.h"'
plant runtime/telemetry/run_report.h '#include <nlohmann/json.hpp>'
plant transport/endpoint.cc 'ucp_worker_fence(worker);'
plant bench/put.cc 'ucp_atomic_op_nbx(endpoint, op, buffer, 1, address, key, &param);'
echo "layers are clean, and each planted violation was found"
