// GET /v1/me/export: everything held of a user, in the words of the other routes, read by pages and written as one document.
#include <set>

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

value change_or_null(Time time) { return time == Time{} ? value(nullptr) : value(rfc3339(time)); }

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

object session_json_of(const core::Session& one, const Names& names, const Id& current) {
  object json = device_session_json(one, {}, current);
  json["app_id"] = names.app_id(one.app);
  json["openid"] = one.openid;
  json["unionid"] = one.unionid;
  json["entry"] = one.entry;
  json["actor"] = told(one.actor);
  json["ended"] = one.ended ? value(name_of(*one.ended)) : value(nullptr);
  return json;
}

array consents_json(const core::HeldUser& held, const Names& names) {
  array list;
  for (const auto& one : held.consents) {
    list.push_back(object{{"name", one.name}, {"version", one.version}, {"app_id", names.app_id(one.app)}, {"agreed_at", rfc3339(one.agreed_at)}, {"ip", one.ip}});
  }
  return list;
}

object scan_json_of(const core::HeldScan& one, const Names& names) {
  return {{"entry_code", one.code}, {"app_id", names.app_id(one.app)}, {"session_id", one.session.hex()}, {"scanned_at", rfc3339(one.at)},
          {"is_new_user", one.is_new_user}, {"was_registered", one.was_registered}};
}

object event_json_of(const core::HeldEvent& one, const Names& names) {
  object json{{"id", one.id.hex()}, {"at", rfc3339(one.at)}, {"kind", one.kind}, {"app_id", names.app_id(one.app)}};
  json["session_id"] = one.session ? value(one.session->hex()) : value(nullptr);
  json["reason"] = one.reason == Reason::none ? value(nullptr) : value(name_of(one.reason));
  json["actor"] = told(one.actor);
  json["ip"] = one.actor.empty() ? one.ip : std::string();
  json["request_id"] = one.request_id;
  auto detail = http::parse_json(one.detail);
  json["detail"] = detail ? std::move(detail.value()) : value(nullptr);
  return json;
}

/// Of the document nothing is kept but its text.
class Document {
 public:
  explicit Document(const object& head) : text_(http::to_text(head)) { text_.pop_back(); }

  void begin_list(std::string_view name) { text_.append(",\"").append(name).append("\":["); }
  void add(const object& item) {
    if (!text_.ends_with('[')) text_.push_back(',');
    text_ += http::to_text(item);
  }
  void end_list() { text_.push_back(']'); }
  std::string end(const object& tail) {
    const std::string more = http::to_text(tail);
    text_.push_back(',');
    return std::move(text_.append(more, 1));
  }

 private:
  std::string text_;
};

Task<Result<>> add_sessions(core::Exporting& exporting, const Visitor& visitor, const Names& names, Document& document) {
  std::set<Id> written;
  document.begin_list("sessions");
  for (std::optional<core::Session> last; written.size() < core::kExportedSessions;) {
    auto read = co_await exporting.sessions(visitor.user, last);
    CO_TRY(auto page, std::move(read));
    for (const auto& one : page) {
      if (written.size() < core::kExportedSessions && written.insert(one.id).second) document.add(session_json_of(one, names, visitor.session));
    }
    if (page.size() < core::kHeldPage) break;
    last = std::move(page.back());
  }
  document.end_list();
  co_return ok();
}

Task<Result<>> add_scans(core::Exporting& exporting, core::HeldBehind query, const Names& names, Document& document) {
  document.begin_list("entry_scans");
  size_t written = 0;
  bool more = true;
  while (more && written < core::kExportedScans) {
    auto read = co_await exporting.scans(query);
    CO_TRY(const auto page, std::move(read));
    for (const auto& one : page) document.add(scan_json_of(one, names));
    written += page.size();
    more = page.size() == query.limit;
    if (more) query.after = page.back().session;
  }
  document.end_list();
  co_return ok();
}

/// Yields the last event, where there are more than one document takes.
Task<Result<std::optional<Id>>> add_events(core::Exporting& exporting, core::HeldBehind query, const Names& names, Document& document) {
  document.begin_list("events");
  size_t written = 0;
  bool more = true;
  while (more && written < core::kExportedEvents) {
    auto read = co_await exporting.events(query);
    CO_TRY(const auto page, std::move(read));
    for (const auto& one : page) document.add(event_json_of(one, names));
    written += page.size();
    more = page.size() == query.limit;
    if (more) query.after = page.back().id;
  }
  document.end_list();
  if (!more) co_return std::nullopt;
  co_return std::optional<Id>(query.after);
}

}  // namespace

Answer export_me(Call& call, const Visitor& visitor) {
  core::HeldBehind query;
  query.user = visitor.user;
  const auto* after = call.query.find("events_after");
  if (const auto id = after ? Id::parse(*after) : Id{}) query.after = *id;
  else co_return make_error(ErrorCode::invalid_request, "events_after must be the events_next of an export");

  auto& exporting = call.services.accounts->exporting;
  CO_TRY(auto place, exporting.begin(visitor.app->number, visitor.user));
  auto found = co_await exporting.held_of(visitor.user);
  CO_TRY(const auto held, std::move(found));
  const auto apps = call.services.live.apps.get();
  const Names names{*apps};
  CO_TRY(auto user, user_json(call, held.user, *visitor.app, visitor.openid));
  user["profile_changed_at"] = change_or_null(held.profile_at);
  user["phone_changed_at"] = change_or_null(held.phone_at);
  object head{{"user", std::move(user)}};
  head["identities"] = identities_json(held);
  head["unionids"] = strings(held.unionids);
  head["account"] = held.account_name.empty() ? value(nullptr)
                                              : value(object{{"username", held.account_name}, {"password_changed_at", rfc3339(held.password_changed_at)}});
  head["consents"] = consents_json(held, names);
  auto fields = http::parse_json(held.registration_fields);
  head["registration"] = held.registered_at == Time{}
                             ? value(nullptr)
                             : value(object{{"fields", fields ? std::move(fields.value()) : value(object{})}, {"registered_at", rfc3339(held.registered_at)}});

  Document document(head);
  auto sessions = co_await add_sessions(exporting, visitor, names, document);
  CO_TRY(std::move(sessions));
  core::HeldBehind from_the_first = query;
  from_the_first.after = Id{};
  auto scans = co_await add_scans(exporting, from_the_first, names, document);
  CO_TRY(std::move(scans));
  auto events = co_await add_events(exporting, query, names, document);
  CO_TRY(const auto last, std::move(events));
  const object tail{{"events_next", last ? value(last->hex()) : value(nullptr)}};
  http::Response response = json_response(200, {}, true);
  response.body = document.end(tail);
  response.held = std::make_shared<core::Exporting::Place>(std::move(place));
  co_return response;
}

}  // namespace kaimen::api
