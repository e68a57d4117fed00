// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The `runnel` program with data.name = "slow": synthetic data whose reads take a known time, or do not end. For
// reading_test.cc, and to measure (bench/measurements.md, "Reading data").
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "trainer/dataset/synthetic_dataset.h"
#include "trainer/program/run_program.h"

namespace {

class SlowData final : public runnel::Dataset {
 public:
  struct Settings {
    std::chrono::microseconds read_time;
    std::int64_t hangs_at;  ///< the read, counted from 0, that does not end; -1: none
  };

  SlowData(std::unique_ptr<Dataset> data, Settings settings) : data_(std::move(data)), settings_(settings) {}

  std::int64_t size() const override { return data_->size(); }
  const std::vector<Field>& fields() const override { return data_->fields(); }

  void read(std::span<const std::uint32_t> samples, runnel::Batch& batch) const override {
    const bool hangs = reads_++ == settings_.hangs_at;
    while (hangs) pause();
    std::this_thread::sleep_for(settings_.read_time);
    data_->read(samples, batch);
  }

 private:
  std::unique_ptr<Dataset> data_;
  Settings settings_;
  mutable std::atomic<std::int64_t> reads_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  runnel::Registry registry;
  registry.add_dataset("slow", [](const runnel::Registry::DataPlan& plan) {
    const std::chrono::microseconds read_time(plan.options.integer("read_us", 0, {0, 60'000'000}));
    const std::int64_t hangs_at = plan.options.integer("hangs_at", -1, {-1, 1 << 20});
    const bool is_test = plan.split == runnel::Split::test;
    return std::make_unique<SlowData>(make_synthetic(plan.options, plan.split),
                                      SlowData::Settings{is_test ? read_time * 0 : read_time, is_test ? -1 : hangs_at});
  });
  return runnel::run_program(argc, argv, registry);
}
