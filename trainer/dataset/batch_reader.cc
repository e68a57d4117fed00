// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch_reader.h"

#include <utility>

#include "runtime/base/steady_clock.h"

namespace runnel {

BatchReader::BatchReader(const Dataset& dataset, const Settings& settings, Order order)
    : order_(std::move(order)),
      work_({.purpose = "data.prefetch", .end = settings.batches, .ahead = settings.ahead},
            [this](std::int64_t number, std::size_t place) { read(number, places_[place]); }) {
  while (places_.size() < work_.places()) {
    places_.push_back({.builder = BatchBuilder(dataset, settings.largest_batch, settings.device)});
  }
}

BatchReader::Item BatchReader::get(std::int64_t number) {
  if (taken_ != nullptr) taken_->builder.reclaim();
  taken_ = nullptr;
  taken_ = &places_[work_.take(number)];
  return {.batch = taken_->builder.batch(), .begin_ns = taken_->begin_ns, .end_ns = taken_->end_ns};
}

void BatchReader::read(std::int64_t number, Place& place) {
  place.begin_ns = steady_ns();
  place.builder.read(order_(number));
  place.end_ns = steady_ns();
}

}  // namespace runnel
