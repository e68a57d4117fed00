#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# python_test.sh PACKAGE: a Python script on two hosts, started by torchrun and by mpirun; the generators are dealt to
# the hosts. PACKAGE is the folder that has runnel/. Exit status 77: not permitted here, or no such package.
set -euo pipefail
package=$1
folder=$(cd "$(dirname "$0")" && pwd)
python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python}
# shellcheck source=tests/hosts/netns.sh
source "$folder/netns.sh"
netns_require
unset UCX_NET_DEVICES # Runnel itself has to choose the interface
script=("$folder/../python/launchers_test.py" script)
export PYTHONPATH=$package RUNNEL_TEST_PACKAGE=$package OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
if ! found=$("$python" -c "import runnel, torch" 2>&1); then
  echo "SKIPPED, NOT TESTED: $python: ${found##*$'\n'}"
  exit 77
fi
work=$(mktemp -d)
netns_up 2
trap 'netns_down; rm -rf "$work"' EXIT

# expect LAUNCHER LINE…: what the trainers print: rank, their number, right values, the path to each generator.
expect() {
  local launcher=$1 found
  shift
  found=$(grep -oh '\[[0-9]*, [0-9]*, [a-z]*, "[a-z ]*"\]' "$work"/output* | sort)
  if [ "$found" != "$(printf '%s\n' "$@")" ]; then
    echo "FAILED: $launcher with $RUNNEL_GENERATORS generators:" >&2
    cat "$work"/output* >&2
    exit 1
  fi
  echo "ok: $launcher with $RUNNEL_GENERATORS generators"
  rm "$work"/output*
}

# by_torchrun: two trainers on each of two hosts.
by_torchrun() {
  local node
  for node in 0 1; do
    netns_run "$node" timeout 120 "$python" -m torch.distributed.run --nnodes 2 --node-rank "$node" \
      --nproc-per-node 2 --master-addr "$(netns_address 0)" --master-port 29500 "${script[@]}" \
      >"$work/output$node" 2>&1 &
  done
  wait
}

export RUNNEL_GENERATORS=1
by_torchrun
expect torchrun '[0, 4, true, "mapped"]' '[1, 4, true, "mapped"]' '[2, 4, true, "emulated"]' '[3, 4, true, "emulated"]'
export RUNNEL_GENERATORS=3
by_torchrun
expect torchrun '[0, 4, true, "mapped emulated mapped"]' '[1, 4, true, "mapped emulated mapped"]' \
  '[2, 4, true, "emulated mapped emulated"]' '[3, 4, true, "emulated mapped emulated"]'

if ! "$python" -c "import mpi4py" 2>"$work/error" || ! command -v mpirun >/dev/null; then
  echo "SKIPPED, NOT TESTED: mpirun on two hosts: no mpi4py in $python, or no mpirun"
  exit 0
fi
export RUNNEL_GENERATORS=2
netns_mpirun 0 -n 3 -x PYTHONPATH -x RUNNEL_GENERATORS -x OMP_NUM_THREADS -x RUNNEL_TEST_PACKAGE "$python" \
  "${script[@]}" >"$work/output" 2>&1 || true
expect mpirun '[0, 3, true, "mapped emulated"]' '[1, 3, true, "emulated mapped"]' '[2, 3, true, "mapped emulated"]'
