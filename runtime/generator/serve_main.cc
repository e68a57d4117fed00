// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The program runnel-serve: a generator for trainers that are scripts or programs of their own. `runnel run` starts it.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/generator/serve.h"
#include "transport/log.h"

namespace runnel {
namespace {

constexpr const char* kUsage =
    "usage: runnel-serve GENERATORS\n"
    "\n"
    "A generator of a job whose trainers are programs of their own. Not to be started by hand: `runnel run` starts it\n"
    "and tells it its place.\n";

std::optional<int> count_from(const char* text) {
  int count = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, count);
  if (error != std::errc() || rest != end || count < 1) return std::nullopt;
  return count;
}

int serve_as_told(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const auto generators = argc == 2 ? count_from(argv[1]) : std::nullopt;
  const auto place = LocalPlace::from_environment();
  if (!generators || !place) {
    std::fputs(kUsage, stderr);
    return static_cast<int>(ExitStatus::usage);
  }
  set_log_prefix(*generators == 1 ? "[generator]" : "[generator " + std::to_string(place->rank) + "]");
  try {
    LocalBootstrap bootstrap(*place, Deadline::after(kLongestStart));
    serve(bootstrap, *generators);
  } catch (const std::exception& error) {
    if (!is_reported(error)) log_error(error.what());
    return static_cast<int>(status_of(error));
  }
  return 0;
}

}  // namespace
}  // namespace runnel

int main(int argc, char** argv) {
  return runnel::serve_as_told(argc, argv);
}
