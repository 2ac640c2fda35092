// /admin/v1/users: found by whatever names them, and given external ids and roles.
#include <algorithm>

#include "api/admin.h"
#include "api/admin_user.h"
#include "api/wire.h"
#include "base/limits.h"

namespace kaimen::api {

namespace {

using http::json::array;
using http::json::object;

constexpr std::string_view kConditions[] = {"ids", "external_id", "openid", "unionid", "phone"};
constexpr std::string_view kOthers[] = {"app_id", "appid", "project", "limit", "cursor"};

std::string_view state_of(const core::User& user) { return user.disabled ? "disabled" : user.leaving ? "leaving" : "active"; }

array identities_json(const std::vector<core::HeldIdentity>& identities) {
  array list;
  for (const auto& one : identities) {
    list.push_back(object{{"provider", one.provider},
                          {"app_id", one.app_id},
                          {"openid", one.subject},
                          {"unionid", one.unionid.empty() ? http::json::value(nullptr) : http::json::value(one.unionid)},
                          {"created_at", rfc3339(one.created_at)}});
  }
  return list;
}

Result<object> admin_user_json(const Call& call, const core::FoundUser& found) {
  const core::User& user = found.user;
  const core::App nowhere;
  TRY(auto json, user_json(call, user, nowhere, {}));
  json["project"] = user.project;
  json["state"] = state_of(user);
  json["disabled"] = user.disabled;
  if (user.disabled_until) json["disabled_until"] = rfc3339(*user.disabled_until);
  if (!user.disabled_message.empty()) json["disabled_message"] = user.disabled_message;
  json["identities"] = identities_json(found.identities);
  return json;
}

/// A misspelt condition must not list everybody.
Result<> check_query(const Call& call) {
  size_t conditions = 0;
  for (const auto& [name, value] : call.query.items) {
    const bool is_condition = std::ranges::find(kConditions, name) != std::end(kConditions);
    if (!is_condition && std::ranges::find(kOthers, name) == std::end(kOthers)) {
      return make_error(ErrorCode::invalid_request, "parameters: ids, external_id, app_id with openid, unionid, phone; project, limit, cursor");
    }
    if (call.query.doubled(name)) return make_error(ErrorCode::invalid_request, name + " is given twice");
    if (is_condition && value.empty()) return make_error(ErrorCode::invalid_request, name + " is empty");
    conditions += is_condition ? 1 : 0;
  }
  if (conditions > 1) return make_error(ErrorCode::invalid_request, "one of ids, external_id, openid, unionid and phone at a time");
  const bool names_app = call.query.find("app_id") || call.query.find("appid");
  if (names_app && !call.query.find("openid")) return make_error(ErrorCode::invalid_request, "app_id belongs to openid");
  return ok();
}

Result<std::vector<Id>> ids_in(std::string_view text) {
  std::vector<Id> ids;
  for (;;) {
    const size_t comma = text.find(',');
    const auto id = Id::parse(text.substr(0, comma));
    if (!id) return make_error(ErrorCode::invalid_request, "ids must be ids of users with commas between them");
    ids.push_back(*id);
    if (ids.size() > limits::kPageItems) return make_error(ErrorCode::invalid_request, "ids must be at most 200");
    if (comma == text.npos) return ids;
    text.remove_prefix(comma + 1);
  }
}

Result<core::UserSearch> search_of(const Call& call, const core::Caller& caller) {
  TRY(check_query(call));
  TRY(const Page page, page_of(call));
  core::UserSearch search;
  search.limit = page.limit;
  TRY(search.after, page.after_id());
  const auto* project = call.query.find("project");
  search.project = caller.project.empty() && project ? *project : caller.project;
  const auto given = [&call](std::string_view name) {
    const auto* value = call.query.find(name);
    return value ? std::optional(*value) : std::nullopt;
  };
  search.external_id = given("external_id");
  search.unionid = given("unionid");
  search.phone = given("phone");
  // A plus sign that nobody encoded is a blank.
  if (search.phone && search.phone->starts_with(' ')) search.phone->front() = '+';
  if (const auto ids = given("ids")) {
    TRY(search.ids, ids_in(*ids));
    if (!call.query.find("limit")) search.limit = limits::kPageItems;
  }
  if (const auto openid = given("openid")) {
    search.openid = *openid;
    const auto app_id = given("app_id") ? given("app_id") : given("appid");
    if (app_id) {
      TRY(search.app, app_for(call, caller, *app_id));
    }
  }
  return search;
}

}  // namespace

Task<Result<core::User>> user_in_path(Call& call, const core::Caller& caller) {
  CO_TRY(const Id id, id_in_path(call, 0));
  auto found = co_await call.services.store.find_user(id);
  if (found.has_error() && found.error().code == ErrorCode::not_found) co_return absent();
  CO_TRY(auto user, std::move(found));
  if (out_of_reach(caller, user.project)) co_return absent();
  co_return user;
}

Answer answer_user(Call& call, Id user) {
  auto found = co_await call.services.directory.find(user);
  if (found.has_error() && found.error().code == ErrorCode::not_found) co_return absent();
  CO_TRY(const auto now, std::move(found));
  CO_TRY(const auto json, admin_user_json(call, now));
  co_return json_response(200, json, true);
}

Answer list_users(Call& call, const core::Caller& caller) {
  CO_TRY(auto search, search_of(call, caller));
  const auto* project = call.query.find("project");
  if (project && out_of_reach(caller, *project)) {
    const object nobody = page_json(array(), std::string(), false);
    co_return json_response(200, nobody, true);
  }
  auto listed = co_await call.services.directory.find(std::move(search));
  CO_TRY(const auto page, std::move(listed));
  array items;
  for (const auto& user : page.users) {
    CO_TRY(auto json, admin_user_json(call, user));
    items.push_back(std::move(json));
  }
  const std::string last = page.next ? std::string(page.next->raw()) : std::string();
  co_return json_response(200, page_json(std::move(items), last, page.next.has_value()), true);
}

Answer set_external_id(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  http::Reader reader(call.body);
  const auto external_id = reader.string({"external_id"});
  // To forget it takes a null: a misspelt name must not do that.
  if (!call.body.contains("external_id")) reader.fail("external_id is required: a text, or null");
  if (external_id && external_id->empty()) reader.fail("external_id must not be empty; null takes it away");
  CO_TRY(call.finish(reader));
  auto set = co_await call.services.directory.set_external_id(user.id, external_id.value_or(""), &call.trace);
  CO_TRY(std::move(set));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

Answer set_roles(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  http::Reader reader(call.body);
  const auto* list = reader.array({"roles"});
  if (!list) reader.fail("roles is required: a list of texts");
  CO_TRY(call.finish(reader));
  std::vector<std::string> roles;
  for (const auto& role : *list) {
    if (!role.is_string()) co_return make_error(ErrorCode::invalid_request, "roles must be texts");
    roles.emplace_back(role.get_string());
  }
  auto set = co_await call.services.directory.set_roles(user.id, std::move(roles), &call.trace);
  CO_TRY(std::move(set));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

}  // namespace kaimen::api
