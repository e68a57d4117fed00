// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/options.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>

#include "runtime/base/joined.h"
#include "runtime/base/nearest_word.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config_checks.h"
#include "runtime/config/config_value.h"

namespace runnel {
namespace {

template <class T>
std::optional<T> value_in(const TomlValue& value, const OptionRange<T>& range) {
  const auto* integer = std::get_if<std::int64_t>(&value.data);
  std::optional<T> found;
  if (integer != nullptr) found = static_cast<T>(*integer);
  if constexpr (std::is_same_v<T, double>) {
    if (const auto* number = std::get_if<double>(&value.data)) found = *number;
  }
  return found && *found >= range.min && *found <= range.max ? found : std::nullopt;
}

std::optional<std::string> text_in(const TomlValue& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

std::optional<std::string> word_in(const TomlValue& value, const std::vector<std::string>& words) {
  const auto text = text_in(value);
  return text && std::ranges::find(words, *text) != words.end() ? text : std::nullopt;
}

/// The elements of an array, read one by one; nothing if `value` is no array or an element does not fit.
template <class T, class Read>
std::optional<std::vector<T>> elements_of(const TomlValue& value, const Read& read) {
  const auto* array = std::get_if<TomlArray>(&value.data);
  if (array == nullptr) return std::nullopt;
  std::vector<T> elements;
  for (const TomlValue& element : *array) {
    std::optional<T> one = read(element);
    if (!one) return std::nullopt;
    elements.push_back(std::move(*one));
  }
  return elements;
}

template <class T>
std::string range_text(const std::string& what, const OptionRange<T>& range) {
  const OptionRange<T> any;
  std::string text = what;
  if (range.min != any.min) text += " from " + print_number(range.min);
  if (range.max != any.max) text += (range.min != any.min ? " to " : " up to ") + print_number(range.max);
  return text;
}

std::string words_text(const std::vector<std::string>& words) {
  return joined(words, ", ", [](const std::string& word) { return quoted(word); });
}

}  // namespace

bool Options::boolean(const std::string& name, bool otherwise) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto* boolean = std::get_if<bool>(&value->data)) return *boolean;
  fail(name, "true or false");
}

std::int64_t Options::integer(const std::string& name, std::int64_t otherwise,
                              const OptionRange<std::int64_t>& range) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto integer = value_in(*value, range)) return *integer;
  fail(name, range_text("an integer", range));
}

double Options::number(const std::string& name, double otherwise, const OptionRange<double>& range) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto number = value_in(*value, range)) return *number;
  fail(name, range_text("a number", range));
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (auto text = text_in(*value)) return *text;
  fail(name, "a string");
}

std::string Options::word(const std::string& name, const std::string& otherwise,
                          const std::vector<std::string>& words) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const auto word = word_in(*value, words)) return *word;
  fail(name, "one of " + words_text(words));
}

std::vector<std::int64_t> Options::integers(const std::string& name, const std::vector<std::int64_t>& otherwise,
                                            const OptionRange<std::int64_t>& range) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  const auto read = [&](const TomlValue& element) { return value_in(element, range); };
  if (auto integers = elements_of<std::int64_t>(*value, read)) return *integers;
  fail(name, "an array of integers, each " + range_text("an integer", range));
}

std::vector<double> Options::numbers(const std::string& name, const std::vector<double>& otherwise,
                                     const OptionRange<double>& range, bool fixed) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  const auto read = [&](const TomlValue& element) { return value_in(element, range); };
  auto numbers = elements_of<double>(*value, read);
  if (numbers && (!fixed || numbers->size() == otherwise.size())) return *numbers;
  const std::string count = fixed ? std::to_string(otherwise.size()) + " numbers" : "numbers";
  fail(name, "an array of " + count + ", each " + range_text("a number", range));
}

std::vector<std::string> Options::words(const std::string& name, const std::vector<std::string>& otherwise,
                                        const std::vector<std::string>& words) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  const auto read = [&](const TomlValue& element) { return word_in(element, words); };
  if (auto found = elements_of<std::string>(*value, read)) return *found;
  fail(name, "an array of some of " + words_text(words));
}

std::vector<std::string> Options::texts(const std::string& name, const std::vector<std::string>& otherwise) const {
  const TomlValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (auto found = elements_of<std::string>(*value, text_in)) return *found;
  fail(name, "an array of strings");
}

void Options::require_all_read(const std::string& owner) const {
  const auto unread = std::ranges::find_if(table_, [&](const Option& option) { return !read_.contains(option.name); });
  if (unread == table_.end()) return;
  const std::string_view nearest =
      nearest_word(unread->name, std::vector<std::string_view>(read_.begin(), read_.end()));
  std::string message = owner + " has no such option";
  if (!nearest.empty()) {
    message += ", did you mean '" + path_ + '.' + std::string(nearest) + "'?";
  } else {
    message += read_.empty() ? "; it has none" : "; its options are " + joined(read_, ", ");
  }
  fail_key(unread->place, path_ + '.' + unread->name, message);
}

void Options::fail(const std::string& name, const std::string& expected) const {
  const Option& option = *std::ranges::find(table_, name, &Option::name);
  fail_key(option.place, path_ + '.' + name, "expected " + expected + ", found " + printable(option.text));
}

const TomlValue* Options::find(const std::string& name) const {
  read_.insert(name);
  const auto option = std::ranges::find(table_, name, &Option::name);
  return option == table_.end() ? nullptr : &option->value;
}

}  // namespace runnel
