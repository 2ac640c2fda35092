// The nouns of the rules: app, user, session, device. Domain types; what is sent stands in api, what is stored in store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "check/ticket.h"

namespace kaimen::core {

using check::Env;
/// "release", "trial", "develop" (WeChat's envVersion).
std::string_view name_of(Env env);
std::optional<Env> parse_env(std::string_view text);

/// Settings of one app, each with its default. Stored and sent as name → text (docs/api.md); durations in seconds.
struct AppSettings {
  Seconds ticket_seconds{7200};                ///< Life of a ticket: 60 … 86400.
  Seconds idle_seconds{30 * 86400};            ///< A session that is not renewed for this long ends: 300 … 365 d.
  Seconds absolute_seconds{180 * 86400};       ///< A session ends this long after login: 300 … 3650 d.
  int max_per_user = 20;                       ///< Live sessions of one user in this app; the oldest is replaced. 0: no limit; ≤ 1000.
  bool expose_openid = false;                  ///< Whether clients may see their openid.
  std::string default_nickname;                ///< For new users; ≤ 64 characters.

  /// Reads name → text pairs over `defaults`. Error: invalid_request naming every unknown name and every bad value.
  static Result<AppSettings> parse(const std::map<std::string, std::string>& values, const AppSettings& defaults);
};

/// A mini program. Secrets are open here: this lives in memory only.
struct App {
  std::string app_id;                 ///< The platform's appid.
  uint32_t number = 0;                ///< What tickets and rows name it by; random, never reused.
  std::string project = "default";
  std::string platform = "wechat";
  std::string name;
  Secret secret;
  std::optional<Secret> old_secret;   ///< During a rotation: tried when WeChat refuses `secret` (40125).
  Time old_secret_until{};
  std::map<std::string, std::string> setting_values;  ///< As set; `settings` is what follows from them and the server's defaults.
  AppSettings settings;
  std::string upstream = "wechat";    ///< Name of an [upstreams.NAME] of the configuration.
  bool disabled = false;
  Time revoked_before{};              ///< Zero: never.
  Time created_at{};
};
using AppPtr = std::shared_ptr<const App>;

struct User {
  Id id;
  std::string project;
  std::string external_id;
  bool registered = true;
  std::string nickname, avatar_url;
  int gender = 0;  ///< WeChat's: 0 unknown, 1 male, 2 female.
  std::string language, country, province, city;
  std::string phone_sealed;           ///< Vault purpose "phone", row = user id raw; empty: none.
  std::vector<std::string> roles;
  std::string attributes = "{}";      ///< A JSON object as text; opaque here.
  Time created_at{};
  bool disabled = false;
  std::optional<Time> disabled_until;
  std::string disabled_message;
};

struct Device {
  std::string id, model, system, platform;
};

struct Session {
  Id id, user;
  uint32_t app = 0;
  std::string openid, unionid;        ///< Of the identity it was opened with; empty for passwords.
  Env env = Env::release;
  uint32_t generation = 0;            ///< Of the newest ticket; the first is 0.
  Time generation_issued_at{};
  Time created_at{}, idle_expires_at{}, absolute_expires_at{};
  Device device;
  std::optional<Reason> ended;        ///< Why it ended; expiry by time is not an end.
};

}  // namespace kaimen::core
