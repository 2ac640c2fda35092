// The platform port: what WeChat (or another platform) is asked. One implementation a platform in src/platform; chosen by App::platform.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

/// A call that did not succeed.
struct CallFailure {
  Error error;                  ///< code_invalid, code_used, risk_blocked, rate_limited, upstream_busy, app_misconfigured, upstream_error, …
  bool code_unspent = false;    ///< No byte was sent, or the platform said "busy" (−1): the same code may still be good.
  bool token_rejected = false;  ///< 40001, 40014, 42001: the access_token is no longer good.
};
/// Whether the platform has not judged the code that was brought to it: refused was the caller, so it may be brought again.
bool leaves_unspent(const CallFailure& failure);
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

/// A key of wx.getUserCryptoManager, as the platform keeps it for the server.
struct EncryptKey {
  Secret key, iv;  ///< As the platform sends them.
  int64_t version = 0;
  Seconds expires_in{0};
  Time created_at{};
};

/// A call of the platform's API that a backend makes through us (core/proxy.h).
struct ProxyCall {
  std::string method;                                       ///< "GET", "POST", …
  std::string path;                                         ///< "/cgi-bin/message/subscribe/send"
  std::vector<std::pair<std::string, std::string>> query;   ///< Decoded.
  std::vector<std::pair<std::string, std::string>> headers; ///< Those that go along.
  std::string body;
  size_t most_answer_bytes = 0;
};
struct ProxyAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers; ///< Those worth passing on.
  std::string body;
  UpstreamFault fault;          ///< errcode 0: none that we could see.
  bool token_rejected = false;
};

/// A code to scan, as a picture.
struct CodePicture {
  std::string scene;        ///< What the mini program gets: 1–32 characters of [A-Za-z0-9!#$&'()*+,/:;=?@-._~].
  std::string page;         ///< "pages/index"; empty: the first one.
  Env env = Env::release;
  int width = 430;          ///< Pixels: 280 … 1280.
  bool check_page = true;   ///< Whether the page must exist in what is released.
};
enum class LinkKind : uint8_t { scheme, url };
/// A link that opens the mini program.
struct MakeLink {
  LinkKind kind = LinkKind::scheme;
  std::string page, query;
  Env env = Env::release;
  Time expires_at{};
};

/// What the platform thinks of a text or a picture.
enum class Verdict : uint8_t { pass, review, risky };

/// A message push as it was posted, or the check of its URL.
struct Push {
  std::string timestamp, nonce;
  std::string signature;  ///< msg_signature of a message, signature of the check of the URL.
  std::string body;
};
/// An opened push, as far as it concerns us.
/// What the platform hears when a push has been dealt with.
struct PushReply {
  std::string type = "text/plain", body = "success";
};
struct PushMessage {
  enum class Kind : uint8_t {
    other,              ///< Nothing of ours.
    profile_cleared,    ///< The platform has emptied the user's nickname and avatar.
    access_revoked,     ///< The user has taken back what `nickname`, `avatar` and `phone` say.
    account_closed,     ///< The user has closed the account with this mini program.
    picture_checked,    ///< The answer to check_picture: `trace_id` and `verdict`.
  } kind = Kind::other;
  std::string once;     ///< 32 raw bytes, the same for every repeat of this message and for no other.
  std::string openid;   ///< Empty: it concerns nobody.
  bool nickname = false, avatar = false, phone = false;
  std::string trace_id;
  std::optional<Verdict> verdict;  ///< nullopt: the platform could not check it.
};

class ComponentPlatform;  // core/component_platform.h

class Platform {
 public:
  virtual ~Platform() = default;

  /// What it has beside this, where its apps are third-party platforms; nullptr: they are none.
  virtual ComponentPlatform* component() { return nullptr; }

  /// code → identity (WeChat: GET /sns/jscode2session). One call, never repeated once a byte was sent; with an old secret in overlap, tried
  /// again with it when the new one is refused (40125: the code is unspent then).
  virtual Task<CallResult<CodeExchange>> exchange_code(AppPtr app, Secret code, Deadline deadline) = 0;
  /// A token for server calls (WeChat: POST /cgi-bin/stable_token, normal mode).
  virtual Task<CallResult<FetchedToken>> fetch_access_token(AppPtr app, Deadline deadline) = 0;
  /// Phone number by the code of the phone button (WeChat: POST /wxa/business/getuserphonenumber with the openid, which WeChat checks).
  virtual Task<CallResult<PhoneNumber>> phone_by_code(AppPtr app, Secret access_token, std::string code, std::string openid, Deadline deadline) = 0;
  /// Asks whether `session_key` still stands (WeChat: GET /wxa/checksession). False: it does not (87009).
  virtual Task<CallResult<bool>> check_session_key(AppPtr app, Secret access_token, std::string openid, Secret session_key, Deadline deadline) = 0;

  // What not every platform has: where it has not, the calls are app_misconfigured and nothing is a push.

  /// Replaces the user's session_key; the old one, which signs this call, is dead then (WeChat: GET /wxa/resetusersessionkey).
  virtual Task<CallResult<Secret>> reset_session_key(AppPtr app, Secret access_token, std::string openid, Secret session_key, Deadline deadline);
  /// The user's keys for data encrypted by the client, newest first (WeChat: GET /wxa/business/getuserencryptkey).
  virtual Task<CallResult<std::vector<EncryptKey>>> encrypt_keys(AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                                 Deadline deadline);
  /// What it thinks of a name that the user gives (WeChat: POST /wxa/msg_sec_check).
  virtual Task<CallResult<Verdict>> check_text(AppPtr app, Secret access_token, std::string openid, std::string text, Deadline deadline);
  /// Asks it to look at the picture at `url`. The verdict comes later, as a push with the trace_id returned here (WeChat: POST
  /// /wxa/media_check_async).
  virtual Task<CallResult<std::string>> check_picture(AppPtr app, Secret access_token, std::string openid, std::string url, Deadline deadline);
  /// Makes a backend's call with the token put in, and answers whatever the platform answers.
  virtual Task<CallResult<ProxyAnswer>> pass_on(AppPtr app, Secret access_token, std::shared_ptr<const ProxyCall> call, Deadline deadline);
  /// A code to scan: the picture's bytes (WeChat: POST /wxa/getwxacodeunlimit). invalid_request: it knows no such page.
  virtual Task<CallResult<std::string>> draw_code(AppPtr app, Secret access_token, CodePicture picture, Deadline deadline);
  /// A link into the mini program (WeChat: POST /wxa/generatescheme, /wxa/generate_urllink). invalid_request: it knows no such page.
  virtual Task<CallResult<std::string>> make_link(AppPtr app, Secret access_token, MakeLink link, Deadline deadline);
  /// Whether the check of the push URL bears the app's signature.
  virtual bool is_push_check(const App& app, const Push& push) const;
  /// Opens a push with the app's keys. nullopt: not signed or encrypted as it should be, or of no known shape.
  virtual std::optional<PushMessage> open_push(const App& app, const Push& push) const;
  /// The answer to a push that has been opened, encrypted and signed as such pushes are, and of the same form. Errors: unavailable (no
  /// randomness), internal.
  virtual Result<PushReply> seal_push_reply(const App& app, const Push& push, Time now) const;

  // Reading decrypted open data: the whole shape of each kind is checked, and a key of another kind refuses it, because the encryption has
  // no MAC (docs/security.md). nullopt: not of this shape.
  virtual std::optional<OpenUserInfo> read_user_info(std::string_view plaintext) const = 0;
  virtual std::optional<OpenPhone> read_phone(std::string_view plaintext) const = 0;
  /// Of any open data: a JSON object with a watermark. nullopt: not of this shape.
  virtual std::optional<Watermark> read_watermark(std::string_view plaintext) const;
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
