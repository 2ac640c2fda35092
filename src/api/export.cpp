// GET /v1/me/export: everything held of a user, in the words of the other routes.
#include "api/account.h"
#include "api/wire.h"
#include "core/account_services.h"

namespace kaimen::api {

namespace {

using http::json::array;
using http::json::object;
using http::json::value;

struct Names {
  const core::AppTable& apps;
  value app_id(const std::optional<uint32_t>& number) const {
    const core::AppPtr app = number ? apps.find(*number) : nullptr;
    return app ? value(app->app_id) : value(nullptr);
  }
};

value time_or_null(Time time) { return time == Time{} ? value(nullptr) : value(rfc3339(time)); }

/// Who acted. The team's own people are no data of the user's: neither their keys' names, nor from where they acted.
std::string_view told(const std::string& actor) {
  return actor.empty() || actor == "wechat" || actor == "kaimen" ? std::string_view(actor) : "administrator";
}

array identities_json(const core::HeldUser& held) {
  array list;
  for (const auto& one : held.identities) {
    list.push_back(object{{"provider", one.provider}, {"app_id", one.app_id}, {"openid", one.subject}, {"tenant", one.tenant}, {"unionid", one.unionid},
                          {"created_at", rfc3339(one.created_at)}});
  }
  return list;
}

array sessions_json(const core::HeldUser& held, const Names& names, const Id& current) {
  array list;
  for (const auto& one : held.sessions) {
    object json = device_session_json(one, {}, current);
    json["app_id"] = names.app_id(one.app);
    json["openid"] = one.openid;
    json["unionid"] = one.unionid;
    json["entry"] = one.entry;
    json["actor"] = told(one.actor);
    json["ended"] = one.ended ? value(name_of(*one.ended)) : value(nullptr);
    list.push_back(std::move(json));
  }
  return list;
}

array consents_json(const core::HeldUser& held, const Names& names) {
  array list;
  for (const auto& one : held.consents) {
    list.push_back(object{{"name", one.name}, {"version", one.version}, {"app_id", names.app_id(one.app)}, {"agreed_at", rfc3339(one.agreed_at)}, {"ip", one.ip}});
  }
  return list;
}

array scans_json(const core::HeldUser& held, const Names& names) {
  array list;
  for (const auto& one : held.scans) {
    list.push_back(object{{"entry_code", one.code}, {"app_id", names.app_id(one.app)}, {"session_id", one.session.hex()}, {"scanned_at", rfc3339(one.at)},
                          {"is_new_user", one.is_new_user}, {"was_registered", one.was_registered}});
  }
  return list;
}

array events_json(const core::HeldUser& held, const Names& names) {
  array list;
  for (const auto& one : held.events) {
    object json{{"id", one.id.hex()}, {"at", rfc3339(one.at)}, {"kind", one.kind}, {"app_id", names.app_id(one.app)}};
    json["session_id"] = one.session ? value(one.session->hex()) : value(nullptr);
    json["reason"] = one.reason == Reason::none ? value(nullptr) : value(name_of(one.reason));
    json["actor"] = told(one.actor);
    json["ip"] = one.actor.empty() ? one.ip : std::string();
    json["request_id"] = one.request_id;
    auto detail = http::parse_json(one.detail);
    json["detail"] = detail ? std::move(detail.value()) : value(nullptr);
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

Answer export_me(Call& call, const Visitor& visitor) {
  auto found = co_await call.services.accounts->deletion.held_of(visitor.user);
  CO_TRY(const auto held, std::move(found));
  const auto apps = call.services.live.apps.get();
  const Names names{*apps};
  CO_TRY(auto user, user_json(call, held.user, *visitor.app, visitor.openid));
  user["profile_changed_at"] = time_or_null(held.profile_at);
  user["phone_changed_at"] = time_or_null(held.phone_at);
  object body{{"user", std::move(user)}};
  body["identities"] = identities_json(held);
  body["unionids"] = strings(held.unionids);
  body["account"] = held.account_name.empty() ? value(nullptr)
                                              : value(object{{"username", held.account_name}, {"password_changed_at", rfc3339(held.password_changed_at)}});
  body["sessions"] = sessions_json(held, names, visitor.session);
  body["consents"] = consents_json(held, names);
  auto fields = http::parse_json(held.registration_fields);
  body["registration"] = held.registered_at == Time{}
                             ? value(nullptr)
                             : value(object{{"fields", fields ? std::move(fields.value()) : value(object{})}, {"registered_at", rfc3339(held.registered_at)}});
  body["entry_scans"] = scans_json(held, names);
  body["events"] = events_json(held, names);
  co_return json_response(200, body, true);
}

}  // namespace kaimen::api
