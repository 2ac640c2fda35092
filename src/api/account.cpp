// A user's account: identities, registration, deletion.
#include "api/account.h"

#include <algorithm>

#include "api/admin.h"
#include "api/admin_user.h"
#include "api/wire.h"
#include "core/account_services.h"
#include "core/registered.h"

namespace kaimen::api {

namespace {

using http::json::array;
using http::json::object;

Result<std::vector<core::Agreement>> read_agreements(Call& call, const array* list) {
  std::vector<core::Agreement> agreements;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const auto* item = (*list)[i].if_object();
    if (!item) return make_error(ErrorCode::invalid_request, "agreements must hold objects with name and version");
    http::Reader reader(*item, "agreements.");
    core::Agreement one;
    one.name = reader.require_string({"name"});
    one.version = reader.require_string({"version"});
    TRY(call.finish(reader));
    agreements.push_back(std::move(one));
  }
  return agreements;
}

// Only what the app asks for is read and kept.
Result<> read_fields(Call& call, const object* json, core::RegistrationRequest& request) {
  if (!json) return ok();
  http::Reader reader(*json, "fields.");
  for (const auto& name : request.app->settings.registration_fields) {
    if (name == "avatar" || name == "phone_number") continue;
    auto text = reader.string({name});
    if (json->contains(name)) request.fields[name] = std::move(text);
  }
  return call.finish(reader);
}

object registration_json(const core::App& app, const core::User& user) {
  array agreements;
  for (const auto& one : app.settings.agreements) agreements.push_back(object{{"name", one.name}, {"version", one.version}});
  return {{"policy", app.settings.values().at("registration")},
          {"fields", strings(app.settings.registration_fields)},
          {"agreements", std::move(agreements)},
          {"registered", core::registered_in(app, user)},
          {"missing", strings(core::missing_parts(app, user))}};
}

}  // namespace

Answer link_identity(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  const std::string app_id = reader.require_string({"app_id", "appid", "appId"});
  Secret code(reader.require_string({"code", "js_code"}));
  CO_TRY(call.finish(reader));
  const core::AppPtr app = call.services.apps.find(app_id);
  if (!app || app->project != visitor.app->project) co_return make_error(ErrorCode::not_found, "there is no app with this app_id");
  auto linked = co_await call.services.accounts->linking.link(visitor.user, app, std::move(code), &call.trace);
  CO_TRY(const auto changed, std::move(linked));
  CO_TRY(auto json, user_json(call, changed.user, *visitor.app, visitor.openid));
  if (std::ranges::find(changed.revocations, visitor.session, &core::Revocation::session) != changed.revocations.end()) {
    auto fresh = co_await call.services.sessions.fresh_ticket(visitor.session, &call.trace);
    CO_TRY(json["token"], std::move(fresh));
  }
  co_return json_response(200, json, true);
}

Answer show_registration(Call& call, const Visitor& visitor) {
  auto found = co_await call.services.store.find_user(visitor.user);
  CO_TRY(const auto user, std::move(found));
  co_return json_response(200, registration_json(*visitor.app, user), true);
}

Answer register_me(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  const auto* fields = reader.object({"fields"});
  const auto* agreements = reader.array({"agreements"});
  core::RegistrationRequest request;
  request.invitation = reader.string({"invitation"}).value_or("");
  const bool cookies = reader.boolean({"cookie"}).value_or(false);
  CO_TRY(call.finish(reader));
  request.app = visitor.app;
  request.user = visitor.user;
  request.session = visitor.session;
  CO_TRY(read_fields(call, fields, request));
  CO_TRY(request.agreements, read_agreements(call, agreements));
  auto answer = co_await call.services.accounts->registration.complete(std::move(request), &call.trace);
  CO_TRY(const auto registered, std::move(answer));
  co_return login_response(call, registered, cookies);
}

Answer delete_me(Call& call, const Visitor& visitor) {
  auto left = co_await call.services.accounts->deletion.leave(visitor.app, visitor.user, &call.trace);
  CO_TRY(const auto due_at, std::move(left));
  if (!due_at) co_return no_content();
  const object body{{"deleted_at", rfc3339(*due_at)}};
  co_return json_response(202, body, true);
}

Answer invite(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  http::Reader reader(call.body);
  const int64_t uses = reader.integer({"uses"}).value_or(1);
  const int64_t seconds = reader.integer({"expires_in"}).value_or(7 * 86400);
  CO_TRY(call.finish(reader));
  auto made = co_await call.services.accounts->registration.invite(app, uses, seconds, &call.trace);
  CO_TRY(const auto invitation, std::move(made));
  const object body{{"code", invitation.code.reveal()}, {"uses", invitation.uses}, {"expires_at", rfc3339(invitation.until)}};
  co_return json_response(201, body, true);
}

Answer delete_user(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  auto removed = co_await call.services.accounts->deletion.remove(user.id, &call.trace);
  CO_TRY(std::move(removed));
  co_return no_content();
}

}  // namespace kaimen::api
