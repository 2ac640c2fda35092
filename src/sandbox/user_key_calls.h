// What a backend asks about a user's session_key and encryptKeys, signed with that session_key.
#pragma once

#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// GET /wxa/checksession.
Granted<Answer> check_session(World& world, const Question& question);
/// GET /wxa/resetusersessionkey.
Granted<Answer> reset_session_key(World& world, const Question& question);
/// /wxa/business/getuserencryptkey: those that still live, newest first.
Granted<Answer> encrypt_keys(World& world, const Question& question);

}  // namespace kaimen::sandbox
