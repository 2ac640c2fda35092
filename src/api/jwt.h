// JWTs for backends that check offline, and what those need: the keys, and who the issuer is.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /v1/session/jwt
Answer make_jwt(Call& call, const Visitor& visitor);
/// GET /.well-known/jwks.json (RFC 7517)
Answer show_jwks(Call& call);
/// GET /.well-known/openid-configuration: no more of OpenID Connect than finding the keys by the issuer.
Answer show_issuer(Call& call);

}  // namespace kaimen::api
