// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/base/file_name.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "runtime/checkpoint/checkpoint_list.h"
#include "runtime/checkpoint/checkpoint_writer.h"
#include "transport/log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw WriteError(ExitStatus::cannot_create, path.string() + ": " + what + ": " + std::strerror(error));
}

/// "host node3, process 4711".
std::string this_process() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) name[0] = '?';
  return std::string("host ") + name.data() + ", process " + std::to_string(getpid());
}

std::string holder_of(int lock) {
  std::array<char, 400> text{};
  const ssize_t bytes = pread(lock, text.data(), text.size(), 0);
  std::string_view holder(text.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
  holder = holder.substr(0, std::min(holder.find('\n'), valid_utf8_bytes(holder)));
  return holder.empty() ? "a process that has not given its name" : printable(holder, 300);
}

void make_folder(const fs::path& directory) {
  std::error_code error;
  if (!fs::create_directories(directory, error) && !error) return;
  if (error) fail(directory, "cannot be created", error.value());
  sync_folder(folder_of(fs::absolute(directory, error)));
}

/// Of `AtomicFile`: what a killed process may leave.
bool is_temporary(const std::string& name) {
  constexpr std::string_view kBegin = "runnel-", kEnd = ".tmp";
  constexpr std::size_t kDigits = 16;
  return name.size() == kBegin.size() + kDigits + kEnd.size() && name.starts_with(kBegin) && name.ends_with(kEnd) &&
         name.find_first_not_of("0123456789abcdef", kBegin.size()) == kBegin.size() + kDigits;
}

/// Whether a `CheckpointWriter` made `file`.
bool is_shard(const fs::path& file) {
  if (!file.filename().string().starts_with("shard-")) return false;
  try {
    return SafetensorsFile(file).metadata().contains(kRunKey);
  } catch (const RunError&) {
    return false;
  }
}

/// Removes the shards and temporary files of `folder`, but for those in `kept`.
void remove_own_files(const fs::path& folder, const std::vector<ShardFile>& kept) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code unreadable;
    if (entry->is_symlink(unreadable) || !entry->is_regular_file(unreadable)) continue;
    const bool is_kept = std::ranges::find(kept, name, &ShardFile::name) != kept.end();
    if (!is_kept && (is_temporary(name) || is_shard(entry->path()))) files.push_back(entry->path());
  }
  for (const fs::path& file : files) unlink(file.c_str());
}

/// Without its manifest it is no checkpoint: whenever this is interrupted, what is left is removed the next time.
void remove(const ListedCheckpoint& one) {
  if (one.checkpoint) {
    if (unlink((one.folder / kManifestName).c_str()) != 0) return;
    sync_folder(one.folder);
  }
  remove_own_files(one.folder, {});
  rmdir(one.folder.c_str());  // not when somebody else's file is in it
}

/// As `list_checkpoints`; nothing where somebody has removed the folder.
std::vector<ListedCheckpoint> list_if_there(const fs::path& directory) {
  std::error_code unreadable;
  if (!fs::exists(directory, unreadable)) return {};
  return list_checkpoints(directory);
}

bool was_interrupted(const ListedCheckpoint& one) {
  std::error_code unreadable;
  return !one.checkpoint && !fs::exists(fs::symlink_status(one.folder / kManifestName, unreadable));
}

}  // namespace

CheckpointFolder::CheckpointFolder(const fs::path& directory) : directory_(directory) {
  make_folder(directory_);
  lock();
}

CheckpointFolder::~CheckpointFolder() {
  close(lock_);
}

std::vector<std::string> CheckpointFolder::set_aside_after(std::int64_t step) const {
  std::vector<std::string> names;
  for (const ListedCheckpoint& one : list_checkpoints(directory_)) {
    if (one.step <= step) continue;
    const std::string base = "set-aside-" + one.folder.filename().string();
    std::string name = base;
    for (int copy = 2; fs::exists(directory_ / name); ++copy) name = base + '-' + std::to_string(copy);
    if (rename(one.folder.c_str(), (directory_ / name).c_str()) != 0) fail(one.folder, "cannot be renamed", errno);
    names.push_back(name);
  }
  sync_folder(directory_);
  return names;
}

void CheckpointFolder::lock() {
  const fs::path file = directory_ / "lock";
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (lock_ < 0) fail(file, "cannot be created", errno);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = error == EWOULDBLOCK ? holder_of(lock_) : "";
    if (error == EWOULDBLOCK) {
      close(lock_);
      throw RunError(ExitStatus::in_use, directory_.string() + ": another run keeps its checkpoints there (" + holder +
                                             "); give this one another folder, or end that one");
    }
    log_warning(file.string() + ": cannot be locked (" + std::strerror(error) +
                "): a second run with this folder would not be noticed");
  }
  const std::string self = this_process() + "\n";
  if (ftruncate(lock_, 0) == 0 && pwrite(lock_, self.data(), self.size(), 0) == static_cast<ssize_t>(self.size())) {
    return;
  }
  const int error = errno;
  close(lock_);
  throw WriteError(ExitStatus::cannot_write, file.string() + ": cannot be written: " + std::strerror(error));
}

bool CheckpointFolder::has(std::int64_t step) const {
  try {
    return Checkpoint(step_folder(directory_, step)).manifest().step == step;
  } catch (const RunError&) {
    return false;
  }
}

void CheckpointFolder::retain(std::size_t keep, std::int64_t newest) const {
  std::size_t kept = 0;
  for (const ListedCheckpoint& one : list_if_there(directory_)) {
    std::error_code unreadable;
    if (one.step > newest || fs::is_symlink(one.folder, unreadable)) continue;
    if (one.step == newest && one.checkpoint) {
      remove_own_files(one.folder, one.checkpoint->manifest().shards);
      ++kept;
    } else if (one.checkpoint ? kept++ >= keep : was_interrupted(one)) {
      remove(one);
    }
  }
  sync_folder(directory_);
}

}  // namespace runnel
