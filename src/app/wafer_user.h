// What a row of wafer's cSessionInfo says of a user, as a line of POST /admin/v1/users/import.
#pragma once

#include <optional>
#include <string>

#include "http/json.h"
#include "store/wafer_tables.h"

namespace kaimen::app {

/// Nickname and avatar where they are some and Kaimen would take them: what WeChat puts in the place of a name is none. Nothing of
/// session_key and skey, and no unionid: user_info was decrypted without a proof that nobody had changed it, and the next login brings the
/// unionid from WeChat itself. Nullopt: the row names no user.
std::optional<http::json::object> import_line_of(const store::WaferRow& row, const std::string& app_id);

}  // namespace kaimen::app
