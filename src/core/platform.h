// The platform port: what WeChat (or another platform) is asked. One implementation a platform in src/platform; chosen by App::platform.
#pragma once

#include <string>
#include <string_view>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

/// A call that did not succeed.
struct CallFailure {
  Error error;                  ///< code_invalid, code_used, risk_blocked, rate_limited, upstream_busy, app_misconfigured, upstream_error, …
  bool code_unspent = false;    ///< No byte was sent, or the platform said "busy" (−1): the same code may still be good.
  bool token_rejected = false;  ///< 40001, 40014, 42001: the access_token is no longer good.
};
template <class T>
using CallResult = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, CallFailure, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

struct CodeExchange {
  std::string openid;   ///< 1–128 characters of [A-Za-z0-9_-].
  std::string unionid;  ///< The same, or empty.
  Secret session_key;   ///< As the platform sends it (base64 text); empty where it has none.
};

struct FetchedToken {
  Secret token;
  Seconds expires_in{0};
};

struct PhoneNumber {
  std::string full;          ///< With country code: "+8613800000000".
  std::string national;      ///< "13800000000".
  std::string country_code;  ///< "86".
};

struct Watermark {
  std::string app_id;
  Time at{};
};
/// Decrypted user info (getUserInfo, getUserProfile).
struct OpenUserInfo {
  std::string openid;   ///< Absent in getUserProfile's data: empty.
  std::string nickname, avatar_url, language, country, province, city;
  int gender = 0;
  Watermark watermark;
};
struct OpenPhone {
  PhoneNumber phone;
  Watermark watermark;
};

class Platform {
 public:
  virtual ~Platform() = default;

  /// code → identity (WeChat: GET /sns/jscode2session). One call, never repeated once a byte was sent; with an old secret in overlap, tried
  /// again with it when the new one is refused (40125: the code is unspent then).
  virtual Task<CallResult<CodeExchange>> exchange_code(AppPtr app, Secret code, Deadline deadline) = 0;
  /// A token for server calls (WeChat: POST /cgi-bin/stable_token, normal mode).
  virtual Task<CallResult<FetchedToken>> fetch_access_token(AppPtr app, Deadline deadline) = 0;
  /// Phone number by the code of the phone button (WeChat: POST /wxa/business/getuserphonenumber with the openid, which WeChat checks).
  virtual Task<CallResult<PhoneNumber>> phone_by_code(AppPtr app, Secret access_token, std::string code, std::string openid, Deadline deadline) = 0;
  /// Asks whether `session_key` still stands (WeChat: GET /wxa/checksession). False: it does not (87009).
  virtual Task<CallResult<bool>> check_session_key(AppPtr app, Secret access_token, std::string openid, Secret session_key, Deadline deadline) = 0;

  // Reading decrypted open data: the whole shape of each kind is checked, and a key of another kind refuses it, because the encryption has
  // no MAC (docs/security.md). nullopt: not of this shape.
  virtual std::optional<OpenUserInfo> read_user_info(std::string_view plaintext) const = 0;
  virtual std::optional<OpenPhone> read_phone(std::string_view plaintext) const = 0;
  /// rawData of getUserInfo: JSON with the profile only, no watermark. nullopt: not of this shape.
  virtual std::optional<OpenUserInfo> read_raw_user_info(std::string_view raw_data) const = 0;
};

/// Finds the implementation by App::platform; nullptr: none.
class Platforms {
 public:
  virtual ~Platforms() = default;
  virtual Platform* find(std::string_view name) const = 0;
};

}  // namespace kaimen::core
