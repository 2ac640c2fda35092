#pragma once

#include <optional>

#include "api/call.h"
#include "core/entrances.h"

namespace kaimen::api {

/// POST /v1/login
Answer login(Call& call);
/// The same; with `restore`, a user whose deletion waits is taken back.
Answer log_in(Call& call, bool restore);

/// The session that the client's own old ticket, good or expired, names: a login takes its place.
std::optional<Id> old_session(Call& call, const core::App& app);
/// Error: invalid_request.
Result<core::Device> read_device(Call& call, const http::json::object* json);
/// What wx.getEnterOptionsSync() gives (`json`), and the entry code: in it, or `code` beside it. Error: invalid_request.
Result<core::CameBy> read_entry(const http::json::object* json, std::optional<std::string> code);

}  // namespace kaimen::api
