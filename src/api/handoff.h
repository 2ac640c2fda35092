// A login handed over to a web-view (core/handoffs.h).
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /v1/session/handoff
Answer offer_handoff(Call& call, const Visitor& visitor);
/// GET /v1/handoff?c=…
Answer take_handoff(Call& call);

}  // namespace kaimen::api
