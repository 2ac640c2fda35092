#include "store/sql_entries.h"

#include "store/entries.h"

namespace kaimen::store {

Task<Result<>> SqlEntries::add_entry_code(core::AddEntryCode act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::add_entry_code(context, act); });
}
Task<Result<core::EntryCode>> SqlEntries::find_entry_code(std::string code, uint32_t app) {
  return queue_.read<core::EntryCode>([code = std::move(code), app](ActContext& context) { return store::find_entry_code(context, code, app); });
}
Task<Result<std::vector<core::EntryCode>>> SqlEntries::list_entry_codes(core::ListEntryCodes query) {
  return queue_.read<std::vector<core::EntryCode>>([query](ActContext& context) { return store::list_entry_codes(context, query); });
}
Task<Result<core::EntryCode>> SqlEntries::change_entry_code(core::ChangeEntryCode act) {
  return queue_.write<core::EntryCode>([act = std::move(act)](ActContext& context) { return store::change_entry_code(context, act); });
}
Task<Result<>> SqlEntries::remove_entry_code(core::RemoveEntryCode act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::remove_entry_code(context, act); });
}
Task<Result<std::vector<core::EntryScan>>> SqlEntries::list_entry_scans(core::ListEntryScans query) {
  return queue_.read<std::vector<core::EntryScan>>([query = std::move(query)](ActContext& context) { return store::list_entry_scans(context, query); });
}
Task<Result<core::EntryPicture>> SqlEntries::find_entry_picture(std::string hash) {
  return queue_.read<core::EntryPicture>([hash = std::move(hash)](ActContext& context) { return store::find_entry_picture(context, hash); });
}
Task<Result<std::optional<core::Entrance>>> SqlEntries::entrance_of(core::AskEntrance query) {
  return queue_.read<std::optional<core::Entrance>>([query = std::move(query)](ActContext& context) { return store::entrance_of(context, query); });
}

Task<Result<>> SqlStats::keep_stats(std::vector<core::StatsRow> rows) {
  return queue_.write<void>([rows = std::move(rows)](ActContext& context) { return store::keep_stats(context, rows); });
}
Task<Result<std::vector<core::StatsRow>>> SqlStats::read_stats(core::ReadStats query) {
  return queue_.read<std::vector<core::StatsRow>>([query](ActContext& context) { return store::read_stats(context, query); });
}

}  // namespace kaimen::store
