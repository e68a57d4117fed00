// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/python_literal.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/utf8.h"
#include "trainer/arrays/refusal.h"

namespace runnel {

void PythonLiteral::skip_spaces() {
  next_ = std::min(text_.find_first_not_of(" \t\r\n", next_), text_.size());
}

bool PythonLiteral::skip(char token) {
  skip_spaces();
  if (next_ == text_.size() || text_[next_] != token) return false;
  ++next_;
  return true;
}

void PythonLiteral::expect(char token) {
  if (!skip(token)) refuse(std::string("'") + token + "'");
}

bool PythonLiteral::at_end() {
  skip_spaces();
  return next_ == text_.size();
}

std::uint64_t PythonLiteral::offset() {
  skip_spaces();
  return offset_ + next_;
}

std::string PythonLiteral::text() {
  skip_spaces();
  const char quote = next_ < text_.size() ? text_[next_] : '\0';
  const std::size_t end = quote == '\'' || quote == '"' ? text_.find(quote, next_ + 1) : text_.npos;
  if (end == text_.npos) refuse("a text in quotes");
  const std::string_view held = text_.substr(next_ + 1, end - next_ - 1);
  if (held.find_first_of("\\\n") != held.npos) refuse("a text without escapes");
  next_ = end + 1;
  return std::string(held);
}

bool PythonLiteral::boolean() {
  skip_spaces();
  for (const std::string_view word : {"True", "False"}) {
    if (!text_.substr(next_).starts_with(word)) continue;
    next_ += word.size();
    return word == "True";
  }
  refuse("True or False");
}

std::int64_t PythonLiteral::size() {
  skip_spaces();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data() + next_, text_.data() + text_.size(), value);
  if (error != std::errc() || value < 0) refuse("a size from 0 to 9223372036854775807");
  next_ = static_cast<std::size_t>(end - text_.data());
  skip('L');  // Python 2 has it after long integers
  return value;
}

std::vector<std::int64_t> PythonLiteral::sizes() {
  constexpr std::size_t kMostDimensions = 64;
  std::vector<std::int64_t> sizes;
  expect('(');
  while (!skip(')')) {
    if (sizes.size() == kMostDimensions) refuse("at most 64 sizes");
    sizes.push_back(size());
    if (!skip(',') && (skip_spaces(), next_ == text_.size() || text_[next_] != ')')) refuse("',' or ')'");
  }
  return sizes;
}

void PythonLiteral::refuse(const std::string& expected) {
  constexpr std::size_t kShown = 20;
  skip_spaces();
  const std::string_view rest = text_.substr(next_, kShown);
  const std::string_view shown = rest.substr(0, valid_utf8_bytes(rest));
  const std::string found = rest.empty() ? "the end of the header" : "\"" + printable(shown) + "\"";
  refuse_at(place_, offset_ + next_, "expected " + expected + ", found " + found);
}

}  // namespace runnel
