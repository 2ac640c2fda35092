// A team's own user table taken over, what its backend says at a first login, and sessions opened in a user's place.
#include <algorithm>

#include "tests/contract/directory_contract.h"

namespace kaimen::contract {

namespace {

using Outcome = core::ImportedUser::Kind;

core::ImportUser imported_as(const std::string& external_id, const std::string& openid = "", const std::string& unionid = "") {
  core::ImportUser user;
  SystemRandom random;
  user.new_user = Id::make(t0, random).value();
  user.external_id = external_id;
  if (!openid.empty()) user.identity = core::IdentityName{"wechat", "wx7", openid};
  user.unionid = unionid;
  user.family = "wechat";
  return user;
}
core::ImportUser with_phone(core::ImportUser user, const std::string& index, bool unique = false) {
  user.phone_index = index;
  user.seal_phone = [](const Id& of) -> Result<std::string> { return "sealed for " + of.hex(); };
  user.phone_unique = unique;
  return user;
}

/// In an app that has a backend to ask.
core::RecordLogin asking(core::RecordLogin act) {
  act.resolve_mark = act.openid + std::string(32 - act.openid.size(), '#');
  return act;
}

}  // namespace

TEST_P(DirectoryContract, a_first_login_finds_the_imported_user_by_openid) {
  auto line = imported_as("c-1", "o1");
  line.nickname = "Ada";
  line.roles = {"editor"};
  line.created_at = t0 - 24h;
  line.attributes = R"({"a":1})";
  const auto made = import_one(line);
  EXPECT_EQ(made.kind, Outcome::created);
  EXPECT_EQ(made.user, line.new_user);
  const auto in = login(asking(login_act("k1", "o1")));
  EXPECT_EQ(in.user.id, made.user);
  EXPECT_FALSE(in.is_new_user);
  EXPECT_FALSE(in.asks_backend) << "the table said so before";
  EXPECT_EQ(in.user.external_id, "c-1");
  EXPECT_EQ(in.user.nickname, "Ada");
  EXPECT_EQ(in.user.roles, std::vector<std::string>{"editor"});
  EXPECT_EQ(in.user.attributes, R"({"a":1})");
  EXPECT_EQ(in.user.created_at, t0 - 24h);
  EXPECT_EQ(events_of("user_imported"), 1u);
}

TEST_P(DirectoryContract, a_first_login_finds_the_imported_user_by_unionid) {
  const auto made = import_one(imported_as("c-1", "", "u1"));
  auto act = login_act("k1", "o9");
  act.unionid = "u1";
  act.family = "wechat";
  const auto in = login(asking(act));
  EXPECT_EQ(in.user.id, made.user);
  EXPECT_TRUE(in.asks_backend) << "nobody has come with this openid before";
  EXPECT_FALSE(in.is_new_user);
}

TEST_P(DirectoryContract, the_same_again_changes_nothing) {
  const auto line = with_phone(imported_as("c-1", "o1", "u1"), "index-1");
  ASSERT_EQ(import_one(line).kind, Outcome::created);
  const auto sealed = user_now(line.new_user).phone_sealed;
  EXPECT_EQ(sealed, "sealed for " + line.new_user.hex());
  auto again = with_phone(imported_as("c-1", "o1", "u1"), "index-1");
  const auto second = import_one(again);
  EXPECT_EQ(second.kind, Outcome::unchanged);
  EXPECT_EQ(second.user, line.new_user);
  EXPECT_EQ(events_of("user_imported"), 1u);
  EXPECT_EQ(events_of("user_import_changed"), 0u);
}

TEST_P(DirectoryContract, rights_that_change_outdate_the_tickets) {
  const auto in = login("k1", "o1");
  auto line = imported_as("c-1", "o1");
  line.roles = {"editor"};
  const auto imported = import({line});
  EXPECT_EQ(imported.users[0].kind, Outcome::updated);
  ASSERT_EQ(imported.revocations.size(), 1u);
  EXPECT_EQ(imported.revocations[0].session, in.session.id);
  EXPECT_EQ(imported.revocations[0].reason, Reason::renew);
  EXPECT_EQ(user_now(in.user.id).external_id, "c-1");
}

TEST_P(DirectoryContract, what_users_said_of_themselves_stays) {
  const auto in = login("k1", "o1");
  core::SaveProfile own;
  own.user = in.user.id;
  own.nickname = "mine";
  own.now = t0 + 1min;
  ASSERT_TRUE(run_here(store().save_profile(own)));
  auto line = imported_as("c-1", "o1");
  line.nickname = "theirs";
  line.avatar_url = "https://a.example/1.png";
  EXPECT_EQ(import_one(line).kind, Outcome::updated);
  EXPECT_EQ(user_now(in.user.id).nickname, "mine");
  EXPECT_EQ(user_now(in.user.id).avatar_url, "");
  EXPECT_EQ(user_now(in.user.id).external_id, "c-1");
}

TEST_P(DirectoryContract, a_refused_line_does_not_hold_up_its_neighbours) {
  ASSERT_EQ(import_one(imported_as("c-1", "o1")).kind, Outcome::created);
  ASSERT_EQ(import_one(imported_as("c-2", "o2")).kind, Outcome::created);
  const auto imported = import({imported_as("c-3", "o3"), imported_as("c-1", "o2"), imported_as("c-9", "o1"), imported_as("c-4", "o4")}).users;
  EXPECT_EQ(imported[0].kind, Outcome::created);
  EXPECT_EQ(imported[1].kind, Outcome::refused) << "names two users";
  EXPECT_NE(imported[1].refusal.find("two users"), std::string::npos);
  EXPECT_EQ(imported[2].kind, Outcome::refused) << "has another external id";
  EXPECT_EQ(imported[3].kind, Outcome::created);
}

TEST_P(DirectoryContract, lines_of_one_batch_see_each_other) {
  const auto imported = import({imported_as("c-1", "o1"), imported_as("c-1", "o2"), imported_as("", "o2", "u2"), imported_as("c-1")}).users;
  EXPECT_EQ(imported[0].kind, Outcome::created);
  EXPECT_EQ(imported[1].kind, Outcome::updated) << "the same user's second identity";
  EXPECT_EQ(imported[2].kind, Outcome::updated) << "and its unionid";
  EXPECT_EQ(imported[3].kind, Outcome::unchanged);
  for (const auto& one : imported) EXPECT_EQ(one.user, imported[0].user);
}

// A line once gave the user of o1 the external id and the next, not seeing it, gave it to the user of o2, too: no batch with both could ever be
// committed, and the writer was held up by the tries.
TEST_P(DirectoryContract, two_users_who_were_here_before_do_not_both_get_one_external_id) {
  const auto one = login("k1", "o1"), other = login("k2", "o2");
  const auto dry = import({imported_as("c-1", "o1"), imported_as("c-1", "o2")}, t0 + 1min, true).users;
  const auto imported = import({imported_as("c-1", "o1"), imported_as("c-1", "o2"), imported_as("c-1", "o3"), imported_as("c-2", "o2")}).users;
  EXPECT_EQ(dry[1].kind, Outcome::refused);
  EXPECT_EQ(imported[0].kind, Outcome::updated);
  EXPECT_EQ(imported[1].kind, Outcome::refused);
  EXPECT_NE(imported[1].refusal.find("two users"), std::string::npos);
  EXPECT_EQ(imported[2].kind, Outcome::updated) << "whoever has the external id gets the identity";
  EXPECT_EQ(imported[2].user, one.user.id);
  EXPECT_EQ(imported[3].kind, Outcome::updated);
  EXPECT_EQ(user_now(one.user.id).external_id, "c-1");
  EXPECT_EQ(user_now(other.user.id).external_id, "c-2");
}

TEST_P(DirectoryContract, two_users_who_were_here_before_do_not_both_get_one_number) {
  const auto one = login("k1", "o1"), other = login("k2", "o2");
  const auto imported = import({with_phone(imported_as("", "o1"), "i1", true), with_phone(imported_as("", "o2"), "i1", true)}).users;
  EXPECT_EQ(imported[0].kind, Outcome::updated);
  EXPECT_EQ(imported[1].kind, Outcome::refused);
  EXPECT_FALSE(user_now(one.user.id).phone_sealed.empty());
  EXPECT_TRUE(user_now(other.user.id).phone_sealed.empty());
}

TEST_P(DirectoryContract, a_number_that_must_be_one_users_is_refused_to_the_second) {
  const auto imported = import({with_phone(imported_as("c-1"), "i1", true), with_phone(imported_as("c-2"), "i1", true), with_phone(imported_as("c-3"), "i1")}).users;
  EXPECT_EQ(imported[0].kind, Outcome::created);
  EXPECT_EQ(imported[1].kind, Outcome::refused);
  EXPECT_EQ(imported[2].kind, Outcome::created);
}

TEST_P(DirectoryContract, a_dry_run_says_the_same_and_keeps_nothing) {
  const auto imported = import({imported_as("c-1", "o1"), imported_as("c-1"), imported_as("c-2", "o1")}, t0 + 1min, true).users;
  EXPECT_EQ(imported[0].kind, Outcome::created);
  EXPECT_EQ(imported[1].kind, Outcome::unchanged);
  EXPECT_EQ(imported[2].kind, Outcome::refused);
  EXPECT_EQ(events_of("user_imported"), 0u);
  EXPECT_TRUE(find({}).users.empty());
}

TEST_P(DirectoryContract, webhooks_are_told_of_an_import_where_it_says_so) {
  const Id webhook = add_webhook();
  core::ImportUsers act;
  act.project = "default";
  act.now = t0;
  act.revocations_until = t0 + 4h;
  act.users = {imported_as("c-1", "o1")};
  ASSERT_TRUE(run_here(store().directory().import_users(act)));
  EXPECT_TRUE(deliveries(webhook).empty());
  act.tells_webhooks = true;
  act.users = {imported_as("c-1", "o1"), imported_as("c-2"), imported_as("c-1")};
  act.users[2].roles = {"editor"};
  ASSERT_TRUE(run_here(store().directory().import_users(act)));
  std::vector<std::string> kinds;
  for (const auto& delivery : deliveries(webhook)) kinds.push_back(delivery.kind);
  std::ranges::sort(kinds);
  EXPECT_EQ(kinds, (std::vector<std::string>{"user.created", "user.updated"}));
}

TEST_P(DirectoryContract, an_openid_of_another_project_is_refused) {
  core::ImportUsers act;
  act.project = "other";
  act.users = {imported_as("c-1", "o1")};
  act.now = t0;
  ASSERT_TRUE(run_here(store().directory().import_users(act)));
  EXPECT_EQ(import_one(imported_as("c-1", "o1")).kind, Outcome::refused);
}

TEST_P(DirectoryContract, what_the_backend_resolves_is_in_the_ticket_that_follows) {
  const auto older = login("k1", "o1");
  auto act = login_act("k2", "o1");
  const auto in = login(act);
  core::ApplyResolved resolved;
  resolved.user = in.user.id;
  resolved.session = in.session.id;
  resolved.external_id = "c-1";
  resolved.roles = {"editor"};
  resolved.nickname = "Ada";
  resolved.now = t0 + 1min;
  resolved.revocations_until = t0 + 4h;
  const auto applied = run_here(store().directory().apply_resolved(resolved)).value();
  EXPECT_EQ(applied.user.external_id, "c-1");
  EXPECT_EQ(applied.user.nickname, "Ada");
  EXPECT_EQ(applied.session.generation, in.session.generation + 1) << "a ticket sealed now is a good one";
  EXPECT_EQ(applied.revocations.size(), 2u) << "the older session's ticket lacks it too";
  const auto again = run_here(store().directory().apply_resolved(resolved)).value();
  EXPECT_EQ(again.session.generation, applied.session.generation);
  EXPECT_TRUE(again.revocations.empty());
}

// It was down when somebody came for the first time; at the next login it is not, or it still is and they need not wait each time.
TEST_P(DirectoryContract, the_backend_is_asked_until_it_has_said_and_ever_less_often) {
  int codes = 0;
  const auto asks = [&](Time when, const std::string& openid = "o1") {
    return login(asking(at(login_act("ask" + std::to_string(++codes), openid), when))).asks_backend;
  };
  EXPECT_TRUE(asks(t0));
  EXPECT_TRUE(asks(t0 + 10s)) << "it waits as long as it has waited";
  EXPECT_FALSE(asks(t0 + 20s - 1ms));
  EXPECT_TRUE(asks(t0 + 20s));
  EXPECT_FALSE(asks(t0 + 40s - 1ms));
  EXPECT_TRUE(asks(t0 + 48h)) << "but an hour at most";
  EXPECT_FALSE(asks(t0 + 49h - 1ms));
  EXPECT_TRUE(asks(t0 + 49h));
  EXPECT_TRUE(asks(t0 + 49h, "o2")) << "each identity by itself";
  ASSERT_TRUE(run_here(store().directory().settle_resolve(hash("o1"))));
  ASSERT_TRUE(run_here(store().directory().settle_resolve(hash("o1")))) << "the same act again";
  EXPECT_FALSE(asks(t0 + 99h));
  EXPECT_TRUE(asks(t0 + 99h, "o2"));

  login(login_act("before", "o3"));
  EXPECT_FALSE(asks(t0 + 1h, "o3")) << "who came before the app had a backend is not asked about";
}

TEST_P(DirectoryContract, what_the_backend_has_said_settles_the_question_unless_it_cannot_be) {
  ASSERT_EQ(import_one(imported_as("c-1", "o9")).kind, Outcome::created);
  const auto in = login(asking(login_act("k1", "o1")));
  core::ApplyResolved resolved;
  resolved.user = in.user.id;
  resolved.session = in.session.id;
  resolved.mark = hash("o1");
  resolved.external_id = "c-1";
  resolved.now = t0;
  resolved.revocations_until = t0 + 4h;
  EXPECT_EQ(run_here(store().directory().apply_resolved(resolved)).error().code, ErrorCode::conflict);
  EXPECT_TRUE(login(asking(login_act("k2", "o1"))).asks_backend);
  resolved.external_id = "c-2";
  ASSERT_TRUE(run_here(store().directory().apply_resolved(resolved)));
  EXPECT_FALSE(login(asking(at(login_act("k3", "o1"), t0 + 99h))).asks_backend);
}

TEST_P(DirectoryContract, what_another_user_is_called_is_not_resolved) {
  ASSERT_EQ(import_one(imported_as("c-1", "o1")).kind, Outcome::created);
  const auto in = login("k2", "o2");
  core::ApplyResolved resolved;
  resolved.user = in.user.id;
  resolved.session = in.session.id;
  resolved.external_id = "c-1";
  resolved.roles = {"editor"};
  resolved.now = t0 + 1min;
  EXPECT_EQ(run_here(store().directory().apply_resolved(resolved)).error().code, ErrorCode::conflict);
  EXPECT_TRUE(user_now(in.user.id).roles.empty()) << "nothing of it";
}

TEST_P(DirectoryContract, a_support_view_ends_with_its_time_and_is_never_renewed) {
  const auto in = login("k1", "o1");
  core::OpenSupport act;
  act.user = in.user.id;
  act.new_session = new_id();
  act.app = in.session.app;
  act.provider = "wechat";
  act.app_id = "wx7";
  act.actor = "anna";
  act.now = t0 + 1min;
  act.until = t0 + 6min;
  act.source = {"r9", "192.0.2.1", "key desk"};
  const auto opened = run_here(store().directory().open_support(act)).value();
  EXPECT_EQ(opened.session.openid, "o1");
  EXPECT_EQ(opened.session.actor, "anna");
  EXPECT_EQ(opened.session.absolute_expires_at, t0 + 6min);
  EXPECT_EQ(session_now(act.new_session).actor, "anna");
  EXPECT_EQ(renew(opened.session, 0, t0 + 2min).kind, core::Renewal::Kind::refused);
  EXPECT_EQ(events_of("support_view"), 1u);
  auto limited = login_act("k2", "o1");
  limited.max_per_user = 1;
  login(limited);
  EXPECT_FALSE(session_now(act.new_session).ended) << "it takes nobody's place, and nobody takes its";
  core::DisableUser disable;
  disable.user = in.user.id;
  disable.now = t0 + 3min;
  disable.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().disable_user(disable)));
  EXPECT_EQ(session_now(act.new_session).ended, Reason::disabled);
  act.new_session = new_id();
  EXPECT_EQ(run_here(store().directory().open_support(act)).error().code, ErrorCode::forbidden);
}

}  // namespace kaimen::contract
