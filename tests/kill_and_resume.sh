#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# kill_and_resume.sh RUNNEL [KILLS [CONFIG]]: a run of 300 steps, 3 trainers and 2 generators under `--supervise`, killed
# KILLS times (20), or until it has ended, at random moments: any one rank, or all of them. Its parameters must be those
# of the undisturbed run. Prints a line a kill, and a verdict.
set -euo pipefail
runnel=$(realpath "$1")
kills=${2:-20}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=${3:-$here/../trainer/configs/mnist.toml}
seed=${RUNNEL_TEST_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
RANDOM=$seed
work=$(mktemp -d)
launcher=
cleanup() {
  if [ -n "$launcher" ]; then kill "$launcher" 2>/dev/null || true; wait "$launcher" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
job=("$runnel" train "$config" -n 3 --set generator.count=2 --set trainer.batch_size=32 --set run.max_gradients=0
  --set run.max_epochs=1 --set run.max_steps=300)

# The last one: a run that is killed after it has told its result tells it again.
sha_of() { sed -n 's/^parameters sha256 //p' "$1" | tail -n 1; }

# descendants PID: the pids of all processes below, those that train.
ranks() {
  local pid
  for pid in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "^[^ ]*$(basename "$runnel") train "; then
      echo "$pid"
    fi
    ranks "$pid"
  done
}

echo "seed $seed"
"${job[@]}" >"$work/undisturbed"
"${job[@]}" --checkpoint "$work/ckpt" --set checkpoint.every_steps=20 --supervise $((kills + 10)) \
  --report "$work/report.json" >"$work/output" 2>&1 &
launcher=$!
kill=0
while [ "$kill" -lt "$kills" ] && kill -0 "$launcher" 2>/dev/null; do
  sleep "$((2 + RANDOM % 4)).$((RANDOM % 10))"
  mapfile -t all < <(ranks "$launcher")
  if [ "${#all[@]}" -lt 5 ]; then continue; fi # between two starts
  victims=("${all[@]}")
  if ((RANDOM % 2)); then victims=("${all[RANDOM % ${#all[@]}]}"); fi
  kill -KILL "${victims[@]}" 2>/dev/null || true
  kill=$((kill + 1))
  echo "kill $kill: ${#victims[@]} of ${#all[@]} processes"
done
status=0
wait "$launcher" || status=$?
launcher=
expected=$(sha_of "$work/undisturbed")
found=$(sha_of "$work/output")
starts=$(sed -n 's/^  "starts": \([0-9]*\),/\1/p' "$work/report.json" 2>/dev/null || true)
if [ "$status" = 0 ] && [ "$kill" -gt 0 ] && [ -n "$expected" ] && [ "$found" = "$expected" ]; then
  echo "ok after $kill kills: status 0, sha256 $found, that of the undisturbed run; ${starts:-?} starts"
else
  tail -30 "$work/output"
  echo "FAILED: status $status, sha256 ${found:-none}, expected $expected"
  exit 1
fi
