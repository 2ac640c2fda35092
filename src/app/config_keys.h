// The one table of configuration keys: what each is called in the file, and where its value goes. Reading the file, reading the
// environment and printing all follow it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace kaimen::app {

using ConfigValue = std::variant<std::string, int64_t, std::vector<std::string>>;

struct ConfigKey {
  const char* name;  ///< "section.name", or "name" for keys outside sections.
  std::variant<std::string Config::*, int64_t Config::*, std::vector<std::string> Config::*> member;
};

/// In the order of printing; keys outside sections first.
std::span<const ConfigKey> config_keys();
/// nullptr: no such key.
const ConfigKey* find_config_key(std::string_view name);
/// "KAIMEN_PUBLIC_LISTEN" of "public.listen".
std::string environment_name(std::string_view key);
/// What kind of value the key takes, in words: "a text", "a whole number", "a list of texts".
const char* kind_of(const ConfigKey& key);
/// Puts `value` in its place. False: it is of another kind.
bool assign(Config& config, const ConfigKey& key, ConfigValue value);

/// "NAME" and "base_url" or "proxy" of "upstreams.NAME.base_url"; an empty name when it is not such a key.
struct UpstreamKey {
  std::string name, member;
};
UpstreamKey parse_upstream_key(std::string_view key);

/// Values of several sources, by key; a later source replaces an earlier one's. Each keeps its place, for problems.
struct PlacedValue {
  ConfigValue value;
  std::string place;  ///< "kaimen.toml line 3: public.listen", "environment: KAIMEN_PUBLIC_LISTEN", "--public (public.listen)".
};
using PlacedValues = std::map<std::string, PlacedValue>;

/// Reads a TOML file into `values`; what is wrong with it goes to `problems`.
void read_config_file(const std::string& path, PlacedValues& values, std::vector<std::string>& problems);

}  // namespace kaimen::app
