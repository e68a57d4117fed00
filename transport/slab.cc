// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/slab.h"

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "transport/log.h"
#include "transport/shared_memory.h"
#include "transport/status.h"

namespace runnel {
namespace {

std::size_t round_up_to_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

struct Mapping {
  ucp_mem_h handle;
  std::span<std::byte> bytes;
  ucs_memory_type_t type;
};

Mapping map(Context& context, const ucp_mem_map_params_t& params) {
  ucp_mem_h handle = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_mem_map(context.handle(), &params, &handle), "ucp_mem_map"));
  ucp_mem_attr_t attributes = {};
  attributes.field_mask = UCP_MEM_ATTR_FIELD_ADDRESS | UCP_MEM_ATTR_FIELD_LENGTH | UCP_MEM_ATTR_FIELD_MEM_TYPE;
  const ucs_status_t status = ucp_mem_query(handle, &attributes);
  if (status != UCS_OK) {
    ucp_mem_unmap(context.handle(), handle);
    throw TransportError(Status::from_ucx(status, "ucp_mem_query"));
  }
  return {handle, {static_cast<std::byte*>(attributes.address), attributes.length}, attributes.mem_type};
}

/// Maps new memory of `params.length` bytes: shared where the context uses shared memory, which then gives UCX no other
/// way. What was free when it was checked, another process may have taken since.
Mapping map_new(Context& context, const ucp_mem_map_params_t& params) {
  constexpr std::string_view kNeeds = "a slab needs";
  if (!context.uses_shared_memory()) return map(context, params);
  require_free_shared_memory(params.length, kNeeds);
  try {
    return map(context, params);
  } catch (const TransportError& error) {
    if (error.code() != StatusCode::out_of_memory) throw;
    throw_short_of_shared_memory(params.length, kNeeds);
  }
}

ucs_memory_type_t ucs_type_of(MemoryKind kind) {
  return kind == MemoryKind::host ? UCS_MEMORY_TYPE_HOST : UCS_MEMORY_TYPE_CUDA;
}

[[noreturn]] void throw_for_kind(MemoryKind kind, ucs_memory_type_t found) {
  throw TransportError(StatusCode::unsupported,
                       "UCX " + ucx_version() + " takes " + std::string(to_string(kind)) + " memory for " +
                           ucs_memory_type_names[found] +
                           " memory: it was built without CUDA, cannot load its CUDA module, or UCX_TLS leaves it out; "
                           "use a UCX that `ucx_info -d` shows cuda_copy and cuda_ipc of, or devices \"cpu\"; "
                           "and start this process with UCX_MEM_EVENTS=n");
}

}  // namespace

Slab::Slab(Context& context, std::span<std::byte> bytes, MemoryKind kind, MemoryAccess* access, ucp_mem_h handle)
    : context_(&context), bytes_(bytes), kind_(kind), access_(access), handle_(handle) {}

Slab Slab::allocate(Context& context, std::size_t bytes) {
  if (bytes == 0) throw TransportError(StatusCode::invalid, "a slab of 0 bytes");
  const std::size_t whole_pages = round_up_to_pages(bytes);
  ucp_mem_map_params_t params = {};
  params.field_mask =
      UCP_MEM_MAP_PARAM_FIELD_LENGTH | UCP_MEM_MAP_PARAM_FIELD_FLAGS | UCP_MEM_MAP_PARAM_FIELD_MEMORY_TYPE;
  params.length = whole_pages;
  params.flags = UCP_MEM_MAP_ALLOCATE;
  params.memory_type = UCS_MEMORY_TYPE_HOST;
  const Mapping mapping = map_new(context, params);
  Slab slab(context, mapping.bytes.first(whole_pages), MemoryKind::host, nullptr, mapping.handle);
  std::memset(slab.bytes_.data(), 0, slab.bytes_.size());
  return slab;
}

Slab Slab::register_memory(Context& context, std::span<std::byte> memory) {
  if (memory.empty()) throw TransportError(StatusCode::invalid, "a slab of 0 bytes");
  ucp_mem_map_params_t params = {};
  params.field_mask =
      UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH | UCP_MEM_MAP_PARAM_FIELD_MEMORY_TYPE;
  params.address = memory.data();
  params.length = memory.size();
  params.memory_type = UCS_MEMORY_TYPE_HOST;
  return Slab(context, memory, MemoryKind::host, nullptr, map(context, params).handle);
}

Slab Slab::register_memory(Context& context, std::span<std::byte> memory, MemoryKind kind, MemoryAccess& access) {
  if (memory.empty()) throw TransportError(StatusCode::invalid, "a slab of 0 bytes");
  ucp_mem_map_params_t params = {};
  // Without a memory type: ucp_mem_query would only repeat the one that was given, whether UCX knows it or not.
  params.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH;
  params.address = memory.data();
  params.length = memory.size();
  const Mapping mapping = map(context, params);
  Slab slab(context, memory, kind, &access, mapping.handle);
  if (mapping.type != ucs_type_of(kind)) throw_for_kind(kind, mapping.type);
  return slab;
}

Slab::Slab(Slab&& other) noexcept
    : context_(other.context_),
      bytes_(other.bytes_),
      kind_(other.kind_),
      access_(other.access_),
      handle_(std::exchange(other.handle_, nullptr)) {}

Slab& Slab::operator=(Slab&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(bytes_, other.bytes_);
  std::swap(kind_, other.kind_);
  std::swap(access_, other.access_);
  std::swap(handle_, other.handle_);
  return *this;
}

Slab::~Slab() {
  if (handle_ == nullptr) return;
  const Status status = Status::from_ucx(ucp_mem_unmap(context_->handle(), handle_), "ucp_mem_unmap");
  if (!status.ok()) log_warning("a slab was not released: " + status.message());
}

void Slab::read(std::size_t offset, std::span<std::byte> target) const {
  const std::byte* const source = bytes_.subspan(offset, target.size()).data();
  if (access_ != nullptr) return access_->copy_now(target.data(), source, target.size());
  std::memcpy(target.data(), source, target.size());
}

void Slab::write(std::size_t offset, std::span<const std::byte> source) const {
  std::byte* const target = bytes_.subspan(offset, source.size()).data();
  if (access_ != nullptr) return access_->copy_now(target, source.data(), source.size());
  std::memcpy(target, source.data(), source.size());
}

RegionDescriptor Slab::descriptor() const {
  void* buffer = nullptr;
  std::size_t length = 0;
  throw_unless_ok(Status::from_ucx(ucp_rkey_pack(context_->handle(), handle_, &buffer, &length), "ucp_rkey_pack"));
  const auto* key = static_cast<const std::byte*>(buffer);
  RegionDescriptor descriptor = {.kind = kind_,
                                 .base = reinterpret_cast<std::uintptr_t>(bytes_.data()),
                                 .length = bytes_.size(),
                                 .packed_key = {key, key + length}};
  ucp_rkey_buffer_release(buffer);
  return descriptor;
}

bool Slab::contains(std::span<const std::byte> part) const {
  // std::less orders pointers into different objects, which `<` need not.
  const std::less<const std::byte*> before;
  return !before(part.data(), bytes_.data()) && !before(bytes_.data() + bytes_.size(), part.data()) &&
         part.size() <= static_cast<std::size_t>(bytes_.data() + bytes_.size() - part.data());
}

}  // namespace runnel
