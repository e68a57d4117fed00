// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The program runnel-serve: a generator for trainers that are scripts or programs of their own. `runnel run` starts it.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
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
    "usage: runnel-serve GENERATORS [TRAINERS INDEX]\n"
    "\n"
    "A generator of a job whose trainers are programs of their own. Not to be started by hand: `runnel run` starts it\n"
    "and tells it its place. With TRAINERS and INDEX, one of so many trainers has started it, as generator INDEX from\n"
    "0 on, and passes on what the others have to say.\n";

/// The command line.
struct Role {
  int generators = 0;
  int trainers = 0;  ///< 0: of `runnel run`, which has started all
  int index = 0;     ///< of this generator
};

/// -1: it is no number.
int number_from(const char* text) {
  int number = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, number);
  return error == std::errc() && rest == end && number >= 0 ? number : -1;
}

std::optional<Role> role_from(int argc, char** argv, const LocalPlace& place) {
  if (argc != 2 && argc != 4) return std::nullopt;
  Role role{.generators = number_from(argv[1]), .index = place.rank};
  if (argc == 4) {
    role.trainers = number_from(argv[2]);
    role.index = number_from(argv[3]);
    if (role.trainers < 1 || role.index < 0 || role.index >= role.generators) return std::nullopt;
  }
  return role.generators < 1 ? std::nullopt : std::optional(role);
}

std::unique_ptr<Bootstrap> join(const LocalPlace& place, const Role& role) {
  const Deadline deadline = Deadline::after(kLongestStart);
  if (role.trainers == 0) return std::make_unique<LocalBootstrap>(place, deadline);
  return std::make_unique<RelayGuest>(place, role.index, role.generators + role.trainers, deadline);
}

int serve_as_told(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const auto place = LocalPlace::from_environment();
  const auto role = place ? role_from(argc, argv, *place) : std::nullopt;
  if (!role) {
    std::fputs(kUsage, stderr);
    return static_cast<int>(ExitStatus::usage);
  }
  set_log_prefix(role->generators == 1 ? "[generator]" : "[generator " + std::to_string(role->index) + "]");
  try {
    serve(*join(*place, *role), role->generators);
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
