// The writer's own promises, with acts made for the purpose: what a refusal and a failure leave behind, in the file and in memory.
#include "store/writer.h"

#include <algorithm>
#include <future>

#include "store/accounts.h"
#include "store/directory_acts.h"
#include "store/pushes.h"
#include "store/records.h"
#include "store/sqlite_engine.h"
#include "tests/contract/sqlite_factory.h"

namespace kaimen::contract {

namespace {

class TestAct final : public store::Act {
 public:
  TestAct(bool act_writes, std::function<bool(store::ActContext&)> work) : Act(act_writes ? Kind::writes : Kind::reads), work_(std::move(work)) {}
  std::future<std::string> outcome() { return outcome_.get_future(); }
  bool run(store::ActContext& context) override {
    const bool accepted = work_(context);
    result_ = accepted ? "done" : "refused";
    return accepted;
  }
  void fail(const Error& error) override { result_ = name_of(error.code); }
  void finish() override { outcome_.set_value(result_); }

 private:
  std::function<bool(store::ActContext&)> work_;
  std::string result_;
  std::promise<std::string> outcome_;
};

bool write_mark(store::ActContext& context, const std::string& mark) {
  context.rows.insert(store::OnceMarkRow{store::Bytes{mark}, Time{}});
  return true;
}

/// An SQL error in the midst of an act; what the act makes of it.
bool stumble(store::ActContext& context) {
  static constexpr store::Scan kWrong{&store::kTable<store::OnceMarkRow>, "nothing = 1", ""};
  return context.rows.scan<store::OnceMarkRow>(kWrong).has_value();
}

class SqliteWriter : public testing::Test {
 protected:
  SqliteWriter() {
    factory.open();  // migrates
    auto database = store::Database::open(factory.file(), 1000).value();
    std::vector<std::unique_ptr<store::Engine>> engines;
    engines.push_back(std::make_unique<store::SqliteEngine>(std::move(database), factory.file(), 1000, factory.clock));
    store::Writer::Options options{[this] { return factory.clock.steady(); }, true};
    writer = std::make_unique<store::Writer>(std::move(engines), std::move(options), factory.clock);
  }
  /// The owner of the identity o1 of wx7, with a session that it opened.
  void logged_in(store::ActContext& context, Time until, uint32_t generation) const {
    store::UserRow user;
    user.id = owner;
    user.version = 1;
    user.project = "default";
    context.rows.insert(std::move(user));
    store::IdentityRow identity;
    identity.provider = "wechat";
    identity.app_id = "wx7";
    identity.subject = "o1";
    identity.user = owner;
    context.rows.insert(std::move(identity));
    store::SessionRow session;
    session.id = session.user = owner;
    session.app = 7;
    session.openid = "o1";
    session.generation = generation;
    session.idle_expires_at = session.absolute_expires_at = until;
    context.rows.insert(std::move(session));
  }
  /// Runs the acts in one batch: they are pushed while the first act still works.
  std::vector<std::string> run(std::vector<std::unique_ptr<TestAct>> acts) {
    std::promise<void> pushed;
    auto gate = std::make_unique<TestAct>(false, [all = pushed.get_future().share()](store::ActContext&) {
      all.wait();
      return true;
    });
    auto gate_outcome = gate->outcome();
    std::vector<std::future<std::string>> waiting;
    writer->push(std::move(gate));
    for (auto& act : acts) {
      waiting.push_back(act->outcome());
      writer->push(std::move(act));
    }
    pushed.set_value();
    gate_outcome.wait();
    std::vector<std::string> outcomes;
    for (auto& outcome : waiting) outcomes.push_back(outcome.get());
    return outcomes;
  }
  template <class... Works>
  std::vector<std::string> run_writing(Works... works) {
    std::vector<std::unique_ptr<TestAct>> acts;
    (acts.push_back(std::make_unique<TestAct>(true, works)), ...);
    return run(std::move(acts));
  }
  std::vector<std::vector<std::string>> marks() { return factory.query("SELECT CAST(mark AS TEXT) FROM once_marks ORDER BY mark"); }

  SqliteFactory factory;
  std::unique_ptr<store::Writer> writer;
  const std::string code = std::string(32, 'c');
  const Id owner = *Id::parse("00000000000000000000000000000001");
};

TEST_F(SqliteWriter, commits_a_batch_together) {
  const auto outcomes = run_writing([](auto& context) { return write_mark(context, "a"); },
                                    [](auto& context) { return write_mark(context, "b"); });
  EXPECT_EQ(outcomes, (std::vector<std::string>{"done", "done"}));
  EXPECT_EQ(marks(), (std::vector<std::vector<std::string>>{{"a"}, {"b"}}));
}

TEST_F(SqliteWriter, leaves_nothing_of_an_act_that_refused_after_it_had_written) {
  const auto outcomes = run_writing([](auto& context) { return write_mark(context, "a"); },
                                    [](auto& context) {
                                      write_mark(context, "half");
                                      return false;
                                    },
                                    [](auto& context) { return write_mark(context, "b"); });
  EXPECT_EQ(outcomes, (std::vector<std::string>{"done", "refused", "done"}));
  EXPECT_EQ(marks(), (std::vector<std::vector<std::string>>{{"a"}, {"b"}}));
}

TEST_F(SqliteWriter, lists_a_row_again_that_an_act_had_moved_away_before_it_refused) {
  const auto with_external_id = [](store::ActContext& context, std::string_view external_id) {
    return context.rows.list(store::kUsersByExternalId, "default", external_id).value();
  };
  run_writing([this](auto& context) {
    store::UserRow user;
    user.id = owner;
    user.project = "default";
    user.external_id = "1001";
    context.rows.insert(user);
    return true;
  });
  size_t found = 0;
  const auto outcomes = run_writing(
      [&](auto& context) {
        const store::UserRow* const user = context.rows.template find<store::UserRow>(owner).value();
        context.rows.change(*user).external_id = "2002";
        EXPECT_TRUE(with_external_id(context, "1001").empty());
        return false;
      },
      [&](auto& context) {
        found = with_external_id(context, "1001").size();
        return true;
      });
  EXPECT_EQ(outcomes, (std::vector<std::string>{"refused", "done"}));
  EXPECT_EQ(found, 1u);
}

TEST_F(SqliteWriter, does_not_commit_what_an_act_did_in_spite_of_an_sql_error) {
  const auto outcomes = run_writing([](auto& context) { return write_mark(context, "a"); },
                                    [](auto& context) {
                                      write_mark(context, "half");
                                      static_cast<void>(stumble(context));
                                      return true;
                                    });
  EXPECT_EQ(outcomes, (std::vector<std::string>{"done", "internal"}));
  EXPECT_EQ(marks(), (std::vector<std::vector<std::string>>{{"a"}}));
}

TEST_F(SqliteWriter, undoes_a_claim_whose_act_failed) {
  const auto failed = run_writing([this](auto& context) {
    EXPECT_TRUE(context.claims->add(7, code, owner));
    return stumble(context);
  });
  EXPECT_EQ(failed, std::vector<std::string>{"internal"});
  const auto looked = run_writing([this](auto& context) { return context.claims->find(7, code) == nullptr; });
  EXPECT_EQ(looked, std::vector<std::string>{"done"});
}

TEST_F(SqliteWriter, gives_a_claim_back_whose_settling_failed) {
  run_writing([this](auto& context) { return context.claims->add(7, code, owner).has_value(); });
  run_writing([this](auto& context) {
    context.claims->settle(7, code, owner, ErrorCode::code_invalid);
    return stumble(context);
  });
  const auto held = run_writing([this](auto& context) { return context.claims->holds(7, code, owner); });
  EXPECT_EQ(held, std::vector<std::string>{"done"});
}

TEST_F(SqliteWriter, keeps_a_claim_when_a_later_act_fails) {
  run_writing([this](auto& context) { return context.claims->add(7, code, owner).has_value(); });
  run_writing([](auto& context) { return stumble(context); });
  const auto held = run_writing([this](auto& context) { return context.claims->holds(7, code, owner); });
  EXPECT_EQ(held, std::vector<std::string>{"done"});
}

TEST_F(SqliteWriter, answers_who_reads_although_the_batch_cannot_write) {
  sqlite3* outside = nullptr;
  ASSERT_EQ(sqlite3_open(factory.file().c_str(), &outside), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(outside, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::vector<std::unique_ptr<TestAct>> acts;
  acts.push_back(std::make_unique<TestAct>(true, [](auto& context) { return write_mark(context, "a"); }));
  acts.push_back(std::make_unique<TestAct>(false, [](auto& context) {
    const auto row = context.rows.template find<store::OnceMarkRow>(store::Bytes{"a"});
    return row.has_value() && row.value() == nullptr;
  }));
  EXPECT_EQ(run(std::move(acts)), (std::vector<std::string>{"unavailable", "done"}));
  sqlite3_close(outside);
}

TEST_F(SqliteWriter, lets_settled_claims_go_when_there_are_too_many_but_no_open_one) {
  const auto number = [](size_t i) { return std::to_string(i) + std::string(26, 'x'); };
  const auto outcomes = run_writing([&](auto& context) {
    store::Claims& claims = *context.claims;
    EXPECT_TRUE(claims.add(7, code, owner));
    for (size_t i = 1; i < store::Claims::kClaims; ++i) {
      EXPECT_TRUE(claims.add(7, number(i), owner));
      if (i <= 2) claims.settle(7, number(i), owner, ErrorCode::code_invalid);
    }
    EXPECT_TRUE(claims.add(7, "one more", owner));
    EXPECT_TRUE(claims.add(7, "and another", owner));
    EXPECT_FALSE(claims.add(7, "too many", owner));
    EXPECT_TRUE(claims.holds(7, code, owner));
    EXPECT_EQ(claims.find(7, number(1)), nullptr);
    return true;
  });
  EXPECT_EQ(outcomes, std::vector<std::string>{"done"});
}

// The acknowledgement of a commit was lost, so the act runs again and finds its own mark: what it revoked must still reach memory.
TEST_F(SqliteWriter, a_closing_that_runs_again_answers_what_it_revoked) {
  core::CloseIdentity act;
  act.subject = {"wechat", "wx7", "o1", std::string(32, 'p')};
  act.app = 7;
  act.now = from_epoch_ms(1'795'000'000'000);
  act.revocations_until = act.now + 4h;
  const auto closed = [&act](store::ActContext& context, core::PushEffect effect) {
    const auto made = store::close_identity(context, act);
    if (!made) return false;
    EXPECT_EQ(made.value().effect, effect);
    EXPECT_EQ(made.value().revocations.size(), 1u) << context.again;
    return true;
  };
  std::vector<std::unique_ptr<TestAct>> acts;
  acts.push_back(std::make_unique<TestAct>(true, [this, &act](store::ActContext& context) {
    logged_in(context, act.now + 1h, 0);
    return true;
  }));
  acts.push_back(std::make_unique<TestAct>(true, [&](store::ActContext& context) { return closed(context, core::PushEffect::applied); }));
  acts.push_back(std::make_unique<TestAct>(true, [&](store::ActContext& context) { return closed(context, core::PushEffect::repeated); }));
  acts.back()->again = true;
  // Each by itself: what is revoked is read from the database, as it stands when an act runs again.
  for (auto& one : acts) {
    std::vector<std::unique_ptr<TestAct>> alone;
    alone.push_back(std::move(one));
    EXPECT_EQ(run(std::move(alone)), std::vector<std::string>{"done"});
  }
}

// The import runs again though nothing of it was kept. A line that changes nothing brings the user's older revocations, for an answer that was lost;
// they must not be taken for what the line behind it makes.
TEST_F(SqliteWriter, an_import_that_runs_again_tells_its_own_revocations_from_older_ones) {
  core::ImportUsers act;
  act.project = "default";
  act.now = from_epoch_ms(1'795'000'000'000);
  act.revocations_until = act.now + 4h;
  core::ImportUser line;
  line.new_user = *Id::parse("00000000000000000000000000000002");
  line.identity = core::IdentityName{"wechat", "wx7", "o1"};
  line.app = 7;
  line.family = "wechat";
  act.users = {line, line};
  act.users[1].unionid = "u1";
  std::vector<std::unique_ptr<TestAct>> acts;
  acts.push_back(std::make_unique<TestAct>(true, [this, &act](store::ActContext& context) {
    logged_in(context, act.now + 1h, 5);
    context.rows.insert(store::RevocationRow{owner, 4, Reason::renew, act.now + 1h, act.now});
    return true;
  }));
  acts.push_back(std::make_unique<TestAct>(true, [&act](store::ActContext& context) {
    const auto made = store::import_users(context, act);
    if (!made || made.value().users[0].kind != core::ImportedUser::Kind::unchanged || made.value().users[1].kind != core::ImportedUser::Kind::updated) return false;
    EXPECT_EQ(std::ranges::count(made.value().revocations, 5u, &core::Revocation::generation), 1) << "the ticket that is out";
    return true;
  }));
  acts.back()->again = true;
  for (auto& one : acts) {
    std::vector<std::unique_ptr<TestAct>> alone;
    alone.push_back(std::move(one));
    EXPECT_EQ(run(std::move(alone)), std::vector<std::string>{"done"});
  }
}

// A link whose acknowledgement was lost: the unionid it told is told once, and its revocation is answered all the same. Where the first run was
// not committed after all, an older revocation of the session must not be taken for its own.
TEST_F(SqliteWriter, a_link_that_runs_again_answers_what_it_revoked) {
  core::LinkIdentity act;
  act.user = owner;
  act.app = 7;
  act.app_id = "wx7";
  act.provider = act.family = "wechat";
  act.openid = "o1";
  act.unionid = "u1";
  act.now = from_epoch_ms(1'795'000'000'000);
  act.revocations_until = act.now + 4h;
  const auto linked = [&act](store::ActContext& context) {
    const auto made = store::link_identity(context, act);
    if (!made || made.value().revocations.size() != 1) return false;
    EXPECT_EQ(made.value().revocations[0].generation, 5u) << context.again;
    return true;
  };
  std::vector<std::unique_ptr<TestAct>> acts;
  acts.push_back(std::make_unique<TestAct>(true, [this, &act](store::ActContext& context) {
    logged_in(context, act.now + 1h, 5);
    context.rows.insert(store::RevocationRow{owner, 4, Reason::renew, act.now + 1h, act.now});
    return true;
  }));
  for (int i = 0; i < 3; ++i) {
    acts.push_back(std::make_unique<TestAct>(true, linked));
    acts.back()->again = true;
  }
  for (auto& one : acts) {
    std::vector<std::unique_ptr<TestAct>> alone;
    alone.push_back(std::move(one));
    EXPECT_EQ(run(std::move(alone)), std::vector<std::string>{"done"});
  }
  EXPECT_EQ(factory.query("SELECT generation, unionid FROM sessions"), (std::vector<std::vector<std::string>>{{"6", "u1"}}));
}

}  // namespace

}  // namespace kaimen::contract
