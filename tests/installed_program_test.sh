#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# installed_program_test.sh BUILD: installs the build tree, moves what was installed, hides the sources, trains the
# demo's configuration with it, and starts a generator for a program of somebody else. Status 77 where sources cannot be
# hidden.
set -euo pipefail
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

cmake --install "$build" --prefix "$folder/first" >"$folder/install.txt"
mv "$folder/first" "$folder/moved here"
share="$folder/moved here/share/runnel"
runnel="$folder/moved here/bin/runnel"

# Without data.path: the data that comes with Runnel.
printf '[run]\nmax_epochs = 1\nmax_gradients = 2\n' >"$folder/small.toml"
"$runnel" train "$folder/small.toml" --print-config | grep -qxF "path = \"$share/data/mnist\"" ||
  fail "the default data are not those that were installed"

cat >"$folder/train.sh" <<'SCRIPT'
set -euo pipefail
mount -t tmpfs none "$1"
[ -z "$(ls -A "$1")" ]
cd /
"$2" train "$3" -n 2 --set 'run={max_epochs=1, max_gradients=2}' --set trainer.batch_size=64
SCRIPT
cat >"$folder/run.sh" <<'SCRIPT'
set -euo pipefail
mount -t tmpfs none "$1"
cd /
"$2" run -n 1 -- true
"$2-run" -n 1 -- true
SCRIPT
hide=(unshare --mount)
"${hide[@]}" true 2>/dev/null || hide=(unshare --map-root-user --mount)
if ! "${hide[@]}" true 2>/dev/null; then
  echo "SKIPPED, NOT TESTED: no permission for mounts, which hide the sources"
  exit 77
fi
for config in "$share/configs/mnist.toml" "$folder/small.toml"; do
  "${hide[@]}" bash "$folder/train.sh" "$source" "$runnel" "$config" >"$folder/output.txt" 2>&1 || {
    cat "$folder/output.txt"
    fail "$config cannot be trained"
  }
  grep -q '^done: 1 steps' "$folder/output.txt" || fail "no step was made"
done
"${hide[@]}" bash "$folder/run.sh" "$source" "$runnel" >"$folder/output.txt" 2>&1 || {
  cat "$folder/output.txt"
  fail "runnel run does not start its generator"
}
[ "$(grep -c 'no trainer took part' "$folder/output.txt")" = 2 ] || fail "there was no generator to join"
echo "a moved installation trains without the sources"
