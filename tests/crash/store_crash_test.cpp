// A store that is killed, or whose disk fails: what it had answered still holds, and what it could not keep it never answered.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <random>

#include "store/open.h"
#include "tests/crash/crash_child.h"

namespace kaimen::crash {

using namespace std::chrono_literals;

namespace {

struct Findings {
  int logins_lost = 0, logouts_revived = 0;
  std::string integrity;
};

std::string integrity_of(const std::string& file) {
  sqlite3* handle = nullptr;
  std::string answer;
  const auto collect = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) += values[0];
    return 0;
  };
  if (sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
    sqlite3_exec(handle, "PRAGMA integrity_check", collect, &answer, nullptr);
  }
  sqlite3_close(handle);
  return answer;
}

class StoreCrash : public testing::Test {
 protected:
  StoreCrash() {
    std::string name = (std::filesystem::temp_directory_path() / "kaimen-crash-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~StoreCrash() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path file() const { return directory_ / "kaimen.db"; }
  std::filesystem::path fault() const { return directory_ / "fault"; }
  void set_fault(const std::string& name) {
    std::ofstream(directory_ / "fault.new") << name;
    std::filesystem::rename(directory_ / "fault.new", fault());
  }
  void clear_fault() { std::filesystem::remove(fault()); }

  /// Lets the child work for `time` after its first answer (or, without one, after its start), kills it, and notes what it had answered.
  void run_and_kill(const std::string& vfs, bool wait_for_answer, std::chrono::microseconds time) {
    CrashChild child(file(), vfs, fault());
    if (wait_for_answer) {
      const auto first = child.line(20s);
      ASSERT_TRUE(first) << "the child did not come up";
      acknowledged_.note(*first);
    }
    std::this_thread::sleep_for(time);
    child.kill();
    while (const auto line = child.line(5s)) acknowledged_.note(*line);
  }

  /// Opens the store as a server would after a power cut, and looks for everything that was ever acknowledged.
  Findings inspect() {
    Findings found;
    const SystemClock clock;
    auto store = store::open_sqlite({.path = file().string()}, clock);
    if (!store) return {1, 1, store.error().detail};
    std::set<Id> revoked;
    const auto revocations = run_here(store.value()->revocations(clock.now()));
    for (const auto& revocation : revocations.value()) revoked.insert(revocation.session);
    for (const auto& [session, user] : acknowledged_.logins) {
      const auto view = run_here(store.value()->find_session(*Id::parse(session)));
      if (!view || view.value().user.id.hex() != user) ++found.logins_lost;
    }
    for (const auto& session : acknowledged_.logouts) {
      const auto view = run_here(store.value()->find_session(*Id::parse(session)));
      if (!view || !view.value().session.ended || !revoked.contains(*Id::parse(session))) ++found.logouts_revived;
    }
    store.value().reset();
    found.integrity = integrity_of(file().string());
    return found;
  }
  void expect_nothing_lost() {
    const Findings found = inspect();
    EXPECT_EQ(found.logins_lost, 0) << "of " << acknowledged_.logins.size();
    EXPECT_EQ(found.logouts_revived, 0) << "of " << acknowledged_.logouts.size();
    EXPECT_EQ(found.integrity, "ok");
  }

  /// A fault while callers come and go: nobody is told that something was done, until the fault is over, and then all goes on.
  void expect_honest_under(const std::string& name) {
    CrashChild child(file(), "unsynced", fault());
    const auto next = [&] { return child.line(20s); };
    for (int i = 0; i < 100; ++i) {
      const auto line = next();
      ASSERT_TRUE(line && acknowledged_.note(*line)) << line.value_or("nothing");
    }
    set_fault(name);
    for (int i = 0;; ++i) {
      ASSERT_LT(i, 5000) << "the fault was never felt";
      const auto line = next();
      ASSERT_TRUE(line);
      if (!acknowledged_.note(*line)) break;
    }
    for (int i = 0; i < 100; ++i) {
      const auto line = next();
      ASSERT_TRUE(line);
      EXPECT_EQ(*line, "unavailable");
    }
    clear_fault();
    int answered = 0;
    for (int i = 0; answered < 200; ++i) {
      ASSERT_LT(i, 5000) << "it did not heal";
      const auto line = next();
      ASSERT_TRUE(line);
      if (acknowledged_.note(*line)) ++answered;
    }
    child.kill();
    while (const auto line = child.line(5s)) acknowledged_.note(*line);
    expect_nothing_lost();
  }

  Acknowledged acknowledged_;

 private:
  std::filesystem::path directory_;
};

}  // namespace

TEST_F(StoreCrash, a_killed_store_keeps_what_it_answered) {
  std::minstd_rand random(20261120);
  for (int round = 1; round <= 50; ++round) {
    // Every third kill may come while the store is still opening and recovering from the kill before.
    const bool wait_for_answer = round % 3 != 0;
    run_and_kill("unsynced", wait_for_answer, std::chrono::microseconds(random() % 150'000));
    if (HasFatalFailure()) return;
    // Not after each: the next child, too, has to recover what a kill left behind.
    if (round % 5 == 0) expect_nothing_lost();
  }
  EXPECT_GT(acknowledged_.logins.size(), 500u) << "too little load to mean anything";
  EXPECT_GT(acknowledged_.logouts.size(), 200u);
}

TEST_F(StoreCrash, control_without_syncing_logins_are_lost) {
  run_and_kill("nosync", true, 50ms);
  ASSERT_FALSE(acknowledged_.logins.empty());
  EXPECT_GT(inspect().logins_lost, 0);
}

TEST_F(StoreCrash, a_failing_sync_is_never_answered_as_done) { expect_honest_under("fsync"); }

TEST_F(StoreCrash, a_full_disk_is_never_answered_as_done) { expect_honest_under("full"); }

// The connection cannot be used at all: it is given up, and a new one is opened when that is possible again.
TEST_F(StoreCrash, a_broken_connection_is_replaced) { expect_honest_under("lock"); }

}  // namespace kaimen::crash
