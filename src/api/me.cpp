// The user's own data.
#include "api/me.h"

#include "api/wire.h"

namespace kaimen::api {

namespace {

Result<http::Response> user_response(Call& call, const Visitor& visitor, const Result<core::User>& user) {
  if (user.has_error()) return user.error();
  TRY(const auto json, user_json(call, user.value(), *visitor.app, visitor.openid));
  return json_response(200, json, true);
}

}  // namespace

Answer show_me(Call& call, const Visitor& visitor) {
  auto user = co_await call.services.store.find_user(visitor.user);
  co_return user_response(call, visitor, user);
}

Answer change_me(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  core::ProfileChange change;
  change.nickname = reader.string({"nickname", "nickName"});
  change.avatar_url = reader.string({"avatar_url", "avatarUrl"});
  const auto gender = reader.integer({"gender"});
  change.language = reader.string({"language"});
  change.country = reader.string({"country"});
  change.province = reader.string({"province"});
  change.city = reader.string({"city"});
  if (const auto* attributes = reader.object({"attributes"})) change.attributes = http::to_text(*attributes);
  CO_TRY(call.finish(reader));
  if (gender) {
    if (*gender < 0 || *gender > 2) co_return make_error(ErrorCode::invalid_request, "gender must be 0, 1 or 2");
    change.gender = static_cast<int>(*gender);
  }
  // What the server gave out comes back from clients that send the whole user: it is no change.
  if (change.avatar_url && is_own_avatar(call, *change.avatar_url)) change.avatar_url.reset();
  const core::Subject subject{visitor.app, visitor.user, visitor.openid};
  auto user = co_await call.services.profiles.update_own(subject, std::move(change), &call.trace);
  co_return user_response(call, visitor, user);
}

Answer update_from_wechat(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  core::ProfileProof proof = read_profile_proof(reader);
  CO_TRY(call.finish(reader));
  const core::Subject subject{visitor.app, visitor.user, visitor.openid};
  auto user = co_await call.services.profiles.update_from_wechat(subject, std::move(proof), call.trace.source);
  co_return user_response(call, visitor, user);
}

Answer bind_phone(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  core::PhoneProof proof = read_phone_proof(reader);
  CO_TRY(call.finish(reader));
  const core::Subject subject{visitor.app, visitor.user, visitor.openid};
  auto user = co_await call.services.profiles.bind_phone(subject, std::move(proof), &call.trace);
  co_return user_response(call, visitor, user);
}

}  // namespace kaimen::api
