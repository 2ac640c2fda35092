// WeChat as a third-party platform meets it, doing what a test says: accounts authorise, refresh tokens and component tokens are good or not.
#pragma once

#include "core/component_platform.h"
#include "tests/core/fake_platform.h"

namespace kaimen::test {

class FakeComponent final : public FakePlatform, public core::ComponentPlatform {
 public:
  core::ComponentPlatform* component() override { return this; }

  /// The account authorises: WeChat knows this refresh token from now on, and gives it for the code, once.
  std::string authorize(const std::string& app_id, const std::string& refresh_token = "refresh-1") {
    std::lock_guard lock(grants_mutex_);
    grants_[app_id] = refresh_token;
    const std::string code = "auth-" + std::to_string(++made_);
    codes_[code] = app_id;
    return code;
  }
  void unauthorize(const std::string& app_id) {
    std::lock_guard lock(grants_mutex_);
    grants_.erase(app_id);
  }
  void push(const std::string& body, core::ComponentPush message) {
    std::lock_guard lock(grants_mutex_);
    told_.insert_or_assign(body, std::move(message));
  }

  Task<core::CallResult<core::FetchedToken>> fetch_component_token(core::AppPtr, Secret ticket, Deadline) override {
    ++component_fetches;
    co_await component_gate.pass();
    std::lock_guard lock(grants_mutex_);
    if (ticket.reveal() != good_ticket) co_return failure(ErrorCode::app_misconfigured, 61006);
    good_token = "component-" + std::to_string(component_fetches.load());
    co_return core::FetchedToken{Secret(good_token), Seconds(7200)};
  }
  Task<core::CallResult<core::PreAuthCode>> make_pre_auth_code(core::AppPtr, Secret bearer, Deadline) override {
    std::lock_guard lock(grants_mutex_);
    if (bearer.reveal() != good_token) co_return refused();
    co_return core::PreAuthCode{Secret("pre-" + std::to_string(++made_)), Seconds(1800)};
  }
  Task<core::CallResult<core::AuthorizationGrant>> grant_of_code(core::AppPtr, Secret bearer, Secret auth_code, Deadline) override {
    std::lock_guard lock(grants_mutex_);
    if (bearer.reveal() != good_token) co_return refused();
    const auto code = codes_.find(auth_code.reveal());
    if (code == codes_.end()) co_return failure(ErrorCode::code_invalid, 61010);
    core::AuthorizationGrant grant = grant_for(code->second);
    codes_.erase(code);
    grant.token = {Secret("access-" + std::to_string(++made_)), Seconds(7200)};
    co_return grant;
  }
  Task<core::CallResult<core::AuthorizationGrant>> grant_of_app(core::AppPtr, Secret bearer, std::string app_id, Deadline) override {
    ++looks;
    std::lock_guard lock(grants_mutex_);
    if (bearer.reveal() != good_token) co_return refused();
    if (!grants_.contains(app_id)) co_return failure(ErrorCode::app_misconfigured, 61003);
    core::AuthorizationGrant grant = grant_for(app_id);
    if (!tells_again) grant.refresh_token = Secret();
    co_return grant;
  }
  Task<core::CallResult<core::RefreshedToken>> refresh_authorizer_token(core::AppPtr, Secret bearer, std::string app_id, Secret refresh_token,
                                                                        Deadline) override {
    ++refreshes;
    co_await refresh_gate.pass();
    std::lock_guard lock(grants_mutex_);
    if (bearer.reveal() != good_token) co_return refused();
    const auto grant = grants_.find(app_id);
    if (grant == grants_.end()) co_return failure(ErrorCode::app_misconfigured, 61003);
    if (refresh_token.reveal() != grant->second) co_return failure(ErrorCode::code_invalid, 61023);
    if (renews) grant->second = "refresh-" + std::to_string(++made_);
    const std::string given = gives_again.empty() ? "access-" + std::to_string(++made_) : gives_again;
    co_return core::RefreshedToken{{Secret(given), Seconds(7200)}, Secret(grant->second)};
  }
  Task<core::CallResult<core::CodeExchange>> exchange_code_for(core::AppPtr, Secret bearer, core::AppPtr app, Secret code, Deadline) override {
    ++component_exchanges;
    std::lock_guard lock(grants_mutex_);
    if (bearer.reveal() != good_token) co_return refused();
    if (!grants_.contains(app->app_id)) co_return failure(ErrorCode::app_misconfigured, 61003);
    if (login_failure) co_return *login_failure;
    co_return core::CodeExchange{"openid-of-" + code.reveal(), "", Secret(std::string(kKey))};
  }
  std::optional<core::ComponentPush> open_component_push(const core::App&, const core::Push& push) const override {
    std::lock_guard lock(grants_mutex_);
    const auto found = told_.find(push.body);
    if (push.signature == "wrong" || found == told_.end()) return std::nullopt;
    return found->second;
  }
  std::string authorization_url(const core::App&, const core::AuthorizationPage& page) const override {
    return (page.mobile ? "mobile:" : "page:") + page.pre_auth_code.reveal() + " " + page.redirect_uri;
  }

  std::atomic<int> component_fetches{0}, refreshes{0}, looks{0}, component_exchanges{0};
  Gate component_gate, refresh_gate;
  std::string good_ticket = "ticket-1", good_token = "none yet";
  bool renews = false;  ///< Each refresh brings another refresh token, and the one before is dead.
  std::string gives_again;  ///< The access_token that each refresh brings; empty: another each time.
  bool tells_again = true;  ///< Who looks at a grant sees its refresh token.
  std::optional<core::CallFailure> login_failure;

 private:
  static core::CallFailure refused() {
    core::CallFailure rejected = failure(ErrorCode::upstream_error, 42001);
    rejected.token_rejected = true;
    return rejected;
  }
  core::AuthorizationGrant grant_for(const std::string& app_id) const {
    core::AuthorizationGrant grant;
    grant.app_id = app_id;
    if (const auto found = grants_.find(app_id); found != grants_.end()) grant.refresh_token = Secret(found->second);
    grant.permissions = "1,18";
    grant.name = "Teahouse";
    return grant;
  }

  mutable std::mutex grants_mutex_;
  std::map<std::string, std::string> grants_, codes_;
  std::map<std::string, core::ComponentPush> told_;
  int made_ = 0;
};

}  // namespace kaimen::test
