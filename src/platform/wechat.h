// WeChat's server API as a platform. Each call is exactly one HTTP exchange and is never repeated: a time-out may have spent the code.
// The only second call is the same question with the app's old secret, after WeChat itself refused the new one.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "core/breaker.h"
#include "core/platform.h"
#include "http/client.h"
#include "platform/wechat_answer.h"

namespace kaimen::platform {

/// Where a platform is reached. Only the configuration file names these: no key of the admin API can point an app elsewhere.
struct Upstream {
  http::BaseUrl base_url;
  std::string proxy;  ///< "http://host:port"; empty: none.
};

/// "path?name=value&…", each value percent-encoded, so that a hostile value stays one parameter.
std::string target_of(std::string_view path, std::initializer_list<std::pair<std::string_view, std::string_view>> parameters);

/// Thread-safe: nothing changes in it but what its circuit breakers, one for each upstream, have seen. Client, clock and randomness must
/// outlive it.
class Wechat : public core::Platform {
 public:
  /// `upstreams` by name (App::upstream). An app whose upstream is not among them is app_misconfigured.
  Wechat(http::Client& client, std::map<std::string, Upstream> upstreams, const Clock& clock, Random& random);

  Task<core::CallResult<core::CodeExchange>> exchange_code(core::AppPtr app, Secret code, Deadline deadline) override;
  Task<core::CallResult<core::FetchedToken>> fetch_access_token(core::AppPtr app, Deadline deadline) override;
  Task<core::CallResult<core::PhoneNumber>> phone_by_code(core::AppPtr app, Secret access_token, std::string code, std::string openid,
                                                          Deadline deadline) override;
  Task<core::CallResult<bool>> check_session_key(core::AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                 Deadline deadline) override;

  Task<core::CallResult<Secret>> reset_session_key(core::AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                   Deadline deadline) override;
  Task<core::CallResult<std::vector<core::EncryptKey>>> encrypt_keys(core::AppPtr app, Secret access_token, std::string openid,
                                                                     Secret session_key, Deadline deadline) override;
  Task<core::CallResult<core::Verdict>> check_text(core::AppPtr app, Secret access_token, std::string openid, std::string text,
                                                   Deadline deadline) override;
  Task<core::CallResult<std::string>> check_picture(core::AppPtr app, Secret access_token, std::string openid, std::string url,
                                                    Deadline deadline) override;
  Task<core::CallResult<core::ProxyAnswer>> pass_on(core::AppPtr app, Secret access_token, std::shared_ptr<const core::ProxyCall> call,
                                                    Deadline deadline) override;
  Task<core::CallResult<std::string>> draw_code(core::AppPtr app, Secret access_token, core::CodePicture picture, Deadline deadline) override;
  Task<core::CallResult<std::string>> make_link(core::AppPtr app, Secret access_token, core::MakeLink link, Deadline deadline) override;
  bool is_push_check(const core::App& app, const core::Push& push) const override;
  std::optional<core::PushMessage> open_push(const core::App& app, const core::Push& push) const override;
  Result<core::PushReply> seal_push_reply(const core::App& app, const core::Push& push, Time now) const override;

  std::optional<core::Watermark> read_watermark(std::string_view plaintext) const override;
  std::optional<core::OpenUserInfo> read_user_info(std::string_view plaintext) const override;
  std::optional<core::OpenPhone> read_phone(std::string_view plaintext) const override;
  std::optional<core::OpenUserInfo> read_raw_user_info(std::string_view raw_data) const override;

 protected:
  Task<core::CallResult<http::ClientResponse>> ask(core::AppPtr app, std::string target, std::optional<std::string> body,
                                                   Deadline deadline);
  /// One exchange with the app's upstream, signed and encrypted where the app has it so; `request` lacks its url.
  Task<core::CallResult<http::ClientResponse>> exchange(core::AppPtr app, http::ClientRequest request);
  /// One exchange with one of the app's secrets.
  virtual Task<core::CallResult<core::CodeExchange>> exchange_with(core::AppPtr app, Secret secret, Secret code, Deadline deadline);
  /// Asks with the app's secret, and once more with its old one, while that is in overlap, where WeChat refuses the new one.
  template <class T>
  Task<core::CallResult<T>> with_either_secret(core::AppPtr app, WechatCall call, std::function<Task<core::CallResult<T>>(Secret)> ask) {
    Task<core::CallResult<T>> first = ask(app->secret);
    auto result = co_await std::move(first);
    if (result || !may_try_old_secret(*app, call, result.error())) co_return result;
    Task<core::CallResult<T>> second = ask(*app->old_secret);
    co_return co_await std::move(second);
  }

 private:
  bool may_try_old_secret(const core::App& app, WechatCall call, const core::CallFailure& failure) const;
  Task<core::CallResult<core::FetchedToken>> fetch_with(core::AppPtr app, Secret secret, Deadline deadline);

  http::Client& client_;
  const std::map<std::string, Upstream> upstreams_;
  const Clock& clock_;
  Random& random_;
  std::map<std::string, core::Breaker> breakers_;  // one for each upstream
};

}  // namespace kaimen::platform
