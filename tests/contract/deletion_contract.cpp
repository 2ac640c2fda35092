// Leaving: what goes, what stays, who is told it waits.
#include <atomic>

#include "core/journal_store.h"
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

TEST_P(StoreContract, a_deletion_ends_all_sessions_and_leaves_nothing_personal) {
  const auto made = whole_user(store(), login_act("c1", "canary-openid"));
  const auto revocations = run_here(store().accounts().delete_user(deletion(made.user.id, t0))).value();
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].reason, Reason::deleted);
  EXPECT_EQ(session_now(made.session.id).ended, Reason::deleted);
  EXPECT_EQ(code_of(run_here(store().find_user(made.user.id))), ErrorCode::not_found);
  for (const char* table : {"identities", "unionids", "passwords", "consents", "registrations", "deletions"}) {
    EXPECT_EQ(factory().query(std::string("SELECT count(*) FROM ") + table)[0][0], "0") << table;
  }
  for (const char* table : {"users", "sessions", "events", "codes", "revocations", "once_marks"}) {
    for (const auto& row : factory().query(std::string("SELECT * FROM ") + table)) {
      for (const auto& cell : row) EXPECT_EQ(cell.find("canary"), std::string::npos) << table << ": " << cell;
    }
  }
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'user_deleted' AND user_id IS NOT NULL")[0][0], "1");
}

// A deletion that blanked a history of years in one act was cut off by the server, and nobody could be deleted.
TEST_P(StoreContract, a_long_history_is_blanked_over_several_acts) {
  const auto made = login("c1");
  constexpr int kEvents = 1200;
  std::atomic<int> written{0};
  at_once(4, [&](int) {
    for (int i = 0; i < kEvents / 4; ++i) {
      core::Note note;
      note.kind = "renewal_refused";
      note.user = made.user.id;
      note.project = "default";
      note.now = t0;
      note.source.ip = "canary-ip";
      written += run_here(store().journal().note(note)).has_value();
    }
  });
  ASSERT_EQ(written, kEvents);
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0))));
  const auto traced = [this] { return std::stoi(factory().query("SELECT count(*) FROM events WHERE ip = 'canary-ip'")[0][0]); };
  EXPECT_EQ(traced(), 200) << "a thousand at once";
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0, 10)).value(), std::vector<Id>{made.user.id}) << "the rest is due";
  EXPECT_EQ(code_of(run_here(store().accounts().delete_user(deletion(made.user.id, t0)))), ErrorCode::not_found) << "the user is gone for all others";
  auto due = deletion(made.user.id, t0 + 1min);
  due.only_due = true;
  EXPECT_TRUE(run_here(store().accounts().delete_user(due)));
  EXPECT_EQ(traced(), 0);
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 1h, 10)).value(), std::vector<Id>{});
  EXPECT_EQ(code_of(run_here(store().accounts().delete_user(due))), ErrorCode::not_found);
}

TEST_P(StoreContract, many_sessions_are_blanked_over_several_acts) {
  const auto made = login("c");
  std::vector<core::RecordLogin> logins;
  for (int i = 0; i < 1040; ++i) logins.push_back(login_act("c" + std::to_string(i)));
  login_at_once(logins);
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0))));
  const auto traced = [this] { return std::stoi(factory().query("SELECT count(*) FROM sessions WHERE openid <> ''")[0][0]); };
  EXPECT_EQ(traced(), 41) << "a thousand at once";
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0, 10)).value(), std::vector<Id>{made.user.id}) << "the rest is due";
  auto due = deletion(made.user.id, t0 + 1min);
  due.only_due = true;
  EXPECT_TRUE(run_here(store().accounts().delete_user(due)));
  EXPECT_EQ(traced(), 0);
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 1h, 10)).value(), std::vector<Id>{});
}

// As those of a password are, whose client says nothing of its device.
TEST_P(StoreContract, many_sessions_that_say_nothing_are_not_listed_in_one_act_either) {
  const auto made = login("c", "");
  std::vector<core::RecordLogin> logins;
  for (int i = 0; i < 1040; ++i) logins.push_back(login_act("c" + std::to_string(i), ""));
  login_at_once(logins);
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0))));
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0, 10)).value(), std::vector<Id>{made.user.id}) << "whether anything is left is seen later";
  auto due = deletion(made.user.id, t0 + 1min);
  due.only_due = true;
  EXPECT_TRUE(run_here(store().accounts().delete_user(due)));
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 1h, 10)).value(), std::vector<Id>{});
}

TEST_P(StoreContract, who_comes_again_after_a_deletion_is_somebody_new) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0))));
  const auto again = login("c2");
  EXPECT_TRUE(again.is_new_user);
  EXPECT_NE(again.user.id, made.user.id);
  EXPECT_EQ(code_of(run_here(store().accounts().delete_user(deletion(made.user.id, t0)))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_deletion_that_waits_lets_nobody_in_and_says_until_when) {
  const auto made = login("c1");
  const auto revocations = run_here(store().accounts().delete_user(deletion(made.user.id, t0, t0 + 24h))).value();
  ASSERT_EQ(revocations.size(), 1u);
  const auto refused = try_login(login_act("c2"));
  ASSERT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(refused.error().reason, Reason::deleted);
  EXPECT_EQ(refused.error().until, t0 + 24h);
  EXPECT_EQ(run_here(store().find_user(made.user.id)).value().leaving, true);
}

TEST_P(StoreContract, a_deletion_that_waits_is_taken_back_by_a_login_that_says_so) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0, t0 + 24h))));
  auto act = at(login_act("c2"), t0 + 24h - 1ms);
  act.restore = true;
  EXPECT_EQ(login(act).user.id, made.user.id);
  EXPECT_FALSE(run_here(store().find_user(made.user.id)).value().leaving);
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 48h, 10)).value(), std::vector<Id>{});
  auto due = deletion(made.user.id, t0 + 48h);
  due.only_due = true;
  EXPECT_EQ(code_of(run_here(store().accounts().delete_user(due))), ErrorCode::not_found) << "a node that still thinks it is due";
}

TEST_P(StoreContract, a_deletion_that_is_due_is_not_taken_back) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0, t0 + 24h))));
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 24h - 1ms, 10)).value(), std::vector<Id>{});
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 24h, 10)).value(), std::vector<Id>{made.user.id});
  auto act = at(login_act("c2"), t0 + 24h);
  act.restore = true;
  EXPECT_EQ(code_of(try_login(act)), ErrorCode::forbidden);
  auto due = deletion(made.user.id, t0 + 24h);
  due.only_due = true;
  ASSERT_TRUE(run_here(store().accounts().delete_user(due)));
  EXPECT_EQ(run_here(store().accounts().due_deletions(t0 + 24h, 10)).value(), std::vector<Id>{});
}

TEST_P(StoreContract, enabling_does_not_take_a_deletion_back) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0, t0 + 24h))));
  ASSERT_TRUE(disable(made.user.id, t0));
  ASSERT_TRUE(run_here(store().enable_user(made.user.id, t0, {"r", {}, {}})));
  const auto user = run_here(store().find_user(made.user.id)).value();
  EXPECT_TRUE(user.leaving);
  EXPECT_EQ(user.disabled_until, t0 + 24h);
}

// A request to leave that was let in before the disablement came after it, and a restore made the user active.
TEST_P(StoreContract, who_is_disabled_does_not_get_rid_of_that_by_leaving) {
  const auto made = login("c1");
  ASSERT_TRUE(disable(made.user.id, t0));
  for (const std::optional<Time> due_at : {std::optional(t0 + 24h), std::optional<Time>()}) {
    const auto refused = run_here(store().accounts().delete_user(deletion(made.user.id, t0, due_at)));
    ASSERT_EQ(code_of(refused), ErrorCode::forbidden);
    EXPECT_EQ(refused.error().reason, Reason::disabled);
  }
  auto back = login_act("c2");
  back.restore = true;
  EXPECT_EQ(code_of(try_login(back)), ErrorCode::forbidden);
  auto by_key = deletion(made.user.id, t0);
  by_key.source.actor = "key desk";
  EXPECT_TRUE(run_here(store().accounts().delete_user(by_key))) << "the team may";
}

TEST_P(StoreContract, no_login_slips_past_a_deletion) {
  for (int round = 0; round < 10; ++round) {
    const std::string name = std::to_string(round);
    const auto made = login("first" + name, "o" + name);
    std::atomic<bool> gone{false};
    std::atomic<int> late{0};
    at_once(3, [&](int thread) {
      if (thread == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
        ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0))));
        gone = true;
        return;
      }
      for (int i = 0; i < 20; ++i) {
        const bool was_gone = gone;
        const auto in = try_login(login_act(name + "/" + std::to_string(thread) + "/" + std::to_string(i), "o" + name));
        if (was_gone && in && in.value().user.id == made.user.id) ++late;
      }
    });
    EXPECT_EQ(late, 0);
    EXPECT_TRUE(live_sessions(made.user.id, t0).empty());
  }
}

}  // namespace kaimen::contract
