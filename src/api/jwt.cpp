#include "api/jwt.h"

#include "api/presented.h"
#include "api/verify.h"
#include "base/encoding.h"

namespace kaimen::api {

using http::json::array;
using http::json::object;

namespace {

constexpr std::string_view kShared = "public, max-age=3600";

http::Response shared_response(const object& body) {
  http::Response response = json_response(200, body);
  response.set("Cache-Control", std::string(kShared));
  return response;
}

}  // namespace

Answer make_jwt(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  std::string audience = reader.require_string({"audience"});
  CO_TRY(call.finish(reader));
  // What is signed is what the ticket says: one that says what is no longer so does not pass a check.
  const Presented presented = call.presented();
  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(presented.ticket);
  if (!verdict) co_return make_error(ErrorCode::unavailable, "not ready");
  if (verdict->reason != check::Reason::none) co_return unauthenticated(static_cast<Reason>(verdict->reason));
  auto subject = jwt_subject(checker.opened().claims, visitor.app->app_id);

  auto making = call.services.jwts.make(std::string(presented.ticket), std::move(audience), call.options.issuer(), std::move(subject));
  auto made = co_await std::move(making);
  CO_TRY(const auto jwt, std::move(made));
  const auto left = std::chrono::floor<Seconds>(jwt.expires_at - call.services.live.clock.now());
  const object body{{"jwt", jwt.text}, {"expires_in", left.count()}};
  co_return json_response(200, body, true);
}

Answer show_jwks(Call& call) {
  array keys;
  for (const auto& key : call.services.jwt_keys.shown()) {
    keys.push_back(object{{"kty", "EC"}, {"crv", "P-256"}, {"x", to_base64url(key->key.x())}, {"y", to_base64url(key->key.y())},
                          {"kid", key->id}, {"alg", "ES256"}, {"use", "sig"}});
  }
  const object body{{"keys", std::move(keys)}};
  co_return shared_response(body);
}

Answer show_issuer(Call& call) {
  const std::string issuer = call.options.issuer();
  if (issuer.empty()) co_return make_error(ErrorCode::app_misconfigured, "public.url is not set");
  const array claims{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "app_id", "openid", "unionid", "external_id", "registered", "roles"};
  const object body{{"issuer", issuer},
                    {"jwks_uri", issuer + "/.well-known/jwks.json"},
                    {"id_token_signing_alg_values_supported", array{"ES256"}},
                    {"subject_types_supported", array{"public"}},
                    {"claims_supported", claims}};
  co_return shared_response(body);
}

}  // namespace kaimen::api
