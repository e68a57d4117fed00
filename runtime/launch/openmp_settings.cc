// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/openmp_settings.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "runtime/launch/launch_place.h"

namespace runnel {
namespace {

/// Of libgomp and of LLVM's libomp, which also reads those of libgomp.
constexpr std::array<std::string_view, 8> kRemoved = {
    "OMP_PROC_BIND=", "OMP_PLACES=",       "GOMP_CPU_AFFINITY=",     "KMP_AFFINITY=",
    "OMP_DYNAMIC=",   "OMP_THREAD_LIMIT=", "OMP_MAX_ACTIVE_LEVELS=", "KMP_ALL_THREADS="};

constinit std::array<const char*, kRemoved.size()> removed{};  // as "NAME=value"

/// Keeps `variable` for later when it has to go. A second one of the same name is dropped.
bool take(const char* variable) {
  for (std::size_t i = 0; i < kRemoved.size(); ++i) {
    if (std::strncmp(variable, kRemoved[i].data(), kRemoved[i].size()) != 0) continue;
    if (removed[i] == nullptr) removed[i] = variable;
    return true;
  }
  return false;
}

/// The C library has no environment yet, and takes over `environment` as it is now left.
void remove_settings(int /*count*/, char** /*arguments*/, char** environment) {
  char** kept = environment;
  for (char** variable = environment; *variable != nullptr; ++variable) {
    if (!take(*variable)) *kept++ = *variable;
  }
  *kept = nullptr;
}

// What is in this section is called before libraries are initialised (System V ABI). Only a program may have it.
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)(int, char**, char**) = remove_settings;

}  // namespace

void publish_ignored_settings() {
  std::string settings;
  for (const char* setting : removed) {
    if (setting != nullptr) settings += (settings.empty() ? "" : " ") + std::string(setting);
  }
  if (!settings.empty()) setenv(kIgnoredSettingsVariable, settings.c_str(), 1);
}

}  // namespace runnel
