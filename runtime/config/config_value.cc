// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "runtime/base/joined.h"
#include "runtime/base/nearest_word.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::string to_text(bool value) {
  return value ? "true" : "false";
}

std::string to_text(std::int64_t value) {
  return std::to_string(value);
}

// The shortest text that reads back as the same number, marked as a floating-point one.
std::string to_text(double value) {
  char text[32];
  const bool plain = value == 0 || (std::abs(value) >= 1e-4 && std::abs(value) < 1e9);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(std::begin(text), std::end(text), value, format).ptr;
  std::string number(text, end);
  return number.find_first_of(".en") == std::string::npos ? number + ".0" : number;
}

std::string to_text(const std::string& value) {
  return quoted(value);
}

std::string to_text(const std::array<double, 2>& pair) {
  return '[' + to_text(pair[0]) + ", " + to_text(pair[1]) + ']';
}

std::string to_text(const DeviceName& device) {
  return to_text(device.to_string());
}

std::string to_text(const std::vector<DeviceName>& devices) {
  if (devices.size() == 1) return to_text(devices[0]);
  return '[' + joined(devices, ", ", [](const DeviceName& device) { return to_text(device); }) + ']';
}

std::string found(const TomlArray& array);

std::string found(const TomlValue& value) {
  return std::visit(Overloaded{[](const std::string& text) { return '"' + printable(text) + '"'; },
                               [](const TomlArray& array) { return found(array); },
                               [](const TomlTable&) { return std::string("a table"); },
                               [](const TomlDateOrTime&) { return std::string("a date or time"); },
                               [](const auto& number) { return to_text(number); }},
                    value.data);
}

std::string found(const TomlArray& array) {
  return '[' + printable(joined(array, ", ", [](const TomlValue& element) { return found(element); })) + ']';
}

// A free table in one line: {dropout = [0.25, 0.5]}.
std::string to_text(const OptionTable& options) {
  return '{' + joined(options, ", ", [](const Option& option) { return option.name + " = " + option.text; }) + '}';
}

std::string range_text(const NumberRange& range) {
  std::string text = "from " + to_text(range.min);
  text += range.below_max ? " to below " : " to ";
  return text + to_text(range.max);
}

std::optional<double> number_in(const TomlValue& value, const NumberRange& range) {
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
    number = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value.data)) {
    number = *real;
  } else {
    return std::nullopt;
  }
  const bool inside = number >= range.min && number <= range.max && !(range.below_max && number == range.max);
  // Adding 0 turns -0 into 0, so that equal configurations print alike.
  return inside ? std::optional(number + 0.0) : std::nullopt;
}

std::optional<DeviceName> device_in(const TomlValue& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  return text != nullptr ? DeviceName::from_string(*text) : std::nullopt;
}

constexpr std::string_view kText = "a string that is not empty";
constexpr std::string_view kDevice = "\"auto\", \"cpu\", \"cuda\" or \"cuda:K\"";

bool assign(const BoolKey& key, const TomlValue& value, Config& config) {
  const auto* boolean = std::get_if<bool>(&value.data);
  if (boolean != nullptr) key.field(config) = *boolean;
  return boolean != nullptr;
}

bool assign(const IntegerKey& key, const TomlValue& value, Config& config) {
  const auto* integer = std::get_if<std::int64_t>(&value.data);
  if (integer == nullptr || *integer < key.min || *integer > key.max || *integer % key.multiple_of != 0) return false;
  key.field(config) = *integer;
  return true;
}

bool assign(const NumberKey& key, const TomlValue& value, Config& config) {
  const std::optional<double> number = number_in(value, key.range);
  if (number) key.field(config) = *number;
  return number.has_value();
}

bool assign(const PairKey& key, const TomlValue& value, Config& config) {
  const auto* array = std::get_if<TomlArray>(&value.data);
  if (array == nullptr || array->size() != 2) return false;
  const std::optional<double> first = number_in((*array)[0], key.first);
  const std::optional<double> second = number_in((*array)[1], key.second);
  if (first && second) key.field(config) = {*first, *second};
  return first && second;
}

bool assign(const ChoiceKey& key, const TomlValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value.data);
  const auto word = text != nullptr ? std::ranges::find(key.words, *text) : key.words.end();
  if (word == key.words.end()) return false;
  key.set(config, static_cast<std::size_t>(word - key.words.begin()));
  return true;
}

bool assign(const TextKey& key, const TomlValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text == nullptr || (text->empty() && !key.may_be_empty)) return false;
  key.field(config) = *text;
  return true;
}

bool assign(const FileKey& key, const TomlValue& value, Config& config) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text == nullptr || text->find('\0') != std::string::npos) return false;
  key.field(config) = *text;
  return true;
}

bool assign(const DeviceKey& key, const TomlValue& value, Config& config) {
  const std::optional<DeviceName> device = device_in(value);
  if (device) key.field(config) = *device;
  return device.has_value();
}

bool assign(const DevicesKey& key, const TomlValue& value, Config& config) {
  const auto* array = std::get_if<TomlArray>(&value.data);
  const TomlArray devices = array != nullptr ? *array : TomlArray{value};
  std::vector<DeviceName> names;
  for (const TomlValue& element : devices) {
    const std::optional<DeviceName> device = device_in(element);
    if (!device) return false;
    names.push_back(*device);
  }
  if (!names.empty()) key.field(config) = names;
  return !names.empty();
}

// Only the table itself: its keys are entries of their own.
bool assign(const OptionsKey&, const TomlValue& value, Config&) {
  return std::holds_alternative<TomlTable>(value.data);
}

}  // namespace

std::string quoted(const std::string& value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      text += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + '"';
}

void read_value(const KeyType& type, const TomlValue& value, Config& config) {
  if (std::visit([&](const auto& key) { return assign(key, value, config); }, type)) return;
  std::string message = "expected " + describe(type) + ", found " + found(value);
  const auto* choice = std::get_if<ChoiceKey>(&type);
  const auto* text = std::get_if<std::string>(&value.data);
  const auto nearest = choice != nullptr && text != nullptr ? nearest_word(*text, choice->words) : "";
  if (!nearest.empty()) message += ", did you mean \"" + std::string(nearest) + "\"?";
  if (choice != nullptr && std::holds_alternative<bool>(value.data) && !choice->for_boolean.empty()) {
    message += "; " + std::string(choice->for_boolean);
  }
  throw ValueError(message);
}

void reset_value(const KeyType& type, Config& config) {
  Config defaults;
  std::visit(Overloaded{[&](const ChoiceKey& key) { key.set(config, key.get(defaults)); },
                        [&](const auto& key) { key.field(config) = key.field(defaults); }},
             type);
}

std::string print_value(const KeyType& type, const Config& config) {
  // A field gives access for writing; here it only reads.
  return std::visit(Overloaded{[&](const ChoiceKey& key) { return to_text(std::string(key.words[key.get(config)])); },
                               [&](const auto& key) { return to_text(key.field(const_cast<Config&>(config))); }},
                    type);
}

std::string print_value(const TomlValue& value) {
  return std::visit(
      Overloaded{[](const std::string& text) { return quoted(text); },
                 [](const TomlArray& array) {
                   const auto element = [](const TomlValue& one) { return print_value(one); };
                   return '[' + joined(array, ", ", element) + ']';
                 },
                 [](const TomlTable&) -> std::string { throw ValueError("tables cannot be options"); },
                 [](const TomlDateOrTime&) -> std::string { throw ValueError("dates and times cannot be options"); },
                 [](double number) {
                   // JSON has no other numbers.
                   if (!std::isfinite(number)) throw ValueError("options must be finite");
                   return to_text(number);
                 },
                 [](const auto& number) { return to_text(number); }},
      value.data);
}

std::string print_number(std::int64_t number) {
  return to_text(number);
}

std::string print_number(double number) {
  return to_text(number);
}

std::string describe(const KeyType& type) {
  return std::visit(Overloaded{
                        [](const BoolKey&) { return std::string("true or false"); },
                        [](const IntegerKey& key) {
                          const std::string range = "an integer from " + to_text(key.min) + " to " + to_text(key.max);
                          return key.multiple_of == 1 ? range : range + ", a multiple of " + to_text(key.multiple_of);
                        },
                        [](const NumberKey& key) { return "a number " + range_text(key.range); },
                        [](const PairKey& key) {
                          return "two numbers in an array, " + range_text(key.first) + " and " + range_text(key.second);
                        },
                        [](const ChoiceKey& key) {
                          const auto quoted = [](std::string_view choice) { return to_text(std::string(choice)); };
                          return "one of " + joined(key.words, ", ", quoted);
                        },
                        [](const TextKey& key) { return std::string(key.may_be_empty ? "a string" : kText); },
                        [](const FileKey& key) {
                          const std::string file = "a file name in a string";
                          return key.word.empty() ? file : to_text(std::string(key.word)) + " or " + file;
                        },
                        [](const DeviceKey&) { return std::string(kDevice); },
                        [](const OptionsKey&) { return std::string("a table of options"); },
                        [](const DevicesKey&) { return std::string(kDevice) + ", or an array of them"; },
                    },
                    type);
}

}  // namespace runnel
