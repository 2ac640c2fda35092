// The acts of core/directory_store.h over rows; the rules of acts.h hold.
#pragma once

#include "core/directory_store.h"
#include "store/act.h"

namespace kaimen::store {

// directory.cpp
Result<core::ChangedUser> set_external_id(ActContext& context, const core::SetExternalId& act);
Result<core::ChangedUser> set_roles(ActContext& context, const core::SetRoles& act);
Result<core::UserPage> find_users(ActContext& context, const core::FindUsers& query);
inline constexpr Index<UserRow> kUsersByExternalId{{&kTable<UserRow>, {2, 8}, 2}};

// import.cpp
Result<core::Imported> import_users(ActContext& context, const core::ImportUsers& act);

// resolved.cpp
/// Whether the team's backend is to be asked about the identity that logs in; puts the next question off. `is_first`: nobody has come with it.
Result<bool> asks_backend(Rows& rows, const core::RecordLogin& act, bool is_first);
Result<core::OpenedSession> apply_resolved(ActContext& context, const core::ApplyResolved& act);
Result<> settle_resolve(Rows& rows, const std::string& mark);

// beside.cpp
Result<core::OpenedSession> hand_over(ActContext& context, const core::HandOver& act);
Result<core::OpenedSession> open_support(ActContext& context, const core::OpenSupport& act);

}  // namespace kaimen::store
