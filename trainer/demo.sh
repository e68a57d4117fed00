#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs what is missing, builds the runnel program, and trains the MNIST network with one generator and two trainers.
# Arguments are passed on, for example: trainer/demo.sh --set run.max_epochs=1 --report run.json
set -euo pipefail
# shellcheck source=cmake/build.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/build.sh"

"$runnel_root/cmake/install-deps.sh"
build release build runnel
stage "training: runnel train trainer/configs/mnist.toml -n 2 $*"
exec "$runnel_root/build/runnel" train "$runnel_root/trainer/configs/mnist.toml" -n 2 "$@"
