// The real Wechat class and the real HTTP client, in front of whatever upstream a test wants.
#pragma once

#include <gtest/gtest.h>

#include <atomic>

#include "platform/wechat.h"
#include "tests/platform/fake_upstream.h"

namespace kaimen::tests {

/// Time that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  Time now() const override { return from_epoch_ms(now_ms_); }
  void advance(Millis duration) { now_ms_ += duration.count(); }

 private:
  std::atomic<int64_t> now_ms_{1'795'000'000'000};
};

inline constexpr auto kAppid = "wx00000000000000aa";

inline std::shared_ptr<core::App> make_app(const std::string& appid = kAppid, const char* secret = "s3cret") {
  auto app = std::make_shared<core::App>();
  app->app_id = appid;
  app->secret = Secret(secret);
  return app;
}

struct WechatAt {
  explicit WechatAt(const std::string& url)
      : wechat(client, {{"wechat", platform::Upstream{http::BaseUrl::parse(url).value(), ""}}}, clock, random) {}

  auto exchange(core::AppPtr app, std::string_view code, Millis within = limits_total()) {
    return run_here(wechat.exchange_code(std::move(app), Secret(code), deadline_in(within)));
  }
  auto exchange(std::string_view code = "code") { return exchange(make_app(), code); }
  auto fetch_token(core::AppPtr app = make_app()) {
    return run_here(wechat.fetch_access_token(std::move(app), deadline_in(limits_total())));
  }
  auto phone(const std::string& token, const std::string& code, const std::string& openid, core::AppPtr app = make_app()) {
    return run_here(wechat.phone_by_code(std::move(app), Secret(token), code, openid, deadline_in(limits_total())));
  }
  auto check_key(const std::string& token, const std::string& openid, const std::string& key) {
    return run_here(wechat.check_session_key(make_app(), Secret(token), openid, Secret(key), deadline_in(limits_total())));
  }
  auto reset_key(const std::string& token, const std::string& openid, const std::string& key) {
    return run_here(wechat.reset_session_key(make_app(), Secret(token), openid, Secret(key), deadline_in(limits_total())));
  }
  auto encrypt_keys(const std::string& token, const std::string& openid, const std::string& key) {
    return run_here(wechat.encrypt_keys(make_app(), Secret(token), openid, Secret(key), deadline_in(limits_total())));
  }
  auto check_text(const std::string& token, const std::string& openid, const std::string& text) {
    return run_here(wechat.check_text(make_app(), Secret(token), openid, text, deadline_in(limits_total())));
  }
  auto check_picture(const std::string& token, const std::string& openid, const std::string& url) {
    return run_here(wechat.check_picture(make_app(), Secret(token), openid, url, deadline_in(limits_total())));
  }
  auto draw_code(const std::string& token, const std::string& scene, const std::string& page) {
    core::CodePicture picture;
    picture.scene = scene;
    picture.page = page;
    return run_here(wechat.draw_code(make_app(), Secret(token), std::move(picture), deadline_in(limits_total())));
  }
  auto make_link(const std::string& token, const std::string& page) {
    core::MakeLink link;
    link.page = page;
    return run_here(wechat.make_link(make_app(), Secret(token), std::move(link), deadline_in(limits_total())));
  }
  static Millis limits_total() { return Millis(3000); }

  ManualClock clock;
  http::Client client;
  SystemRandom random;
  platform::Wechat wechat;
};

struct FakeWechat : FakeUpstream, WechatAt {
  FakeWechat() : WechatAt(url()) {}
};

inline constexpr auto kGoodSession = R"({"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oABCDEFGHIJKLMNOPQRSTUVWXYZ0"})";

}  // namespace kaimen::tests
