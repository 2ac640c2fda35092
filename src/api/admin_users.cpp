// /admin/v1/users/{id} and /admin/v1/sessions.
#include "api/admin.h"
#include "api/admin_user.h"
#include "api/wire.h"
#include "core/account_services.h"

namespace kaimen::api {

namespace {

// The one condition there is. A misspelt one must not end what it was meant to spare.
Result<std::optional<std::string>> app_condition(const Call& call) {
  std::optional<std::string> app_id;
  for (const auto& [name, value] : call.query.items) {
    if ((name != "app_id" && name != "appid") || app_id) return make_error(ErrorCode::invalid_request, "the one parameter here is app_id, once");
    app_id = value;
  }
  return app_id;
}

}  // namespace

Answer show_user(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

Answer disable_user(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  http::Reader reader(call.body);
  const auto until_text = reader.string({"until"});
  auto message = reader.string({"message"}).value_or("");
  CO_TRY(call.finish(reader));
  std::optional<Time> until;
  if (until_text) {
    until = parse_rfc3339(*until_text);
    if (!until) co_return make_error(ErrorCode::invalid_request, "until must be an RFC 3339 time");
  }
  if (message.size() > 512) co_return make_error(ErrorCode::invalid_request, "message must be at most 512 bytes");
  auto disabled = co_await call.services.sessions.disable_user(user.id, until, std::move(message), &call.trace);
  CO_TRY(std::move(disabled));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

Answer enable_user(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  auto enabled = co_await call.services.sessions.enable_user(user.id, &call.trace);
  CO_TRY(std::move(enabled));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

Answer merge_users(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  http::Reader reader(call.body);
  const auto other = Id::parse(reader.require_string({"other"}));
  if (!other) reader.fail("other must be the id of a user");
  CO_TRY(call.finish(reader));
  auto found_other = co_await call.services.store.find_user(*other);
  if (found_other.has_error() && found_other.error().code == ErrorCode::not_found) co_return absent();
  CO_TRY(const auto other_user, std::move(found_other));
  if (out_of_reach(caller, other_user.project)) co_return absent();
  auto merged = co_await call.services.merging.merge(user.id, other_user.id, &call.trace);
  CO_TRY(std::move(merged));
  auto answered = co_await answer_user(call, user.id);
  co_return answered;
}

Answer list_user_sessions(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  auto listed = co_await call.services.sessions.list(user.id);
  CO_TRY(const auto sessions, std::move(listed));
  const auto apps = call.services.live.apps.get();
  http::json::array items;
  for (const auto& session : sessions) {
    const core::AppPtr app = apps->find(session.app);
    http::json::object item = device_session_json(session, app ? app->app_id : "", Id{});
    item["actor"] = session.actor;
    items.push_back(std::move(item));
  }
  const http::json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
  co_return json_response(200, body, true);
}

Answer open_support_view(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  http::Reader reader(call.body);
  const std::string app_id = reader.require_string({"app_id", "appid"});
  const auto seconds = reader.integer({"seconds"});
  if (!seconds) reader.fail("seconds is required");
  core::SupportRequest request;
  request.actor = reader.require_string({"actor"});
  CO_TRY(call.finish(reader));
  request.app = call.services.apps.find(app_id);
  // A user of one project is nobody in another's apps.
  if (!request.app || request.app->project != user.project) co_return make_error(ErrorCode::not_found, "the user's project has no such app");
  request.user = user.id;
  request.seconds = Seconds{*seconds};
  const std::string actor = request.actor;
  auto opened = co_await call.services.accounts->support.open(std::move(request), &call.trace);
  CO_TRY(const auto view, std::move(opened));
  const http::json::object body{{"token", view.token}, {"token_type", "Bearer"}, {"expires_in", view.expires_in.count()}, {"session", session_json(view.session)}, {"actor", actor}};
  co_return json_response(201, body, true);
}

Answer end_user_sessions(Call& call, const core::Caller& caller) {
  auto found = co_await user_in_path(call, caller);
  CO_TRY(const auto user, std::move(found));
  CO_TRY(const auto app_id, app_condition(call));
  std::optional<uint32_t> number;
  if (app_id) {
    CO_TRY(const auto app, app_for(call, caller, *app_id));
    number = app->number;
  }
  auto ended = co_await call.services.sessions.end_all(user.id, std::nullopt, number, Reason::revoked, &call.trace);
  CO_TRY(std::move(ended));
  co_return no_content();
}

Answer end_any_session(Call& call, const core::Caller& caller) {
  CO_TRY(const Id id, id_in_path(call, 0));
  auto found = co_await call.services.store.find_session(id);
  if (found.has_error() && found.error().code == ErrorCode::not_found) co_return absent();
  CO_TRY(const auto view, std::move(found));
  if (out_of_reach(caller, view.user.project)) co_return absent();
  auto ended = co_await call.services.sessions.end(id, std::nullopt, Reason::revoked, &call.trace);
  CO_TRY(std::move(ended));
  co_return no_content();
}

}  // namespace kaimen::api
