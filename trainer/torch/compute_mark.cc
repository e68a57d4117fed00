// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/compute_mark.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace runnel {

ComputeMark::ComputeMark(c10::Device device) : device_(device) {
  if (device.is_cuda()) event_.emplace(device.type());
}

void ComputeMark::set() {
  if (event_) event_->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
}

void ComputeMark::wait() const {
  if (event_) event_->synchronize();
}

}  // namespace runnel
