#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Checks that the README of a folder names every source file in it, and that relative links lead somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob
missing=0

for readme in transport/README.md runtime/*/README.md trainer/*/README.md; do
  folder=$(dirname "$readme")
  for file in "$folder"/*.{h,cc,cu}; do
    stem=$(basename "${file%.*}")
    grep -qE "\`$stem\`" "$readme" || { echo "$readme does not name $stem"; missing=1; }
  done
done

while IFS=: read -r readme link; do
  target=${link%%#*}
  [ -z "$target" ] || [ -e "$(dirname "$readme")/$target" ] || { echo "$readme: no $target"; missing=1; }
done < <(grep -oE '\]\([^):]+\)' ./*.md ./*/*.md ./*/*/*.md ./*/*/*/*.md | grep -vE '^\./build' | sed -E 's/:\]\((.*)\)$/:\1/')

[ $missing -eq 0 ] || { echo "FAILED: the lines above"; exit 1; }
echo "READMEs name every file, and every link leads somewhere"
