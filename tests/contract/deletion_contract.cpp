// Leaving: what goes, what stays, who is told it waits; phones that find their user; and that an export has all there is.
#include <algorithm>
#include <atomic>
#include <tuple>

#include "core/account_store.h"
#include "core/journal_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

namespace {

using Table = std::vector<std::vector<std::string>>;

core::DeleteUser deletion(const Id& user, Time now, std::optional<Time> due_at = {}) {
  core::DeleteUser act;
  act.user = user;
  act.due_at = due_at;
  act.now = now;
  act.revocations_until = now + 4h;
  act.source = {"r", "203.0.113.7", {}};
  return act;
}

core::SavePhone phone_act(const Id& user, const std::string& index, core::PhoneUnique unique) {
  core::SavePhone act;
  act.user = user;
  act.phone_sealed = "sealed";
  act.phone_index = index;
  act.unique = unique;
  act.now = t0;
  return act;
}

core::AttachByPhone attach_act(const core::LoginRecord& fresh, const std::string& code_hash) {
  core::AttachByPhone act;
  act.fresh = fresh.user.id;
  act.session = fresh.session.id;
  act.app = 7;
  act.family = "wechat";
  act.code_hash = code_hash;
  act.phone_index = "index";
  act.now = t0;
  act.revocations_until = t0 + 4h;
  return act;
}

/// A user of whom every table knows something.
core::LoginRecord whole_user(core::Store& store, const core::RecordLogin& first) {
  auto act = first;
  act.unionid = "canary-unionid";
  act.device = {"canary-device", "m", "s", "p"};
  act.entry = "canary-entry";
  act.source.ip = "canary-ip";
  EXPECT_TRUE(run_here(store.claim_code({act.app, act.code_hash, act.owner, act.now})));
  const auto made = run_here(store.record_login(act)).value();
  core::SaveProfile profile;
  profile.user = made.user.id;
  profile.nickname = "canary-name";
  profile.attributes = R"({"a":"canary-attribute"})";
  profile.now = t0;
  EXPECT_TRUE(run_here(store.save_profile(profile)));
  EXPECT_TRUE(run_here(store.save_phone(phone_act(made.user.id, "canary-phone", core::PhoneUnique::off))));
  core::SetPassword password;
  password.user = made.user.id;
  password.session = made.session.id;
  password.name = password.shown_name = "canary-account";
  password.hash = "canary-hash";
  password.name_hash = std::string(32, 'n');
  password.now = t0;
  password.revocations_until = t0 + 4h;
  EXPECT_TRUE(run_here(store.accounts().set_password(password)));
  core::RegisterUser registration;
  registration.user = made.user.id;
  registration.app = 7;
  registration.fields = R"({"company":"canary-company"})";
  registration.agreements = {{"terms", "1"}};
  registration.now = t0;
  registration.revocations_until = t0 + 4h;
  registration.source.ip = "canary-ip2";
  EXPECT_TRUE(run_here(store.accounts().register_user(registration)));
  return made;
}

}  // namespace

TEST_P(StoreContract, a_deletion_ends_all_sessions_and_leaves_nothing_personal) {
  const auto made = whole_user(store(), login_act("c1", "canary-openid"));
  const auto revocations = run_here(store().accounts().delete_user(deletion(made.user.id, t0))).value();
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].reason, Reason::deleted);
  EXPECT_EQ(session_now(made.session.id).ended, Reason::deleted);
  EXPECT_EQ(code_of(run_here(store().find_user(made.user.id))), ErrorCode::not_found);
  for (const char* table : {"identities", "unionids", "passwords", "consents", "registrations", "deletions"}) {
    EXPECT_EQ(factory().query(std::string("SELECT count(*) FROM ") + table), (Table{{"0"}})) << table;
  }
  for (const char* table : {"users", "sessions", "events", "codes", "revocations", "once_marks"}) {
    for (const auto& row : factory().query(std::string("SELECT * FROM ") + table)) {
      for (const auto& cell : row) EXPECT_EQ(cell.find("canary"), std::string::npos) << table << ": " << cell;
    }
  }
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'user_deleted' AND user_id IS NOT NULL"), (Table{{"1"}}));
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

// The unionid of an official account stands under "wechat", as all of WeChat's do: looked for under the provider it stayed with the user who went.
TEST_P(StoreContract, the_unionid_of_a_login_put_onto_another_user_goes_along_in_its_family) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  auto act = login_act("c2", "o2");
  act.provider = "wechat_oauth";
  act.family = "wechat";
  act.unionid = "u2";
  act.registered = true;
  const auto fresh = login(act);
  ASSERT_TRUE(run_here(store().accounts().attach_by_phone(attach_act(fresh, act.code_hash))).value());
  auto elsewhere = login_act("c3", "o9");
  elsewhere.family = "wechat";
  elsewhere.unionid = "u2";
  EXPECT_EQ(login(elsewhere).user.id, owner.user.id);
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

// ---- export ----

TEST_P(StoreContract, an_export_has_what_the_tables_have) {
  const auto made = whole_user(store(), login_act("c1", "canary-openid"));
  const auto held = run_here(store().accounts().held_of(made.user.id)).value();
  const core::HeldBehind from_the_first{made.user.id, {}, t0 + 24h};
  const auto sessions = run_here(store().accounts().held_sessions(made.user.id, {}, 10)).value();
  const auto events = run_here(store().accounts().held_events(from_the_first)).value();
  const auto count = [&](const std::string& table) { return factory().query("SELECT count(*) FROM " + table)[0][0]; };
  EXPECT_EQ(std::to_string(held.identities.size()), count("identities"));
  EXPECT_EQ(std::to_string(held.unionids.size()), count("unionids"));
  EXPECT_EQ(std::to_string(sessions.size()), count("sessions"));
  EXPECT_EQ(std::to_string(held.consents.size()), count("consents"));
  EXPECT_EQ(std::to_string(events.size()), count("events"));
  EXPECT_EQ(held.user.nickname, "canary-name");
  EXPECT_EQ(held.user.attributes, R"({"a":"canary-attribute"})");
  EXPECT_EQ(held.user.phone_sealed, "sealed");
  EXPECT_EQ(held.identities.at(0).subject, "canary-openid");
  EXPECT_EQ(held.unionids.at(0), "wechat:canary-unionid");
  EXPECT_EQ(held.account_name, "canary-account");
  EXPECT_EQ(held.registration_fields, R"({"company":"canary-company"})");
  EXPECT_EQ(held.consents.at(0).ip, "canary-ip2");
  EXPECT_EQ(sessions.at(0).entry, "canary-entry");
  EXPECT_TRUE(std::ranges::any_of(events, [](const auto& event) { return event.ip == "canary-ip"; }));
}

// Somebody's history of years must not hold up everybody's logins while it is read.
TEST_P(StoreContract, what_has_no_end_is_exported_by_pages) {
  const auto first = login("c0", "o1");
  std::vector<Id> made{first.session.id};
  for (int i = 1; i < 7; ++i) {
    auto act = at(login_act("c" + std::to_string(i), "o1"), t0 + Millis(i));
    act.app = i % 2 ? 7 : 9;
    made.push_back(login(act).session.id);
  }
  login("other", "o2");
  for (const size_t ended : {1u, 2u}) ASSERT_TRUE(end(made[ended], t0 + 3ms));

  std::vector<core::Session> sessions;
  for (std::optional<core::Session> last;;) {
    const auto page = run_here(store().accounts().held_sessions(first.user.id, last, 2)).value();
    sessions.insert(sessions.end(), page.begin(), page.end());
    if (page.size() < 2) break;
    last = page.back();
  }
  EXPECT_EQ(sessions.size(), made.size());
  for (const Id& id : made) EXPECT_EQ(std::ranges::count(sessions, id, &core::Session::id), 1);
  EXPECT_TRUE(std::ranges::is_sorted(sessions, {}, [](const core::Session& one) { return std::tuple(one.ended.value_or(Reason::none), one.app, one.id); }));

  std::vector<Id> events;
  core::HeldBehind query{first.user.id, {}, t0 + 4ms, 2};
  for (;;) {
    const auto page = run_here(store().accounts().held_events(query)).value();
    for (const auto& event : page) events.push_back(event.id);
    if (page.size() < 2) break;
    query.after = page.back().id;
  }
  EXPECT_EQ(events.size(), 6u) << "four logins, two ends; none of another user, none since";
  EXPECT_TRUE(std::ranges::is_sorted(events));
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(first.user.id, t0))));
  EXPECT_EQ(code_of(run_here(store().accounts().held_events(query))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().accounts().held_scans(query))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().accounts().held_sessions(first.user.id, {}, 2))), ErrorCode::not_found);
}

// ---- phones ----

TEST_P(StoreContract, a_number_of_another_user_is_refused_where_it_must_be_unique) {
  const auto first = login("c1"), second = login("c2", "o2");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::refuse))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::refuse)))) << "one's own again";
  EXPECT_EQ(code_of(run_here(store().save_phone(phone_act(second.user.id, "index", core::PhoneUnique::refuse)))), ErrorCode::conflict);
  EXPECT_TRUE(run_here(store().save_phone(phone_act(second.user.id, "other", core::PhoneUnique::refuse))));
}

TEST_P(StoreContract, a_shared_number_is_reported_where_that_is_wanted) {
  const auto first = login("c1"), second = login("c2", "o2");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::report))));
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'phone_shared'"), (Table{{"0"}}));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(second.user.id, "index", core::PhoneUnique::report))));
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'phone_shared'"), (Table{{"1"}}));
}

TEST_P(StoreContract, of_many_who_bring_a_number_at_once_one_has_it) {
  // Both looked, both found nobody, both had it.
  for (int round = 0; round < 5; ++round) {
    std::vector<Id> users;
    for (int i = 0; i < 4; ++i) users.push_back(login("c" + std::to_string(round * 4 + i), "o" + std::to_string(round * 4 + i)).user.id);
    std::atomic<int> got{0};
    at_once(4, [&](int i) {
      if (run_here(store().save_phone(phone_act(users[static_cast<size_t>(i)], "index" + std::to_string(round), core::PhoneUnique::refuse)))) ++got;
    });
    EXPECT_EQ(got, 1);
  }
}

TEST_P(StoreContract, a_mark_is_claimed_by_one) {
  std::atomic<int> got{0};
  at_once(6, [&](int i) {
    if (run_here(store().accounts().claim_mark(hash("mark"), t0 + Millis(i)))) ++got;
  });
  EXPECT_EQ(got, 1);
  reopen();
  EXPECT_EQ(code_of(run_here(store().accounts().claim_mark(hash("mark"), t0 + 1s))), ErrorCode::code_used);
  ASSERT_TRUE(run_here(store().accounts().release_mark(hash("mark"))));
  EXPECT_TRUE(run_here(store().accounts().claim_mark(hash("mark"), t0 + 2s)));
}

TEST_P(StoreContract, a_fresh_login_is_put_onto_the_one_user_with_its_number) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  auto act = login_act("c2", "o2");
  act.unionid = "u2";
  const auto fresh = login(act);
  ASSERT_TRUE(fresh.is_new_user);
  const auto attached = run_here(store().accounts().attach_by_phone(attach_act(fresh, act.code_hash))).value();
  ASSERT_TRUE(attached);
  EXPECT_EQ(attached->user.id, owner.user.id);
  EXPECT_EQ(attached->session.id, fresh.session.id);
  EXPECT_EQ(attached->session.generation, 1u);
  ASSERT_EQ(attached->revocations.size(), 1u);
  EXPECT_EQ(attached->revocations[0].reason, Reason::renew) << "of a ticket that a replay of the code may have had";
  EXPECT_EQ(code_of(run_here(store().find_user(fresh.user.id))), ErrorCode::not_found);
  EXPECT_EQ(login("c3", "o2").user.id, owner.user.id);
  auto elsewhere = login_act("c4", "o9");
  elsewhere.unionid = "u2";
  EXPECT_EQ(login(elsewhere).user.id, owner.user.id);
  EXPECT_FALSE(claim(act).value().login->is_new_user);
}

TEST_P(StoreContract, nobody_with_the_number_is_no_attachment) {
  const auto act = login_act("c2", "o2");
  EXPECT_EQ(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash))).value().has_value(), false);
}

TEST_P(StoreContract, two_with_the_number_are_nobody_to_be_put_onto) {
  for (const char* openid : {"o1", "o2"}) {
    const auto owner = login(std::string("c") + openid, openid);
    ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  }
  const auto act = login_act("c3", "o3");
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash)))), ErrorCode::conflict);
}

TEST_P(StoreContract, who_is_not_fresh_is_not_put_onto_another) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  const auto first = login_act("c2", "o2");
  const auto old = login(first);
  ASSERT_TRUE(try_login(at(login_act("c3", "o2"), t0 + 1s)));
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(old, first.code_hash)))), ErrorCode::conflict);
  EXPECT_TRUE(run_here(store().find_user(old.user.id)));
}

TEST_P(StoreContract, a_disabled_user_is_not_entered_by_a_number) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  ASSERT_TRUE(disable(owner.user.id, t0));
  const auto act = login_act("c2", "o2");
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash)))), ErrorCode::conflict);
}

}  // namespace kaimen::contract
