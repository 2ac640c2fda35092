// A third-party platform "wxc" in project "default", whose ticket has come.
#pragma once

#include "tests/core/fixture.h"

namespace kaimen::test {

/// Of any fixture that is a CoreTest.
template <class Base>
class WithComponent : public Base {
 protected:
  WithComponent() {
    core::NewApp made;
    made.app_id = "wxc";
    made.platform = "wechat_component";
    made.secret = Secret("component-secret");
    made.push = core::PushKeys{Secret("token"), Secret(std::string(43, 'k'))};
    EXPECT_TRUE(run_here(this->services().apps.add(std::move(made))));
    EXPECT_TRUE(tell(ticket("ticket-1")));
  }

  AppPtr component() { return this->services().apps.find("wxc"); }

  static core::ComponentPush told(core::ComponentPush::Kind kind, Time made_at, const std::string& once) {
    core::ComponentPush push;
    push.kind = kind;
    push.made_at = made_at;
    push.once = crypto::sha256(once);
    return push;
  }
  static core::ComponentPush ticket(const std::string& text, Time made_at = t0) {
    auto push = told(core::ComponentPush::Kind::ticket, made_at, text);
    push.ticket = Secret(text);
    return push;
  }
  static core::ComponentPush authorized(const std::string& app_id, const std::string& code, const std::string& pre = "", Time made_at = t0) {
    auto push = told(core::ComponentPush::Kind::authorized, made_at, "authorized" + code);
    push.app_id = app_id;
    push.auth_code = Secret(code);
    push.pre_auth_code = Secret(pre);
    return push;
  }
  static core::ComponentPush unauthorized(const std::string& app_id, Time made_at = t0) {
    auto push = told(core::ComponentPush::Kind::unauthorized, made_at, "unauthorized" + app_id + std::to_string(epoch_ms(made_at)));
    push.app_id = app_id;
    return push;
  }
  /// What WeChat pushes.
  Result<> tell(core::ComponentPush push) {
    const std::string body = "push-" + std::to_string(++told_);
    this->component_platform.push(body, std::move(push));
    core::Trace trace;
    TRY(run_here(this->services().pushes.receive(component(), {std::to_string(epoch_ms(this->clock.now()) / 1000), "nonce", "right", body}, &trace)));
    return ok();
  }
  Result<core::MadeLink> make_link(const std::string& project = "default", const std::string& only_app = "") {
    core::Trace trace;
    return run_here(this->services().components.make_link(component(), {project, "https://k.example.com/back", "", only_app}, &trace));
  }
  static std::string pre_auth_code_of(const core::MadeLink& link) { return link.url.substr(5, link.url.find(' ') - 5); }
  /// The browser comes back with a code.
  Result<AppPtr> bring(const core::MadeLink& link, const std::string& code) {
    core::Trace trace;
    auto found = run_here(this->services().components.find_link(*component(), link.link));
    if (!found) return found.error();
    return run_here(this->services().components.take_code(component(), std::move(found.value()), Secret(code), &trace));
  }
  /// wx9 of the same project logs in through it.
  AppPtr authorized_app(const std::string& app_id = "wx9") {
    const auto link = make_link().value();
    return bring(link, this->component_platform.authorize(app_id)).value();
  }

  Result<core::AccessToken> get(const std::string& app_id, std::optional<Secret> rejected = {}) {
    return run_here(this->services().access_tokens.get(this->services().apps.find(app_id), std::move(rejected)));
  }
  std::string token(const std::string& app_id) {
    const auto got = get(app_id);
    return got ? got.value().token.reveal() : std::string(name_of(got.error().code));
  }
  static bool stands(const AppPtr& app) { return app && app->authorization && app->authorization->stands; }
  void disable(const std::string& app_id, bool disabled) {
    core::AppChange change;
    change.disabled = disabled;
    ASSERT_TRUE(run_here(this->services().apps.change(app_id, std::move(change))));
  }

 private:
  int told_ = 0;
};

}  // namespace kaimen::test
