#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /v1/password/register
Answer register_password(Call& call);
/// POST /v1/password/login
Answer login_by_password(Call& call);
/// PUT /v1/me/password
Answer change_password(Call& call, const Visitor& visitor);
/// POST /v1/me/restore: a login with a code or with a password, by which a user whose deletion waits comes back.
Answer restore(Call& call);

}  // namespace kaimen::api
