// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/progress.h"

#include <algorithm>
#include <array>

#include "trainer/run/test_result.h"

namespace runnel {
namespace {

using std::chrono::steady_clock;

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
// Back to the first column, and clear to the end: the previous text may have been longer.
constexpr const char* kClearLine = "\r\x1b[K";
// A line that is wider than the terminal is cut off: a wrapped line could not be overwritten.
constexpr const char* kWrapOff = "\x1b[?7l";
constexpr const char* kWrapOn = "\x1b[?7h";

template <class... Values>
std::string text(const char* format, Values... values) {
  std::array<char, 256> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

long long as_long(std::int64_t value) {
  return value;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  return whole < 60     ? text("%ld s", whole)
         : whole < 3600 ? text("%ld min %02ld s", whole / 60, whole % 60)
                        : text("%ld h %02ld min", whole / 3600, whole / 60 % 60);
}

}  // namespace

Progress::Progress(const Settings& settings, const RunPlan& plan)
    : settings_(settings), plan_(plan), started_(steady_clock::now()) {}

Progress::~Progress() {
  clear_line();
}

void Progress::step(const Step& step) {
  ++steps_;
  samples_ += step.samples;
  seconds_ += step.seconds;
  const auto now = steady_clock::now();
  const bool last = step.step == plan_.total_steps() - 1;
  if (settings_.live && (now - drawn_ >= kRedrawInterval || last)) {
    std::fprintf(settings_.out, "%s%s%s%s", kClearLine, kWrapOff, describe(step).c_str(), kWrapOn);
    std::fflush(settings_.out);
    drawn_ = now;
    line_drawn_ = true;
  } else if (!settings_.live && ((step.step + 1) % settings_.log_every == 0 || last)) {
    print(describe(step));
  }
}

void Progress::test(std::int64_t step, const RunReport::Test& result) {
  print(text("epoch %lld/%lld ", as_long(plan_.epoch_of(step) + 1), as_long(plan_.epochs())) + test_text(result));
}

void Progress::print(const std::string& line) {
  clear_line();
  std::fprintf(settings_.out, "%s\n", line.c_str());
  std::fflush(settings_.out);
}

std::string Progress::describe(const Step& step) const {
  const double elapsed = std::chrono::duration<double>(steady_clock::now() - started_).count();
  const std::int64_t steps_left = plan_.total_steps() - 1 - step.step;
  return text("epoch %lld/%lld step %lld/%lld loss %.4f %.0f samples/s", as_long(plan_.epoch_of(step.step) + 1),
              as_long(plan_.epochs()), as_long(step.step + 1), as_long(plan_.total_steps()), step.loss,
              static_cast<double>(samples_) / seconds_) +
         (step.exchange_ms ? text(" exchange %.2f ms", *step.exchange_ms) : "") + ", " +
         duration_text(elapsed / static_cast<double>(steps_) * static_cast<double>(steps_left)) + " left";
}

void Progress::clear_line() {
  if (line_drawn_) {
    std::fputs(kClearLine, settings_.out);
    line_drawn_ = false;
  }
}

}  // namespace runnel
