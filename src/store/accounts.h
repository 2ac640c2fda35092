// The acts of core/account_store.h over rows, under the rules of acts.h.
#pragma once

#include "core/account_store.h"
#include "store/act.h"

namespace kaimen::store {

inline constexpr Index<IdentityRow> kIdentitiesOfUser{{&kTable<IdentityRow>, {4}, 1}};
inline constexpr Index<PasswordRow> kPasswordsOfUser{{&kTable<PasswordRow>, {2}, 1}};
inline constexpr Index<ConsentRow> kConsentsOfUser{{&kTable<ConsentRow>, {0}, 1}};
inline constexpr Index<UnionidRow> kUnionidsOfUser{{&kTable<UnionidRow>, {3}, 1}};
inline constexpr Index<EventRow> kEventsOfUser{{&kTable<EventRow>, {4}, 1}};

/// Wrong passwords are counted from nothing after this, and purged.
inline constexpr auto kFailuresKept = std::chrono::days(1);

// passwords.cpp
Result<core::LoginRecord> register_password(ActContext& context, const core::RegisterPassword& act);
Result<core::PasswordChance> begin_password(ActContext& context, const core::PasswordAttempt& act);
Result<core::LoginRecord> login_by_password(ActContext& context, const core::LoginByPassword& act);
Result<std::optional<core::PasswordName>> password_of(ActContext& context, const Id& user);
Result<std::vector<core::Revocation>> set_password(ActContext& context, const core::SetPassword& act);

// linking.cpp
Result<core::ChangedUser> link_identity(ActContext& context, const core::LinkIdentity& act);

// phones.cpp
Result<> claim_mark(ActContext& context, const std::string& mark, Time now);
Result<> release_mark(ActContext& context, const std::string& mark);
Result<std::optional<core::LoginRecord>> attach_by_phone(ActContext& context, const core::AttachByPhone& act);

// registration.cpp
Result<core::ChangedUser> register_user(ActContext& context, const core::RegisterUser& act);
Result<> add_invitation(ActContext& context, const core::Invitation& act);

// deletion.cpp
Result<std::vector<core::Revocation>> delete_user(ActContext& context, const core::DeleteUser& act);
Result<std::vector<Id>> due_deletions(ActContext& context, Time now, int most);
/// Whatever is personal goes: the row stays as `deleted`, events keep the user's id. The caller has ended the sessions.
Result<> erase_user(ActContext& context, const UserRow& user, Time now);
/// From where the user acted is no longer kept.
Result<> blank_events(Rows& rows, const Id& user);
/// A user whose deletion waits is active again; no effect on others.
Result<> take_back(ActContext& context, const UserRow& user, Time now, const core::Source& source);

// export.cpp
Result<core::HeldUser> held_of(ActContext& context, const Id& user);
Result<std::vector<core::Session>> held_sessions(ActContext& context, const Id& user, const std::optional<core::Session>& after, size_t limit);
Result<std::vector<core::HeldScan>> held_scans(ActContext& context, const core::HeldBehind& query);
Result<std::vector<core::HeldEvent>> held_events(ActContext& context, const core::HeldBehind& query);

}  // namespace kaimen::store
