#pragma once

#include "api/call.h"

namespace kaimen::api {

/// GET /v1/me
Answer show_me(Call& call, const Visitor& visitor);
/// POST, PATCH /v1/me
Answer change_me(Call& call, const Visitor& visitor);
/// POST /v1/me/wechat-profile
Answer update_from_wechat(Call& call, const Visitor& visitor);
/// POST /v1/me/phone
Answer bind_phone(Call& call, const Visitor& visitor);

}  // namespace kaimen::api
