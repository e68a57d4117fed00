// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/shared_arrays.h"

namespace runnel {

SharedArrays::Arrays SharedArrays::get(const std::string& key, const std::function<std::vector<Array>()>& read) {
  Arrays arrays = key == key_ ? arrays_.lock() : nullptr;
  if (arrays) return arrays;
  arrays = std::make_shared<const std::vector<Array>>(read());
  key_ = key;
  arrays_ = arrays;
  return arrays;
}

}  // namespace runnel
