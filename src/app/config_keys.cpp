#include "app/config_keys.h"

#include <algorithm>
#include <array>

namespace kaimen::app {

namespace {

const std::array<ConfigKey, 30> kKeys{{
    {"master_key_file", &Config::master_key_file},
    {"master_key_other_file", &Config::master_key_other_file},
    {"threads", &Config::threads},
    {"trusted_proxies", &Config::trusted_proxies},
    {"public.listen", &Config::public_listen},
    {"public.url", &Config::public_url},
    {"public.tls_certificate", &Config::public_tls_certificate},
    {"public.tls_key", &Config::public_tls_key},
    {"public.root_files", &Config::public_root_files},
    {"private.listen", &Config::private_listen},
    {"private.unix_socket", &Config::private_unix_socket},
    {"private.tls_certificate", &Config::private_tls_certificate},
    {"private.tls_key", &Config::private_tls_key},
    {"private.plaintext_from", &Config::private_plaintext_from},
    {"store.url", &Config::store_url},
    {"store.password_file", &Config::store_password_file},
    {"store.connections", &Config::store_connections},
    {"store.revocation_poll_ms", &Config::store_revocation_poll_ms},
    {"store.revocation_grace_seconds", &Config::store_revocation_grace_seconds},
    {"session.ticket_seconds", &Config::session_ticket_seconds},
    {"session.idle_seconds", &Config::session_idle_seconds},
    {"session.absolute_seconds", &Config::session_absolute_seconds},
    {"session.max_per_user", &Config::session_max_per_user},
    {"session.ticket_headers", &Config::session_ticket_headers},
    {"check.state_file", &Config::check_state_file},
    {"check.apps", &Config::check_apps},
    {"check.revocations", &Config::check_revocations},
    {"wechat.path_families", &Config::wechat_path_families},
    {"outbound.allow_private", &Config::outbound_allow_private},
    {"audit.keep_days", &Config::audit_keep_days},
    {"log.level", &Config::log_level},
}};

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

const ConfigKey* find_config_key(std::string_view name) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const ConfigKey& key) { return name == key.name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string environment_name(std::string_view key) {
  std::string name = "KAIMEN_";
  for (const char c : key) name += c == '.' || c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

const char* kind_of(const ConfigKey& key) {
  constexpr const char* kKinds[] = {"a text", "a whole number", "a list of texts"};
  return kKinds[key.member.index()];
}

bool assign(Config& config, const ConfigKey& key, ConfigValue value) {
  return std::visit(
      [&](auto member) {
        auto& target = config.*member;
        auto* given = std::get_if<std::remove_reference_t<decltype(target)>>(&value);
        if (given) target = std::move(*given);
        return given != nullptr;
      },
      key.member);
}

UpstreamKey parse_upstream_key(std::string_view key) {
  constexpr std::string_view kPrefix = "upstreams.";
  if (!key.starts_with(kPrefix)) return {};
  key.remove_prefix(kPrefix.size());
  const size_t dot = key.find('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view name = key.substr(0, dot), member = key.substr(dot + 1);
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!plain || (member != "base_url" && member != "proxy")) return {};
  return {std::string(name), std::string(member)};
}

}  // namespace kaimen::app
