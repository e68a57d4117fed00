// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/config/option_table.h"

namespace runnel {

template <class T>
struct OptionRange {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};

/// Typed reads of a free table of the configuration, by what the table belongs to: each read names the option, its
/// default and its range. Those of tables in the table have dotted names: "normalize.image".
///
/// A value of another type or out of range throws `ConfigError` (78) with its place, and so does `require_all_read()`
/// for an option that nobody has asked for. Thread: one at a time.
class Options {
 public:
  /// `path` is that of the table: "model.options". `table` outlives this.
  Options(const OptionTable& table, std::string path) : table_(table), path_(std::move(path)) {}

  bool boolean(const std::string& name, bool otherwise) const;
  std::int64_t integer(const std::string& name, std::int64_t otherwise,
                       const OptionRange<std::int64_t>& range = {}) const;
  double number(const std::string& name, double otherwise, const OptionRange<double>& range = {}) const;
  std::string text(const std::string& name, const std::string& otherwise) const;

  /// One of `words`.
  std::string word(const std::string& name, const std::string& otherwise, const std::vector<std::string>& words) const;

  /// Arrays; of `otherwise.size()` values if `fixed`.
  std::vector<std::int64_t> integers(const std::string& name, const std::vector<std::int64_t>& otherwise,
                                     const OptionRange<std::int64_t>& range = {}) const;
  std::vector<double> numbers(const std::string& name, const std::vector<double>& otherwise,
                              const OptionRange<double>& range = {}, bool fixed = false) const;
  std::vector<std::string> words(const std::string& name, const std::vector<std::string>& otherwise,
                                 const std::vector<std::string>& words) const;

  std::vector<std::string> texts(const std::string& name, const std::vector<std::string>& otherwise) const;

  /// Whether the option was given, for one whose default follows from others.
  bool has(const std::string& name) const { return find(name) != nullptr; }

  /// Throws for the first option that none of the above was called for. `owner`: "model 'mnist-cnn'".
  void require_all_read(const std::string& owner) const;

  /// Throws for the value of option `name`, which was given: "expected …, found …".
  [[noreturn]] void fail(const std::string& name, const std::string& expected) const;

 private:
  const TomlValue* find(const std::string& name) const;

  const OptionTable& table_;
  std::string path_;
  mutable std::set<std::string> read_;
};

}  // namespace runnel
