#include "sandbox/world.h"

#include <algorithm>

#include "base/encoding.h"
#include "sandbox/persona.h"

namespace kaimen::sandbox {

namespace {
constexpr Refusal kBadCode{40029, "invalid code"};
// WeChat's days begin at midnight in Shanghai.
int64_t quota_day_of(Time now) { return (epoch_ms(now) / 1000 + 8 * 3600) / 86400; }
}  // namespace

std::string App::unionid_of(const User& user) const {
  return open_platform.empty() ? std::string() : sandbox::unionid_of(open_platform, user.name);
}

App* World::put_app(const std::string& appid) {
  if (auto* app = find_app(appid)) return app;
  if (apps_.size() >= kMaxApps) return nullptr;
  auto& app = apps_[appid];
  app.appid = appid;
  return &app;
}

App* World::find_app(const std::string& appid) {
  const auto found = apps_.find(appid);
  return found == apps_.end() ? nullptr : &found->second;
}

User* World::user_of(App& app, const std::string& name) {
  const auto found = app.users.find(name);
  if (found != app.users.end()) return &found->second;
  if (users_ >= kMaxUsers) return nullptr;
  ++users_;
  auto& user = app.users[name];
  user.name = name;
  user.openid = openid_of(app.appid, name);
  user.country_code = "86";
  user.phone = phone_of(name);
  app.by_openid[user.openid] = &user;
  return &user;
}

User* World::snapshot_of(App& app, const User& user) {
  User* made_up = user_of(app, "snapshot of " + user.name);
  if (made_up) made_up->snapshot = true;
  return made_up;
}

bool App::has_page(std::string_view page) const {
  return page.empty() || pages.empty() || std::find(pages.begin(), pages.end(), page) != pages.end();
}

Granted<std::string> World::count_link(App& app, Time now) {
  roll_quota(app, now);
  if (app.links_today >= app.links_per_day) return Refusal{44993, "reach max day limit"};
  const auto bytes = random_.bytes<12>();
  if (!bytes) return kBusy;
  ++app.links_today;
  return to_base64url({reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()});
}

Granted<std::string> World::oauth_token() {
  auto text = make_access_token(random_);
  if (!text) return kBusy;
  return std::move(text).value();
}

Granted<void> World::rotate_key(User& user, Time now) {
  auto key = make_session_key(random_);
  if (!key) return kBusy;
  user.previous_key = std::move(user.session_key);
  user.session_key = std::move(key).value();
  user.key_made = now;
  return ok();
}

Granted<void> World::ensure_key(const App& app, User& user, Time now) { return has_key(app, user, now) ? Granted<void>(ok()) : rotate_key(user, now); }

Granted<std::string> World::remember_code(CodeKind kind, App& app, User& user, Result<std::string> text, Time now) {
  if (!text) return kBusy;
  while (!code_order_.empty()) {
    const auto oldest = codes_.find(code_order_.front());
    if (codes_.size() < kMaxCodes && now - oldest->second.made < kCodeMemory) break;
    codes_.erase(oldest);
    code_order_.pop_front();
  }
  const std::string& code = text.value();
  if (!codes_.emplace(code, Code{kind, &app, &user, now, false}).second) return kBusy;
  code_order_.push_back(code);
  return code;
}

Granted<void> World::key_at_login(const App& app, User& user, std::optional<bool> rotate, Time now) {
  const bool due = rotate.value_or(now - user.key_made >= key_interval_);
  return !has_key(app, user, now) || due ? rotate_key(user, now) : Granted<void>(ok());
}

Granted<std::string> World::login(App& app, User& user, std::optional<bool> rotate, Time now) {
  TRY(key_at_login(app, user, rotate, now));
  return remember_code(CodeKind::login, app, user, make_login_code(random_), now);
}

Granted<std::string> World::phone_code(App& app, User& user, Time now) {
  return remember_code(CodeKind::phone, app, user, make_phone_code(random_), now);
}

Granted<User*> World::spend_login_code(App& app, const std::string& code, Time now) {
  const auto found = codes_.find(code);
  if (found == codes_.end()) {
    auto* user = devtools_ ? user_of(app, "devtools") : nullptr;
    if (!user) return kBadCode;
    // Nobody called wx.login here for it, so what that does to the key happens now.
    TRY(key_at_login(app, *user, std::nullopt, now));
    return user;
  }
  auto& known = found->second;
  if (known.kind != CodeKind::login || known.app != &app) return kBadCode;
  if (known.used) return Refusal{40163, "code been used"};
  if (now - known.made >= kCodeLife) return kBadCode;
  TRY(count_login(app, *known.user, now));
  known.used = true;
  return known.user;
}

Granted<void> World::count_login(App& app, User& user, Time now) const {
  roll_quota(app, now);
  if (app.logins_per_day && app.logins_today >= *app.logins_per_day) return Refusal{45009, "reach max api daily quota limit"};
  const int64_t minute = epoch_ms(now) / 60'000;
  if (user.minute != minute) user.logins = 0;
  user.minute = minute;
  if (user.logins >= app.logins_per_minute) return Refusal{45011, "api minute-quota reach limit"};
  ++user.logins;
  ++app.logins_today;
  return ok();
}

Granted<User*> World::spend_phone_code(App& app, const std::string& code, const std::string& openid, Time now) {
  const auto found = codes_.find(code);
  if (found == codes_.end() || found->second.kind != CodeKind::phone) return kBadCode;
  auto& known = found->second;
  if (known.app != &app) return Refusal{40013, "invalid appid"};
  if (known.used || now - known.made >= kCodeLife) return kBadCode;
  if (!openid.empty() && openid != known.user->openid) return Refusal{40003, "invalid openid"};
  if (app.phone_quota && *app.phone_quota > 0) --*app.phone_quota;  // a number is paid for when it is handed over
  known.used = true;
  return known.user;
}

void World::drop_token(Token& token) {
  tokens_.erase(token.text);
  token = {};
}

Granted<Token> World::new_token(App& app, Token& current, Token& older, Time now) {
  auto text = make_access_token(random_);
  if (!text) return kBusy;
  drop_token(older);
  older = std::move(current);
  current = Token{std::move(text).value(), now + app.token_life};
  tokens_[current.text] = &app;
  return current;
}

void World::roll_quota(App& app, Time now) const {
  const int64_t today = quota_day_of(now);
  if (app.quota_day == today) return;
  app.quota_day = today;
  app.forced_today = app.classic_today = 0;
  app.logins_today = app.stable_today = app.links_today = 0;
}

Granted<Token> World::classic_token(App& app, Time now) {
  roll_quota(app, now);
  if (app.classic_today >= kClassicPerDay) return Refusal{45009, "reach max api daily quota limit"};
  TRY(auto token, new_token(app, app.classic, app.older_classic, now));
  ++app.classic_today;
  app.older_classic.dies = std::min(app.older_classic.dies, now + kTokenOverlap);
  return token;
}

Granted<void> World::count_stable(App& app, Time now) const {
  roll_quota(app, now);
  if (app.stable_today >= kStablePerDay) return Refusal{45009, "reach max api daily quota limit"};
  const int64_t minute = epoch_ms(now) / 60'000;
  if (app.stable_minute != minute) app.stable_in_minute = 0;
  app.stable_minute = minute;
  if (app.stable_in_minute >= kStablePerMinute) return Refusal{45011, "api minute-quota reach limit"};
  ++app.stable_in_minute;
  ++app.stable_today;
  return ok();
}

Granted<Token> World::stable_token(App& app, bool force, Time now) {
  TRY(count_stable(app, now));
  if (!force) {
    if (!app.stable.text.empty() && app.stable.dies - now > kTokenOverlap) return app.stable;
    return new_token(app, app.stable, app.older_stable, now);
  }
  if (app.forced_today >= kForcedPerDay) return Refusal{45009, "reach max api daily quota limit"};
  if (app.forced != Time{} && now - app.forced < kForceInterval) return Refusal{45011, "api minute-quota reach limit"};
  TRY(auto token, new_token(app, app.stable, app.older_stable, now));
  drop_token(app.older_stable);
  ++app.forced_today;
  app.forced = now;
  return token;
}

Granted<Token> World::authorizer_token(App& app, Time now) {
  TRY(auto token, new_token(app, app.authorizer, app.older_authorizer, now));
  app.older_authorizer.dies = std::min(app.older_authorizer.dies, now + kTokenOverlap);
  return token;
}

void World::drop_authorizer_tokens(App& app) {
  drop_token(app.authorizer);
  drop_token(app.older_authorizer);
}

Granted<App*> World::app_of_token(const std::string& token, Time now) {
  if (token.empty()) return Refusal{41001, "access_token missing"};
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return Refusal{40001, "invalid credential, access_token is invalid or not latest"};
  App& app = *found->second;
  for (const auto* held : {&app.stable, &app.older_stable, &app.classic, &app.older_classic, &app.authorizer, &app.older_authorizer}) {
    if (held->text == token && now < held->dies) return &app;
  }
  return Refusal{42001, "access_token expired"};
}

Granted<std::vector<EncryptKey>> World::encrypt_keys(User& user, Time now) {
  if (user.encrypt_keys.empty() || now - user.encrypt_keys.back().made >= kEncryptKeyLife) {
    auto key = make_session_key(random_);
    auto iv = random_.bytes<8>();
    if (!key || !iv) return kBusy;
    const int version = user.encrypt_keys.empty() ? 1 : user.encrypt_keys.back().version + 1;
    // The iv is the text of 16 characters itself.
    user.encrypt_keys.push_back({std::move(key).value(), to_hex({reinterpret_cast<const char*>(iv.value().data()), 8}), version, now});
    if (user.encrypt_keys.size() > kEncryptKeys) user.encrypt_keys.erase(user.encrypt_keys.begin());
  }
  return user.encrypt_keys;
}

}  // namespace kaimen::sandbox
