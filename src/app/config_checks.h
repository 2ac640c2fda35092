// What a configuration must keep to, beyond the kinds of its values. Pure: files and the network are looked at by `kaimen check`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace kaimen::app {

/// "127.0.0.1:8081" or "[::1]:0", taken apart.
struct ListenAddress {
  std::string host;  ///< Without brackets.
  uint16_t port = 0;
  bool is_loopback() const;
  bool is_any() const { return host == "0.0.0.0" || host == "::"; }
};
std::optional<ListenAddress> parse_listen(std::string_view text);

/// The path in "sqlite:///path"; nullopt for anything else.
std::optional<std::string> sqlite_path(std::string_view url);

/// Adds one problem for each rule that does not hold. `place_of` says where a key's value came from.
void check_config(const Config& config, const std::function<std::string(const std::string& key)>& place_of, std::vector<std::string>& problems);

}  // namespace kaimen::app
