// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

namespace runnel {

/// The value of UCX_TLS ("TLS") or UCX_NET_DEVICES ("NET_DEVICES") that a ucx.conf gives, as UCX has read it: a site's,
/// or one of UCX_CONFIG_DIR. Nothing when none does, or when the environment has the variable, which wins.
std::optional<std::string> ucx_conf_setting(const std::string& name);

/// The same, or what the environment gives: what the user or the site has set.
std::optional<std::string> user_setting(const std::string& name);

}  // namespace runnel
