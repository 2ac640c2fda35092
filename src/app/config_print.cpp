// The configuration in effect, as TOML.
#include <cstdio>

#include "app/config_keys.h"
#include "app/store_url.h"

namespace kaimen::app {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string printed(const std::string& text) { return quoted(text); }
std::string printed(int64_t number) { return std::to_string(number); }
std::string printed(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& item : list) out += (out.size() > 1 ? ", " : "") + quoted(item);
  return out + "]";
}

}  // namespace

std::string config_as_toml(const Config& config) {
  std::string out, section;
  if (config.master_key_text) out += "# KAIMEN_MASTER_KEY=******** (used instead of master_key_file)\n";
  if (config.master_key_other_text) out += "# KAIMEN_MASTER_KEY_OTHER=******** (used instead of master_key_other_file)\n";
  for (const auto& key : config_keys()) {
    std::string_view name(key.name);
    const size_t dot = name.find('.');
    if (dot != std::string_view::npos && name.substr(0, dot) != section) {
      section = name.substr(0, dot);
      out += "\n[" + section + "]\n";
    }
    if (dot != std::string_view::npos) name.remove_prefix(dot + 1);
    if (key.name == std::string_view("store.url")) {
      out += "url = " + quoted(without_password(config.store_url)) + (has_password(config.store_url) ? "  # its password is not shown" : "") + "\n";
      continue;
    }
    out += std::string(name) + " = " + std::visit([&](auto member) { return printed(config.*member); }, key.member) + "\n";
  }
  for (const auto& [name, upstream] : config.upstreams) {
    out += "\n[upstreams." + name + "]\nbase_url = " + quoted(upstream.base_url) + "\nproxy = " + quoted(upstream.proxy) + "\n";
  }
  return out;
}

}  // namespace kaimen::app
