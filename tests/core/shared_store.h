// A database that several nodes write to, in one process: a SQLite store, and beside it what only a shared one has, which tests can bend: a
// time of its own, stamps on revocations, a count of configuration changes, heartbeats, and answers that come late or not at all.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "core/store.h"
#include "tests/core/fake_platform.h"

namespace kaimen::test {

class SharedStore final : public core::Store {
 public:
  SharedStore(core::Store& inner, const Clock& clock) : inner_(inner), clock_(clock) {}

  /// What a poll asked, newest last.
  std::vector<core::Follow> polls() const {
    std::lock_guard lock(mutex_);
    return polls_;
  }
  Time now() const { return clock_.now() + Millis(ahead_ms); }
  /// The database is put back to how it was when copy() was called, as far as heartbeats go.
  std::map<Id, Time> beats() const {
    std::lock_guard lock(mutex_);
    return beats_;
  }
  void restore(std::map<Id, Time> beats) {
    std::lock_guard lock(mutex_);
    beats_ = std::move(beats);
  }
  /// A transaction that took long: stamped some time ago, and only to be seen now.
  void appears(const core::Revocation& row, Time stamped_at) {
    std::lock_guard lock(mutex_);
    stamps_.push_back({row, stamped_at});
  }

  std::atomic<bool> down{false};       ///< No act of follow is answered but with `unavailable`.
  std::atomic<bool> lists_fail{false}; ///< Apps cannot be read.
  std::atomic<int64_t> ahead_ms{0};    ///< The database's clock, beside the tests'.
  std::atomic<int> lists{0};           ///< How often the apps were read.
  Gate question, answer;               ///< Before a poll is looked at; after that.

  bool shared() const override { return true; }
  core::AccountStore& accounts() override { return inner_.accounts(); }
  core::ComponentStore& components() override { return inner_.components(); }
  core::DirectoryStore& directory() override { return inner_.directory(); }
  core::JournalStore& journal() override { return inner_.journal(); }
  core::MediaStore& media() override { return inner_.media(); }
  core::ProjectStore& projects() override { return inner_.projects(); }
  core::SealStore& seals() override { return inner_.seals(); }
  core::EntryStore& entries() override { return inner_.entries(); }
  core::StatsStore& stats() override { return inner_.stats(); }
  Task<Result<core::Followed>> follow(core::Follow act) override {
    {
      std::lock_guard lock(mutex_);
      polls_.push_back(act);
    }
    co_await question.pass();
    auto seen = look(act);
    co_await answer.pass();
    co_return seen;
  }
  Task<Result<>> leave(Id node) override {
    std::lock_guard lock(mutex_);
    beats_.erase(node);
    co_return ok();
  }

  Task<Result<core::CodeClaim>> claim_code(core::ClaimCode act) override { return inner_.claim_code(std::move(act)); }
  Task<Result<>> settle_code(uint32_t app, std::string hash, Id owner, std::optional<ErrorCode> error) override {
    return inner_.settle_code(app, std::move(hash), owner, error);
  }
  Task<Result<core::LoginRecord>> record_login(core::RecordLogin act) override {
    auto done = co_await inner_.record_login(std::move(act));
    if (done) stamp(done.value().revocations);
    co_return done;
  }
  Task<Result<core::Renewal>> renew_session(core::RenewSession act) override {
    auto done = co_await inner_.renew_session(std::move(act));
    if (done) stamp(done.value().revocations);
    co_return done;
  }
  Task<Result<std::vector<core::Revocation>>> end_session(core::EndSession act) override {
    auto done = co_await inner_.end_session(std::move(act));
    if (done) stamp(done.value());
    co_return done;
  }
  Task<Result<std::vector<core::Revocation>>> end_sessions(core::EndSessions act) override {
    auto done = co_await inner_.end_sessions(std::move(act));
    if (done) stamp(done.value());
    co_return done;
  }
  Task<Result<std::vector<core::Revocation>>> disable_user(core::DisableUser act) override {
    auto done = co_await inner_.disable_user(std::move(act));
    if (done) stamp(done.value());
    co_return done;
  }
  Task<Result<core::SessionView>> find_session(Id session) override { return inner_.find_session(session); }
  Task<Result<std::vector<core::Session>>> list_sessions(Id user, Time now) override { return inner_.list_sessions(user, now); }
  Task<Result<std::vector<core::Revocation>>> revocations(Time now) override { return inner_.revocations(now); }
  Task<Result<core::User>> find_user(Id user) override { return inner_.find_user(user); }
  Task<Result<core::User>> save_profile(core::SaveProfile act) override { return inner_.save_profile(std::move(act)); }
  Task<Result<core::User>> save_phone(core::SavePhone act) override { return inner_.save_phone(std::move(act)); }
  Task<Result<>> enable_user(Id user, Time now, core::Source source) override { return inner_.enable_user(user, now, std::move(source)); }
  Task<Result<core::ChangedUser>> merge_users(core::MergeUsers act) override { return inner_.merge_users(std::move(act)); }
  Task<Result<std::vector<std::string>>> session_keys(std::string provider, std::string app_id, std::string openid) override {
    return inner_.session_keys(std::move(provider), std::move(app_id), std::move(openid));
  }

  Task<Result<std::vector<core::AppRow>>> list_apps() override {
    ++lists;
    if (lists_fail) co_return make_error(ErrorCode::unavailable, "as the test says");
    auto rows = co_await inner_.list_apps();
    co_return rows;
  }
  Task<Result<>> add_app(core::AppRow row) override { return counted(inner_.add_app(std::move(row))); }
  Task<Result<>> change_app(core::AppRow row) override { return counted(inner_.change_app(std::move(row))); }
  Task<Result<>> remove_app(std::string app_id, Time now, core::Source source) override { return counted(inner_.remove_app(std::move(app_id), now, std::move(source))); }
  Task<Result<std::vector<core::TicketKeyRow>>> list_ticket_keys() override { return inner_.list_ticket_keys(); }
  Task<Result<>> add_ticket_key(core::TicketKeyRow row) override { return counted(inner_.add_ticket_key(std::move(row))); }
  Task<Result<>> retire_ticket_keys(Time now, core::Source source) override { return counted(inner_.retire_ticket_keys(now, std::move(source))); }
  Task<Result<>> drop_ticket_keys(std::vector<uint32_t> ids) override { return counted(inner_.drop_ticket_keys(std::move(ids))); }
  Task<Result<std::vector<core::AccessKeyRow>>> list_access_keys() override { return inner_.list_access_keys(); }
  Task<Result<>> add_access_key(core::AccessKeyRow row) override { return counted(inner_.add_access_key(std::move(row))); }
  Task<Result<>> revoke_access_key(Id id, Time now, core::Source source) override { return counted(inner_.revoke_access_key(id, now, std::move(source))); }
  Task<Result<>> confirm_access_key(Id id, Time now, core::Source source) override {
    return counted(inner_.confirm_access_key(id, now, std::move(source)));
  }
  Task<Result<core::BackupProgress>> back_up(bool anew) override { return inner_.back_up(anew); }
  Task<Result<core::Restored>> note_restore(core::Source source) override { return inner_.note_restore(std::move(source)); }
  Task<Result<>> touch_access_keys(std::vector<Id> used, Time now) override { return inner_.touch_access_keys(std::move(used), now); }

  Task<Result<core::AccessTokenRow>> access_token(std::string app_id) override { return inner_.access_token(std::move(app_id)); }
  Task<Result<std::optional<uint64_t>>> lease_access_token(std::string app_id, Id owner, Time now, Time until) override {
    return inner_.lease_access_token(std::move(app_id), owner, now, until);
  }
  Task<Result<bool>> save_access_token(std::string app_id, uint64_t lease, std::string sealed, Time expires_at, Time now) override {
    return inner_.save_access_token(std::move(app_id), lease, std::move(sealed), expires_at, now);
  }
  Task<Result<>> release_access_token(std::string app_id, uint64_t lease) override { return inner_.release_access_token(std::move(app_id), lease); }
  Task<Result<>> purge(Time now) override { return inner_.purge(now); }

 private:
  struct Stamped {
    core::Revocation row;
    Time at{};
  };

  Result<core::Followed> look(const core::Follow& act) {
    std::lock_guard lock(mutex_);
    if (down) return make_error(ErrorCode::unavailable, "as the test says");
    core::Followed seen;
    seen.now = now();
    seen.configuration = configuration_;
    Time& beat = beats_[act.node];
    seen.last_beat = beat;
    if (seen.now - beat >= Seconds(1) || beat > seen.now) beat = std::max(seen.now, beat + Millis(1));
    for (const auto& stamped : stamps_) {
      if (stamped.at > act.since && stamped.row.until > seen.now) seen.revocations.push_back(stamped.row);
    }
    return seen;
  }
  void stamp(const std::vector<core::Revocation>& rows) {
    std::lock_guard lock(mutex_);
    for (const auto& row : rows) stamps_.push_back({row, now()});
  }
  Task<Result<>> counted(Task<Result<>> act) {
    auto done = co_await std::move(act);
    std::lock_guard lock(mutex_);
    if (done) ++configuration_;
    co_return done;
  }

  core::Store& inner_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<core::Follow> polls_;
  std::vector<Stamped> stamps_;
  std::map<Id, Time> beats_;
  int64_t configuration_ = 0;
};

}  // namespace kaimen::test
