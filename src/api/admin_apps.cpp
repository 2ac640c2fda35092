// /admin/v1/apps. Secrets go in and never come out.
#include "api/admin.h"
#include "api/wire.h"
#include "core/signing_keys.h"

namespace kaimen::api {

namespace {

constexpr Seconds kSecretOverlap{24 * 3600};

// ["a", "b"] as "a,b", and [{"name": "terms", "version": "2"}] as "terms=2".
bool list_text(const http::json::array& list, std::string& text) {
  for (const auto& item : list) {
    if (!text.empty()) text += ',';
    const auto* object = item.if_object();
    const auto* name = object ? object->if_contains("name") : nullptr;
    const auto* version = object ? object->if_contains("version") : nullptr;
    if (item.is_string()) text.append(item.get_string());
    else if (name && version && name->is_string() && version->is_string()) text.append(name->get_string()).append("=").append(version->get_string());
    else return false;
  }
  return true;
}

// Message push's Token and EncodingAESKey; null or empty ones: pushes are refused from now on.
std::optional<core::PushKeys> push_keys(http::Reader& reader) {
  const auto* push = reader.object({"push"});
  if (!push) return std::nullopt;
  http::Reader inner(*push, "push.");
  core::PushKeys keys{Secret(inner.string({"token"}).value_or("")), Secret(inner.string({"encoding_aes_key", "EncodingAESKey"}).value_or(""))};
  if (const auto problem = inner.check(); !problem) reader.fail(problem.error().detail);
  return keys;
}

// Write-only too; null or empty: resolve_url is asked no more.
std::optional<Secret> resolve_secret(http::Reader& reader, const http::json::object& body) {
  auto text = reader.string({"resolve_secret"});
  if (!text && !body.contains("resolve_secret")) return std::nullopt;
  return Secret(std::move(text).value_or(""));
}

// Keys of API signing. Absent: untouched; null, or no member in it: none.
std::optional<std::shared_ptr<const core::SigningMaterial>> signing_keys(const http::json::object& body, http::Reader& reader) {
  const auto* signing = reader.object({"signing"});
  const auto* given = body.if_contains("signing");
  if (!given || (!signing && !given->is_null())) return std::nullopt;
  if (!signing || signing->empty()) return std::shared_ptr<const core::SigningMaterial>();
  http::Reader inner(*signing, "signing.");
  core::SigningMaterial keys{Secret(inner.require_string({"symmetric_key"})), inner.require_string({"symmetric_key_sn"}),
                             Secret(inner.require_string({"private_key"})),   inner.require_string({"private_key_sn"}),
                             inner.require_string({"platform_key"}),          inner.require_string({"platform_key_sn"})};
  if (const auto problem = inner.check(); !problem) reader.fail(problem.error().detail);
  return std::make_shared<const core::SigningMaterial>(std::move(keys));
}

// {"ticket_seconds": 3600, "expose_openid": true, "default_nickname": null} as name → text; null takes the default again.
Result<std::map<std::string, std::string>> settings_of(const http::json::object& json) {
  std::map<std::string, std::string> settings;
  for (const auto& [name, value] : json) {
    std::string& text = settings[std::string(name)];
    if (value.is_null()) text.clear();
    else if (value.is_bool()) text = value.get_bool() ? "true" : "false";
    else if (value.is_int64()) text = std::to_string(value.get_int64());
    else if (value.is_string()) text = std::string(value.get_string());
    else if (!value.is_array() || !list_text(value.get_array(), text)) {
      return make_error(ErrorCode::invalid_request, "settings." + std::string(name) + " must be a number, a string, true, false, null, or a list of texts");
    }
  }
  return settings;
}

}  // namespace

Result<core::AppPtr> app_for(const Call& call, const core::Caller& caller, const std::string& app_id) {
  auto app = call.services.apps.find(app_id);
  if (!app || out_of_reach(caller, app->project)) return make_error(ErrorCode::not_found, "there is no such app");
  return app;
}

Result<core::AppPtr> app_in_path(Call& call, const core::Caller& caller) {
  TRY(auto app, app_for(call, caller, call.path[0]));
  call.trace.app_id = app->app_id;
  return app;
}

Answer add_app(Call& call, const core::Caller& caller) {
  http::Reader reader(call.body);
  core::NewApp app;
  const auto project = reader.string({"project"});
  app.app_id = reader.require_string({"app_id", "appid", "appId"});
  app.secret = Secret(reader.require_string({"secret"}));
  app.platform = reader.string({"platform"}).value_or("wechat");
  app.name = reader.string({"name"}).value_or("");
  const auto upstream = reader.string({"upstream"});
  const auto* settings = reader.object({"settings"});
  app.push = push_keys(reader);
  app.resolve_secret = resolve_secret(reader, call.body);
  app.signing = signing_keys(call.body, reader).value_or(nullptr);
  app.by_project = !caller.project.empty();
  app.source = call.trace.source;
  CO_TRY(call.finish(reader));
  if (settings) {
    CO_TRY(app.settings, settings_of(*settings));
    std::erase_if(app.settings, [](const auto& setting) { return setting.second.empty(); });
  }
  app.project = project.value_or(caller.project.empty() ? "default" : caller.project);
  if (!caller.project.empty() && app.project != caller.project) co_return make_error(ErrorCode::forbidden, "this key is bound to another project");
  if (upstream) {
    // Who could point an app at another upstream could have its secret sent there.
    if (!caller.project.empty() || !caller.may(core::Scope::admin)) co_return make_error(ErrorCode::forbidden, "only an unbound admin key chooses the upstream");
    app.upstream = *upstream;
  }
  auto added = co_await call.services.apps.add(std::move(app));
  CO_TRY(const auto made, std::move(added));
  co_return json_response(201, app_json(*made));
}

Answer list_apps(Call& call, const core::Caller& caller) {
  CO_TRY(const Page page, page_of(call));
  const auto* project = call.query.find("project");
  const auto *wanted = call.query.find("q"), *component = call.query.find("component");
  http::json::array items;
  std::string last;
  bool more = false;
  for (const auto& app : call.services.apps.list()) {
    if (app->app_id <= page.after || (!caller.project.empty() && app->project != caller.project) || (project && app->project != *project)) continue;
    if (component && (!app->authorization || app->authorization->component_id != *component)) continue;
    if (wanted && !holds_words(app->app_id, *wanted) && !holds_words(app->name, *wanted)) continue;
    if (items.size() == page.limit) {
      more = true;
      break;
    }
    last = app->app_id;
    items.push_back(app_json(*app));
  }
  co_return json_response(200, page_json(std::move(items), last, more));
}

Answer show_app(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  co_return json_response(200, app_json(*app));
}

Answer change_app(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  http::Reader reader(call.body);
  core::AppChange change;
  change.name = reader.string({"name"});
  change.upstream = reader.string({"upstream"});
  change.disabled = reader.boolean({"disabled"});
  change.revoke_sessions = reader.boolean({"revoke_sessions"}).value_or(false);
  const auto* settings = reader.object({"settings"});
  change.push = push_keys(reader);
  change.resolve_secret = resolve_secret(reader, call.body);
  change.signing = signing_keys(call.body, reader);
  change.by_project = !caller.project.empty();
  change.source = call.trace.source;
  CO_TRY(call.finish(reader));
  if (settings) {
    CO_TRY(change.settings, settings_of(*settings));
  }
  if (change.upstream && (!caller.project.empty() || !caller.may(core::Scope::admin))) {
    co_return make_error(ErrorCode::forbidden, "only an unbound admin key chooses the upstream");
  }
  auto changed = co_await call.services.apps.change(app->app_id, std::move(change));
  CO_TRY(const auto made, std::move(changed));
  co_return json_response(200, app_json(*made));
}

Answer remove_app(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  auto removed = co_await call.services.apps.remove(app->app_id, call.trace.source);
  CO_TRY(std::move(removed));
  co_return no_content();
}

Answer set_app_secret(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  http::Reader reader(call.body);
  Secret secret(reader.require_string({"secret"}));
  const int64_t overlap = reader.integer({"overlap_seconds"}).value_or(kSecretOverlap.count());
  CO_TRY(call.finish(reader));
  if (overlap < 0 || overlap > 30 * 86400) co_return make_error(ErrorCode::invalid_request, "overlap_seconds must be 0 to 2592000");
  auto changed = co_await call.services.apps.set_secret(app->app_id, std::move(secret), Seconds{overlap}, call.trace.source);
  CO_TRY(const auto made, std::move(changed));
  co_return json_response(200, app_json(*made));
}

Answer check_app(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  // A token of stable_token's normal mode: asking costs nothing and disturbs nobody.
  auto token = co_await call.services.access_tokens.ask(app);
  http::json::object body{{"app_id", app->app_id}, {"ok", token.has_value()}};
  if (token.has_error()) {
    const Error& error = token.error();
    body["code"] = name_of(error.code);
    body["detail"] = error.detail;
    if (error.upstream) body["upstream"] = http::json::object{{"errcode", error.upstream->errcode}, {"rid", error.upstream->rid}};
  }
  co_return json_response(200, body);
}

}  // namespace kaimen::api
