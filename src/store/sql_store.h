// The store on an SQL database. What an act means stands in core/store.h, how it is done in acts.h, how acts are committed together in
// writer.h, and what a database is in engine.h.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/store.h"

namespace kaimen::store {

class Engine;
class Writer;
class SqlAccounts;
class SqlComponents;
class SqlDirectory;
class SqlEntries;
class SqlJournal;
class SqlMedia;
class SqlProjects;
class SqlSeals;
class SqlStats;
class PurgeGuard;
struct ActContext;

class SqlStore final : public core::Store {
 public:
  struct Options {
    bool shared = false;  ///< Other nodes may write to the database.
    /// The machine's monotonic clock: how long acts wait, and whether the time of a purge can be believed.
    std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
    Millis events_kept = std::chrono::days(400);
  };
  /// `acts`: an engine for each thread that runs acts; exactly one where the store is not shared. `follow`: one more of its own for
  /// follow(), which a storm of logins must not delay; null where the store is not shared. The schema is there. `clock` must outlive it.
  SqlStore(std::vector<std::unique_ptr<Engine>> acts, std::unique_ptr<Engine> follow, Options options, const Clock& clock);
  /// Finishes the acts that are queued. A purge must have ended, and no task of this store may be started any more.
  ~SqlStore() override;

  core::AccountStore& accounts() override;
  core::ComponentStore& components() override;
  core::DirectoryStore& directory() override;
  core::JournalStore& journal() override;
  core::MediaStore& media() override;
  core::ProjectStore& projects() override;
  core::SealStore& seals() override;
  core::EntryStore& entries() override;
  core::StatsStore& stats() override;

  bool shared() const override { return options_.shared; }
  Task<Result<core::Followed>> follow(core::Follow act) override;
  Task<Result<>> leave(Id node) override;

  Task<Result<core::CodeClaim>> claim_code(core::ClaimCode act) override;
  Task<Result<>> settle_code(uint32_t app, std::string code_hash, Id owner, std::optional<ErrorCode> error) override;
  Task<Result<core::LoginRecord>> record_login(core::RecordLogin act) override;

  Task<Result<core::Renewal>> renew_session(core::RenewSession act) override;
  Task<Result<std::vector<core::Revocation>>> end_session(core::EndSession act) override;
  Task<Result<std::vector<core::Revocation>>> end_sessions(core::EndSessions act) override;
  Task<Result<core::SessionView>> find_session(Id session) override;
  Task<Result<std::vector<core::Session>>> list_sessions(Id user, Time now) override;
  Task<Result<std::vector<core::Revocation>>> revocations(Time now) override;

  Task<Result<core::User>> find_user(Id user) override;
  Task<Result<core::User>> save_profile(core::SaveProfile act) override;
  Task<Result<core::User>> save_phone(core::SavePhone act) override;
  Task<Result<std::vector<core::Revocation>>> disable_user(core::DisableUser act) override;
  Task<Result<>> enable_user(Id user, Time now, core::Source source) override;
  Task<Result<core::ChangedUser>> merge_users(core::MergeUsers act) override;
  Task<Result<std::vector<std::string>>> session_keys(std::string provider, std::string app_id, std::string openid) override;

  Task<Result<std::vector<core::AppRow>>> list_apps() override;
  Task<Result<>> add_app(core::AppRow row) override;
  Task<Result<>> change_app(core::AppRow row) override;
  Task<Result<>> remove_app(std::string app_id, Time now, core::Source source) override;

  Task<Result<std::vector<core::TicketKeyRow>>> list_ticket_keys() override;
  Task<Result<>> add_ticket_key(core::TicketKeyRow row) override;
  Task<Result<>> retire_ticket_keys(Time now, core::Source source) override;
  Task<Result<>> drop_ticket_keys(std::vector<uint32_t> ids) override;

  Task<Result<std::vector<core::AccessKeyRow>>> list_access_keys() override;
  Task<Result<>> add_access_key(core::AccessKeyRow row) override;
  Task<Result<>> revoke_access_key(Id id, Time now, core::Source source) override;
  Task<Result<>> touch_access_keys(std::vector<Id> used, Time now) override;
  Task<Result<>> confirm_access_key(Id id, Time now, core::Source source) override;

  Task<Result<core::BackupProgress>> back_up(bool anew) override;
  Task<Result<core::Restored>> note_restore(core::Source source) override;

  Task<Result<core::AccessTokenRow>> access_token(std::string app_id) override;
  Task<Result<std::optional<uint64_t>>> lease_access_token(std::string app_id, Id owner, Time now, Time until) override;
  Task<Result<bool>> save_access_token(std::string app_id, uint64_t lease, std::string token_sealed, Time expires_at, Time now) override;
  Task<Result<>> release_access_token(std::string app_id, uint64_t lease) override;

  /// Deletes nothing while `now` is more than an hour ahead of what the last purge and the monotonic clock say, until a purge more than ten
  /// minutes later agrees with the new time: a clock that jumps must not cost data.
  Task<Result<>> purge(Time now) override;

 private:
  template <class T>
  Task<Result<T>> submit(bool writes, std::function<Result<T>(ActContext&)> work);

  const Options options_;
  std::unique_ptr<PurgeGuard> purge_guard_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<SqlAccounts> accounts_;
  std::unique_ptr<SqlComponents> components_;
  std::unique_ptr<SqlDirectory> directory_;
  std::unique_ptr<SqlJournal> journal_;
  std::unique_ptr<SqlMedia> media_;
  std::unique_ptr<SqlProjects> projects_;
  std::unique_ptr<SqlSeals> seals_;
  std::unique_ptr<SqlEntries> entries_;
  std::unique_ptr<SqlStats> stats_;
  std::unique_ptr<Writer> follower_;  // null where the store is not shared
};

}  // namespace kaimen::store
