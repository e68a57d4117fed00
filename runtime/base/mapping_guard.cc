// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/mapping_guard.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/base/whole_files.h"

namespace runnel {

/// A mapping, or room for one. Entries stay in the list, so that a signal handler can follow it without a lock; those
/// of removed mappings are used again.
struct MappingGuard::Entry {
  std::atomic<std::uintptr_t> begin{0};  // 0: free. Written last, and cleared first
  std::atomic<std::uintptr_t> end{0};
  std::string path;
  std::string line;
  dev_t device = 0;  // with `file`: which file `path` named
  ino_t file = 0;
  Entry* next = nullptr;

  /// The second look at `begin` finds that the entry was used again between the first one and that at `end`.
  bool holds(std::uintptr_t address) const {
    const std::uintptr_t first = begin;
    return first != 0 && first <= address && address < end && begin == first;
  }
};

namespace {

std::atomic<MappingGuard::Entry*> entries{nullptr};
std::mutex changes;
struct sigaction previous_action;

/// Nothing but what a signal handler may call. A path that is in use does not change: its mapping is being read.
void on_sigbus(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const bool is_fault = info->si_code > 0;  // and not from kill()
  for (const MappingGuard::Entry* entry = entries; is_fault && entry != nullptr; entry = entry->next) {
    if (!entry->holds(address)) continue;
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, entry->line.data(), entry->line.size());
    _exit(static_cast<int>(ExitStatus::bad_data));
  }
  // The access that failed is repeated when this returns, and then finds the action that was set before.
  sigaction(SIGBUS, &previous_action, nullptr);
  if (!is_fault) raise(signal);
}

void install() {
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous_action);
}

MappingGuard::Entry* free_entry() {
  for (MappingGuard::Entry* entry = entries; entry != nullptr; entry = entry->next) {
    if (entry->begin == 0) return entry;
  }
  auto* entry = new MappingGuard::Entry;
  entry->next = entries;
  entries = entry;
  return entry;
}

}  // namespace

MappingGuard::MappingGuard(std::span<const std::byte> mapping, const std::filesystem::path& path) {
  static std::once_flag installed;
  std::call_once(installed, install);
  const std::lock_guard lock(changes);
  entry_ = free_entry();
  entry_->path = path.string();
  struct stat status {};
  const bool is_known = stat(path.c_str(), &status) == 0;
  entry_->device = is_known ? status.st_dev : 0;
  entry_->file = is_known ? status.st_ino : 0;
  entry_->line =
      "error: " + entry_->path + ": was truncated while it was read, or its disk failed; do not change it in a run\n";
  const auto begin = reinterpret_cast<std::uintptr_t>(mapping.data());
  entry_->end = begin + mapping.size();
  entry_->begin = begin;
}

MappingGuard::~MappingGuard() {
  const std::lock_guard lock(changes);
  entry_->begin = 0;
}

void require_whole_files() {
  const std::lock_guard lock(changes);
  for (const MappingGuard::Entry* entry = entries; entry != nullptr; entry = entry->next) {
    struct stat status {};
    if (entry->begin == 0 || stat(entry->path.c_str(), &status) != 0) continue;
    const std::uintptr_t size = entry->end - entry->begin;
    const bool is_other = status.st_dev != entry->device || status.st_ino != entry->file;
    if (is_other || static_cast<std::uintptr_t>(status.st_size) >= size) continue;
    throw RunError(ExitStatus::bad_data,
                   entry->path + ": expected " + std::to_string(size) + " bytes, as at the start of the run, found " +
                       std::to_string(status.st_size) + "; do not change it in a run, and run again");
  }
}

}  // namespace runnel
