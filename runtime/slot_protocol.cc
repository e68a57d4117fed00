// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/slot_protocol.h"

#include <algorithm>
#include <stdexcept>

namespace runnel {

std::uint64_t BellWord::encode() const {
  return (static_cast<std::uint64_t>(epoch) << (kNumberBits + kBucketBits)) | (number << kBucketBits) | buckets;
}

BellWord BellWord::decode(std::uint64_t word) {
  BellWord decoded;
  decoded.epoch = static_cast<std::uint32_t>(word >> (kNumberBits + kBucketBits));
  decoded.number = (word >> kBucketBits) & ((std::uint64_t{1} << kNumberBits) - 1);
  decoded.buckets = static_cast<std::uint32_t>(word & kMostBuckets);
  return decoded;
}

GeneratorProtocol::GeneratorProtocol(int trainers, std::uint32_t buckets)
    : buckets_(buckets), handed_(static_cast<std::size_t>(trainers), 0) {
  if (trainers < 1) throw std::invalid_argument("a generator needs at least one trainer");
  if (buckets < 1 || buckets > kMostBuckets) throw std::invalid_argument("bucket count out of range");
}

GeneratorProtocol::Ring GeneratorProtocol::on_bell(int trainer, std::uint64_t word) {
  const BellWord bell = BellWord::decode(word);
  std::uint32_t& handed = handed_.at(static_cast<std::size_t>(trainer));
  if (bell.epoch > epoch_ || bell.buckets > buckets_) return Ring::violation;
  if (bell.epoch < epoch_ || bell.number < step_) return Ring::stale;
  // A trainer computes step k with version k, which is published only after step k-1: it cannot be ahead.
  if (bell.number > step_) return Ring::violation;
  if (bell.buckets <= handed) return Ring::stale;
  handed = bell.buckets;
  return Ring::news;
}

std::optional<std::uint32_t> GeneratorProtocol::next_bucket() const {
  if (step_complete() || *std::min_element(handed_.begin(), handed_.end()) <= reduced_) return std::nullopt;
  return handed_over_as(reduced_, buckets_);
}

void GeneratorProtocol::reduced() {
  ++reduced_;
}

std::uint64_t GeneratorProtocol::publish() {
  ++step_;
  reduced_ = 0;
  std::fill(handed_.begin(), handed_.end(), 0U);
  return version_word();
}

std::uint64_t GeneratorProtocol::version_word() const {
  return BellWord{.epoch = epoch_, .number = step_, .buckets = buckets_}.encode();
}

std::optional<int> GeneratorProtocol::first_awaited() const {
  const auto awaited = std::find_if(handed_.begin(), handed_.end(), [this](auto handed) { return handed < buckets_; });
  if (awaited == handed_.end()) return std::nullopt;
  return static_cast<int>(awaited - handed_.begin());
}

TrainerProtocol::TrainerProtocol(std::uint32_t buckets) : buckets_(buckets) {
  if (buckets < 1 || buckets > kMostBuckets) throw std::invalid_argument("bucket count out of range");
}

void TrainerProtocol::on_bell(std::uint64_t word) {
  if (word > published_.encode()) published_ = BellWord::decode(word);
}

bool TrainerProtocol::parameters_ready() const {
  return published_.encode() >= BellWord{.epoch = published_.epoch, .number = step_, .buckets = buckets_}.encode();
}

std::uint64_t TrainerProtocol::hand_over(std::uint32_t count) {
  const std::uint64_t word = BellWord{.epoch = published_.epoch, .number = step_, .buckets = count}.encode();
  if (count == buckets_) ++step_;
  return word;
}

}  // namespace runnel
