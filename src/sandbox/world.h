// What the offline WeChat knows: apps, their users and session_keys, codes and tokens, with WeChat's rules about their lives. Not
// thread-safe: the handler holds one lock around it. Time is an argument.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "crypto/rsa_pss.h"
#include "sandbox/component.h"

namespace kaimen::sandbox {

inline constexpr auto kCodeLife = std::chrono::minutes(5);
inline constexpr auto kCodeMemory = std::chrono::hours(1);  // after which a used code is as unknown as any other
inline constexpr auto kTokenLife = std::chrono::seconds(7200);
inline constexpr auto kTokenOverlap = std::chrono::minutes(5);
inline constexpr auto kForceInterval = std::chrono::seconds(30);
inline constexpr int kForcedPerDay = 20;
inline constexpr int kClassicPerDay = 2000;
inline constexpr int64_t kStablePerMinute = 10'000, kStablePerDay = 500'000;
inline constexpr auto kEncryptKeyLife = std::chrono::seconds(3600);
inline constexpr size_t kEncryptKeys = 3;
inline constexpr size_t kMediaChecks = 1000;
inline constexpr size_t kMaxApps = 10'000;
inline constexpr size_t kMaxUsers = 1'000'000;
inline constexpr size_t kMaxCodes = 1'000'000;

/// What WeChat answers instead.
struct Refusal {
  int64_t errcode = 0;
  std::string_view errmsg;
};
template <class T>
using Granted = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Refusal, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;
inline constexpr Refusal kBusy{-1, "system error"};

struct EncryptKey {
  std::string key, iv;
  int version = 0;
  Time made{};
};

struct User {
  std::string name, openid;
  std::string session_key, previous_key;  ///< Base64; empty before there was one.
  Time key_made{};
  int64_t minute = 0;                     ///< In which `logins` were counted.
  int64_t logins = 0;
  std::string country_code, phone;
  std::vector<EncryptKey> encrypt_keys;   ///< Oldest first.
  std::set<std::string> refused_templates;  ///< Of subscribe messages.
  bool snapshot = false;                  ///< Made up for a snapshot page of the web: no person.
};

/// What an app and WeChat have of each other for signing and encryption.
struct AppSigning {
  Secret symmetric_key;  ///< 32 bytes.
  std::string symmetric_sn;
  crypto::RsaVerifier app_key;
  crypto::RsaSigner platform_key;
  std::string platform_sn;
};

/// A picture that WeChat was asked to look at.
struct MediaCheck {
  std::string trace_id, url, openid;
};

struct App {
  std::string appid;
  Secret secret;
  std::string open_platform;                          ///< Empty: not bound, so no unionid.
  std::string push_url;                               ///< Where pushes go; empty: nowhere.
  Secret push_token, push_key;                        ///< Token and EncodingAESKey of secure mode.
  std::unordered_map<std::string, User> users;        ///< By name.
  std::unordered_map<std::string, User*> by_openid;
  std::deque<MediaCheck> media_checks;                ///< Not answered yet, oldest first; at most kMediaChecks.
  std::optional<Millis> media_pause;                  ///< After which a verdict is pushed by itself; unset: when it is ordered.
  std::optional<Seconds> session_key_life;            ///< A session_key stands for so long; unset: until the next.
  Token stable, older_stable, classic, older_classic;
  Token authorizer, older_authorizer;                 ///< Given to the third-party platform it has authorised.
  Time forced{};
  int64_t logins_per_minute = 100;                    ///< Of one user.
  std::optional<int64_t> logins_per_day;              ///< Unset: as many as come.
  int64_t links_per_day = 500'000;
  std::vector<std::string> pages;                     ///< Those there are; empty: any.
  std::optional<int64_t> phone_quota;                 ///< Numbers that are paid for; unset: no end of them.
  int64_t quota_day = 0, logins_today = 0, links_today = 0;
  int forced_today = 0, classic_today = 0;
  int64_t stable_minute = 0, stable_in_minute = 0, stable_today = 0;
  Seconds token_life = kTokenLife;                    ///< Of the tokens that are made from now on.
  int64_t messages = 0;                               ///< Subscribe messages sent.
  std::shared_ptr<const AppSigning> signing;          ///< Null: calls are not signed.

  /// Empty when the app is not bound.
  std::string unionid_of(const User& user) const;
  /// Whether it is in what is released; an empty one is the first page.
  bool has_page(std::string_view page) const;
};

/// Whether the user has a session_key that stands.
inline bool has_key(const App& app, const User& user, Time now) {
  return !user.session_key.empty() && (!app.session_key_life || now - user.key_made < *app.session_key_life);
}

class World {
 public:
  World(Random& random, bool devtools, Seconds key_interval) : random_(random), devtools_(devtools), key_interval_(key_interval) {}

  /// Makes the app or changes the one there is; nullptr: there are too many.
  App* put_app(const std::string& appid);
  App* find_app(const std::string& appid);
  /// Made on first use. nullptr: there are too many.
  User* user_of(App& app, const std::string& name);

  // The phone's side.
  /// wx.login. `rotate`: whether the session_key is replaced; unset: when it is older than the interval.
  Granted<std::string> login(App& app, User& user, std::optional<bool> rotate, Time now);
  /// The phone button's code.
  Granted<std::string> phone_code(App& app, User& user, Time now);
  /// Makes a session_key if the user has none that stands.
  Granted<void> ensure_key(const App& app, User& user, Time now);
  Granted<void> rotate_key(User& user, Time now);

  /// The user that WeChat makes up where `user` looks at a snapshot page. nullptr: there are too many.
  User* snapshot_of(App& app, const User& user);

  // WeChat's side.
  /// What the exchange of an OAuth code brings beside the openid; of no use here.
  Granted<std::string> oauth_token();
  /// Spends a code of wx.login. Refusals: 40029, 40163; with the code left unspent 45011 (the user's minute) and 45009 (the app's day).
  Granted<User*> spend_login_code(App& app, const std::string& code, Time now);
  /// Spends a phone code; `openid` may be empty. Refusals: 40029, 40013 (of another app), 40003 (of another user).
  Granted<User*> spend_phone_code(App& app, const std::string& code, const std::string& openid, Time now);
  /// GET /cgi-bin/token: always a new one; the one before lives five minutes more. Refusal: 45009.
  Granted<Token> classic_token(App& app, Time now);
  /// POST /cgi-bin/stable_token. Refusals: 45011 (10,000 a minute), 45009 (500,000 a day); with `force` also 45011 within 30 s, 45009 after
  /// 20 a day.
  Granted<Token> stable_token(App& app, bool force, Time now);
  /// A new one for the component that the app has authorised; the one before lives five minutes more.
  Granted<Token> authorizer_token(App& app, Time now);
  void drop_authorizer_tokens(App& app);
  /// Third-party platforms, by their appid: each an app that has been given a ticket.
  std::unordered_map<std::string, Component> components;
  /// Refusals: 41001 (none given), 40001 (unknown or replaced), 42001 (expired).
  Granted<App*> app_of_token(const std::string& token, Time now);
  /// What names a link into the app. Refusal: 44993.
  Granted<std::string> count_link(App& app, Time now);
  /// The user's keys of getUserCryptoManager, with a new one when the newest is over.
  Granted<std::vector<EncryptKey>> encrypt_keys(User& user, Time now);

 private:
  enum class CodeKind : uint8_t { login, phone };
  struct Code {
    CodeKind kind;
    App* app;
    User* user;
    Time made;
    bool used;
  };
  Granted<std::string> remember_code(CodeKind kind, App& app, User& user, Result<std::string> text, Time now);
  Granted<Token> new_token(App& app, Token& current, Token& older, Time now);
  Granted<void> key_at_login(const App& app, User& user, std::optional<bool> rotate, Time now);
  void drop_token(Token& token);
  Granted<void> count_login(App& app, User& user, Time now) const;
  Granted<void> count_stable(App& app, Time now) const;
  void roll_quota(App& app, Time now) const;

  Random& random_;
  const bool devtools_;
  const Seconds key_interval_;
  std::unordered_map<std::string, App> apps_;
  size_t users_ = 0;
  std::unordered_map<std::string, Code> codes_;
  std::deque<std::string> code_order_;  // oldest first
  std::unordered_map<std::string, App*> tokens_;
};

}  // namespace kaimen::sandbox
