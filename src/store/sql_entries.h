// core/entry_store.h and core/stats_store.h on an SQL database.
#pragma once

#include "core/entry_store.h"
#include "core/stats_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlEntries final : public core::EntryStore {
 public:
  explicit SqlEntries(ActQueue queue) : queue_(queue) {}

  Task<Result<>> add_entry_code(core::AddEntryCode act) override;
  Task<Result<core::EntryCode>> find_entry_code(std::string code, uint32_t app) override;
  Task<Result<std::vector<core::EntryCode>>> list_entry_codes(core::ListEntryCodes query) override;
  Task<Result<core::EntryCode>> change_entry_code(core::ChangeEntryCode act) override;
  Task<Result<>> remove_entry_code(core::RemoveEntryCode act) override;
  Task<Result<std::vector<core::EntryScan>>> list_entry_scans(core::ListEntryScans query) override;
  Task<Result<core::EntryPicture>> find_entry_picture(std::string hash) override;
  Task<Result<std::optional<core::Entrance>>> entrance_of(core::AskEntrance query) override;

 private:
  const ActQueue queue_;
};

class SqlStats final : public core::StatsStore {
 public:
  explicit SqlStats(ActQueue queue) : queue_(queue) {}

  Task<Result<>> keep_stats(std::vector<core::StatsRow> rows) override;
  Task<Result<std::vector<core::StatsRow>>> read_stats(core::ReadStats query) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store
