// The session routes: look, renew, log out, "my devices".
#include "api/session.h"

#include "api/presented.h"
#include "api/same_origin.h"
#include "api/wire.h"
#include "core/registration.h"

namespace kaimen::api {

namespace {

Result<> renewal_from_own_page(const Call& call, const std::string& renew_token) {
  const auto opened = call.services.tickets.open_renew(renew_token);
  const auto app = opened ? call.services.live.apps.get()->find(opened->app) : nullptr;
  return not_of_another_site(call, app ? *app : core::App{});
}

}  // namespace

Answer show_session(Call& call, const Visitor& visitor) {
  auto found = co_await call.services.sessions.view(visitor.session, &call.trace);
  CO_TRY(const auto view, std::move(found));
  const auto* upstream = call.query.find("upstream");
  if (upstream && *upstream != "true" && *upstream != "false") co_return make_error(ErrorCode::invalid_request, "upstream must be true or false");
  if (upstream && *upstream == "true") {
    // The session itself goes on: "expired" has the client call wx.login, which brings a fresh session_key.
    auto asked = co_await call.services.sessions.key_stands(visitor.app, view, &call.trace);
    CO_TRY(const auto stands, std::move(asked));
    if (stands == false) co_return unauthenticated(Reason::expired);
  }
  CO_TRY(auto user, user_json(call, view.user, *visitor.app, view.session.openid));
  const http::json::object body{{"session", session_json(view.session)}, {"user", std::move(user)},
                                {"missing", strings(core::missing_parts(*visitor.app, view.user))}};
  co_return json_response(200, body, true);
}

Answer renew_session(Call& call) {
  http::Reader reader(call.body);
  auto given = reader.string({"renew_token"});
  CO_TRY(call.finish(reader));
  const std::string_view in_cookie = cookie(call.http, kRenewCookie);
  const bool by_cookie = !given && !in_cookie.empty();
  if (by_cookie) given = std::string(in_cookie);
  if (!given) co_return make_error(ErrorCode::invalid_request, "renew_token is required");
  if (by_cookie) {
    CO_TRY(renewal_from_own_page(call, *given));
  }
  auto renewed = co_await call.services.sessions.renew(std::move(*given), &call.trace);
  CO_TRY(const auto answer, std::move(renewed));
  co_return login_response(call, answer, by_cookie);
}

Answer end_session(Call& call) {
  const Presented presented = call.presented();
  if (presented.kind == Presented::Kind::none) co_return unauthenticated(Reason::missing);
  if (presented.kind == Presented::Kind::conflict) co_return unauthenticated(Reason::malformed);
  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(presented.ticket);
  if (!verdict) co_return make_error(ErrorCode::unavailable, "not ready");
  if (verdict->reason == check::Reason::malformed) co_return unauthenticated(Reason::malformed);
  const Id session{checker.opened().claims.session};
  if (presented.by_cookie) {
    const core::AppPtr app = checker.apps().find(checker.opened().claims.app);
    CO_TRY(not_of_another_site(call, app ? *app : core::App{}));
  }
  call.trace.session_id = session.hex();
  auto ended = co_await call.services.sessions.end(session, std::nullopt, Reason::logged_out, &call.trace);
  // Long gone is as good as ended.
  if (ended.has_error() && ended.error().code != ErrorCode::not_found) co_return ended.error();
  http::Response response = no_content();
  if (!cookie(call.http, kTicketCookie).empty()) {
    clear_session_cookies(call, response);
  }
  co_return response;
}

Answer list_my_sessions(Call& call, const Visitor& visitor) {
  auto listed = co_await call.services.sessions.list(visitor.user);
  CO_TRY(const auto sessions, std::move(listed));
  const auto apps = call.services.live.apps.get();
  http::json::array items;
  for (const auto& session : sessions) {
    const core::AppPtr app = apps->find(session.app);
    items.push_back(device_session_json(session, app ? app->app_id : "", visitor.session));
  }
  const http::json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
  co_return json_response(200, body, true);
}

Answer end_my_session(Call& call, const Visitor& visitor) {
  CO_TRY(const Id session, id_in_path(call, 0));
  auto ended = co_await call.services.sessions.end(session, visitor.user, Reason::logged_out, &call.trace);
  CO_TRY(std::move(ended));
  co_return no_content();
}

Answer end_my_other_sessions(Call& call, const Visitor& visitor) {
  const auto* except = call.query.find("except");
  if (!except || *except != "current") co_return make_error(ErrorCode::invalid_request, "say except=current; to end this session too, DELETE /v1/session after it");
  auto ended = co_await call.services.sessions.end_all(visitor.user, visitor.session, std::nullopt, Reason::logged_out, &call.trace);
  CO_TRY(std::move(ended));
  co_return no_content();
}

}  // namespace kaimen::api
