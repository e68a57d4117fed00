// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The program runnel-serve: a generator for trainers that are scripts or programs of their own. `runnel run` starts it.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/bootstrap/bootstrap_relay.h"
#include "runtime/generator/serve.h"
#include "transport/log.h"

namespace runnel {
namespace {

constexpr const char* kUsage =
    "usage: runnel-serve GENERATORS [TRAINERS]\n"
    "\n"
    "A generator of a job whose trainers are programs of their own. Not to be started by hand: `runnel run` starts it\n"
    "and tells it its place. With TRAINERS, the first of so many trainers has started it, and passes on what the "
    "others\n"
    "have to say.\n";

/// 0: it is no count.
int count_from(const char* text) {
  int count = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, count);
  if (error != std::errc() || rest != end || count < 1) return 0;
  return count;
}

/// `trainers`: 0 unless the first of them has started this process.
std::unique_ptr<Bootstrap> join(const LocalPlace& place, int trainers) {
  const Deadline deadline = Deadline::after(kLongestStart);
  if (trainers > 0) return std::make_unique<RelayGuest>(place, trainers, deadline);
  return std::make_unique<LocalBootstrap>(place, deadline);
}

int serve_as_told(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const int generators = argc == 2 || argc == 3 ? count_from(argv[1]) : 0;
  const int trainers = argc == 3 ? count_from(argv[2]) : 0;
  const auto place = LocalPlace::from_environment();
  if (generators == 0 || !place || (argc == 3 && trainers == 0)) {
    std::fputs(kUsage, stderr);
    return static_cast<int>(ExitStatus::usage);
  }
  const int index = trainers > 0 ? place->rank - 1 : place->rank;
  set_log_prefix(generators == 1 ? "[generator]" : "[generator " + std::to_string(index) + "]");
  try {
    serve(*join(*place, trainers), generators);
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
