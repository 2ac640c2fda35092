#include "api/wire.h"

#include <charconv>

#include "api/presented.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "core/registered.h"
#include "core/registration.h"

namespace kaimen::api {

using http::json::array;
using http::json::object;

namespace {

std::string cookie_text(const Call& call, std::string_view name, std::string_view value, std::string_view path, Seconds life) {
  std::string text = std::string(name) + "=" + std::string(value) + "; Path=" + std::string(path) + "; Max-Age=" + std::to_string(life.count()) + "; HttpOnly; SameSite=Lax";
  // Over a plain address (development on one machine) a Secure cookie would never come back. Where the address is not known it is HTTPS: the
  // proxy in front may not be trusted to say so.
  if (call.http.https || !call.options.issuer().starts_with("http://")) text += "; Secure";
  return text;
}

}  // namespace

bool is_own_avatar(const Call& call, std::string_view url) {
  if (!call.options.public_url.empty() && url.starts_with(call.options.public_url)) url.remove_prefix(call.options.public_url.size());
  return url.starts_with("/avatars/");
}

std::string avatar_url(const Call& call, const core::User& user) {
  return user.avatar_hash.empty() ? user.avatar_url : call.options.public_url + core::Avatars::path_of(user.avatar_hash);
}

http::json::value time_or_null(const std::optional<Time>& time) { return time ? http::json::value(rfc3339(*time)) : http::json::value(nullptr); }

array strings(const std::vector<std::string>& values) {
  array list;
  for (const auto& value : values) list.emplace_back(value);
  return list;
}

Result<object> user_json(const Call& call, const core::User& user, const core::App& app, std::string_view openid) {
  TRY(const auto phone, call.services.profiles.phone_of(user));
  object json{{"id", user.id.hex()}};
  if (!user.external_id.empty()) json["external_id"] = user.external_id;
  json["registered"] = core::registered_in(app, user);
  json["nickname"] = user.nickname;
  json["avatar_url"] = avatar_url(call, user);
  json["gender"] = user.gender;
  json["language"] = user.language;
  json["country"] = user.country;
  json["province"] = user.province;
  json["city"] = user.city;
  json["phone_number"] = phone;
  json["roles"] = strings(user.roles);
  auto attributes = http::parse_json(user.attributes);
  json["attributes"] = attributes ? std::move(attributes.value()) : http::json::value(object{});
  json["created_at"] = rfc3339(user.created_at);
  if (app.settings.expose_openid && !openid.empty()) json["openid"] = openid;
  return json;
}

object session_json(const core::Session& session) {
  return {{"id", session.id.hex()},
          {"created_at", rfc3339(session.created_at)},
          {"idle_expires_at", rfc3339(std::min(session.idle_expires_at, session.absolute_expires_at))},
          {"absolute_expires_at", rfc3339(session.absolute_expires_at)}};
}

object device_session_json(const core::Session& session, std::string_view app_id, const Id& current) {
  object json = session_json(session);
  json["app_id"] = app_id;
  json["env"] = core::name_of(session.env);
  json["current"] = session.id == current;
  json["last_renewed_at"] = rfc3339(session.generation_issued_at);
  json["entry"] = session.entry;
  json["device"] = object{{"id", session.device.id}, {"model", session.device.model}, {"system", session.device.system}, {"platform", session.device.platform}};
  return json;
}

Result<http::Response> login_response(const Call& call, const core::LoginAnswer& answer, bool cookies) {
  TRY(auto user, user_json(call, answer.user, *answer.app, answer.session.openid));
  array warnings;
  for (const auto& warning : answer.warnings) {
    object row{{"part", warning.part}, {"code", name_of(warning.code)}};
    if (warning.upstream) row["upstream"] = object{{"errcode", warning.upstream->errcode}, {"rid", warning.upstream->rid}};
    warnings.push_back(std::move(row));
  }
  auto entry = http::parse_json(answer.entry);
  const object body{{"token", answer.tokens.token},
                    {"token_type", "Bearer"},
                    {"expires_in", answer.tokens.expires_in.count()},
                    {"renew_token", answer.tokens.renew_token},
                    {"session", session_json(answer.session)},
                    {"user", std::move(user)},
                    {"is_new_user", answer.is_new_user},
                    {"missing", strings(core::missing_parts(*answer.app, answer.user))},
                    {"entry", entry ? std::move(entry.value()) : http::json::value(nullptr)},
                    {"warnings", std::move(warnings)}};
  http::Response response = json_response(200, body, true);
  if (cookies) set_session_cookies(call, answer, response);
  return response;
}

void set_session_cookies(const Call& call, const core::LoginAnswer& answer, http::Response& response) {
  response.set("Set-Cookie", cookie_text(call, kTicketCookie, answer.tokens.token, "/", answer.tokens.expires_in));
  response.set("Set-Cookie", cookie_text(call, kRenewCookie, answer.tokens.renew_token, "/v1/session", answer.app->settings.idle_seconds));
}

void clear_session_cookies(const Call& call, http::Response& response) {
  response.set("Set-Cookie", cookie_text(call, kTicketCookie, "", "/", Seconds{0}));
  response.set("Set-Cookie", cookie_text(call, kRenewCookie, "", "/v1/session", Seconds{0}));
}

namespace {

// By which third-party platform the app logs in; null: by its own secret.
http::json::value authorization_json(const core::App& app) {
  if (!app.authorization) return nullptr;
  http::json::array permissions;
  std::string_view left = app.authorization->permissions;
  while (!left.empty()) {
    const size_t comma = std::min(left.find(','), left.size());
    permissions.emplace_back(std::atoll(std::string(left.substr(0, comma)).c_str()));
    left.remove_prefix(std::min(comma + 1, left.size()));
  }
  return object{{"component", app.authorization->component_id},
                {"state", app.authorization->stands ? "authorized" : "unauthorized"},
                {"permissions", std::move(permissions)},
                {"authorized_at", rfc3339(app.authorization->since)}};
}

}  // namespace

object app_json(const core::App& app) {
  object settings;
  for (const auto& [name, value] : app.setting_values) settings[name] = value;
  object effective;
  for (const auto& [name, value] : app.settings.values()) effective[name] = value;
  effective["ticket_seconds"] = app.settings.ticket_seconds.count();
  effective["idle_seconds"] = app.settings.idle_seconds.count();
  effective["absolute_seconds"] = app.settings.absolute_seconds.count();
  effective["max_per_user"] = app.settings.max_per_user;
  effective["expose_openid"] = app.settings.expose_openid;
  effective["logins_per_minute"] = app.settings.logins_per_minute;
  effective["logins_per_address_per_minute"] = app.settings.logins_per_address_per_minute;
  effective["prefetch_logins_per_minute"] = app.settings.prefetch_logins_per_minute;
  effective["wechat_calls_per_minute"] = app.settings.wechat_calls_per_minute;
  return {{"app_id", app.app_id},
          {"project", app.project},
          {"platform", app.platform},
          {"name", app.name},
          {"upstream", app.upstream},
          {"settings", std::move(settings)},
          {"effective", std::move(effective)},
          {"authorization", authorization_json(app)},
          {"push", !app.push_token.empty()},
          {"resolve_secret", !app.resolve_secret.empty()},
          {"signing", app.signing != nullptr},
          {"disabled", app.disabled},
          {"project_disabled", app.project_disabled},
          {"old_secret_until", time_or_null(app.old_secret ? std::optional(app.old_secret_until) : std::nullopt)},
          {"created_at", rfc3339(app.created_at)}};
}

object access_key_json(const core::AccessKeyRow& row) {
  return {{"id", row.id.hex()},
          {"name", row.name},
          {"scopes", strings(row.scopes)},
          {"project", row.project.empty() ? http::json::value(nullptr) : http::json::value(row.project)},
          {"created_at", rfc3339(row.created_at)},
          {"last_used_at", time_or_null(row.last_used_at)},
          {"revoked_at", time_or_null(row.revoked_at)},
          {"unconfirmed_since", time_or_null(row.unconfirmed_since)}};
}

Result<std::optional<Id>> Page::after_id() const {
  if (after.empty()) return std::nullopt;
  const auto id = Id::from_raw(after);
  if (!id) return make_error(ErrorCode::invalid_request, "cursor is not one of ours");
  return id;
}

Result<Page> page_of(const Call& call) {
  Page page;
  if (const auto* limit = call.query.find("limit")) {
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
    if (error != std::errc{} || end != limit->data() + limit->size() || page.limit < 1 || page.limit > limits::kPageItems) {
      return make_error(ErrorCode::invalid_request, "limit must be a whole number from 1 to 200");
    }
  }
  if (const auto* cursor = call.query.find("cursor")) {
    auto after = from_base64url(*cursor);
    if (!after) return make_error(ErrorCode::invalid_request, "cursor is not one of ours");
    page.after = std::move(*after);
  }
  return page;
}

bool holds_words(std::string_view text, std::string_view wanted) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::search(text, wanted, {}, small, small).begin() != text.end() || wanted.empty();
}

object page_json(array items, const std::string& last_key, bool more) {
  return {{"items", std::move(items)}, {"next_cursor", more ? http::json::value(to_base64url(last_key)) : http::json::value(nullptr)}};
}

namespace {

// Half of a pair is none: no proof, which a login warns of and everything else refuses.
std::optional<core::EncryptedData> read_encrypted(http::Reader& reader) {
  auto data = reader.string({"encrypted_data", "encryptedData"});
  auto iv = reader.string({"iv"});
  if (!data || !iv) return std::nullopt;
  return core::EncryptedData{std::move(*data), std::move(*iv)};
}

}  // namespace

core::ProfileProof read_profile_proof(http::Reader& reader) {
  core::ProfileProof proof;
  proof.raw_data = reader.string({"raw_data", "rawData"});
  proof.signature = reader.string({"signature"});
  proof.encrypted = read_encrypted(reader);
  return proof;
}

core::PhoneProof read_phone_proof(http::Reader& reader) {
  core::PhoneProof proof;
  proof.code = reader.string({"code"});
  proof.encrypted = read_encrypted(reader);
  return proof;
}

}  // namespace kaimen::api
