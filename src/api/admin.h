// The admin API. A key bound to a project sees and changes only what is of that project.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// What is of another project is not there for this caller, in the same words as what is nowhere.
inline Error absent() { return make_error(ErrorCode::not_found, "there is nothing with this id"); }
inline bool out_of_reach(const core::Caller& caller, const std::string& project) { return !caller.project.empty() && project != caller.project; }
/// The app of this app_id. Error: not_found.
Result<core::AppPtr> app_for(const Call& call, const core::Caller& caller, const std::string& app_id);
/// The app that the path names first: the request is about it, and is logged so. Error: not_found.
Result<core::AppPtr> app_in_path(Call& call, const core::Caller& caller);

/// Error: forbidden.
inline Result<> expect_unbound(const core::Caller& caller, const char* why) {
  if (!caller.project.empty()) return make_error(ErrorCode::forbidden, why);
  return ok();
}

Answer list_projects(Call& call, const core::Caller& caller);
Answer show_project(Call& call, const core::Caller& caller);
Answer add_project(Call& call, const core::Caller& caller);
Answer change_project(Call& call, const core::Caller& caller);
Answer remove_project(Call& call, const core::Caller& caller);

Answer back_up(Call& call, const core::Caller& caller);
Answer show_master_key(Call& call, const core::Caller& caller);
Answer reseal_values(Call& call, const core::Caller& caller);

Answer add_app(Call& call, const core::Caller& caller);
Answer list_apps(Call& call, const core::Caller& caller);
Answer show_app(Call& call, const core::Caller& caller);
Answer change_app(Call& call, const core::Caller& caller);
Answer remove_app(Call& call, const core::Caller& caller);
Answer set_app_secret(Call& call, const core::Caller& caller);
Answer check_app(Call& call, const core::Caller& caller);

Answer create_key(Call& call, const core::Caller& caller);
Answer list_keys(Call& call, const core::Caller& caller);
Answer revoke_key(Call& call, const core::Caller& caller);
Answer confirm_key(Call& call, const core::Caller& caller);
Answer retire_ticket_keys(Call& call, const core::Caller& caller);

Answer list_users(Call& call, const core::Caller& caller);
Answer set_external_id(Call& call, const core::Caller& caller);
Answer set_roles(Call& call, const core::Caller& caller);
Answer show_user(Call& call, const core::Caller& caller);
Answer disable_user(Call& call, const core::Caller& caller);
Answer enable_user(Call& call, const core::Caller& caller);
Answer merge_users(Call& call, const core::Caller& caller);
Answer import_users(Call& call, const core::Caller& caller);
Answer open_support_view(Call& call, const core::Caller& caller);
Answer list_user_sessions(Call& call, const core::Caller& caller);
Answer end_user_sessions(Call& call, const core::Caller& caller);
Answer end_any_session(Call& call, const core::Caller& caller);

Answer open_session_data(Call& call, const core::Caller& caller);
Answer check_session_key(Call& call, const core::Caller& caller);
Answer reset_session_key(Call& call, const core::Caller& caller);
Answer list_encrypt_keys(Call& call, const core::Caller& caller);

}  // namespace kaimen::api
