// POST /admin/v1/users/import: a batch of the team's own user table.
#include <algorithm>
#include <array>

#include "api/admin.h"
#include "api/wire.h"
#include "core/account_services.h"

namespace kaimen::api {

namespace {

using http::json::array;
using http::json::object;
using Kind = core::ImportedUser::Kind;

constexpr std::string_view kMembers = "external_id, app_id, openid, unionid, phone, nickname, avatar_url, roles, registered, created_at, attributes";

// Null is "not given", as everywhere; an empty text of what names somebody is a hole in the table and not a name.
std::string name_in(http::Reader& reader, http::Reader::Names names) {
  const auto text = reader.string(names);
  if (text && text->empty()) reader.fail(std::string(*names.begin()) + " must not be empty; leave it out");
  return text.value_or("");
}

core::ImportLine line_of(const http::json::value& value) {
  core::ImportLine line;
  const auto* given = value.if_object();
  if (!given) {
    line.unreadable = "a user must be an object";
    return line;
  }
  http::Reader reader(*given);
  line.external_id = name_in(reader, {"external_id"});
  line.app_id = name_in(reader, {"app_id", "appid"});
  line.openid = name_in(reader, {"openid"});
  line.unionid = name_in(reader, {"unionid"});
  line.phone = reader.string({"phone", "phone_number"});
  line.nickname = reader.string({"nickname", "nickName"});
  line.avatar_url = reader.string({"avatar_url", "avatarUrl"});
  line.registered = reader.boolean({"registered"});
  if (const auto* attributes = reader.object({"attributes"})) line.attributes = http::to_text(*attributes);
  if (const auto* roles = reader.array({"roles"})) {
    auto& texts = line.roles.emplace();
    for (const auto& role : *roles) {
      if (role.is_string()) texts.emplace_back(role.get_string());
      else reader.fail("roles must be texts");
    }
  }
  if (const auto created_at = reader.string({"created_at"})) {
    line.created_at = parse_rfc3339(*created_at);
    if (!line.created_at) reader.fail("created_at must be an RFC 3339 time");
  }
  // In a table of millions a misspelt column would be found out too late.
  const auto unknown = reader.unknown();
  if (!unknown.empty()) reader.fail("there is no member " + unknown.front() + "; there are " + std::string(kMembers));
  if (reader.error()) line.unreadable = reader.error()->detail;
  return line;
}

std::string_view name_of_kind(Kind kind) {
  switch (kind) {
    case Kind::created: return "created";
    case Kind::updated: return "updated";
    case Kind::unchanged: return "unchanged";
    case Kind::refused: return "refused";
  }
  return "refused";
}

object result_json(const core::ImportOutcome& outcome) {
  object json{{"outcome", name_of_kind(outcome.kind)}};
  if (outcome.user != Id{}) json["user_id"] = outcome.user.hex();
  if (outcome.kind != Kind::refused) return json;
  json["code"] = name_of(outcome.code);
  json["detail"] = outcome.detail;
  return json;
}

}  // namespace

Answer import_users(Call& call, const core::Caller& caller) {
  http::Reader reader(call.body);
  auto project = reader.string({"project"}).value_or(caller.project.empty() ? "default" : caller.project);
  core::ImportTerms terms;
  terms.dry_run = reader.boolean({"dry_run"}).value_or(false);
  terms.tells_webhooks = reader.boolean({"webhooks"}).value_or(false);
  const auto* users = reader.array({"users"});
  if (!users) reader.fail("users is required: a list of users");
  CO_TRY(call.finish(reader));
  if (users->size() > core::kImportBatch) co_return make_error(ErrorCode::invalid_request, "users must be at most 200 at a time");
  if (out_of_reach(caller, project)) co_return make_error(ErrorCode::forbidden, "this key is bound to another project");
  const auto apps = call.services.live.apps.get();
  if (!apps->project(project)) co_return make_error(ErrorCode::invalid_request, "there is no project of that name");
  std::vector<core::ImportLine> lines;
  for (const auto& user : *users) lines.push_back(line_of(user));

  auto importing = call.services.accounts->importing.run(std::move(project), std::move(lines), terms, &call.trace);
  auto imported = co_await std::move(importing);
  CO_TRY(const auto outcomes, std::move(imported));
  std::array<int64_t, 4> counts{};
  array results;
  for (const auto& outcome : outcomes) {
    ++counts[static_cast<size_t>(outcome.kind)];
    results.push_back(result_json(outcome));
  }
  object body{{"dry_run", terms.dry_run}};
  for (const Kind kind : {Kind::created, Kind::updated, Kind::unchanged, Kind::refused}) body[name_of_kind(kind)] = counts[static_cast<size_t>(kind)];
  body["results"] = std::move(results);
  co_return json_response(200, body, true);
}

}  // namespace kaimen::api
