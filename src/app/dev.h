// Dev mode: a whole Kaimen on one machine with nothing but the binary. Data in a directory of its own, an offline WeChat beside it, one
// app and one admin key ready. Nothing here can be reached from a configuration file: it takes `kaimen serve --dev`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/failure.h"
#include "app/node.h"
#include "base/secret.h"

namespace kaimen::app {

inline constexpr const char* kDevAppId = "wxdev0000000000001";
inline constexpr const char* kDevProject = "default";
inline constexpr const char* kDevKeyName = "dev";

/// 32 hex characters, the form of a real AppSecret.
OrFail<Secret> make_app_secret(Random& random);

/// The ready app, with this secret; made, or given the new secret when it is there from an earlier run.
OrFail<> ensure_dev_app(core::Services& services, Secret secret);
/// A fresh admin key; those of earlier runs are revoked.
OrFail<Secret> replace_dev_key(core::Services& services);

/// What a developer needs to know once everything runs.
struct DevFacts {
  std::string public_url, private_url, sandbox_url;  ///< sandbox_url empty: none.
  std::string public_port;
  bool on_lan = false;                               ///< The public listener is reachable from other machines.
  bool devtools = false;
  std::string upstream;                              ///< Where WeChat is, without a sandbox.
  std::string data_directory;
  std::string admin_key;
};
std::string dev_greeting(const DevFacts& facts);

/// This machine's IPv4 addresses in its networks.
std::vector<std::string> lan_addresses();

}  // namespace kaimen::app
