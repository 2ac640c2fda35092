// The acts of core/directory_store.h over rows; the rules of acts.h hold.
#pragma once

#include "core/directory_store.h"
#include "store/act.h"

namespace kaimen::store {

// directory.cpp
Result<core::ChangedUser> set_external_id(ActContext& context, const core::SetExternalId& act);
Result<core::ChangedUser> set_roles(ActContext& context, const core::SetRoles& act);
Result<core::UserPage> find_users(ActContext& context, const core::FindUsers& query);

// beside.cpp
Result<core::OpenedSession> hand_over(ActContext& context, const core::HandOver& act);

}  // namespace kaimen::store
