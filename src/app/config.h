// The configuration: kaimen.toml, overridden by the environment (KAIMEN_SECTION_NAME), overridden by flags.
//
// An unknown key is an error, wherever it stands: a misspelt limit must not be a limit that is not there. All problems are reported at
// once, each with its place. A key exists here only if something obeys it (docs/configuration.md lists them with their defaults).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/failure.h"
#include "base/secret.h"
#include "core/types.h"

namespace kaimen::app {

inline constexpr const char* kDefaultConfigFile = "/etc/kaimen/kaimen.toml";
inline constexpr const char* kDefaultData = "/var/lib/kaimen";

struct UpstreamConfig {
  std::string base_url;
  std::string proxy;
};

struct Config {
  std::string public_listen = "0.0.0.0:8080";
  std::string public_url;
  std::string public_tls_certificate, public_tls_key;
  std::string public_root_files;                  ///< Directory of .txt files that are served at /NAME.txt; empty: none.
  std::string private_listen = "127.0.0.1:8081";  ///< Empty: the unix socket only.
  std::string private_unix_socket;
  std::string private_tls_certificate, private_tls_key;
  std::vector<std::string> private_plaintext_from;
  std::string store_url = "sqlite:///var/lib/kaimen/kaimen.db";
  std::string store_password_file;
  int64_t store_connections = 4;
  int64_t store_revocation_poll_ms = 250;
  int64_t store_revocation_grace_seconds = 300;
  std::string master_key_file;                    ///< Never empty after load_config: {data_directory}/master.key by default.
  std::string master_key_other_file;              ///< A second one, which only opens, while the master key is being replaced.
  int64_t session_ticket_seconds = core::AppSettings{}.ticket_seconds.count();
  int64_t session_idle_seconds = core::AppSettings{}.idle_seconds.count();
  int64_t session_absolute_seconds = core::AppSettings{}.absolute_seconds.count();
  int64_t session_max_per_user = core::AppSettings{}.max_per_user;
  std::vector<std::string> session_ticket_headers;
  std::string check_state_file;                   ///< Where other processes of this machine may check tickets from; empty: nowhere.
  std::vector<std::string> check_apps;            ///< Only for these apps; empty: for all.
  int64_t check_revocations = 100'000;            ///< Room for that many.
  std::vector<std::string> wechat_path_families{"cgi-bin", "datacube", "wxa", "wxaapi"};  ///< What the proxy passes on.
  std::vector<std::string> outbound_allow_private;  ///< What run-time URLs may reach beside public addresses.
  int64_t audit_keep_days = 400;
  int64_t threads = 0;  ///< 0: one a core.
  std::string log_level = "info";
  std::vector<std::string> trusted_proxies;
  std::map<std::string, UpstreamConfig> upstreams{{"wechat", {"https://api.weixin.qq.com", ""}}};

  std::optional<Secret> master_key_text;  ///< KAIMEN_MASTER_KEY, as it stands there.
  std::optional<Secret> master_key_other_text;    ///< KAIMEN_MASTER_KEY_OTHER.
  std::string data_directory;             ///< --data, else where the SQLite file is, else kDefaultData. Absolute.

  /// The SQLite file of store_url; empty: it names a server.
  std::string database_path() const;
  core::AppSettings session_defaults() const;
};

/// A value given on the command line: shown as `flag` in problems.
struct FlagValue {
  std::string flag, key, value;
};

struct ConfigSources {
  std::optional<std::string> file;                                 ///< nullopt: kDefaultConfigFile if it exists.
  bool default_file = true;                                        ///< Whether kDefaultConfigFile is looked for (not in dev mode).
  std::vector<std::pair<std::string, std::string>> environment;    ///< Only names that begin with KAIMEN_ are looked at.
  std::vector<FlagValue> flags;
  std::optional<std::string> data;                                 ///< --data
};

/// Failure: every problem of every source, exit status 2.
OrFail<Config> load_config(const ConfigSources& sources);

/// The process's environment.
std::vector<std::pair<std::string, std::string>> process_environment();

/// The effective values as TOML, to be read back by load_config. Secrets are masked.
std::string config_as_toml(const Config& config);

}  // namespace kaimen::app
