// What is kept of third-party platforms and of the apps that have authorised them.
#pragma once

#include "core/component_store.h"
#include "store/act.h"

namespace kaimen::store {

Result<bool> keep_ticket(ActContext& context, const core::KeepTicket& act);
Result<std::string> component_ticket(ActContext& context, const std::string& component);
Result<> keep_link(ActContext& context, const core::AuthorizationLink& link);
Result<core::AuthorizationLink> find_link(ActContext& context, const std::string& hash);
Result<core::AuthorizationEffect> save_authorization(ActContext& context, const core::SaveAuthorization& act);
Result<core::AuthorizationEffect> end_authorization(ActContext& context, const core::EndAuthorization& act);
Result<std::string> refresh_token(ActContext& context, const std::string& app_id);
Result<bool> save_authorizer_token(ActContext& context, const core::SaveAuthorizerToken& act);

/// An app that is to go by a secret of its own. Error: conflict (its authorisation stands).
Result<> leave_component(Rows& rows, const std::string& app_id);
/// An app that is to be at another upstream. Error: conflict (it has authorised a component, or is one that others have authorised: those are at
/// one upstream together).
Result<> expect_free_upstream(Rows& rows, const std::string& app_id);
/// What is kept of an app that goes. Error: conflict (it is a component that others have authorised).
Result<> forget_component(Rows& rows, const std::string& app_id);
/// What an app of this app_id, removed by a program that does not know of it, has left.
Result<> forget_authorization(Rows& rows, const std::string& app_id);
/// All authorisations into the apps' rows.
Result<> read_authorizations(Rows& rows, const std::map<std::string, core::AppRow*>& apps);

}  // namespace kaimen::store
