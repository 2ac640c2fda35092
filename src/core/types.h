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

/// What may be switched: not at all, only noted, or held to.
enum class PhoneUnique : uint8_t { off, report, refuse };
enum class ProfileCheck : uint8_t { off, report, enforce };
/// Who becomes a registered user: everybody at the first login; whoever gives the fields and agrees; the same with an invitation; nobody.
enum class RegistrationPolicy : uint8_t { open, fields, invited, closed };
/// Whether the clients of Tencent's wafer log in to the app, and in the words of which version.
enum class Wafer : uint8_t { off, v1, v2 };

/// A document to consent to, in the version that counts.
struct Agreement {
  std::string name, version;
};

/// Settings of one app, each with its default. Stored and sent as name → text (docs/api.md); durations in seconds.
struct AppSettings {
  Seconds ticket_seconds{7200};                ///< Life of a ticket: 60 … 86400.
  Seconds idle_seconds{30 * 86400};            ///< A session that is not renewed for this long ends: 300 … 365 d.
  Seconds absolute_seconds{180 * 86400};       ///< A session ends this long after login: 300 … 3650 d.
  int max_per_user = 20;                       ///< Live sessions of one user in this app; the oldest is replaced. 0: no limit; ≤ 1000.
  bool expose_openid = false;                  ///< Whether clients may see their openid.
  std::string default_nickname;                ///< For new users; ≤ 64 characters.
  PhoneUnique phone_unique = PhoneUnique::off; ///< Whether two users of the project may have one phone number.
  bool phone_attach = false;                   ///< `phone_link`: a login that brings a number is put onto the one user who has proven it.
  ProfileCheck profile_check = ProfileCheck::off;  ///< Whether WeChat is asked about names and avatars.
  std::vector<std::string> avatar_hosts;       ///< Where an avatar_url may point to, beside this server; empty: anywhere.
  bool passwords = false;                      ///< Whether the password routes exist for this app.
  bool session_follows_key = false;            ///< `login_state` = wechat: renewal asks WeChat whether the session_key still stands.
  RegistrationPolicy registration = RegistrationPolicy::open;
  std::vector<std::string> registration_fields;  ///< Required: nickname, avatar, phone_number, or names of the app's own.
  std::vector<Agreement> agreements;           ///< Required, as "name=version,…".
  int deletion_grace_days = 0;                 ///< How long a deleted user can be restored: 0 … 90.
  std::vector<std::string> web_origins;        ///< Where a login may be handed to: "https://h5.example.com".
  Wafer wafer = Wafer::off;                    ///< Whether /weapp and X-WX-Skey exist for this app.
  std::vector<std::string> wafer_hosts;        ///< Host names by which /weapp means this app, where there are several of wafer's.
  bool prefetch_code = true;                   ///< Whether a code that WeChat's data pre-fetch brings logs in.
  int64_t prefetch_logins_per_minute = 600;    ///< Of all users by such codes, on each node, beside the other limits; 0: no limit.
  std::string prefetch_url;                    ///< Asked for what WeChat's data pre-fetch gets; empty: the session and its user.
  std::string resolve_url;                     ///< Asked who it is at an identity's first login; empty: nobody is.
  bool push_reply_encrypted = false;           ///< `push_reply` = encrypted: a message push is answered in WeChat's envelope.
  bool support_view = false;                   ///< Whether the admin API may open sessions in a user's place.
  int64_t logins_per_minute = 0;               ///< On each node; 0: no limit.
  int64_t logins_per_address_per_minute = 600; ///< Of one address, on each node: many phones share one. 0: no limit.
  int64_t wechat_calls_per_minute = 0;         ///< Through the proxy, on each node; 0: no limit.
  std::vector<std::string> signing_paths = default_signing_paths();  ///< Which calls to WeChat are signed and encrypted, where the app has the keys for it.

  /// The calls for which WeChat offers API signing and encryption.
  static std::vector<std::string> default_signing_paths();

  /// All settings as name → text, as parse() reads them.
  std::map<std::string, std::string> values() const;
  /// Reads name → text pairs over `defaults`. Error: invalid_request naming every unknown name and every bad value.
  static Result<AppSettings> parse(const std::map<std::string, std::string>& values, const AppSettings& defaults);
};

struct SigningKeys;  // core/signing_keys.h: of WeChat's API signing and encryption

struct App;

/// That an app's account has authorised a third-party platform (component), through which the app then logs in and gets its tokens.
struct Authorization {
  std::string component_id;              ///< app_id.
  std::shared_ptr<const App> component;  ///< Never null.
  bool stands = true;                    ///< False: the account has taken it back.
  std::string permissions;               ///< Ids of WeChat's permission sets, comma-separated.
  Time since{};
};

/// A mini program. Secrets are open here: this lives in memory only.
struct App {
  std::string app_id;                 ///< The platform's appid.
  uint32_t number = 0;                ///< What tickets and rows name it by; random, never reused.
  std::string project = "default";
  std::string platform = "wechat";
  std::string name;
  Secret secret;                      ///< Empty: it has always gone by `authorization`.
  std::optional<Authorization> authorization;  ///< With it, `secret` is not used.
  Secret push_token, push_key;        ///< Of message push: Token and EncodingAESKey (43 characters); empty: pushes are refused.
  Secret resolve_secret;              ///< What questions to resolve_url are signed with; empty: none are asked.
  std::shared_ptr<const SigningKeys> signing;  ///< Null: calls are neither signed nor encrypted.
  std::optional<Secret> old_secret;   ///< During a rotation: tried when WeChat refuses `secret` (40125).
  Time old_secret_until{};
  std::map<std::string, std::string> setting_values;  ///< As set; `settings` is what follows from them and the server's defaults.
  AppSettings settings;
  std::string upstream = "wechat";    ///< Name of an [upstreams.NAME] of the configuration.
  bool disabled = false;              ///< By itself, or because its project is.
  bool project_disabled = false;
  Time revoked_before{};              ///< Zero: never.
  Time created_at{};
};
using AppPtr = std::shared_ptr<const App>;

/// Where an act comes from: kept with its event.
struct Source {
  std::string request_id;
  std::string ip;     ///< Of the client; empty: none.
  std::string actor;  ///< Whoever acts in another's place: "key NAME", "wechat", "kaimen"; empty: the user.
};

struct User {
  Id id;
  std::string project;
  std::string external_id;
  bool registered = true;             ///< Of the row. Whether that is enough for an app says registered_in (core/registered.h).
  std::vector<Agreement> agreed;      ///< Of each document the version agreed to last.
  std::string nickname;
  std::string avatar_url;             ///< Elsewhere; empty where avatar_hash says more.
  std::string avatar_hash;            ///< SHA-256 of an avatar kept here, 32 raw bytes; empty: none.
  int gender = 0;  ///< WeChat's: 0 unknown, 1 male, 2 female.
  std::string language, country, province, city;
  std::string phone_sealed;           ///< Vault purpose "phone", row = user id raw; empty: none.
  std::vector<std::string> roles;
  std::string attributes = "{}";      ///< A JSON object as text; opaque here.
  Time created_at{};
  bool disabled = false;
  std::optional<Time> disabled_until;
  std::string disabled_message;
  bool leaving = false;               ///< Its deletion waits for its day, disabled_until; it can be restored until then.
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
  uint32_t renew_generation = 0;      ///< Of the newest renew token. Tickets are also replaced between renewals, when what they carry changes.
  Time generation_issued_at{};        ///< Of that renew token.
  Time created_at{}, idle_expires_at{}, absolute_expires_at{};
  Device device;
  std::optional<Id> parent;           ///< A session of a web-view ends with the one it was handed over from.
  std::string actor;                  ///< Who opened it in the user's place; empty: the user.
  std::string entry;                  ///< Where the user came in: scene and path, as the client said; untrusted.
  std::optional<Reason> ended;        ///< Why it ended; expiry by time is not an end.
};

}  // namespace kaimen::core
