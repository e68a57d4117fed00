#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Checks which folder and which room includes what, and that calls which break the protocol do not occur. Then plants
# one violation of each rule in a copy of the sources and checks that it is found.
set -euo pipefail
cd "$(dirname "$0")/.."

# What a room may import besides itself, and transport/.
readonly fabric_imports="base protocol launch device config telemetry bootstrap liveness"
declare -A runtime_rooms=(
  [base]="" [protocol]="base" [launch]="base" [device]="base" [config]="base protocol" [checkpoint]="base protocol"
  [plan]="base config protocol" [telemetry]="base config" [reduction]="base config protocol device"
  [cuda]="base protocol device reduction" [bootstrap]="base launch config" [liveness]="base launch bootstrap"
  [fabric]=$fabric_imports [client]="$fabric_imports fabric" [doctor]="$fabric_imports fabric"
  [generator]="$fabric_imports fabric reduction checkpoint plan")
# Besides runtime/.
declare -A trainer_rooms=(
  [archive]="" [arrays]="archive" [inspect]="archive arrays" [command]="" [torch]="" [dataset]="torch archive arrays"
  [model]="torch archive arrays dataset"
  [compute]="torch archive arrays model dataset" [run]="torch archive arrays model dataset compute"
  [program]="torch archive arrays inspect command model dataset compute run" [python]="")

# rooms_beyond FOLDER ROOM: the rooms of FOLDER that ROOM may not import.
rooms_beyond() {
  local -n rooms=$1_rooms
  local other
  for other in "${!rooms[@]}"; do
    [[ " $2 ${rooms[$2]} " == *" $other "* ]] || echo "$other"
  done | sort
}

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

  local folder room path
  for folder in runtime trainer; do
    local -n rooms=${folder}_rooms
    for path in "$folder"/*.{h,cc}; do
      echo "$path <- outside any room" && violations=1
    done
    for path in "$folder"/*/CMakeLists.txt; do
      room=$(basename "$(dirname "$path")")
      [ -n "${rooms[$room]+known}" ] && continue
      echo "$path <- a room without a rule in tests/layering_test.sh"
      violations=1
    done
    for room in "${!rooms[@]}"; do
      forbid "$folder/$room may not import that room" \
        "$(include "$folder/($(rooms_beyond "$folder" "$room" | paste -sd '|'))/")" \
        "$folder/$room"/*.{h,cc,cu}
    done
  done
  forbid "transport stands alone" \
    "$(include "$torch|mpi\\.h|toml\\+\\+/|nlohmann/|runtime/|trainer/|bench/|tests/")" "${transport[@]}"
  forbid "runtime knows transport only" "$(include "$torch|trainer/|bench/|tests/")" "${runtime[@]}"
  forbid "trainer knows runtime and transport only" "$(include "bench/|tests/")" "${trainer[@]}"
  forbid "only runtime/bootstrap/bootstrap_mpi.cc includes mpi.h" "$(include 'mpi\.h')" \
    "${not_bootstrap[@]}" "${trainer[@]}"
  forbid "trainer/archive and trainer/arrays are built without LibTorch, over runtime/base and runtime/checkpoint" \
    "$(include "$torch|runtime/($(printf '%s\n' "${!runtime_rooms[@]}" | grep -vxE 'base|checkpoint' | paste -sd '|'))/")" \
    trainer/archive/*.{h,cc} trainer/arrays/*.{h,cc}
  forbid "trainer/inspect and trainer/command are built without LibTorch" "$(include "$torch")" \
    trainer/inspect/*.{h,cc} trainer/command/*.{h,cc}
  forbid "trainer/python is built without LibTorch, over runtime/client, runtime/generator and what they may import" \
    "$(include "$torch|runtime/(doctor|cuda)/")" trainer/python/*.{h,cc}
  forbid "CUDA stays in runtime/cuda" "$(include "$cuda")" "${cpu[@]}"
  forbid "UCX stays in transport" "$(include "$ucx")" "${runtime[@]}" "${trainer[@]}"
  forbid "LibTorch brings an fmt of its own" "$(include 'spdlog/|fmt/')" "${trainer[@]}"
  forbid "headers do not pass libraries on" "$(include "$formatting")" "${headers[@]}"
  forbid "it blocks for all peers" 'ucp_worker_fence' "${transport[@]}" "${runtime[@]}" "${trainer[@]}" "${bench[@]}"
  forbid "UCX cancels it on endpoints with error handling" 'ucp_atomic_op' \
    "${transport[@]}" "${runtime[@]}" "${trainer[@]}" "${bench[@]}"
  return $violations
)

if ! check_tree .; then
  echo "FAILED: the lines above break the rules of layers (runtime/README.md)"
  exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy" "$copy.found"' EXIT
# plant FILE LINES [FINDING]: in a tree of that file alone, the check must fail with each of LINES, or with FINDING.
plant() {
  local line
  rm -rf "${copy:?}"/*
  mkdir -p "$copy/bench" "$(dirname "$copy/$1")"
  [ ! -e "$1" ] || cp "$1" "$copy/$1"
  echo "$2" >>"$copy/$1"
  ! check_tree "$copy" >"$copy.found" || : >"$copy.found"
  while read -r line; do
    grep -qF "$line" "$copy.found" && continue
    echo "FAILED: not found when planted in $1: $line"
    exit 1
  done <<<"${3-$2}"
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
plant trainer/archive/zip_archive.cc '#include <ATen/core/Tensor.h>'
plant trainer/archive/zip_archive.cc '#include "runtime/config/config.h"'
plant trainer/arrays/npy.cc '#include <c10/core/ScalarType.h>'
plant trainer/arrays/npy.cc '#include "runtime/config/config.h"'
plant trainer/inspect/number_range.cc '#include <c10/util/Half.h>'
plant trainer/python/binding.cc '#include <torch/extension.h>'
plant trainer/python/binding.cc '#include "runtime/doctor/diagnosis.h"'
plant trainer/command/run_command.cc '#include <ATen/ATen.h>'
plant runtime/telemetry/run_report.h '#include <nlohmann/json.hpp>'
plant transport/endpoint.cc 'ucp_worker_fence(worker);'
plant bench/put.cc 'ucp_atomic_op_nbx(endpoint, op, buffer, 1, address, key, &param);'
plant runtime/stray.cc '#include "runtime/base/digest.h"' 'outside any room'
plant runtime/attic/CMakeLists.txt '# nothing' 'a room without a rule'
for folder in runtime trainer; do
  declare -n rooms=${folder}_rooms
  for room in "${!rooms[@]}"; do
    mapfile -t beyond < <(rooms_beyond "$folder" "$room")
    [ ${#beyond[@]} -eq 0 ] ||
      plant "$folder/$room/planted.h" "$(printf "#include \"$folder/%s/any.h\"\n" "${beyond[@]}")"
  done
done
echo "layers are clean, and each planted violation was found"
