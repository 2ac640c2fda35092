// What a PostgreSQL that leaves, only reads, hangs or does not answer to COMMIT looks like from here.
#include <thread>

#include "tests/contract/postgres_fixture.h"
#include "tests/contract/tcp_relay.h"

namespace kaimen::store {

namespace {

class PostgresFailures : public PostgresTest {
 protected:
  contract::TcpRelay relay{static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)))};
  std::string through_relay() const {
    const size_t port = url.rfind(':') + 1;
    return url.substr(0, port) + std::to_string(relay.port()) + url.substr(url.find('/', port));
  }
};

// ---- servers that fail ----

TEST_F(PostgresFailures, connects_again_when_the_server_ended_the_line) {
  ASSERT_EQ(outcome(node.write({insert(rows(1))})), "ok");
  cut_lines();
  EXPECT_EQ(node.all().size(), 1u) << "an idle line that is gone is noticed before it is used";

  ASSERT_EQ(outcome(node.begin()), "ok");
  ASSERT_EQ(node.scan(kAll).value().size(), 1u);
  cut_lines();
  EXPECT_EQ(code(node.commit({insert(rows(1, 2))})), "unavailable");
  EXPECT_EQ(node.all().size(), 1u);
}

TEST_F(PostgresFailures, a_server_that_hangs_is_unavailable_within_seconds) {
  Node distant(through_relay());
  ASSERT_EQ(outcome(distant.write({insert(rows(1))})), "ok");
  relay.hang();
  const auto within = [](int seconds, const auto& call) {
    const auto started = std::chrono::steady_clock::now();
    EXPECT_EQ(code(call()), "unavailable");
    EXPECT_LT(std::chrono::steady_clock::now() - started, Seconds{seconds});
  };
  ASSERT_EQ(outcome(distant.begin()), "ok") << "nothing is asked yet";
  within(7, [&] { return distant.scan(kAll); });
  distant.engine->roll_back();
  within(4, [&] { return distant.begin(); });
  EXPECT_EQ(relay.connections(), 2) << "what did not answer is not asked again";
}

TEST_F(PostgresFailures, a_line_that_breaks_before_the_answer_to_commit_leaves_it_unknown) {
  for (const bool arrived : {false, true}) {
    SCOPED_TRACE(arrived);
    Node distant(through_relay());
    ASSERT_EQ(outcome(distant.begin()), "ok");
    ASSERT_EQ(distant.scan(kAll).value().size(), 0u);
    relay.cut_at("COMMIT", arrived);
    EXPECT_EQ(code(distant.commit({insert(rows(1))})), "unavailable");
    EXPECT_TRUE(distant.unknown);
    relay.cut_at("", false);
    EXPECT_EQ(node.all().size(), arrived ? 1u : 0u);
  }
}

TEST_F(PostgresFailures, a_line_that_breaks_before_commit_was_sent_leaves_nothing_unknown) {
  Node distant(through_relay());
  relay.cut_at("REPEATABLE READ", true);
  ASSERT_EQ(outcome(distant.begin()), "ok");
  EXPECT_EQ(code(distant.scan(kAll)), "unavailable");
  EXPECT_EQ(code(distant.commit({insert(rows(1))})), "internal") << "the transaction has failed";
  EXPECT_FALSE(distant.unknown);
  EXPECT_TRUE(node.all().empty());
}

TEST_F(PostgresFailures, a_server_that_ends_inside_of_commit_leaves_it_unknown) {
  // A deferred constraint makes it sleep there.
  run("CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON probes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nap()");
  ASSERT_EQ(outcome(node.begin()), "ok");
  std::thread cutter([this] {
    std::this_thread::sleep_for(Millis{500});
    cut_lines();
  });
  EXPECT_EQ(code(node.commit({insert(rows(1))})), "unavailable");
  EXPECT_TRUE(node.unknown);
  cutter.join();
}

TEST_F(PostgresFailures, a_commit_that_its_standby_did_not_confirm_is_unknown) {
  // The server commits with a warning when it may not wait any longer for a standby; to take that for a success would be to lose a login
  // in the next failover.
  run("CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''canceling wait''; RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON probes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()");
  EXPECT_EQ(code(node.write({insert(rows(1))})), "unavailable");
  EXPECT_TRUE(node.unknown);
}

TEST_F(PostgresFailures, a_server_that_became_one_that_only_reads_is_left) {
  const auto line = PostgresConnection::open(url).value();
  ASSERT_FALSE(line->script("SET default_transaction_read_only = on", deadline_in(Millis{1000})));
  const auto refused = line->script("INSERT INTO probes VALUES (1, 'b', 0)", deadline_in(Millis{1000}));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->sqlstate, "25006");
  EXPECT_EQ(refused->error().code, ErrorCode::unavailable);
  EXPECT_FALSE(line->alive());

  Node reader(url + "?options=-cdefault_transaction_read_only%3Don");
  EXPECT_EQ(code(reader.begin()), "unavailable") << "target_session_attrs=read-write";
  Node patient(url + "?options=-cdefault_transaction_read_only%3Don&target_session_attrs=any");
  EXPECT_EQ(code(patient.write({insert(rows(1))})), "unavailable");
  EXPECT_FALSE(patient.unknown);
}

TEST_F(PostgresFailures, nobody_there_is_unavailable) {
  Node lost("postgres://kaimen:top-secret@127.0.0.1:1/kaimen");
  const auto begun = lost.begin();
  EXPECT_EQ(code(begun), "unavailable");
  EXPECT_EQ(begun.error().detail.find("top-secret"), std::string::npos);
  EXPECT_EQ(code(lost.engine->time()), "unavailable");
}

TEST_F(PostgresFailures, a_statement_that_takes_too_long_is_unavailable_and_the_line_stays) {
  ASSERT_EQ(outcome(node.write({insert(rows(1))})), "ok");
  ASSERT_EQ(outcome(node.begin(false)), "ok");
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(code(node.scan(kSlow)), "unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - started, Seconds{7});
  EXPECT_EQ(node.all().size(), 1u);
}

TEST_F(PostgresFailures, a_transaction_that_grew_too_old_does_not_commit) {
  ASSERT_EQ(outcome(node.begin()), "ok");
  for (int i = 0; i < 3; ++i) {  // none of the parts is too long
    ASSERT_EQ(node.scan(kAll).value().size(), 0u);
    std::this_thread::sleep_for(Millis{1700});
  }
  EXPECT_EQ(code(node.commit({insert(rows(1))})), "unavailable");
  EXPECT_FALSE(node.unknown);
  EXPECT_TRUE(node.all().empty());
}

TEST_F(PostgresFailures, a_bug_is_internal_and_tells_no_values) {
  EXPECT_EQ(code(node.write({insert<ProbeRow>({{1, std::string("nul\0", 4), 0, {}, {}, {}, {}}})})), "internal");
  auto twice = rows(1);
  twice[0].sole = "private";
  ASSERT_EQ(outcome(node.write({insert(twice)})), "ok");
  twice[0].key = "other";
  const auto refused = node.write({insert(twice)});
  EXPECT_EQ(code(refused), "conflict");
  EXPECT_EQ(refused.error().detail.find("private"), std::string::npos) << refused.error().detail;
  EXPECT_EQ(code(node.engine->script("NONSENSE")), "internal");
  EXPECT_EQ(code(node.engine->script(kProbes)), "conflict") << "a migration that another node was faster with";
  ASSERT_EQ(outcome(node.begin(false)), "ok");
  EXPECT_EQ(code(node.commit({insert(rows(1))})), "internal") << "begun to read only";
  EXPECT_EQ(node.all().size(), 1u);
}

// ---- without a server ----

TEST(PostgresUrl, is_checked_without_connecting_and_never_repeated) {
  for (const char* good : {"postgres://u:p@h1:5432,h2:5433/db?sslmode=verify-full", "postgresql://h/db", "postgres://u:p%40w@h/db",
                           "postgres:///db?host=/run/postgresql"}) {
    EXPECT_EQ(outcome(check_postgres_url(good)), "ok") << good;
  }
  for (const char* bad : {"", "mysql://u:p@h/db", "postgres://u:top@secret@h/db", "postgres://u:top/secret@h/db",
                          "postgres://u:top:secret@h:x/db", "postgres://u:%zztop-secret@h/db", "postgres://u:p@h/db?top=secret",
                          "postgres://u:p@h:12x/db"}) {
    const auto checked = check_postgres_url(bad);
    EXPECT_EQ(code(checked), "invalid_request") << bad;
    if (checked) continue;
    EXPECT_EQ(checked.error().detail.find("secret"), std::string::npos) << checked.error().detail;
    EXPECT_EQ(code(open_postgres(bad)), "invalid_request") << bad;
  }
}

TEST(PostgresErrors, are_told_apart_by_their_sqlstate) {
  for (const char* state : {"40001", "40P01", "23505", "23P01"}) EXPECT_EQ(code_of_sqlstate(state), ErrorCode::conflict) << state;
  for (const char* state : {"", "08006", "57P01", "57014", "53300", "25006", "58030", "55P03", "25P03", "40003"}) {
    EXPECT_EQ(code_of_sqlstate(state), ErrorCode::unavailable) << state;
  }
  for (const char* state : {"42P01", "22021", "23502", "25P02", "XX000"}) EXPECT_EQ(code_of_sqlstate(state), ErrorCode::internal) << state;
}

}  // namespace

}  // namespace kaimen::store
