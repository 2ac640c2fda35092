#include "store/sql_store.h"

#include "base/log.h"
#include "store/acts.h"
#include "store/merge.h"
#include "store/purge_guard.h"
#include "store/sql_accounts.h"
#include "store/sql_components.h"
#include "store/sql_directory.h"
#include "store/sql_entries.h"
#include "store/sql_journal.h"
#include "store/sql_media.h"
#include "store/sql_projects.h"
#include "store/sql_seals.h"
#include "store/writer.h"

namespace kaimen::store {

using core::CodeClaim;
using core::LoginRecord;
using core::Revocation;

namespace {

constexpr bool kReads = false, kWrites = true;

}  // namespace

SqlStore::SqlStore(std::vector<std::unique_ptr<Engine>> acts, std::unique_ptr<Engine> follow, Options options, const Clock& clock)
    : options_(std::move(options)), purge_guard_(std::make_unique<PurgeGuard>(options_.steady())) {
  writer_ = std::make_unique<Writer>(std::move(acts), Writer::Options{options_.steady, !options_.shared}, clock);
  accounts_ = std::make_unique<SqlAccounts>(ActQueue(*writer_));
  components_ = std::make_unique<SqlComponents>(ActQueue(*writer_));
  directory_ = std::make_unique<SqlDirectory>(ActQueue(*writer_));
  journal_ = std::make_unique<SqlJournal>(ActQueue(*writer_));
  media_ = std::make_unique<SqlMedia>(ActQueue(*writer_));
  projects_ = std::make_unique<SqlProjects>(ActQueue(*writer_));
  seals_ = std::make_unique<SqlSeals>(ActQueue(*writer_));
  entries_ = std::make_unique<SqlEntries>(ActQueue(*writer_));
  stats_ = std::make_unique<SqlStats>(ActQueue(*writer_));
  if (!follow) return;
  std::vector<std::unique_ptr<Engine>> one;
  one.push_back(std::move(follow));
  follower_ = std::make_unique<Writer>(std::move(one), Writer::Options{options_.steady, false}, clock);
}

SqlStore::~SqlStore() = default;

template <class T>
Task<Result<T>> SqlStore::submit(bool writes, std::function<Result<T>(ActContext&)> work) {
  const ActQueue queue(*writer_);
  return writes ? queue.write<T>(std::move(work)) : queue.read<T>(std::move(work));
}

core::AccountStore& SqlStore::accounts() { return *accounts_; }
core::ComponentStore& SqlStore::components() { return *components_; }
core::DirectoryStore& SqlStore::directory() { return *directory_; }
core::JournalStore& SqlStore::journal() { return *journal_; }
core::MediaStore& SqlStore::media() { return *media_; }
core::ProjectStore& SqlStore::projects() { return *projects_; }
core::SealStore& SqlStore::seals() { return *seals_; }
core::EntryStore& SqlStore::entries() { return *entries_; }
core::StatsStore& SqlStore::stats() { return *stats_; }

Task<Result<core::Followed>> SqlStore::follow(core::Follow act) {
  return ActQueue(follower_ ? *follower_ : *writer_).write<core::Followed>([act = std::move(act)](ActContext& context) {
    return store::follow(context, act);
  });
}
Task<Result<>> SqlStore::leave(Id node) {
  return submit<void>(kWrites, [node](ActContext& context) { return store::leave(context, node); });
}

// Where claims are in memory, neither making nor settling one writes to the file, so both go on while the disk is full.
Task<Result<CodeClaim>> SqlStore::claim_code(core::ClaimCode act) {
  return submit<CodeClaim>(options_.shared, [act = std::move(act)](ActContext& context) { return store::claim_code(context, act); });
}
Task<Result<>> SqlStore::settle_code(uint32_t app, std::string code_hash, Id owner, std::optional<ErrorCode> error) {
  return submit<void>(options_.shared, [app, code_hash = std::move(code_hash), owner, error](ActContext& context) {
    return store::settle_code(context, app, code_hash, owner, error);
  });
}
Task<Result<LoginRecord>> SqlStore::record_login(core::RecordLogin act) {
  return submit<LoginRecord>(kWrites, [act = std::move(act)](ActContext& context) { return store::record_login(context, act); });
}

// ---- sessions ----

Task<Result<core::Renewal>> SqlStore::renew_session(core::RenewSession act) {
  return submit<core::Renewal>(kWrites, [act = std::move(act)](ActContext& context) { return store::renew_session(context, act); });
}
Task<Result<std::vector<Revocation>>> SqlStore::end_session(core::EndSession act) {
  return submit<std::vector<Revocation>>(kWrites, [act = std::move(act)](ActContext& context) { return store::end_session(context, act); });
}
Task<Result<std::vector<Revocation>>> SqlStore::end_sessions(core::EndSessions act) {
  return submit<std::vector<Revocation>>(kWrites, [act = std::move(act)](ActContext& context) {
    return store::end_sessions(context, act);
  });
}
Task<Result<core::SessionView>> SqlStore::find_session(Id session) {
  return submit<core::SessionView>(kReads, [session](ActContext& context) { return store::find_session(context, session); });
}
Task<Result<std::vector<core::Session>>> SqlStore::list_sessions(Id user, Time now) {
  return submit<std::vector<core::Session>>(kReads, [user, now](ActContext& context) { return store::list_sessions(context, user, now); });
}
Task<Result<std::vector<Revocation>>> SqlStore::revocations(Time now) {
  return submit<std::vector<Revocation>>(kReads, [now](ActContext& context) { return store::live_revocations(context, now); });
}

// ---- users ----

Task<Result<core::User>> SqlStore::find_user(Id user) {
  return submit<core::User>(kReads, [user](ActContext& context) { return store::find_user(context, user); });
}
Task<Result<core::User>> SqlStore::save_profile(core::SaveProfile act) {
  return submit<core::User>(kWrites, [act = std::move(act)](ActContext& context) { return store::save_profile(context, act); });
}
Task<Result<core::User>> SqlStore::save_phone(core::SavePhone act) {
  return submit<core::User>(kWrites, [act = std::move(act)](ActContext& context) { return store::save_phone(context, act); });
}
Task<Result<std::vector<Revocation>>> SqlStore::disable_user(core::DisableUser act) {
  return submit<std::vector<Revocation>>(kWrites, [act = std::move(act)](ActContext& context) {
    return store::disable_user(context, act);
  });
}
Task<Result<>> SqlStore::enable_user(Id user, Time now, core::Source source) {
  return submit<void>(kWrites, [user, now, source = std::move(source)](ActContext& context) {
    return store::enable_user(context, user, now, source);
  });
}
Task<Result<core::ChangedUser>> SqlStore::merge_users(core::MergeUsers act) {
  return submit<core::ChangedUser>(kWrites, [act = std::move(act)](ActContext& context) { return store::merge_users(context, act); });
}
Task<Result<std::vector<std::string>>> SqlStore::session_keys(std::string provider, std::string app_id, std::string openid) {
  return submit<std::vector<std::string>>(kReads, [provider = std::move(provider), app_id = std::move(app_id), openid = std::move(openid)](
      ActContext& context) {
    return store::session_keys(context, provider, app_id, openid);
  });
}

// ---- apps, keys ----

Task<Result<std::vector<core::AppRow>>> SqlStore::list_apps() {
  return submit<std::vector<core::AppRow>>(kReads, [](ActContext& context) { return store::list_apps(context); });
}
Task<Result<>> SqlStore::add_app(core::AppRow row) {
  return submit<void>(kWrites, [row = std::move(row)](ActContext& context) { return store::add_app(context, row); });
}
Task<Result<>> SqlStore::change_app(core::AppRow row) {
  return submit<void>(kWrites, [row = std::move(row)](ActContext& context) { return store::change_app(context, row); });
}
Task<Result<>> SqlStore::remove_app(std::string app_id, Time now, core::Source source) {
  return submit<void>(kWrites, [app_id = std::move(app_id), now, source = std::move(source)](ActContext& context) {
    return store::remove_app(context, app_id, now, source);
  });
}

Task<Result<std::vector<core::TicketKeyRow>>> SqlStore::list_ticket_keys() {
  return submit<std::vector<core::TicketKeyRow>>(kReads, [](ActContext& context) { return store::list_ticket_keys(context); });
}
Task<Result<>> SqlStore::add_ticket_key(core::TicketKeyRow row) {
  return submit<void>(kWrites, [row = std::move(row)](ActContext& context) { return store::add_ticket_key(context, row); });
}
Task<Result<>> SqlStore::retire_ticket_keys(Time now, core::Source source) {
  return submit<void>(kWrites, [now, source = std::move(source)](ActContext& context) { return store::retire_ticket_keys(context, now, source); });
}
Task<Result<>> SqlStore::drop_ticket_keys(std::vector<uint32_t> ids) {
  return submit<void>(kWrites, [ids = std::move(ids)](ActContext& context) { return store::drop_ticket_keys(context, ids); });
}
Task<Result<std::vector<core::AccessKeyRow>>> SqlStore::list_access_keys() {
  return submit<std::vector<core::AccessKeyRow>>(kReads, [](ActContext& context) { return store::list_access_keys(context); });
}
Task<Result<>> SqlStore::add_access_key(core::AccessKeyRow row) {
  return submit<void>(kWrites, [row = std::move(row)](ActContext& context) { return store::add_access_key(context, row); });
}
Task<Result<>> SqlStore::revoke_access_key(Id id, Time now, core::Source source) {
  return submit<void>(kWrites, [id, now, source = std::move(source)](ActContext& context) {
    return store::revoke_access_key(context, id, now, source);
  });
}
Task<Result<>> SqlStore::touch_access_keys(std::vector<Id> used, Time now) {
  return submit<void>(kWrites, [used = std::move(used), now](ActContext& context) { return store::touch_access_keys(context, used, now); });
}
Task<Result<>> SqlStore::confirm_access_key(Id id, Time now, core::Source source) {
  return submit<void>(kWrites, [id, now, source = std::move(source)](ActContext& context) {
    return store::confirm_access_key(context, id, now, source);
  });
}

// ---- backup, restore ----

Task<Result<core::BackupProgress>> SqlStore::back_up(bool anew) {
  return ActQueue(*writer_).outside<core::BackupProgress>([anew](Engine& engine) { return engine.back_up(anew); });
}
Task<Result<core::Restored>> SqlStore::note_restore(core::Source source) {
  return submit<core::Restored>(kWrites, [source = std::move(source)](ActContext& context) { return store::note_restore(context, source); });
}

// ---- access_token custody ----

Task<Result<core::AccessTokenRow>> SqlStore::access_token(std::string app_id) {
  return submit<core::AccessTokenRow>(kReads, [app_id = std::move(app_id)](ActContext& context) {
    return store::access_token(context, app_id);
  });
}
Task<Result<std::optional<uint64_t>>> SqlStore::lease_access_token(std::string app_id, Id owner, Time now, Time until) {
  return submit<std::optional<uint64_t>>(kWrites, [app_id = std::move(app_id), owner, now, until](ActContext& context) {
    return store::lease_access_token(context, app_id, owner, now, until);
  });
}
Task<Result<bool>> SqlStore::save_access_token(std::string app_id, uint64_t lease, std::string token_sealed, Time expires_at, Time now) {
  return submit<bool>(kWrites, [app_id = std::move(app_id), lease, token_sealed = std::move(token_sealed), expires_at, now](
      ActContext& context) {
    return store::save_access_token(context, app_id, lease, token_sealed, expires_at, now);
  });
}
Task<Result<>> SqlStore::release_access_token(std::string app_id, uint64_t lease) {
  return submit<void>(kWrites, [app_id = std::move(app_id), lease](ActContext& context) {
    return store::release_access_token(context, app_id, lease);
  });
}

Task<Result<>> SqlStore::purge(Time now) {
  std::function<Result<std::optional<Time>>(ActContext&)> read = last_purge;
  auto reading = submit<std::optional<Time>>(kReads, std::move(read));
  auto last = co_await std::move(reading);
  if (!last) co_return last.error();
  if (!purge_guard_->believes(last.value(), now, options_.steady())) {
    log::Line("clock_jumped").field("last_purge", rfc3339(*last.value())).field("now", rfc3339(now)).emit(log::Level::warn);
    co_return ok();
  }
  std::function<Result<>(ActContext&)> note = [now](ActContext& context) { return note_purge(context, now); };
  auto noting = submit<void>(kWrites, std::move(note));
  auto noted = co_await std::move(noting);
  if (!noted) co_return noted.error();
  std::function<Result<bool>(ActContext&)> slice = [now, kept = options_.events_kept](ActContext& context) { return purge_slice(context, now, kept); };
  for (;;) {
    auto deleting = submit<bool>(kWrites, slice);
    auto more = co_await std::move(deleting);
    if (!more) co_return more.error();
    if (!more.value()) co_return ok();
  }
}

}  // namespace kaimen::store
