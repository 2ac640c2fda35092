// What was counted.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// GET /admin/v1/stats?app_id=&from=&to=&by=hour|app. A key bound to a project is told of its apps.
Answer show_stats(Call& call, const core::Caller& caller);

}  // namespace kaimen::api
