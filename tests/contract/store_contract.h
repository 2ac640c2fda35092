// The contract of core/store.h, as a fixture that every store passes. A store brings a factory; the tests know nothing of SQL.
//
// Time is in the acts; the factory moves only the clocks that the store itself looks at.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/store.h"
#include "tests/contract/at_once.h"

namespace kaimen::contract {

using namespace std::chrono_literals;

class StoreFactory {
 public:
  virtual ~StoreFactory() = default;
  /// Opens the data of this factory: empty the first time, later as after a restart. One store at a time.
  virtual std::unique_ptr<core::Store> open() = 0;
  /// Moves the clocks of the node.
  virtual void pass(Millis duration) = 0;
  /// The rows of a query, NULL as "NULL", read over a connection of its own that cannot write.
  virtual std::vector<std::vector<std::string>> query(const std::string& sql) = 0;
};
using MakeFactory = std::function<std::unique_ptr<StoreFactory>()>;

inline const Time t0 = from_epoch_ms(1'795'000'000'000);

class StoreContract : public testing::TestWithParam<MakeFactory> {
 protected:
  StoreContract() : factory_(GetParam()()), store_(factory_->open()) {}

  core::Store& store() { return *store_; }
  StoreFactory& factory() { return *factory_; }
  void reopen() {
    store_.reset();
    store_ = factory_->open();
  }

  static Id new_id() {
    SystemRandom random;
    return Id::make(t0, random).value();
  }
  /// 32 bytes that differ for each name.
  static std::string hash(const std::string& name) { return name + std::string(32 - name.size(), '#'); }

  /// A login of openid "o1" in app 7 of project "default" at t0, not yet claimed.
  static core::RecordLogin login_act(const std::string& code, const std::string& openid = "o1") {
    core::RecordLogin act;
    act.app = 7;
    act.app_id = "wx7";
    act.project = "default";
    act.provider = "wechat";
    act.code_hash = hash(code);
    act.owner = new_id();
    act.openid = openid;
    act.new_user = new_id();
    act.new_session = new_id();
    return at(act, t0);
  }
  /// The same with all its times moved.
  static core::RecordLogin at(core::RecordLogin act, Time now) {
    act.now = now;
    act.idle_expires_at = now + 30 * 24h;
    act.absolute_expires_at = now + 180 * 24h;
    act.revocations_until = now + 4h;
    return act;
  }
  Result<core::CodeClaim> claim(const core::RecordLogin& act) {
    return run_here(store().claim_code({act.app, act.code_hash, act.owner, act.now}));
  }
  /// Claims and records.
  Result<core::LoginRecord> try_login(const core::RecordLogin& act) {
    auto claimed = claim(act);
    if (!claimed) return claimed.error();
    EXPECT_EQ(claimed.value().kind, core::CodeClaim::Kind::claimed);
    return run_here(store().record_login(act));
  }
  /// Claims and records all of them at the same time.
  void login_at_once(const std::vector<core::RecordLogin>& acts) {
    LocalLoop loop;
    size_t waiting = acts.size();
    for (const auto& act : acts) {
      spawn<Result<core::CodeClaim>>(store().claim_code({act.app, act.code_hash, act.owner, act.now}), [&](Result<core::CodeClaim>) {
        spawn<Result<core::LoginRecord>>(store().record_login(act), [&](Result<core::LoginRecord> made) {
          EXPECT_TRUE(made);
          if (--waiting == 0) loop.stop();
        });
      });
    }
    loop.run();
  }
  core::LoginRecord login(const core::RecordLogin& act) { return try_login(act).value(); }
  core::LoginRecord login(const std::string& code, const std::string& openid = "o1") { return login(login_act(code, openid)); }

  static core::RenewSession renewal_act(const core::Session& session, uint32_t generation, Time now) {
    core::RenewSession act;
    act.session = session.id;
    act.app = session.app;
    act.generation = generation;
    act.now = now;
    act.idle_expires_at = now + 30 * 24h;
    act.revocations_until = now + 4h;
    return act;
  }
  core::Renewal renew(const core::RenewSession& act) { return run_here(store().renew_session(act)).value(); }
  core::Renewal renew(const core::Session& session, uint32_t generation, Time now) { return renew(renewal_act(session, generation, now)); }

  Result<std::vector<core::Revocation>> end(const Id& session, Time now, Reason reason = Reason::logged_out) {
    return run_here(store().end_session({session, std::nullopt, reason, now, now + 4h, {"r", {}, {}}}));
  }
  Result<std::vector<core::Revocation>> disable(const Id& user, Time now, std::optional<Time> until = {}) {
    return run_here(store().disable_user({user, until, "see the desk", now, now + 4h, {"r", {}, {}}}));
  }
  core::Session session_now(const Id& id) { return run_here(store().find_session(id)).value().session; }
  std::vector<Id> live_sessions(const Id& user, Time now) {
    std::vector<Id> ids;
    const auto listed = run_here(store().list_sessions(user, now));
    for (const auto& session : listed.value()) ids.push_back(session.id);
    return ids;
  }
  std::vector<std::string> keys_of(const std::string& openid) { return run_here(store().session_keys("wechat", "wx7", openid)).value(); }

 private:
  std::unique_ptr<StoreFactory> factory_;
  std::unique_ptr<core::Store> store_;
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result.error().code;
}

}  // namespace kaimen::contract
