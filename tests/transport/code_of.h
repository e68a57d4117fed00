// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "transport/status.h"

namespace runnel::test {

/// The code of the `TransportError` that `function` throws; ok when it throws none.
StatusCode code_of(auto&& function) {
  try {
    function();
    return StatusCode::ok;
  } catch (const TransportError& error) {
    return error.code();
  }
}

}  // namespace runnel::test
