// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace runnel {

/// A range of this process's addresses in which memory of several owners lies side by side, so that one tensor may span
/// them.
///
/// It begins as zeroed private memory. Thread: one at a time; the bytes are plain memory.
class AddressWindow {
 public:
  /// `bytes` is rounded up to whole pages. Throws `TransportError` (out_of_memory).
  explicit AddressWindow(std::size_t bytes);
  ~AddressWindow();
  AddressWindow(const AddressWindow&) = delete;
  AddressWindow& operator=(const AddressWindow&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }

  /// Lays the pages of `shared`, a mapping of shared memory in this process, over the bytes from `offset` on. They are
  /// the same pages: what is written at one place is read at the other, and they stay when `shared` is unmapped.
  /// Both begin on a page and lie inside; throws `TransportError`: misaligned, out_of_range, internal.
  void overlay(std::size_t offset, std::span<std::byte> shared);

 private:
  std::span<std::byte> bytes_;
};

}  // namespace runnel
