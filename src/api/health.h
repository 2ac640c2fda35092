#pragma once

#include "api/call.h"

namespace kaimen::api {

/// GET /healthz: the process runs.
Answer healthz(Call& call);
/// GET /readyz: it can check tickets. 503 until keys, apps and revocations have been read, and when they are older than the grace.
Answer readyz(Call& call);
/// GET /openapi.json
Answer openapi(Call& call);

}  // namespace kaimen::api
