// Accounts: names and passwords, linked identities, registration.
#include "core/account_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

namespace {

constexpr const char* kHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

core::RegisterPassword registration(const core::RecordLogin& login, const std::string& name) {
  core::RegisterPassword act;
  act.login = login;
  act.login.openid.clear();
  act.name = name;
  act.shown_name = "Shown " + name;
  act.hash = kHash;
  return act;
}

core::LoginByPassword password_login(const core::RecordLogin& login, const std::string& name, const std::string& hash = kHash) {
  core::LoginByPassword act;
  act.login = login;
  act.name = name;
  act.name_hash = std::string(32, 'n');
  act.hash = hash;
  return act;
}

core::PasswordAttempt attempt(const std::string& name, Time now) { return {"default", name, std::string(32, 'n'), now}; }

core::SetPassword setting(const core::LoginRecord& who, const std::string& name, const std::string& hash, const std::string& old_hash) {
  core::SetPassword act;
  act.user = who.user.id;
  act.session = who.session.id;
  act.name = act.shown_name = name;
  act.hash = hash;
  act.old_hash = old_hash;
  act.name_hash = std::string(32, 'n');
  act.now = t0;
  act.revocations_until = t0 + 4h;
  return act;
}

core::LinkIdentity link_act(const Id& user, const std::string& openid, const std::string& unionid = "") {
  core::LinkIdentity act;
  act.user = user;
  act.app = 8;
  act.app_id = "wx8";
  act.provider = act.family = "wechat";
  act.openid = openid;
  act.unionid = unionid;
  act.now = t0;
  return act;
}

}  // namespace

// ---- passwords ----

TEST_P(StoreContract, a_registration_makes_a_user_and_a_session) {
  const auto made = run_here(store().accounts().register_password(registration(login_act("-"), "mei"))).value();
  EXPECT_TRUE(made.is_new_user);
  EXPECT_EQ(made.session.openid, "");
  EXPECT_EQ(session_now(made.session.id).user, made.user.id);
  const auto kept = run_here(store().accounts().password_of(made.user.id)).value();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->name, "mei");
  EXPECT_EQ(kept->shown_name, "Shown mei");
  EXPECT_EQ(kept->hash, kHash);
}

TEST_P(StoreContract, a_name_is_one_within_its_project) {
  ASSERT_TRUE(run_here(store().accounts().register_password(registration(login_act("-"), "mei"))));
  EXPECT_EQ(code_of(run_here(store().accounts().register_password(registration(login_act("-"), "mei")))), ErrorCode::conflict);
  auto elsewhere = login_act("-");
  elsewhere.project = "other";
  EXPECT_TRUE(run_here(store().accounts().register_password(registration(elsewhere, "mei"))));
}

TEST_P(StoreContract, of_many_who_want_a_name_one_gets_it) {
  std::atomic<int> got{0};
  at_once(8, [&](int) {
    if (run_here(store().accounts().register_password(registration(login_act("-"), "mei")))) ++got;
  });
  EXPECT_EQ(got, 1);
  EXPECT_EQ(factory().query("SELECT count(*) FROM users"), (std::vector<std::vector<std::string>>{{"1"}}));
}

TEST_P(StoreContract, a_login_by_password_needs_the_hash_that_was_verified) {
  const auto made = run_here(store().accounts().register_password(registration(login_act("-"), "mei"))).value();
  EXPECT_EQ(run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei"))).value().user.id, made.user.id);
  EXPECT_EQ(code_of(run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei", "another")))), ErrorCode::unauthenticated);
  EXPECT_EQ(code_of(run_here(store().accounts().login_by_password(password_login(login_act("-"), "nobody")))), ErrorCode::unauthenticated);
}

TEST_P(StoreContract, a_disabled_user_does_not_log_in_by_password) {
  const auto made = run_here(store().accounts().register_password(registration(login_act("-"), "mei"))).value();
  ASSERT_TRUE(disable(made.user.id, t0));
  const auto refused = run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei")));
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(refused.error().reason, Reason::disabled);
}

TEST_P(StoreContract, five_failures_are_free_then_waits_double_up_to_a_quarter_of_an_hour) {
  Time now = t0;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run_here(store().accounts().begin_password(attempt("nobody", now)))) << i;
  for (const auto wait : {5s, 10s, 20s, 40s, 80s, 160s, 320s, 640s, 900s, 900s}) {
    const auto refused = run_here(store().accounts().begin_password(attempt("nobody", now)));
    ASSERT_EQ(code_of(refused), ErrorCode::rate_limited);
    ASSERT_EQ(refused.error().retry_after, wait);
    EXPECT_EQ(code_of(run_here(store().accounts().begin_password(attempt("nobody", now + wait - 1ms)))), ErrorCode::rate_limited);
    now += wait;
    reopen();
    ASSERT_TRUE(run_here(store().accounts().begin_password(attempt("nobody", now))));
  }
}

TEST_P(StoreContract, guesses_at_the_same_time_do_not_slip_past_the_count) {
  // Each read "no failures yet", and forty guesses were looked at.
  std::atomic<int> let_through{0};
  at_once(8, [&](int) {
    for (int i = 0; i < 5; ++i) {
      if (run_here(store().accounts().begin_password(attempt("mei", t0)))) ++let_through;
    }
  });
  EXPECT_EQ(let_through, 5);
}

TEST_P(StoreContract, a_login_forgets_the_failures) {
  ASSERT_TRUE(run_here(store().accounts().register_password(registration(login_act("-"), "mei"))));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run_here(store().accounts().begin_password(attempt("mei", t0))));
  ASSERT_TRUE(run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei"))));
  EXPECT_TRUE(run_here(store().accounts().begin_password(attempt("mei", t0))));
}

TEST_P(StoreContract, failures_are_forgotten_after_a_day) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run_here(store().accounts().begin_password(attempt("mei", t0))));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(run_here(store().accounts().begin_password(attempt("mei", t0 + 24h)))) << i;
  EXPECT_FALSE(run_here(store().accounts().begin_password(attempt("mei", t0 + 24h))));
}

TEST_P(StoreContract, a_password_is_added_to_a_user_and_other_sessions_end) {
  const auto other = login("c1"), here = login("c2");
  const auto made = run_here(store().accounts().set_password(setting(here, "mei", kHash, ""))).value();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].session, other.session.id);
  EXPECT_EQ(session_now(other.session.id).ended, Reason::revoked);
  EXPECT_EQ(session_now(here.session.id).ended, std::nullopt);
  EXPECT_EQ(run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei"))).value().user.id, here.user.id);
}

TEST_P(StoreContract, a_password_is_changed_only_by_who_knows_the_one_that_stands) {
  const auto who = login("c1");
  ASSERT_TRUE(run_here(store().accounts().set_password(setting(who, "mei", "first", ""))));
  EXPECT_EQ(code_of(run_here(store().accounts().set_password(setting(who, "mei", "second", "")))), ErrorCode::conflict);
  EXPECT_EQ(code_of(run_here(store().accounts().set_password(setting(who, "mei", "second", "guess")))), ErrorCode::forbidden) << "as the route answers who loses a race";
  ASSERT_TRUE(run_here(store().accounts().set_password(setting(who, "mei", "second", "first"))));
  EXPECT_EQ(run_here(store().accounts().password_of(who.user.id)).value()->hash, "second");
}

TEST_P(StoreContract, a_taken_name_is_not_added_to_another_user) {
  ASSERT_TRUE(run_here(store().accounts().set_password(setting(login("c1"), "mei", kHash, ""))));
  EXPECT_EQ(code_of(run_here(store().accounts().set_password(setting(login("c2", "o2"), "mei", kHash, "")))), ErrorCode::conflict);
}

// ---- identities ----

TEST_P(StoreContract, an_identity_is_linked_once_and_then_logs_in_its_user) {
  const auto who = login("c1");
  EXPECT_EQ(run_here(store().accounts().link_identity(link_act(who.user.id, "o8"))).value().user.id, who.user.id);
  EXPECT_EQ(run_here(store().accounts().link_identity(link_act(who.user.id, "o8"))).value().user.id, who.user.id);
  auto by_the_other = login_act("c2", "o8");
  by_the_other.app = 8;
  by_the_other.app_id = "wx8";
  EXPECT_EQ(login(by_the_other).user.id, who.user.id);
}

TEST_P(StoreContract, an_identity_of_another_user_is_not_linked) {
  auto others = login_act("c1", "o8");
  others.app = 8;
  others.app_id = "wx8";
  others.unionid = "u8";
  ASSERT_TRUE(try_login(others));
  const auto who = login("c2");
  EXPECT_EQ(code_of(run_here(store().accounts().link_identity(link_act(who.user.id, "o8")))), ErrorCode::conflict);
  EXPECT_EQ(code_of(run_here(store().accounts().link_identity(link_act(who.user.id, "new", "u8")))), ErrorCode::conflict);
}

// ---- registration ----

core::RegisterUser completion(const Id& user) {
  core::RegisterUser act;
  act.user = user;
  act.app = 7;
  act.agreements = {{"terms", "1"}};
  act.fields = {{"company", "x"}};
  act.now = t0;
  act.revocations_until = t0 + 4h;
  act.source.ip = "203.0.113.9";
  return act;
}

TEST_P(StoreContract, a_guest_is_registered_and_older_tickets_are_out) {
  auto guest = login_act("c1");
  guest.registered = false;
  const auto made = login(guest);
  ASSERT_FALSE(made.user.registered);
  const auto changed = run_here(store().accounts().register_user(completion(made.user.id))).value();
  EXPECT_TRUE(changed.user.registered);
  ASSERT_EQ(changed.user.agreed.size(), 1u);
  EXPECT_EQ(changed.user.agreed[0].version, "1");
  ASSERT_EQ(changed.revocations.size(), 1u);
  EXPECT_EQ(changed.revocations[0].reason, Reason::renew);
  EXPECT_EQ(factory().query("SELECT name, version, agreed_at, ip FROM consents"),
            (std::vector<std::vector<std::string>>{{"terms", "1", std::to_string(epoch_ms(t0)), "203.0.113.9"}}));
}

// A guest of an invited app came into an open one, where everybody is registered, and stayed a guest for ever.
TEST_P(StoreContract, a_guest_who_logs_in_where_everybody_is_registered_is_registered) {
  auto guest = login_act("c1");
  guest.registered = false;
  const auto made = login(guest);
  guest = login_act("c2");
  guest.registered = false;
  EXPECT_FALSE(login(guest).user.registered);
  const auto in = login(login_act("c3"));
  EXPECT_TRUE(in.user.registered);
  EXPECT_TRUE(run_here(store().find_user(made.user.id)).value().registered);
  ASSERT_EQ(in.revocations.size(), 2u) << "older tickets say guest";
  for (const auto& revocation : in.revocations) EXPECT_EQ(revocation.reason, Reason::renew);
  EXPECT_EQ(session_now(in.session.id).generation, 0u);
  EXPECT_TRUE(login(login_act("c4")).revocations.empty()) << "once";
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'user_registered'")[0][0], "1");
  guest = login_act("c5");
  guest.registered = false;
  EXPECT_TRUE(login(guest).user.registered) << "who is registered stays so";
}

TEST_P(StoreContract, a_guest_is_registered_by_a_password_login_too) {
  auto guest = login_act("-");
  guest.registered = false;
  const auto made = run_here(store().accounts().register_password(registration(guest, "mei"))).value();
  ASSERT_FALSE(made.user.registered);
  const auto in = run_here(store().accounts().login_by_password(password_login(login_act("-"), "mei"))).value();
  EXPECT_TRUE(in.user.registered);
  ASSERT_EQ(in.revocations.size(), 1u);
  EXPECT_EQ(in.revocations[0].session, made.session.id);
}

TEST_P(StoreContract, a_new_version_is_agreed_to_beside_the_old_one) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().accounts().register_user(completion(made.user.id))));
  auto second = completion(made.user.id);
  second.agreements = {{"terms", "2"}};
  const auto changed = run_here(store().accounts().register_user(second)).value();
  ASSERT_EQ(changed.user.agreed.size(), 1u);
  EXPECT_EQ(changed.user.agreed[0].version, "2");
  EXPECT_EQ(factory().query("SELECT version FROM consents ORDER BY version"), (std::vector<std::vector<std::string>>{{"1"}, {"2"}}));
}

TEST_P(StoreContract, a_registration_that_says_the_same_again_leaves_no_event) {
  const auto made = login("c1");
  auto act = completion(made.user.id);
  act.nickname = "Mei";
  const auto told = [&] { return factory().query("SELECT count(*) FROM events WHERE kind = 'registration_changed'")[0][0]; };
  const auto again = [&] { return run_here(store().accounts().register_user(act)).value(); };
  EXPECT_EQ(again().revocations.size(), 1u);
  EXPECT_EQ(told(), "1");
  const auto same = again();
  EXPECT_TRUE(same.revocations.empty());
  EXPECT_EQ(same.user.nickname, "Mei");
  EXPECT_EQ(told(), "1");
  act.nickname = "Mei Mei";
  EXPECT_EQ(again().user.nickname, "Mei Mei");
  EXPECT_EQ(told(), "2");
  act.fields = {{"company", "y"}};
  again();
  EXPECT_EQ(told(), "3");
  act.agreements = {{"terms", "2"}};
  EXPECT_EQ(again().revocations.size(), 1u);
  EXPECT_EQ(told(), "4");
}

core::RegisterUser filled_in(const Id& user, core::RegistrationFields fields) {
  auto act = completion(user);
  act.fields = std::move(fields);
  return act;
}

// The project's apps ask for different things; whoever answered the second one lost what the first one had been told.
TEST_P(StoreContract, fields_that_are_given_leave_the_others_alone) {
  const Id user = login("c1").user.id;
  const auto give = [&](core::RegistrationFields fields) { return run_here(store().accounts().register_user(filled_in(user, std::move(fields)))); };
  const auto kept = [&] { return run_here(store().accounts().held_of(user)).value().registration_fields; };
  const std::string odd = "开 \"\\,:{}\" }";
  EXPECT_TRUE(give({{"gone", std::nullopt}}));
  EXPECT_EQ(kept(), "");
  EXPECT_TRUE(give({{"company", odd}, {"city", ""}}));
  EXPECT_EQ(kept(), R"({"city":"","company":"开 \"\\,:{}\" }"})");
  EXPECT_TRUE(give({{"department", "d"}}));
  EXPECT_TRUE(give({{"city", "c"}, {"nothing", std::nullopt}}));
  EXPECT_TRUE(give({}));
  EXPECT_EQ(kept(), R"({"city":"c","company":"开 \"\\,:{}\" }","department":"d"})");
  EXPECT_TRUE(give({{"company", std::nullopt}, {"city", std::nullopt}}));
  EXPECT_EQ(kept(), R"({"department":"d"})");
  EXPECT_TRUE(give({{"department", std::nullopt}}));
  EXPECT_EQ(kept(), "");
}

TEST_P(StoreContract, a_registration_has_an_end) {
  const Id user = login("c1").user.id;
  const auto give = [&](core::RegistrationFields fields) { return run_here(store().accounts().register_user(filled_in(user, std::move(fields)))); };
  EXPECT_TRUE(give({{"a", std::string(16'000, 'a')}, {"b", std::string(16'000, 'b')}}));
  EXPECT_EQ(code_of(give({{"c", std::string(1000, 'c')}})), ErrorCode::invalid_request);
  EXPECT_TRUE(give({{"a", "short"}, {"c", std::string(1000, 'c')}}));
}

TEST_P(StoreContract, of_two_registrations_a_merge_makes_one) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().accounts().register_user(filled_in(user, {{"company", "mine"}}))));
  ASSERT_TRUE(run_here(store().accounts().register_user(filled_in(other, {{"company", "theirs"}, {"department", "d"}}))));
  core::MergeUsers act;
  act.user = user;
  act.other = other;
  act.now = t0;
  act.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().merge_users(std::move(act))));
  EXPECT_EQ(factory().query("SELECT fields FROM registrations"), (std::vector<std::vector<std::string>>{{R"({"company":"mine","department":"d"})"}}));
}

TEST_P(StoreContract, the_last_use_of_an_invitation_is_one_guests) {
  core::Invitation invitation{hash("code"), 7, 2, t0 + 1h, t0, "default", {}};
  ASSERT_TRUE(run_here(store().accounts().add_invitation(invitation)));
  std::vector<Id> guests;
  for (int i = 0; i < 6; ++i) {
    auto guest = login_act("c" + std::to_string(i), "o" + std::to_string(i));
    guest.registered = false;
    guests.push_back(login(guest).user.id);
  }
  std::atomic<int> registered{0};
  at_once(6, [&](int i) {
    auto act = completion(guests[static_cast<size_t>(i)]);
    act.invitation_hash = hash("code");
    const auto done = run_here(store().accounts().register_user(act));
    if (done) ++registered;
    else EXPECT_EQ(done.error().code, ErrorCode::registration_required);
  });
  EXPECT_EQ(registered, 2);
  EXPECT_EQ(factory().query("SELECT count(*) FROM users WHERE registered = 1"), (std::vector<std::vector<std::string>>{{"2"}}));
}

TEST_P(StoreContract, an_invitation_is_of_one_app_and_has_an_end) {
  ASSERT_TRUE(run_here(store().accounts().add_invitation({hash("code"), 7, 5, t0 + 1h, t0, "default", {}})));
  auto guest = login_act("c1");
  guest.registered = false;
  auto act = completion(login(guest).user.id);
  act.invitation_hash = hash("another");
  EXPECT_EQ(code_of(run_here(store().accounts().register_user(act))), ErrorCode::registration_required);
  act.invitation_hash = hash("code");
  act.app = 8;
  EXPECT_EQ(code_of(run_here(store().accounts().register_user(act))), ErrorCode::registration_required);
  act.app = 7;
  act.now = t0 + 1h;
  EXPECT_EQ(code_of(run_here(store().accounts().register_user(act))), ErrorCode::registration_required);
  act.now = t0 + 1h - 1ms;
  EXPECT_TRUE(run_here(store().accounts().register_user(act)));
}

}  // namespace kaimen::contract
