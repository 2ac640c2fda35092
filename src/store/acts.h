// The acts of core/store.h over rows. Each runs inside a transaction of a worker; an error it returns undoes what it changed. An act may
// be run several times before it is done (rows.h), so it has no effect but through its context.
#pragma once

#include "core/store.h"
#include "store/act.h"

namespace kaimen::store {

// login.cpp
Result<core::CodeClaim> claim_code(ActContext& context, const core::ClaimCode& act);
Result<> settle_code(ActContext& context, uint32_t app, const std::string& code_hash, const Id& owner, std::optional<ErrorCode> error);
Result<core::LoginRecord> record_login(ActContext& context, const core::RecordLogin& act);

// sessions.cpp
Result<core::Renewal> renew_session(ActContext& context, const core::RenewSession& act);
Result<std::vector<core::Revocation>> end_session(ActContext& context, const core::EndSession& act);
Result<std::vector<core::Revocation>> end_sessions(ActContext& context, const core::EndSessions& act);
Result<core::SessionView> find_session(ActContext& context, const Id& session);
Result<std::vector<core::Session>> list_sessions(ActContext& context, const Id& user, Time now);
Result<std::vector<core::Revocation>> live_revocations(ActContext& context, Time now);

// users.cpp
Result<core::User> find_user(ActContext& context, const Id& user);
Result<core::User> save_profile(ActContext& context, const core::SaveProfile& act);
Result<core::User> save_phone(ActContext& context, const core::SavePhone& act);
Result<std::vector<core::Revocation>> disable_user(ActContext& context, const core::DisableUser& act);
Result<> enable_user(ActContext& context, const Id& user, Time now, const core::Source& source);
Result<std::vector<std::string>> session_keys(ActContext& context, const std::string& provider, const std::string& app_id,
                                              const std::string& openid);

// apps.cpp
/// All sessions of all apps, until `now`. Of how many apps.
Result<uint32_t> end_all_sessions(ActContext& context, Time now);
Result<std::vector<core::AppRow>> list_apps(ActContext& context);
Result<> add_app(ActContext& context, const core::AppRow& row);
Result<> change_app(ActContext& context, const core::AppRow& row);
Result<> remove_app(ActContext& context, const std::string& app_id, Time now, const core::Source& source);

// keys.cpp
Result<std::vector<core::TicketKeyRow>> list_ticket_keys(ActContext& context);
Result<> add_ticket_key(ActContext& context, const core::TicketKeyRow& row);
Result<> retire_ticket_keys(ActContext& context, Time now, const core::Source& source);
Result<> drop_ticket_keys(ActContext& context, const std::vector<uint32_t>& ids);
Result<std::vector<core::AccessKeyRow>> list_access_keys(ActContext& context);
Result<> add_access_key(ActContext& context, const core::AccessKeyRow& row);
Result<> revoke_access_key(ActContext& context, const Id& id, Time now, const core::Source& source);
Result<> touch_access_keys(ActContext& context, const std::vector<Id>& used, Time now);
Result<> confirm_access_key(ActContext& context, const Id& id, Time now, const core::Source& source);
/// All that work, or are off already, are off from `now` on, which is or becomes the restore time. How many.
Result<uint32_t> put_access_keys_off(ActContext& context, Time now);

// restore.cpp
Result<core::Restored> note_restore(ActContext& context, const core::Source& source);
/// Of the last restore; nullopt: there was none.
Result<std::optional<Time>> restore_time(Rows& rows);

// access_tokens.cpp
Result<core::AccessTokenRow> access_token(ActContext& context, const std::string& app_id);
Result<std::optional<uint64_t>> lease_access_token(ActContext& context, const std::string& app_id, const Id& owner, Time now, Time until);
Result<bool> save_access_token(ActContext& context, const std::string& app_id, uint64_t lease, const std::string& token_sealed,
                               Time expires_at, Time now);
Result<> release_access_token(ActContext& context, const std::string& app_id, uint64_t lease);

/// Of an app that is gone, or whose token is no longer good for certain.
Result<> wipe_access_token(ActContext& context, const std::string& app_id);

// nodes.cpp
Result<core::Followed> follow(ActContext& context, const core::Follow& act);
Result<> leave(ActContext& context, const Id& node);

// purge.cpp
/// The time of the last purge that was let through; nullopt before the first.
Result<std::optional<Time>> last_purge(ActContext& context);
Result<> note_purge(ActContext& context, Time now);
/// Deletes at most one slice of each kind, so that other acts are not held up. Events are kept for `events_kept`. True: there may be more.
Result<bool> purge_slice(ActContext& context, Time now, Millis events_kept);

}  // namespace kaimen::store
