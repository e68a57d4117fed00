// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/device_name.h"

namespace runnel {

std::optional<DeviceName> DeviceName::from_string(std::string_view text) {
  if (text == "auto") return DeviceName();
  if (text == "cuda") return cuda();
  const std::optional<DeviceId> id = DeviceId::from_string(text);
  return id ? std::optional(DeviceName(*id)) : std::nullopt;
}

std::string DeviceName::to_string() const {
  if (id_) return id_->to_string();
  return is_auto() ? "auto" : "cuda";
}

}  // namespace runnel
