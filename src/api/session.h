#pragma once

#include "api/call.h"

namespace kaimen::api {

/// GET /v1/session
Answer show_session(Call& call, const Visitor& visitor);
/// POST /v1/session/renew
Answer renew_session(Call& call);
/// DELETE /v1/session. An expired ticket will do, so it does not ask for a good one.
Answer end_session(Call& call);
/// GET /v1/me/sessions
Answer list_my_sessions(Call& call, const Visitor& visitor);
/// DELETE /v1/me/sessions/{id}
Answer end_my_session(Call& call, const Visitor& visitor);
/// DELETE /v1/me/sessions?except=current
Answer end_my_other_sessions(Call& call, const Visitor& visitor);

}  // namespace kaimen::api
