#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Runs a job of one generator and two trainers once for each size of /dev/shm, in a mount namespace of its own, and
# prints size, status and paths. By hand, as root, as it takes minutes:
#
#   tests/shm_sweep.sh build/runnel CONFIG [FROM_KIB TO_KIB STEP_KIB]      # 0 to 64 MiB in steps of 256 KiB
#
# A size that ends with another status than 0 or 71, that gives 71 without saying what is needed and what is free, or a
# run with another path than mapped is counted and makes the status 1.
#
# 257 sizes with the model mnist-cnn and 2 trainers (UCX 1.22.0, November 2026): none bad. Up to 31 488 KiB status
# 71, from 31 744 KiB on status 0 with both paths mapped. Before the memory was counted: SIGSEGV (69) at 16 640 and
# 16 896, and 69 at 32 768.
set -euo pipefail

program=$1
config=$2
from=${3:-0}
to=${4:-65536}
step=${5:-256}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for ((kib = from; kib <= to; kib += step)); do
  rm -f "$work/report.json"
  status=0
  # A tmpfs of size 0 would have no limit.
  PROGRAM=$program CONFIG=$config WORK=$work timeout 120 unshare --mount bash -c '
    mount -t tmpfs -o size='"$((kib > 0 ? kib * 1024 : 4096))"' tmpfs /dev/shm
    exec "$PROGRAM" train "$CONFIG" -n 2 --set run.max_gradients=2 --report "$WORK/report.json"' \
    >"$work/output" 2>&1 || status=$?
  paths=$(grep -o '"path": "\(mapped\|one-sided\|emulated\)"' "$work/report.json" 2>/dev/null |
    sort | uniq -c | tr -s ' \n' ' ') || paths=
  verdict=ok
  case $status in
  0) [ "$paths" = ' 2 "path": "mapped" ' ] || verdict=BAD ;;
  71) grep -Eq 'needs? [0-9]+ bytes of shared memory and /dev/shm has [0-9]+ free' "$work/output" || verdict=BAD ;;
  *) verdict=BAD ;;
  esac
  echo "$kib KiB: status $status$paths $verdict"
  [ "$verdict" = ok ] || { bad=$((bad + 1)) && cat "$work/output"; }
done
echo "$bad bad"
[ "$bad" -eq 0 ]
