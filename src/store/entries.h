// The acts of core/entry_store.h and core/stats_store.h over rows, and the scan that belongs to a login.
#pragma once

#include "core/entry_store.h"
#include "core/stats_store.h"
#include "store/act.h"

namespace kaimen::store {

inline constexpr Index<EntryCountRow> kCountsOfCode{{&kTable<EntryCountRow>, {0}, 1}};
inline constexpr Index<EntryScanRow> kScansOfUser{{&kTable<EntryScanRow>, {3}, 1}};
static_assert(std::get<3>(Table<EntryScanRow>::columns).member == &EntryScanRow::user);

// entries.cpp
Result<> add_entry_code(ActContext& context, const core::AddEntryCode& act);
Result<core::EntryCode> find_entry_code(ActContext& context, const std::string& code, uint32_t app);
Result<std::vector<core::EntryCode>> list_entry_codes(ActContext& context, const core::ListEntryCodes& query);
Result<core::EntryCode> change_entry_code(ActContext& context, const core::ChangeEntryCode& act);
Result<> remove_entry_code(ActContext& context, const core::RemoveEntryCode& act);
/// Removes the code, what is counted of it, and its picture; its scans stay.
Result<> drop_code(Rows& rows, const EntryCodeRow& code);
Result<core::EntryPicture> find_entry_picture(ActContext& context, const std::string& hash);

// entry_scans.cpp
/// Says beforehand that record_scan() will be called.
void expect_scan(ActContext& context, const std::string& code);
/// Counts and records that this login came by act.entry_code, with one event. The login is written but for this.
Result<core::Entrance> record_scan(ActContext& context, const core::RecordLogin& act, const core::LoginRecord& login);
Result<std::optional<core::Entrance>> entrance_of(ActContext& context, const core::AskEntrance& query);
Result<std::vector<core::EntryScan>> list_entry_scans(ActContext& context, const core::ListEntryScans& query);
/// What one has scanned was the other. The caller has touched both users.
Result<> move_scans(Rows& rows, const Id& from, const Id& to);
/// The login of `session` was not a new user's after all, but `to`'s.
Result<> hand_over_scan(ActContext& context, const Id& session, const Id& to);

// stats.cpp
Result<> keep_stats(ActContext& context, const std::vector<core::StatsRow>& rows);
Result<std::vector<core::StatsRow>> read_stats(ActContext& context, const core::ReadStats& query);

}  // namespace kaimen::store
