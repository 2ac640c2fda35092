#pragma once

#include "api/call.h"

namespace kaimen::api {

/// POST /v1/login
Answer login(Call& call);

}  // namespace kaimen::api
