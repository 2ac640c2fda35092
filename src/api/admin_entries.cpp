// /admin/v1/apps/{app_id}/entry-codes.
#include "api/admin_entries.h"

#include <algorithm>

#include "api/admin.h"
#include "api/avatar.h"
#include "api/wire.h"
#include "base/encoding.h"
#include "core/registered.h"

namespace kaimen::api {

namespace {

using http::json::array;
using http::json::object;
using http::json::value;

constexpr int64_t kLinkLife = 7 * 86400;

object code_json(const Call& call, const core::EntryCode& code) {
  auto payload = http::parse_json(code.payload);
  return {{"entry_code", code.code},
          {"image_url", code.picture_hash.empty() ? value(nullptr) : value(call.options.public_url + core::Entries::picture_path(code.picture_hash))},
          {"payload", payload ? std::move(payload.value()) : value(nullptr)},
          {"page", code.page},
          {"env_version", core::name_of(code.env)},
          {"policy", object{{"registered", code.admits == core::EntryAdmits::registered ? "only" : "any"}}},
          {"uses", code.uses ? value(*code.uses) : value(nullptr)},
          {"expires_at", time_or_null(code.expires_at)},
          {"disabled", code.disabled},
          {"created_at", rfc3339(code.created_at)},
          {"counts", object{{"scans", code.counts.scans}, {"new_users", code.counts.new_users}, {"guests", code.counts.guests}}}};
}

object scan_json(const core::EntryScan& scan, const core::App& app) {
  object json{{"user_id", scan.user.hex()},
              {"session_id", scan.session.hex()},
              {"scanned_at", rfc3339(scan.at)},
              {"registered", scan.person && core::registered_in(app, *scan.person)},
              {"is_new_user", scan.is_new_user},
              {"was_registered", scan.was_registered},
              {"deleted", !scan.person}};
  if (!scan.person) return json;
  if (!scan.person->external_id.empty()) json["external_id"] = scan.person->external_id;
  json["nickname"] = scan.person->nickname;
  return json;
}

Result<std::optional<core::EntryAdmits>> policy_of(Call& call, const object* policy) {
  if (!policy) return std::nullopt;
  http::Reader reader(*policy, "policy.");
  const auto registered = reader.string({"registered"});
  if (registered && *registered != "any" && *registered != "only") reader.fail("registered must be any or only");
  TRY(call.finish(reader));
  if (!registered) return std::nullopt;
  return *registered == "only" ? core::EntryAdmits::registered : core::EntryAdmits::everybody;
}

/// expires_in or expires_at; null takes the end away. nullopt: neither is there.
Result<std::optional<std::optional<Time>>> end_of(Call& call, http::Reader& reader) {
  const auto seconds = reader.integer({"expires_in"});
  const auto text = reader.string({"expires_at"});
  TRY(reader.check());
  if (seconds && text) return make_error(ErrorCode::invalid_request, "expires_in or expires_at, not both");
  if (text) {
    const auto time = parse_rfc3339(*text);
    if (!time) return make_error(ErrorCode::invalid_request, "expires_at must be an RFC 3339 time");
    return std::optional<std::optional<Time>>(time);
  }
  if (seconds) {
    // Far beyond what is allowed, and what a Time can hold, is all the same.
    const int64_t bounded = std::clamp<int64_t>(*seconds, 0, int64_t{100} * 366 * 86400);
    return std::optional<std::optional<Time>>(call.services.live.clock.now() + Seconds(bounded));
  }
  if (!call.body.contains("expires_in") && !call.body.contains("expires_at")) return std::nullopt;
  return std::optional<std::optional<Time>>(std::optional<Time>());
}

}  // namespace

Answer add_entry_code(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  http::Reader reader(call.body);
  core::NewEntryCode wanted;
  const auto* payload = reader.any({"payload"});
  if (!payload) reader.fail("payload is required: what a login by this code gets");
  wanted.picture.page = reader.string({"page"}).value_or("");
  wanted.picture.width = static_cast<int>(std::clamp<int64_t>(reader.integer({"width"}).value_or(430), 0, 100'000));
  wanted.picture.check_page = reader.boolean({"check_path"}).value_or(true);
  wanted.wants_picture = reader.boolean({"image"}).value_or(true);
  wanted.uses = reader.integer({"uses"});
  const auto env = core::parse_env(reader.string({"env_version", "envVersion"}).value_or("release"));
  if (!env) reader.fail("env_version must be release, trial or develop");
  const auto* policy = reader.object({"policy"});
  CO_TRY(const auto end, end_of(call, reader));
  CO_TRY(call.finish(reader));
  CO_TRY(const auto admits, policy_of(call, policy));
  wanted.payload = http::to_text(*payload);
  wanted.picture.env = *env;
  wanted.admits = admits.value_or(core::EntryAdmits::everybody);
  wanted.expires_at = end.value_or(std::nullopt);
  auto added = co_await call.services.entries.add(app, std::move(wanted), &call.trace);
  CO_TRY(const auto code, std::move(added));
  co_return json_response(201, code_json(call, code), true);
}

Answer list_entry_codes(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  CO_TRY(const Page page, page_of(call));
  CO_TRY(const auto before, page.after_id());
  auto listed = co_await call.services.entries.list(app, before, page.limit + 1);
  CO_TRY(auto codes, std::move(listed));
  const bool more = codes.size() > page.limit;
  if (more) codes.pop_back();
  array items;
  for (const auto& code : codes) items.push_back(code_json(call, code));
  const std::string last = codes.empty() ? std::string() : std::string(codes.back().id.raw());
  co_return json_response(200, page_json(std::move(items), last, more), true);
}

Answer show_entry_code(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  auto found = co_await call.services.entries.find(app, call.path[1]);
  CO_TRY(const auto code, std::move(found));
  co_return json_response(200, code_json(call, code), true);
}

Answer show_own_entry_picture(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  auto found = co_await call.services.entries.find(app, call.path[1]);
  CO_TRY(const auto code, std::move(found));
  if (code.picture_hash.empty()) co_return make_error(ErrorCode::not_found, "this entry code has no picture");
  auto read = co_await call.services.entries.picture(to_hex(code.picture_hash));
  CO_TRY(auto picture, std::move(read));
  co_return picture_response(call, to_hex(code.picture_hash), std::move(picture.type), std::move(picture.body), false);
}

Answer change_entry_code(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  http::Reader reader(call.body);
  core::ChangeEntryCode change;
  change.code = call.path[1];
  if (const auto* payload = reader.any({"payload"})) change.payload = http::to_text(*payload);
  change.disabled = reader.boolean({"disabled"});
  const auto uses = reader.integer({"uses"});
  if (call.body.contains("uses")) change.uses = uses;
  const auto* policy = reader.object({"policy"});
  CO_TRY(change.expires_at, end_of(call, reader));
  CO_TRY(call.finish(reader));
  CO_TRY(change.admits, policy_of(call, policy));
  auto changed = co_await call.services.entries.change(app, std::move(change), &call.trace);
  CO_TRY(const auto code, std::move(changed));
  co_return json_response(200, code_json(call, code), true);
}

Answer remove_entry_code(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  auto removed = co_await call.services.entries.remove(app, call.path[1], &call.trace);
  CO_TRY(std::move(removed));
  co_return no_content();
}

Answer list_entry_scans(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  CO_TRY(const Page page, page_of(call));
  CO_TRY(const auto before, page.after_id());
  auto listed = co_await call.services.entries.scans(app, call.path[1], before, page.limit + 1);
  CO_TRY(auto scans, std::move(listed));
  const bool more = scans.size() > page.limit;
  if (more) scans.pop_back();
  array items;
  for (const auto& scan : scans) items.push_back(scan_json(scan, *app));
  const std::string last = scans.empty() ? std::string() : std::string(scans.back().session.raw());
  co_return json_response(200, page_json(std::move(items), last, more), true);
}

Answer make_entry_link(Call& call, const core::Caller& caller) {
  CO_TRY(const core::AppPtr app, app_in_path(call, caller));
  http::Reader reader(call.body);
  const std::string kind = reader.string({"kind"}).value_or("scheme");
  if (kind != "scheme" && kind != "url_link") reader.fail("kind must be scheme or url_link");
  const auto life = Seconds(std::clamp<int64_t>(reader.integer({"expires_in"}).value_or(kLinkLife), 0, int64_t{366} * 86400));
  CO_TRY(call.finish(reader));
  const Time until = call.services.live.clock.now() + life;
  auto made = co_await call.services.entries.link(app, call.path[1], kind == "scheme" ? core::LinkKind::scheme : core::LinkKind::url, life, &call.trace);
  CO_TRY(const auto url, std::move(made));
  const object body{{"kind", kind}, {"url", url}, {"expires_at", rfc3339(until)}};
  co_return json_response(201, body, true);
}

Answer show_entry_picture(Call& call) {
  const std::string hash = call.path[0];
  auto found = co_await call.services.entries.picture(hash);
  CO_TRY(auto picture, std::move(found));
  co_return picture_response(call, hash, std::move(picture.type), std::move(picture.body), true);
}

}  // namespace kaimen::api
