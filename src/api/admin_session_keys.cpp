// /admin/v1/sessions/{id}/…: what the session_key behind a session is good for, without handing it out.
#include "api/admin.h"
#include "api/wire.h"

namespace kaimen::api {

namespace {

/// A session that was opened with a login of a mini program.
struct Opened {
  core::AppPtr app;
  std::string openid;
};

// A session that has ended still has its identity, and data that came late are opened as well.
Task<Result<Opened>> session_in_path(Call& call, const core::Caller& caller) {
  CO_TRY(const Id id, id_in_path(call, 0));
  auto found = co_await call.services.store.find_session(id);
  if (found.has_error() && found.error().code == ErrorCode::not_found) co_return absent();
  CO_TRY(const auto view, std::move(found));
  if (out_of_reach(caller, view.user.project)) co_return absent();
  const core::AppPtr app = call.services.live.apps.get()->find(view.session.app);
  if (!app || out_of_reach(caller, app->project)) co_return absent();
  if (view.session.openid.empty()) co_return make_error(ErrorCode::invalid_request, "this session was not opened with a WeChat login");
  call.trace.app_id = app->app_id;
  call.trace.session_id = id.hex();
  call.trace.user_id = view.user.id.hex();
  co_return Opened{app, view.session.openid};
}

}  // namespace

Answer open_session_data(Call& call, const core::Caller& caller) {
  auto found = co_await session_in_path(call, caller);
  CO_TRY(const auto session, std::move(found));
  http::Reader reader(call.body);
  core::EncryptedData encrypted{reader.require_string({"encrypted_data", "encryptedData"}), reader.require_string({"iv"})};
  CO_TRY(call.finish(reader));
  auto opened = co_await call.services.open_data.plaintext(session.app, session.openid, std::move(encrypted));
  CO_TRY(const auto text, std::move(opened));
  CO_TRY(const auto json, http::parse_json(text));
  co_return json_response(200, json, true);
}

Answer check_session_key(Call& call, const core::Caller& caller) {
  auto found = co_await session_in_path(call, caller);
  CO_TRY(const auto session, std::move(found));
  auto asked = co_await call.services.open_data.key_stands(session.app, session.openid, &call.trace);
  CO_TRY(const auto stands, std::move(asked));
  co_return json_response(200, http::json::object{{"valid", stands.value_or(false)}}, true);
}

Answer reset_session_key(Call& call, const core::Caller& caller) {
  auto found = co_await session_in_path(call, caller);
  CO_TRY(const auto session, std::move(found));
  auto reset = co_await call.services.open_data.reset_key(session.app, session.openid, &call.trace);
  CO_TRY(std::move(reset));
  co_return no_content();
}

Answer list_encrypt_keys(Call& call, const core::Caller& caller) {
  auto found = co_await session_in_path(call, caller);
  CO_TRY(const auto session, std::move(found));
  auto asked = co_await call.services.open_data.encrypt_keys(session.app, session.openid, &call.trace);
  CO_TRY(const auto keys, std::move(asked));
  http::json::array items;
  for (const auto& key : keys) {
    items.push_back(http::json::object{{"encrypt_key", key.key.reveal()},
                                       {"iv", key.iv.reveal()},
                                       {"version", key.version},
                                       {"expires_in", key.expires_in.count()},
                                       {"created_at", rfc3339(key.created_at)}});
  }
  co_return json_response(200, http::json::object{{"items", std::move(items)}}, true);
}

}  // namespace kaimen::api
