// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// libnvidia-ml.so.1, without which UCX's module for CUDA is not loaded. It is empty: UCX looks for functions in it by
// name, and does without what it does not find (fabrics of NVLink).
