// WeChat's message push.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// The check of the URL: what WeChat sent is echoed.
Answer check_push_url(Call& call);
Answer receive_push(Call& call);

}  // namespace kaimen::api
