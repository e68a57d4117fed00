# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# What every test of several hosts needs: a folder of its own, failures that are counted, hosts that are gone at exit, a
# small data set, and the values of a report. Source this file after setting `mnist`; it sources netns.sh and writes the
# data.
# shellcheck source=tests/hosts/netns.sh
source "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

netns_require
unset UCX_NET_DEVICES # Runnel itself has to choose the interface
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# hosts_up COUNT: as netns_up, which takes over what happens at exit.
hosts_up() {
  netns_up "$1"
  trap 'netns_down; rm -rf "$work"' EXIT
}

fail() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

# A data set small enough that a test of the model costs nothing: 640 and 200 images.
write_data() {
  local split count
  for split in train:640 t10k:200; do
    count=${split#*:}
    split=${split%:*}
    excerpt "$split-images-idx3-ubyte" 16 "$count" $((784 * count))
    excerpt "$split-labels-idx1-ubyte" 8 "$count" "$count"
  done
}

# excerpt FILE HEADER_BYTES SAMPLES DATA_BYTES: the first samples, with their number in bytes 4 to 7 of the header.
excerpt() {
  local total=$(($2 + $4))
  { gzip -dc "$mnist/$1.gz" || true; } 2>/dev/null | head -c "$total" >"$work/$1"
  # shellcheck disable=SC2059
  printf "$(printf '\\x%02x' 0 0 $(($3 >> 8)) $(($3 & 255)))" | dd of="$work/$1" bs=1 seek=4 conv=notrunc status=none
}

# value KEY: a line of the report, as "KEY": VALUE.
value() { grep -m1 "\"$1\":" "$work/report.json" | sed 's/.*: //; s/[",]//g'; }
paths() { grep '"path": "[moe]' "$work/report.json" | sed 's/.*: //; s/[",]//g' | grep -v / | tr '\n' ' '; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
write_data
