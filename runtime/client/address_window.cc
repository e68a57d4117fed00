// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/client/address_window.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "transport/status.h"

namespace runnel {
namespace {

std::size_t page_bytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

bool on_page(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % page_bytes() == 0;
}

}  // namespace

AddressWindow::AddressWindow(std::size_t bytes) {
  const std::size_t whole_pages = (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
  void* const memory = mmap(nullptr, whole_pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw TransportError(StatusCode::out_of_memory,
                         "no room for a window of " + std::to_string(whole_pages) + " bytes: " + std::strerror(errno));
  }
  bytes_ = {static_cast<std::byte*>(memory), whole_pages};
}

AddressWindow::~AddressWindow() {
  munmap(bytes_.data(), bytes_.size());
}

void AddressWindow::overlay(std::size_t offset, std::span<std::byte> shared) {
  if (offset > bytes_.size() || shared.size() > bytes_.size() - offset) {
    throw TransportError(StatusCode::out_of_range, "an overlay outside of its window");
  }
  std::byte* const target = bytes_.data() + offset;
  if (!on_page(target) || !on_page(shared.data())) {
    throw TransportError(StatusCode::misaligned, "an overlay that does not begin on a page");
  }
  // An old size of 0 asks for a second mapping of the same shared pages: mremap(2).
  if (mremap(shared.data(), 0, shared.size(), MREMAP_MAYMOVE | MREMAP_FIXED, target) == MAP_FAILED) {
    throw TransportError(StatusCode::internal, std::string("mremap: ") + std::strerror(errno));
  }
}

}  // namespace runnel
