// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "trainer/arrays/array.h"

namespace runnel {

/// The arrays that were read last, for both splits of one file: they are read once, and kept as long as one of the data
/// sets that use them. Arrays do not change, so that the two may read them in two threads. Thread: one at a time.
class SharedArrays {
 public:
  using Arrays = std::shared_ptr<const std::vector<Array>>;

  /// Those of `key` where somebody still has them; else what `read` gives. Throws as `read`.
  Arrays get(const std::string& key, const std::function<std::vector<Array>()>& read);

 private:
  std::string key_;
  std::weak_ptr<const std::vector<Array>> arrays_;
};

}  // namespace runnel
