#include "core/apps.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/login.h"
#include "core/signing_keys.h"

namespace kaimen::core {

namespace {

constexpr int kEditTries = 5;
constexpr size_t kAppIdBytes = 64, kNameCodePoints = 64, kSecretBytes = 256;

bool plain_name(std::string_view text, size_t longest) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

Result<> check_secret(const Secret& secret) {
  const std::string& text = secret.reveal();
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || text.size() > kSecretBytes || !printable) {
    return make_error(ErrorCode::invalid_request, "secret must be 1 to 256 printable characters without blanks");
  }
  return ok();
}

Result<AppSettings> checked_settings(const std::map<std::string, std::string>& values, const AppSettings& defaults, const std::string& platform) {
  TRY(auto settings, AppSettings::parse(values, defaults));
  if (settings.session_follows_key && !has_session_keys(platform)) {
    return make_error(ErrorCode::invalid_request, "login_state cannot be wechat: apps of this platform have no session_key to ask about");
  }
  return settings;
}

Result<> check_name(const std::string& name) {
  if (!is_plain_text(name, kNameCodePoints)) return make_error(ErrorCode::invalid_request, "name must be at most 64 characters without control characters");
  return ok();
}

/// Whether wafer's clients reach the app under every host that is no other's.
bool is_under_any_host(const AppSettings& settings) { return settings.wafer != Wafer::off && settings.wafer_hosts.empty(); }

}  // namespace

Result<> check_app_id(const std::string& app_id) {
  if (!plain_name(app_id, kAppIdBytes)) return make_error(ErrorCode::invalid_request, "app_id must be 1 to 64 of A-Z a-z 0-9 _ - .");
  return ok();
}

Result<> check_project_name(const std::string& name) {
  if (!plain_name(name, kAppIdBytes)) return make_error(ErrorCode::invalid_request, "project must be 1 to 64 of A-Z a-z 0-9 _ - .");
  return ok();
}

Apps::Apps(Store& store, const crypto::Vault& vault, Random& random, Live& live, AppSettings defaults, std::set<std::string> platforms,
           std::set<std::string> upstreams)
    : store_(store), vault_(vault), random_(random), live_(live), defaults_(std::move(defaults)), platforms_(std::move(platforms)), upstreams_(std::move(upstreams)) {}

Result<AppPtr> Apps::open(const AppRow& row, bool project_disabled, const AppTable& components) const {
  auto app = std::make_shared<App>();
  app->app_id = row.app_id;
  app->number = row.number;
  app->project = row.project;
  app->platform = row.platform;
  app->name = row.name;
  TRY(app->secret, vault_.open("app_secret", row.app_id, row.secret_sealed));
  if (!row.old_secret_sealed.empty()) {
    TRY(app->old_secret, vault_.open("app_secret", row.app_id, row.old_secret_sealed));
    app->old_secret_until = row.old_secret_until;
  }
  if (!row.push_sealed.empty()) {
    TRY(const auto push, vault_.open("push", row.app_id, row.push_sealed));
    const auto& text = push.reveal();
    const size_t end = std::min(text.find('\n'), text.size());
    app->push_token = Secret(text.substr(0, end));
    app->push_key = Secret(text.substr(std::min(end + 1, text.size())));
  }
  if (!row.resolve_sealed.empty()) {
    TRY(app->resolve_secret, vault_.open("resolve", std::to_string(row.number), row.resolve_sealed));
  }
  if (!row.signing_sealed.empty()) {
    TRY(const auto text, vault_.open("signing", std::to_string(row.number), row.signing_sealed));
    const auto material = parse_signing_text(text);
    if (!material) return make_error(ErrorCode::internal, "the signing keys of " + row.app_id + " are not of their form");
    TRY(app->signing, open_signing(*material));
  }
  if (row.authorization) {
    const core::AuthorizationRow& given = *row.authorization;
    AppPtr component = components.find(given.component);
    // Nothing is authorised where there is nobody to be authorised.
    const bool stands = given.stands && component;
    if (!component) component = std::make_shared<const App>();
    app->authorization = Authorization{given.component, std::move(component), stands, given.permissions, given.authorized_at};
  }
  app->setting_values = row.settings;
  TRY(app->settings, AppSettings::parse(row.settings, defaults_));
  app->upstream = row.upstream;
  app->disabled = row.disabled || project_disabled;
  app->project_disabled = project_disabled;
  app->revoked_before = row.revoked_before;
  app->created_at = row.created_at;
  return AppPtr(std::move(app));
}

Result<std::string> Apps::sealed(const PushKeys& push, const std::string& app_id) const {
  const std::string &token = push.token.reveal(), &key = push.key.reveal();
  if (token.empty() && key.empty()) return std::string();
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (token.size() < 3 || token.size() > 32 || !std::ranges::all_of(token, plain)) {
    return make_error(ErrorCode::invalid_request, "push.token must be 3 to 32 letters and digits");
  }
  if (key.size() != 43 || !std::ranges::all_of(key, plain)) {
    return make_error(ErrorCode::invalid_request, "push.encoding_aes_key must be 43 letters and digits");
  }
  return vault_.seal("push", app_id, Secret(token + "\n" + key));
}

Result<std::string> Apps::sealed_resolve(const Secret& secret, uint32_t number) const {
  if (secret.empty()) return std::string();
  TRY(check_secret(secret));
  if (secret.size() < kResolveSecretBytesMin) return make_error(ErrorCode::invalid_request, "resolve_secret must be at least 16 characters");
  return vault_.seal("resolve", std::to_string(number), secret);
}

Result<std::string> Apps::sealed(const SigningMaterial* signing, uint32_t number) const {
  if (!signing) return std::string();
  TRY(open_signing(*signing));
  return vault_.seal("signing", std::to_string(number), signing_text(*signing));
}

Task<Result<>> Apps::load() {
  const auto reading = order_.begin();
  auto listed = co_await store_.list_apps();
  CO_TRY(auto rows, std::move(listed));
  auto listed_projects = co_await store_.projects().list();
  CO_TRY(auto projects, std::move(listed_projects));

  auto table = std::make_shared<AppTable>();
  std::ranges::sort(projects, {}, &Project::name);
  table->projects = std::move(projects);
  std::map<std::string, AppRow> by_id;
  // Components first: those who have authorised one refer to it.
  std::ranges::stable_partition(rows, [](const AppRow& row) { return !row.authorization; });
  for (auto& row : rows) {
    const Project* project = table->project(row.project);
    CO_TRY(auto app, open(row, project && project->disabled, *table));
    check::AppState state;
    state.app_id = app->app_id;
    state.project = app->project;
    state.disabled = app->disabled;
    state.revoked_before_ms = static_cast<uint64_t>(epoch_ms(app->revoked_before));
    state.wafer = app->settings.wafer != Wafer::off;
    table->wafer = table->wafer || state.wafer;
    table->states.emplace(app->number, std::move(state));
    table->by_number.emplace(app->number, app);
    table->by_id.emplace(app->app_id, app);
    by_id.emplace(row.app_id, std::move(row));
  }
  order_.publish(reading, [&] {
    {
      std::lock_guard lock(mutex_);
      rows_ = std::move(by_id);
    }
    live_.set_apps(std::move(table));
  });
  co_return ok();
}

std::vector<AppPtr> Apps::list() const {
  std::vector<AppPtr> apps;
  for (const auto& [id, app] : live_.apps.get()->by_id) apps.push_back(app);
  std::sort(apps.begin(), apps.end(), [](const AppPtr& a, const AppPtr& b) { return a->app_id < b->app_id; });
  return apps;
}

Result<AppRow> Apps::row_of(const std::string& app_id) {
  std::lock_guard lock(mutex_);
  const auto it = rows_.find(app_id);
  if (it == rows_.end()) return make_error(ErrorCode::not_found, "there is no such app");
  return it->second;
}

Task<Result<AppPtr>> Apps::stored(std::string app_id, Task<Result<>> act) {
  auto done = co_await std::move(act);
  CO_TRY(std::move(done));
  auto loaded = co_await load();
  CO_TRY(std::move(loaded));
  co_return find(app_id);
}

Task<Result<AppPtr>> Apps::add(NewApp app) {
  CO_TRY(check_app_id(app.app_id));
  CO_TRY(check_project_name(app.project));
  if (!platforms_.contains(app.platform)) co_return make_error(ErrorCode::invalid_request, "there is no platform of that name");
  if (!upstreams_.contains(app.upstream)) co_return make_error(ErrorCode::invalid_request, "the configuration has no upstream of that name");
  CO_TRY(check_secret(app.secret));
  CO_TRY(check_name(app.name));
  CO_TRY(const auto settings, checked_settings(app.settings, defaults_, app.platform));
  if (app.by_project) {
    CO_TRY(check_any_host(app.project, settings));
  }

  CO_TRY(auto number, random_.bytes<4>());
  AppRow row;
  row.app_id = app.app_id;
  std::memcpy(&row.number, number.data(), sizeof row.number);
  row.project = std::move(app.project);
  row.platform = std::move(app.platform);
  row.name = std::move(app.name);
  CO_TRY(row.secret_sealed, vault_.seal("app_secret", app.app_id, app.secret));
  row.settings = std::move(app.settings);
  row.upstream = std::move(app.upstream);
  if (app.push) {
    CO_TRY(row.push_sealed, sealed(*app.push, app.app_id));
  }
  if (app.resolve_secret) {
    CO_TRY(row.resolve_sealed, sealed_resolve(*app.resolve_secret, row.number));
  }
  CO_TRY(row.signing_sealed, sealed(app.signing.get(), row.number));
  row.source = std::move(app.source);
  row.created_at = live_.clock.now();
  auto act = store_.add_app(std::move(row));
  auto added = co_await stored(app.app_id, std::move(act));
  co_return added;
}

Result<> Apps::check_any_host(const std::string& project, const AppSettings& settings) const {
  if (!is_under_any_host(settings)) return ok();
  for (const auto& [id, other] : live_.apps.get()->by_id) {
    if (other->project == project || !is_under_any_host(other->settings)) continue;
    return make_error(ErrorCode::conflict, "wafer: another project's app answers under any host; set wafer_hosts as well");
  }
  return ok();
}

Task<Result<AppPtr>> Apps::edit(std::string app_id, std::function<Result<>(AppRow&)> change) {
  for (int tries = 0;; ++tries) {
    CO_TRY(auto row, row_of(app_id));
    CO_TRY(change(row));
    auto act = store_.change_app(std::move(row));
    auto changed = co_await stored(app_id, std::move(act));
    if (changed.has_value() || changed.error().code != ErrorCode::conflict || tries == kEditTries) co_return changed;
    // Somebody else was faster: the change is made again, over theirs.
    auto loaded = co_await load();
    CO_TRY(std::move(loaded));
  }
}

Task<Result<AppPtr>> Apps::change(std::string app_id, AppChange change) {
  std::function<Result<>(AppRow&)> apply = [this, &change](AppRow& row) -> Result<> {
    if (change.name) {
      TRY(check_name(*change.name));
      row.name = *change.name;
    }
    if (change.upstream) {
      if (!upstreams_.contains(*change.upstream)) return make_error(ErrorCode::invalid_request, "the configuration has no upstream of that name");
      row.upstream = *change.upstream;
    }
    if (change.disabled) row.disabled = *change.disabled;
    if (change.settings) {
      const AppPtr before = find(row.app_id);
      for (const auto& [name, value] : *change.settings) {
        if (value.empty()) row.settings.erase(name);
        else row.settings[name] = value;
      }
      TRY(const auto settings, checked_settings(row.settings, defaults_, row.platform));
      if (change.by_project && !(before && is_under_any_host(before->settings))) {
        TRY(check_any_host(row.project, settings));
      }
    }
    if (change.revoke_sessions) row.revoked_before = live_.clock.now();
    if (change.push) {
      TRY(row.push_sealed, sealed(*change.push, row.app_id));
    }
    if (change.resolve_secret) {
      TRY(row.resolve_sealed, sealed_resolve(*change.resolve_secret, row.number));
    }
    if (change.signing) {
      TRY(row.signing_sealed, sealed(change.signing->get(), row.number));
    }
    row.source = change.source;
    return ok();
  };
  auto changed = co_await edit(app_id, apply);
  co_return changed;
}

Task<Result<AppPtr>> Apps::set_secret(std::string app_id, Secret secret, Seconds overlap, Source source) {
  CO_TRY(check_secret(secret));
  std::function<Result<>(AppRow&)> apply = [this, &secret, &overlap, &source](AppRow& row) -> Result<> {
    row.source = source;
    if (row.authorization && row.authorization->stands) {
      return make_error(ErrorCode::conflict, "the app logs in through " + row.authorization->component + " and needs no secret");
    }
    // The secret that it goes back to, if it ever had one, is from before.
    if (row.authorization) overlap = Seconds{0};
    row.leaves_component = row.authorization.has_value();
    TRY(const Secret standing, vault_.open("app_secret", row.app_id, row.secret_sealed));
    // Said again (the answer was lost, a script ran twice), it is the same rotation: the old secret is the one from before it.
    const bool again = standing == secret;
    if (overlap <= Seconds{0}) row.old_secret_sealed.clear();
    else if (!again) row.old_secret_sealed = row.secret_sealed;
    row.old_secret_until = row.old_secret_sealed.empty() ? Time{} : live_.clock.now() + overlap;
    if (again) return ok();
    TRY(row.secret_sealed, vault_.seal("app_secret", row.app_id, secret));
    return ok();
  };
  auto changed = co_await edit(app_id, apply);
  co_return changed;
}

Task<Result<>> Apps::remove(std::string app_id, Source source) {
  auto removed = co_await store_.remove_app(app_id, live_.clock.now(), std::move(source));
  CO_TRY(std::move(removed));
  auto loaded = co_await load();
  co_return loaded;
}

}  // namespace kaimen::core
