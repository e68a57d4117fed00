// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/slot_protocol.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <stdexcept>

namespace runnel {
namespace {

std::uint32_t check_buckets(std::uint32_t buckets) {
  if (buckets < 1 || buckets > kMaxBuckets) throw std::invalid_argument("bucket count out of range");
  return buckets;
}

}  // namespace

std::string hex_of_word(std::uint64_t word) {
  std::array<char, 19> text{};
  std::snprintf(text.data(), text.size(), "0x%016llx", static_cast<unsigned long long>(word));
  return text.data();
}

std::uint64_t BellWord::encode() const {
  return (number << (2 * kBucketBits)) | (std::uint64_t{front} << kBucketBits) | back;
}

BellWord BellWord::decode(std::uint64_t word) {
  return {.number = word >> (2 * kBucketBits),
          .front = static_cast<std::uint32_t>(word >> kBucketBits) & kMaxBuckets,
          .back = static_cast<std::uint32_t>(word) & kMaxBuckets};
}

GeneratorProtocol::GeneratorProtocol(int trainers, std::uint32_t buckets, std::uint64_t first)
    : buckets_(check_buckets(buckets)),
      step_(first),
      ready_{.number = first + 1},
      handed_(static_cast<std::size_t>(trainers), 0) {
  if (trainers < 1) throw std::invalid_argument("a generator needs at least one trainer");
}

GeneratorProtocol::Ring GeneratorProtocol::on_bell(int trainer, std::uint64_t word) {
  const BellWord bell = BellWord::decode(word);
  std::uint32_t& handed = handed_.at(static_cast<std::size_t>(trainer));
  if (bell.front > 0 || bell.back > buckets_) return Ring::violation;
  if (bell.number < step_) return Ring::stale;
  // A trainer hands over step k with all of version k, which is complete only after step k-1: it cannot be ahead.
  if (bell.number > step_) return Ring::violation;
  if (bell.back <= handed) return Ring::stale;
  handed = bell.back;
  return Ring::news;
}

std::uint32_t GeneratorProtocol::handed_by_all() const {
  return *std::min_element(handed_.begin(), handed_.end());
}

std::optional<std::uint32_t> GeneratorProtocol::next_bucket() const {
  if (step_complete()) return std::nullopt;
  const std::uint32_t handed = handed_by_all();
  if (handed == buckets_) return ready_.front;
  if (handed > ready_.back) return buckets_ - 1 - ready_.back;
  return std::nullopt;
}

void GeneratorProtocol::reduced() {
  ++(handed_by_all() == buckets_ ? ready_.front : ready_.back);
}

void GeneratorProtocol::end_step() {
  assert(step_complete());
  ++step_;
  ready_ = {.number = step_ + 1};
  std::fill(handed_.begin(), handed_.end(), 0U);
}

std::uint64_t GeneratorProtocol::version_word() const {
  if (step_begun()) return ready_.encode();
  return BellWord{.number = step_, .front = buckets_}.encode();
}

std::optional<int> GeneratorProtocol::first_awaited() const {
  const auto awaited = std::find_if(handed_.begin(), handed_.end(), [this](auto handed) { return handed < buckets_; });
  if (awaited == handed_.end()) return std::nullopt;
  return static_cast<int>(awaited - handed_.begin());
}

TrainerProtocol::TrainerProtocol(std::uint32_t buckets, std::uint64_t first)
    : buckets_(check_buckets(buckets)), step_(first) {}

void TrainerProtocol::on_bell(std::uint64_t word) {
  if (word > published_.encode()) published_ = BellWord::decode(word);
}

bool TrainerProtocol::parameters_ready(std::uint32_t bucket) const {
  return published_.number == step_ ? published_.has(bucket, buckets_) : published_.number > step_;
}

bool TrainerProtocol::all_parameters_ready() const {
  return published_.number == step_ ? published_.has_all(buckets_) : published_.number > step_;
}

void TrainerProtocol::end_step() {
  assert(all_parameters_ready());
  ++step_;
}

}  // namespace runnel
