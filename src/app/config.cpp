#include "app/config.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "app/config_checks.h"
#include "app/config_keys.h"
#include "app/store_url.h"

namespace kaimen::app {

namespace {

// Not keys of the configuration: master keys themselves, and what `kaimen sandbox` reads.
constexpr const char* kMasterKeyVariable = "KAIMEN_MASTER_KEY";
constexpr const char* kOtherMasterKeyVariable = "KAIMEN_MASTER_KEY_OTHER";
constexpr const char* kSandboxSecretVariable = "KAIMEN_SANDBOX_SECRET";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) list.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return list;
}

/// A value that came as text, as the kind its key takes. nullopt: it is none.
std::optional<ConfigValue> value_from_text(const ConfigKey& key, const std::string& text) {
  if (std::holds_alternative<std::vector<std::string> Config::*>(key.member)) return ConfigValue(split_list(text));
  if (std::holds_alternative<std::string Config::*>(key.member)) return ConfigValue(text);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return ConfigValue(number);
}

/// "upstreams.NAME.base_url" of KAIMEN_UPSTREAMS_NAME_BASE_URL; empty: not of this form.
std::string upstream_key_of(std::string_view variable) {
  constexpr std::string_view kPrefix = "KAIMEN_UPSTREAMS_";
  if (!variable.starts_with(kPrefix)) return {};
  const std::string rest = lower(variable.substr(kPrefix.size()));
  for (const std::string member : {"base_url", "proxy"}) {
    if (rest.size() > member.size() + 1 && rest.ends_with("_" + member)) {
      const std::string key = "upstreams." + rest.substr(0, rest.size() - member.size() - 1) + "." + member;
      if (!parse_upstream_key(key).name.empty()) return key;
    }
  }
  return {};
}

// Which private addresses run-time URLs reach is for whoever may write the file.
constexpr std::string_view kFileOnlyKey = "outbound.allow_private";

void read_environment(const ConfigSources& sources, PlacedValues& values, Config& config, std::vector<std::string>& problems) {
  for (const auto& [variable, text] : sources.environment) {
    if (!variable.starts_with("KAIMEN_") || variable == kSandboxSecretVariable) continue;
    const std::string place = "environment: " + variable;
    if (variable == kMasterKeyVariable) {
      config.master_key_text = Secret(text);
    } else if (variable == kOtherMasterKeyVariable) {
      config.master_key_other_text = Secret(text);
    } else if (const std::string upstream = upstream_key_of(variable); !upstream.empty()) {
      values[upstream] = {text, place};
    } else {
      const auto keys = config_keys();
      const auto key = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& each) { return environment_name(each.name) == variable; });
      if (key == keys.end()) {
        problems.push_back(place + ": there is no such key");
      } else if (key->name == kFileOnlyKey) {
        problems.push_back(place + ": this one is taken from the configuration file only");
      } else if (auto value = value_from_text(*key, text)) {
        values[key->name] = {std::move(*value), place};
      } else {
        problems.push_back(place + ": must be " + kind_of(*key));
      }
    }
  }
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  std::string text = std::filesystem::absolute(path, ignored).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// What follows from --data and from where the database is.
void settle_paths(const ConfigSources& sources, bool store_given, Config& config) {
  if (sources.data) {
    config.data_directory = absolute(*sources.data);
    if (!store_given) config.store_url = "sqlite://" + config.data_directory + "/kaimen.db";
  } else if (const auto path = sqlite_path(config.store_url)) {
    config.data_directory = std::filesystem::path(*path).parent_path().string();
  } else if (is_server_url(config.store_url)) {
    config.data_directory = kDefaultData;  // for the lock and the admin socket
  }
  if (config.master_key_file.empty()) config.master_key_file = config.data_directory + "/master.key";
}

}  // namespace

std::string Config::database_path() const { return sqlite_path(store_url).value_or(""); }

core::AppSettings Config::session_defaults() const {
  core::AppSettings settings;
  settings.ticket_seconds = Seconds{session_ticket_seconds};
  settings.idle_seconds = Seconds{session_idle_seconds};
  settings.absolute_seconds = Seconds{session_absolute_seconds};
  settings.max_per_user = static_cast<int>(session_max_per_user);
  return settings;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(variables.begin(), variables.end());
  return variables;
}

OrFail<Config> load_config(const ConfigSources& sources) {
  Config config;
  PlacedValues values;
  std::vector<std::string> problems;

  if (sources.file) {
    read_config_file(*sources.file, values, problems);
  } else if (std::error_code ignored; sources.default_file && std::filesystem::exists(kDefaultConfigFile, ignored)) {
    read_config_file(kDefaultConfigFile, values, problems);
  }
  read_environment(sources, values, config, problems);
  for (const auto& flag : sources.flags) {
    const ConfigKey* key = find_config_key(flag.key);
    values[flag.key] = {key ? value_from_text(*key, flag.value).value_or(flag.value) : ConfigValue(flag.value), flag.flag + " (" + flag.key + ")"};
  }

  for (auto& [name, placed] : values) {
    if (const ConfigKey* key = find_config_key(name)) {
      assign(config, *key, placed.value);  // the kind was checked where the value was read
      continue;
    }
    const UpstreamKey upstream = parse_upstream_key(name);
    auto& entry = config.upstreams[upstream.name];
    (upstream.member == "proxy" ? entry.proxy : entry.base_url) = std::get<std::string>(placed.value);
  }
  settle_paths(sources, values.contains("store.url"), config);
  check_config(
      config,
      [&](const std::string& key) {
        const auto found = values.find(key);
        return found == values.end() ? key : found->second.place;
      },
      problems);

  if (problems.empty()) return config;
  return Failure{std::move(problems), "docs/configuration.md lists the keys; `kaimen config` prints the values in effect", kExitUsage};
}

}  // namespace kaimen::app
