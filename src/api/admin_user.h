// What the admin API's routes about users share.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// Error: not_found.
Task<Result<core::User>> user_in_path(Call& call, const core::Caller& caller);
/// 200 with the user as it stands now. Error: not_found.
Answer answer_user(Call& call, Id user);

}  // namespace kaimen::api
