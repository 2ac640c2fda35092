#include "platform/wechat.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "http/message.h"
#include "platform/wechat_open_data.h"
#include "platform/wechat_push.h"
#include "platform/wechat_signing.h"

namespace kaimen::platform {

using core::AppPtr;
using core::CallFailure;
using core::CallResult;

namespace {

CallFailure not_sent(Error error) {
  CallFailure failure;
  failure.error = std::move(error);
  failure.code_unspent = true;
  return failure;
}

Millis steady_now() { return std::chrono::floor<Millis>(std::chrono::steady_clock::now().time_since_epoch()); }

void note_failure(core::Breaker& breaker, http::ClientError::Kind kind) {
  using Kind = http::ClientError::Kind;
  if (kind == Kind::too_many) return;  // a limit of our own says nothing about WeChat
  // Somebody is there: more of it than we take, or nonsense, is an answer too, and one app's files are not to stop all others.
  if (kind == Kind::too_large || kind == Kind::malformed) breaker.answered();
  else breaker.failed(steady_now());
}

/// A caller's deadline may be nearer than ours, never further.
Deadline bounded(Deadline deadline) { return std::min(deadline, deadline_in(limits::kUpstreamTotal)); }

}  // namespace

std::string target_of(std::string_view path, std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  std::string target(path);
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    target.push_back(separator);
    target.append(name).push_back('=');
    target.append(http::url_encode(value));
    separator = '&';
  }
  return target;
}

namespace {

/// Of the content checks.
constexpr int64_t kSceneProfile = 1, kMediaPicture = 2;

/// A GET that the user's session_key signs: over the request's body, and a GET has none.
std::string signed_target(std::string_view path, const Secret& access_token, const std::string& openid, const Secret& session_key) {
  const std::string signature = to_hex(crypto::hmac_sha256(session_key.reveal(), ""));
  return target_of(path, {{"access_token", access_token.reveal()}, {"openid", openid}, {"signature", signature}, {"sig_method", "hmac_sha256"}});
}

}  // namespace

Wechat::Wechat(http::Client& client, std::map<std::string, Upstream> upstreams, const Clock& clock, Random& random)
    : client_(client), upstreams_(std::move(upstreams)), clock_(clock), random_(random) {
  for (const auto& [name, upstream] : upstreams_) breakers_.try_emplace(name);
}

Task<CallResult<http::ClientResponse>> Wechat::ask(AppPtr app, std::string target, std::optional<std::string> body, Deadline deadline) {
  http::ClientRequest request;
  request.target = std::move(target);
  if (body) {
    request.method = "POST";
    request.body = std::move(*body);
    request.headers.emplace_back("Content-Type", "application/json");
  }
  request.deadline = deadline;
  request.max_body_bytes = limits::kUpstreamBodyBytes;
  auto asking = exchange(app, std::move(request));
  co_return co_await std::move(asking);
}

Task<CallResult<http::ClientResponse>> Wechat::exchange(AppPtr app, http::ClientRequest request) {
  const auto upstream = upstreams_.find(app->upstream);
  if (upstream == upstreams_.end()) {
    co_return not_sent(make_error(ErrorCode::app_misconfigured, "no upstream named \"" + app->upstream + "\" in the configuration"));
  }
  core::Breaker& breaker = breakers_.at(app->upstream);
  if (!breaker.admits(steady_now())) {
    Error away = make_error(ErrorCode::unavailable, "WeChat has not answered for a while");
    away.retry_after = std::chrono::seconds(1);
    co_return not_sent(std::move(away));
  }
  request.url = upstream->second.base_url;
  request.proxy = upstream->second.proxy;
  request.connect_timeout = limits::kUpstreamConnect;
  std::optional<SignedCall> call;
  if (is_to_be_signed(*app, request.target)) {
    auto made = sign_request(request, *app, clock_.now(), random_);
    if (!made) co_return not_sent(std::move(made.error()));
    call = std::move(made.value());
  }
  auto sending = client_.send(std::move(request));
  auto answer = co_await std::move(sending);
  if (!answer) {
    note_failure(breaker, answer.error().kind);
    co_return transport_failure(answer.error());
  }
  if (answer.value().status < 500) breaker.answered();
  else breaker.failed(steady_now());
  if (call) {
    CO_TRY(open_signed_answer(answer.value(), *call, *app, clock_.now()));
  }
  co_return std::move(answer).value();
}

bool Wechat::may_try_old_secret(const core::App& app, WechatCall call, const CallFailure& failure) const {
  return failure.error.upstream && is_secret_refusal(call, failure.error.upstream->errcode) && app.old_secret && clock_.now() < app.old_secret_until;
}

Task<CallResult<core::CodeExchange>> Wechat::exchange_with(AppPtr app, Secret secret, Secret code, Deadline deadline) {
  std::string target = target_of("/sns/jscode2session", {{"appid", app->app_id},
                                                         {"secret", secret.reveal()},
                                                         {"js_code", code.reveal()},
                                                         {"grant_type", "authorization_code"}});
  auto asking = ask(app, std::move(target), std::nullopt, deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_code_exchange(answer.value().status, answer.value().body);
}

Task<CallResult<core::CodeExchange>> Wechat::exchange_code(AppPtr app, Secret code, Deadline deadline) {
  deadline = bounded(deadline);
  const std::function<Task<CallResult<core::CodeExchange>>(Secret)> ask = [&](Secret secret) { return exchange_with(app, std::move(secret), code, deadline); };
  auto asking = with_either_secret<core::CodeExchange>(app, WechatCall::code_exchange, ask);
  co_return co_await std::move(asking);
}

Task<CallResult<core::FetchedToken>> Wechat::fetch_with(AppPtr app, Secret secret, Deadline deadline) {
  http::json::object question;
  question["grant_type"] = "client_credential";
  question["appid"] = app->app_id;
  question["secret"] = secret.reveal();
  // Never forced: a forced refresh ends the token under every other server of this app.
  question["force_refresh"] = false;
  std::string body = http::to_text(question);
  auto asking = ask(app, "/cgi-bin/stable_token", std::move(body), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_access_token(answer.value().status, answer.value().body);
}

Task<CallResult<core::FetchedToken>> Wechat::fetch_access_token(AppPtr app, Deadline deadline) {
  deadline = bounded(deadline);
  const std::function<Task<CallResult<core::FetchedToken>>(Secret)> ask = [&](Secret secret) { return fetch_with(app, std::move(secret), deadline); };
  auto asking = with_either_secret<core::FetchedToken>(app, WechatCall::access_token, ask);
  co_return co_await std::move(asking);
}

Task<CallResult<core::PhoneNumber>> Wechat::phone_by_code(AppPtr app, Secret access_token, std::string code, std::string openid,
                                                          Deadline deadline) {
  std::string target = target_of("/wxa/business/getuserphonenumber", {{"access_token", access_token.reveal()}});
  http::json::object question;
  question["code"] = code;
  if (!openid.empty()) question["openid"] = openid;
  std::string body = http::to_text(question);
  auto asking = ask(app, std::move(target), std::move(body), bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_phone_info(answer.value().status, answer.value().body, app->app_id);
}

Task<CallResult<bool>> Wechat::check_session_key(AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                 Deadline deadline) {
  auto asking = ask(app, signed_target("/wxa/checksession", access_token, openid, session_key), std::nullopt, bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_session_check(answer.value().status, answer.value().body);
}

Task<CallResult<Secret>> Wechat::reset_session_key(AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                   Deadline deadline) {
  auto asking = ask(app, signed_target("/wxa/resetusersessionkey", access_token, openid, session_key), std::nullopt, bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_session_reset(answer.value().status, answer.value().body, openid);
}

Task<CallResult<std::vector<core::EncryptKey>>> Wechat::encrypt_keys(AppPtr app, Secret access_token, std::string openid,
                                                                     Secret session_key, Deadline deadline) {
  auto asking = ask(app, signed_target("/wxa/business/getuserencryptkey", access_token, openid, session_key), std::nullopt, bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_encrypt_keys(answer.value().status, answer.value().body);
}

Task<CallResult<core::Verdict>> Wechat::check_text(AppPtr app, Secret access_token, std::string openid, std::string text, Deadline deadline) {
  http::json::object question{{"content", text}, {"version", 2}, {"scene", kSceneProfile}, {"openid", openid}};
  std::string body = http::to_text(question);
  auto asking = ask(app, target_of("/wxa/msg_sec_check", {{"access_token", access_token.reveal()}}), std::move(body), bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_text_check(answer.value().status, answer.value().body);
}

Task<CallResult<std::string>> Wechat::check_picture(AppPtr app, Secret access_token, std::string openid, std::string url, Deadline deadline) {
  http::json::object question{{"media_url", url}, {"media_type", kMediaPicture}, {"version", 2}, {"scene", kSceneProfile}, {"openid", openid}};
  std::string body = http::to_text(question);
  auto asking = ask(app, target_of("/wxa/media_check_async", {{"access_token", access_token.reveal()}}), std::move(body), bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_picture_check(answer.value().status, answer.value().body);
}

bool Wechat::is_push_check(const core::App& app, const core::Push& push) const { return is_signed_push_check(app, push); }
std::optional<core::PushMessage> Wechat::open_push(const core::App& app, const core::Push& push) const { return open_wechat_push(app, push); }
Result<core::PushReply> Wechat::seal_push_reply(const core::App& app, const core::Push& push, Time now) const {
  return seal_wechat_push_reply(app, push, core::PushReply{}.body, now, random_);
}

std::optional<core::Watermark> Wechat::read_watermark(std::string_view plaintext) const { return read_open_watermark(plaintext); }
std::optional<core::OpenUserInfo> Wechat::read_user_info(std::string_view plaintext) const { return read_open_user_info(plaintext); }
std::optional<core::OpenPhone> Wechat::read_phone(std::string_view plaintext) const { return read_open_phone(plaintext); }
std::optional<core::OpenUserInfo> Wechat::read_raw_user_info(std::string_view raw_data) const { return read_raw_user_info_text(raw_data); }

}  // namespace kaimen::platform
