// /weapp: the wire of wafer, Tencent's old login kit, so that mini programs with its published client packages (wafer2-client-sdk 2.x,
// wafer-client-sdk 0.8) log in as they are. Only the wire is theirs: the login is that of core/login, and the skey is a ticket. Which shape an
// app's answers have says its setting `wafer`. The clients look at the body alone, and at status 401 (docs/wafer.md).
#pragma once

#include <optional>
#include <string>

#include "api/call.h"

namespace kaimen::api {

/// The app that a request of wafer's means: that of the path, else that whose wafer_hosts name the Host, else the only one there is.
/// `version`: of these alone. Error: not_found.
Result<core::AppPtr> wafer_app(const Call& call, std::optional<core::Wafer> version = {});
/// What the original kept of WeChat's decrypted profile. The openid goes to backends, and to clients of apps that expose it.
http::json::object wafer_userinfo(const Call& call, const core::App& app, const core::User& user, const core::Session& session, bool to_backend);
/// WeChat's encrypted profile, where both parts are there: who has none is logged in all the same.
std::optional<core::ProfileProof> wafer_profile(std::string data, std::string iv);

/// GET and POST /weapp/login
Answer wafer_login(Call& call);
/// GET and POST /weapp/user
Answer wafer_user(Call& call, const Visitor& visitor);
/// Their refusals. The status is that of the error; `code` is -1 only where a new login helps, for the client then makes one.
http::Response wafer_refusal(const Call& call, const Error& error);

}  // namespace kaimen::api
