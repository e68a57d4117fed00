// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/usual_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace runnel {
namespace {

bool is_one_of(std::string_view name, const auto& words) {
  const auto matches = [](char letter, char lower) {
    return std::tolower(static_cast<unsigned char>(letter)) == static_cast<unsigned char>(lower);
  };
  return std::ranges::any_of(words, [&](std::string_view word) { return std::ranges::equal(name, word, matches); });
}

}  // namespace

bool is_usual_input(std::string_view name) {
  constexpr std::array<std::string_view, 7> kWords = {"x", "image", "images", "input", "inputs", "data", "features"};
  return is_one_of(name, kWords);
}

bool is_usual_target(std::string_view name) {
  constexpr std::array<std::string_view, 7> kWords = {"y", "label", "labels", "target", "targets", "class", "classes"};
  return is_one_of(name, kWords);
}

}  // namespace runnel
