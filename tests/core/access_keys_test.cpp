// Access keys: what the store knows of them, who is found by one, and from when on nobody is.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

using core::Scope;

class AccessKeysTest : public CoreTest {
 protected:
  Result<core::MadeAccessKey> create(std::vector<std::string> scopes, const std::string& project = "", const std::string& name = "ci") {
    core::NewAccessKey key;
    key.name = name;
    key.scopes = std::move(scopes);
    key.project = project;
    return run_here(services().access_keys.create(std::move(key)));
  }
  std::shared_ptr<const core::Caller> find(const std::string& text) { return services().access_keys.find(text); }
};

TEST_F(AccessKeysTest, AKeyFindsItsCaller) {
  const auto made = create({"read", "verify"}).value();
  const auto caller = find(made.text.reveal());
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "ci");
  EXPECT_TRUE(caller->may(Scope::read));
  EXPECT_TRUE(caller->may(Scope::verify));
  EXPECT_FALSE(caller->may(Scope::write));
  EXPECT_FALSE(caller->may(Scope::wechat));
  EXPECT_FALSE(caller->may(Scope::admin));
}

TEST_F(AccessKeysTest, AdminMayAll) {
  const auto caller = find(create({"admin"}).value().text.reveal());
  for (const Scope scope : {Scope::verify, Scope::read, Scope::write, Scope::wechat, Scope::admin}) EXPECT_TRUE(caller->may(scope));
}

TEST_F(AccessKeysTest, TheStoreHoldsAHashOnly) {
  const std::string text = create({"read"}).value().text.reveal();
  const std::string secret = from_base64url(text.substr(4))->substr(16);
  EXPECT_EQ(one("SELECT lower(hex(hash)) FROM access_keys"), to_hex(crypto::sha256(text)));
  EXPECT_EQ(one("SELECT count(*) FROM access_keys WHERE instr(hash, x'" + to_hex(secret) + "') > 0 OR instr(name, '" + text + "') > 0"), "0");
}

TEST_F(AccessKeysTest, EveryCharacterOfAKeyCounts) {
  const std::string text = create({"read"}).value().text.reveal();
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(find(flipped)) << bit;
  }
  for (size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(find(text.substr(0, length)));
  EXPECT_FALSE(find(text + "A"));
  EXPECT_FALSE(find(text + " "));
  EXPECT_FALSE(find(std::string(100'000, 'A')));
}

TEST_F(AccessKeysTest, AfterARestoreAKeyFindsNobodyUntilItIsConfirmed) {
  const auto made = create({"admin"}).value(), other = create({"read"}).value();
  ASSERT_TRUE(run_here(services().store.note_restore({})));
  ASSERT_TRUE(run_here(services().access_keys.load()));
  EXPECT_FALSE(find(made.text.reveal()));
  EXPECT_FALSE(find(other.text.reveal()));
  ASSERT_TRUE(run_here(services().access_keys.confirm(made.row.id, {})));
  EXPECT_TRUE(find(made.text.reveal()));
  EXPECT_FALSE(find(other.text.reveal()));
  EXPECT_EQ(run_here(services().access_keys.confirm(Id{}, {})).error().code, ErrorCode::not_found);
}

TEST_F(AccessKeysTest, ARevokedKeyFindsNobodyAtOnceAndAfterARestart) {
  const auto made = create({"read"}).value();
  ASSERT_TRUE(run_here(services().access_keys.revoke(made.row.id)));
  EXPECT_FALSE(find(made.text.reveal()));
  restart();
  EXPECT_FALSE(find(made.text.reveal()));
}

TEST_F(AccessKeysTest, AKeyIsThereAfterARestart) {
  const std::string text = create({"read"}).value().text.reveal();
  restart();
  EXPECT_TRUE(find(text));
}

TEST_F(AccessKeysTest, AnUnknownKeyCannotBeRevoked) { EXPECT_EQ(code_of(run_here(services().access_keys.revoke(Id{}))), ErrorCode::not_found); }

TEST_F(AccessKeysTest, AKeyMayBeBoundToAProjectThatIsThere) {
  EXPECT_EQ(find(create({"read"}, "default").value().text.reveal())->project, "default");
  EXPECT_EQ(code_of(create({"read"}, "nowhere")), ErrorCode::invalid_request);
}

TEST_F(AccessKeysTest, AKeyNeedsKnownScopesAndAName) {
  EXPECT_EQ(code_of(create({})), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(create({"read", "root"})), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(create({"Read"})), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(create({"read"}, "", "")), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(create({"read"}, "", std::string(65, 'n'))), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(create({"read"}, "", "\xff")), ErrorCode::invalid_request);
}

TEST_F(AccessKeysTest, UseIsStoredEveryMinute) {
  const auto made = create({"read"}).value();
  clock.pass(1h);
  ASSERT_TRUE(minute());
  EXPECT_EQ(one("SELECT last_used_at FROM access_keys"), "NULL");
  find(made.text.reveal());
  ASSERT_TRUE(minute());
  EXPECT_EQ(one("SELECT last_used_at FROM access_keys"), std::to_string(epoch_ms(clock.now())));
}

// A revocation must not be undone in memory by a reading that began before it.
TEST_F(AccessKeysTest, ARevocationHoldsWhileOthersReadTheKeys) {
  const auto made = create({"read"}).value();
  LocalLoop slow;  // takes its answer from the store only when it is run
  spawn<Result<>>(services().access_keys.load(), [&](const Result<>& done) {
    EXPECT_TRUE(done);
    slow.stop();
  });
  ASSERT_TRUE(run_here(services().access_keys.revoke(made.row.id)));
  slow.run();
  EXPECT_FALSE(find(made.text.reveal()));
}

}  // namespace
}  // namespace kaimen::test
