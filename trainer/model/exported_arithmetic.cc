// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_arithmetic.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>

#include "runtime/base/joined.h"

namespace runnel {
namespace {

using Values = std::vector<c10::IValue>;

const c10::IValue& at(const Values& values, std::size_t i) {
  TORCH_CHECK(i < values.size() && (values[i].isInt() || values[i].isDouble() || values[i].isBool()),
              "expected a number as argument ", i + 1);
  return values[i];
}

std::int64_t integer(const Values& values, std::size_t i) {
  const c10::IValue& value = at(values, i);
  TORCH_CHECK(!value.isDouble(), "expected an integer as argument ", i + 1);
  return value.isBool() ? static_cast<std::int64_t>(value.toBool()) : value.toInt();
}

double number(const Values& values, std::size_t i) {
  return at(values, i).isDouble() ? values[i].toDouble() : static_cast<double>(integer(values, i));
}

bool any_floating(const Values& values) {
  return at(values, 0).isDouble() || at(values, 1).isDouble();
}

/// `whole` on integers, which tells whether it overflowed; `floating` where an argument is a floating number.
template <class Whole, class Floating>
c10::IValue arithmetic(const Values& values, const Whole& whole, const Floating& floating) {
  if (any_floating(values)) return floating(number(values, 0), number(values, 1));
  std::int64_t result = 0;
  TORCH_CHECK(!whole(integer(values, 0), integer(values, 1), &result), "an integer overflows");
  return result;
}

c10::IValue add(const Values& v) {
  return arithmetic(
      v, [](auto a, auto b, auto* r) { return __builtin_add_overflow(a, b, r); }, std::plus<double>());
}

c10::IValue subtract(const Values& v) {
  return arithmetic(
      v, [](auto a, auto b, auto* r) { return __builtin_sub_overflow(a, b, r); }, std::minus<double>());
}

c10::IValue multiply(const Values& v) {
  return arithmetic(
      v, [](auto a, auto b, auto* r) { return __builtin_mul_overflow(a, b, r); }, std::multiplies<double>());
}

/// Python's, which rounds down.
c10::IValue floor_divide(const Values& v) {
  const std::int64_t a = integer(v, 0), b = integer(v, 1);
  TORCH_CHECK(b != 0 && (a != std::numeric_limits<std::int64_t>::min() || b != -1), "division by zero or overflow");
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// Python's, which has the sign of the divisor.
c10::IValue modulo(const Values& v) {
  const std::int64_t a = integer(v, 0), b = integer(v, 1);
  TORCH_CHECK(b != 0, "division by zero");
  const std::int64_t rest = b == -1 ? 0 : a % b;  // % of the least integer and -1 overflows
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

c10::IValue divide(const Values& v) {
  TORCH_CHECK(number(v, 1) != 0, "division by zero");
  return number(v, 0) / number(v, 1);
}
c10::IValue negate(const Values& v) {
  return subtract({std::int64_t{0}, at(v, 0)});
}

c10::IValue equal(const Values& v) {
  return number(v, 0) == number(v, 1);
}
c10::IValue not_equal(const Values& v) {
  return number(v, 0) != number(v, 1);
}
c10::IValue less(const Values& v) {
  return number(v, 0) < number(v, 1);
}
c10::IValue less_equal(const Values& v) {
  return number(v, 0) <= number(v, 1);
}
c10::IValue greater(const Values& v) {
  return number(v, 0) > number(v, 1);
}
c10::IValue greater_equal(const Values& v) {
  return number(v, 0) >= number(v, 1);
}

c10::IValue logical_and(const Values& v) {
  return number(v, 0) != 0 && number(v, 1) != 0;
}
c10::IValue logical_or(const Values& v) {
  return number(v, 0) != 0 || number(v, 1) != 0;
}
c10::IValue logical_not(const Values& v) {
  return number(v, 0) == 0;
}

c10::IValue largest(const Values& v) {
  return number(v, 0) >= number(v, 1) ? v[0] : v[1];
}
c10::IValue smallest(const Values& v) {
  return number(v, 0) <= number(v, 1) ? v[0] : v[1];
}
c10::IValue to_float(const Values& v) {
  return number(v, 0);
}
c10::IValue square_root(const Values& v) {
  return std::sqrt(number(v, 0));
}

c10::IValue whole(double value) {
  constexpr double kLimit = 9.2e18;  // below 2^63
  TORCH_CHECK(std::abs(value) < kLimit, "a number is too large for an integer");
  return static_cast<std::int64_t>(value);
}

c10::IValue ceiling(const Values& v) {
  return at(v, 0).isInt() ? v[0] : whole(std::ceil(number(v, 0)));
}
c10::IValue floor(const Values& v) {
  return at(v, 0).isInt() ? v[0] : whole(std::floor(number(v, 0)));
}
c10::IValue truncate(const Values& v) {
  return at(v, 0).isInt() ? v[0] : whole(std::trunc(number(v, 0)));
}

const std::map<std::string, SizeFunction>& size_functions() {
  static const std::map<std::string, SizeFunction> functions = {
      {"_operator.add", add},           {"_operator.sub", subtract},
      {"_operator.mul", multiply},      {"_operator.floordiv", floor_divide},
      {"_operator.mod", modulo},        {"_operator.truediv", divide},
      {"_operator.neg", negate},        {"_operator.eq", equal},
      {"_operator.ne", not_equal},      {"_operator.lt", less},
      {"_operator.le", less_equal},     {"_operator.gt", greater},
      {"_operator.ge", greater_equal},  {"_operator.and_", logical_and},
      {"_operator.or_", logical_or},    {"_operator.not_", logical_not},
      {"math.ceil", ceiling},           {"math.floor", floor},
      {"math.trunc", truncate},         {"torch.sym_max", largest},
      {"torch.sym_min", smallest},      {"torch.sym_float", to_float},
      {"torch.sym_int", truncate},      {"torch.sym_not", logical_not},
      {"torch._sym_sqrt", square_root}, {"torch.sym_sqrt", square_root}};
  return functions;
}

}  // namespace

SizeFunction size_function(const std::string& target) {
  const auto found = size_functions().find(target);
  return found == size_functions().end() ? nullptr : found->second;
}

std::string size_function_names() {
  return joined(size_functions(), ", ", [](const auto& entry) { return entry.first; });
}

}  // namespace runnel
