// What happened and who is told: events read back, webhooks, and deliveries that go out in order, once a time.
#include <algorithm>
#include <map>

#include "tests/contract/account_acts.h"
#include "tests/contract/journal_contract.h"

namespace kaimen::contract {

// ---- events ----

TEST_P(JournalContract, events_are_read_newest_first_and_page_by_page) {
  const Id user = login("c1").user.id;
  for (int i = 1; i <= 5; ++i) rename(user, std::to_string(i), t0 + i * 1s);
  core::ListEvents query;
  query.user = user;
  query.limit = 4;
  const auto first = events(query);
  ASSERT_EQ(first.events.size(), 4u);
  EXPECT_EQ(first.events[0].at, t0 + 5s);
  EXPECT_EQ(first.events[0].kind, "profile_saved");
  EXPECT_EQ(first.events[0].project, "default");
  ASSERT_TRUE(first.next);
  query.before = first.next;
  const auto second = events(query);
  ASSERT_EQ(second.events.size(), 2u);
  EXPECT_EQ(second.events[1].kind, "login_new_user");
  EXPECT_FALSE(second.next);
}

TEST_P(JournalContract, events_are_found_by_each_condition) {
  auto act = login_act("c1");
  act.source = {"request-1", "192.0.2.1", ""};
  const auto made = login(act);
  auto elsewhere = login_act("c2", "o2");
  elsewhere.project = "other";
  elsewhere.app = 8;
  elsewhere.app_id = "wx8";
  login(elsewhere);
  rename(made.user.id, "n", t0 + 1min);
  const auto count = [&](auto change) {
    core::ListEvents query;
    change(query);
    return events(query).events.size();
  };
  EXPECT_EQ(count([](auto&) {}), 3u);
  EXPECT_EQ(count([](auto& query) { query.project = "other"; }), 1u);
  EXPECT_EQ(count([](auto& query) { query.app = 8; }), 1u);
  EXPECT_EQ(count([](auto& query) { query.kind = "profile_saved"; }), 1u);
  EXPECT_EQ(count([](auto& query) { query.since = t0 + 1min; }), 1u);
  EXPECT_EQ(count([](auto& query) { query.request_id = "request-1"; }), 1u);
  EXPECT_EQ(count([&](auto& query) { query.session = made.session.id; }), 1u);
  EXPECT_EQ(count([&](auto& query) { query.user = made.user.id; }), 2u);
}

TEST_P(JournalContract, a_note_is_an_event) {
  core::Note note;
  note.kind = "login_failed";
  note.app = 7;
  note.project = "default";
  note.detail = "{\"errcode\":40029}";
  note.now = t0;
  note.source = {"request-2", "192.0.2.1", ""};
  ASSERT_TRUE(run_here(journal().note(note)));
  core::ListEvents query;
  query.request_id = "request-2";
  const auto found = events(query).events;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].detail, note.detail);
  EXPECT_EQ(found[0].ip, "192.0.2.1");
}

TEST_P(JournalContract, a_login_says_which_session_key_it_brought_and_only_when_it_is_a_new_one) {
  auto act = login_act("c1");
  act.session_key_sealed = "sealed";
  act.session_key_index = "\x01\x02\x03\x04 and more";
  login(act);
  auto again = login_act("c2");
  again.session_key_sealed = "sealed";
  again.session_key_index = act.session_key_index;
  login(again);
  const auto details = factory().query("SELECT detail FROM events WHERE detail <> ''");
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details[0][0], "{\"session_key\":\"01020304\"}");
}

TEST_P(JournalContract, old_events_go_with_the_purge) {
  const Id user = login("c1").user.id;
  rename(user, "n", t0 + 399 * 24h);
  ASSERT_TRUE(run_here(store().purge(t0)));
  factory().pass(400 * 24h + 1min);
  ASSERT_TRUE(run_here(store().purge(t0 + 400 * 24h + 1min)));
  EXPECT_EQ(factory().query("SELECT kind FROM events WHERE kind = 'login_new_user'").size(), 0u);
  EXPECT_EQ(factory().query("SELECT kind FROM events WHERE kind = 'profile_saved'").size(), 1u);
}

// ---- webhooks ----

TEST_P(JournalContract, webhooks_are_kept_changed_and_removed) {
  const Id id = add_webhook({"user.created"});
  auto listed = run_here(journal().list_webhooks()).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].kinds, std::vector<std::string>{"user.created"});
  EXPECT_EQ(listed[0].secret_sealed, "sealed");
  const auto changed = run_here(journal().change_webhook({id, "https://other.example.com", std::nullopt, true, {}}));
  ASSERT_TRUE(changed);
  listed = run_here(journal().list_webhooks()).value();
  for (const core::Webhook& one : {listed[0], changed.value()}) {
    EXPECT_EQ(one.url, "https://other.example.com");
    EXPECT_EQ(one.kinds, std::vector<std::string>{"user.created"});
    EXPECT_TRUE(one.disabled);
  }
  ASSERT_TRUE(run_here(journal().remove_webhook(id, t0, {"r", {}, "key k"})));
  EXPECT_TRUE(run_here(journal().list_webhooks()).value().empty());
  EXPECT_EQ(code_of(run_here(journal().remove_webhook(id, t0, {"r", {}, {}}))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(journal().change_webhook({id, {}, {}, false, {}}))), ErrorCode::not_found);
}

// The whole row was written, as it had been read: of two who changed different things at once, one's change was lost.
TEST_P(JournalContract, changes_of_a_webhook_at_once_leave_each_other_alone) {
  const Id id = add_webhook({"user.created"});
  for (int round = 0; round < 10; ++round) {
    const std::string url = "https://hook.example.com/" + std::to_string(round);
    const bool disabled = round % 2 == 0;
    std::thread other([&] { EXPECT_TRUE(run_here(journal().change_webhook({id, url, {}, {}, {}}))); });
    EXPECT_TRUE(run_here(journal().change_webhook({id, {}, {}, disabled, {}})));
    other.join();
    const auto now = run_here(journal().list_webhooks()).value()[0];
    EXPECT_EQ(now.url, url);
    EXPECT_EQ(now.disabled, disabled);
  }
}

TEST_P(JournalContract, a_webhook_is_told_what_it_wants_of_its_project) {
  const Id all = add_webhook(), ends = add_webhook({"session.ended"}), elsewhere = add_webhook({}, "other");
  const auto made = login("c1");
  ASSERT_TRUE(end(made.session.id, t0));
  const auto told = deliveries(all);
  ASSERT_EQ(told.size(), 2u);
  ASSERT_EQ(deliveries(ends).size(), 1u);
  EXPECT_EQ(deliveries(ends)[0].kind, "session.ended");
  EXPECT_NE(deliveries(ends)[0].body.find("\"reason\":\"logged_out\""), std::string::npos);
  EXPECT_NE(deliveries(ends)[0].body.find("\"session_id\":\"" + made.session.id.hex() + "\""), std::string::npos);
  EXPECT_TRUE(deliveries(elsewhere).empty());
}

TEST_P(JournalContract, what_an_act_did_not_do_is_not_told) {
  const Id webhook = add_webhook();
  const auto made = login("c1");
  ASSERT_TRUE(disable(made.user.id, t0));
  const size_t told = deliveries(webhook).size();
  ASSERT_FALSE(try_login(login_act("c2")));
  EXPECT_EQ(deliveries(webhook).size(), told);
}

TEST_P(JournalContract, of_one_user_one_delivery_is_under_way_and_they_go_in_order) {
  add_webhook();
  const Id user = login("c1").user.id;
  // In the order they were done, whatever the clocks of the nodes said.
  rename(user, "1", t0 + 5s);
  rename(user, "2", t0 + 1s);
  std::vector<std::string> kinds;
  std::vector<Time> times;
  for (int i = 0; i < 3; ++i) {
    const auto leased = lease(t0 + 1min);
    ASSERT_EQ(leased.size(), 1u) << i;
    EXPECT_TRUE(lease(t0 + 1min).empty()) << "somebody else has it";
    kinds.push_back(leased[0].delivery.kind);
    times.push_back(leased[0].delivery.due_at);
    settle(leased[0], true, {}, t0 + 1min);
  }
  EXPECT_EQ(kinds, (std::vector<std::string>{"user.created", "user.updated", "user.updated"}));
  EXPECT_TRUE(lease(t0 + 1min).empty());
}

TEST_P(JournalContract, users_do_not_wait_for_each_other) {
  add_webhook();
  login("c1", "o1");
  login("c2", "o2");
  EXPECT_EQ(lease(t0 + 1s).size(), 2u);
}

// Each webhook was asked for by itself, and its users after it: more ways over the network than a batch has time for.
TEST_P(JournalContract, a_look_finds_what_is_due_of_all_webhooks) {
  std::vector<Id> webhooks;
  for (int i = 0; i < 40; ++i) webhooks.push_back(add_webhook());
  login("c1", "o1");
  const Id user = login("c2", "o2").user.id;
  rename(user, "n", t0 + 1s);
  const auto leased = lease(t0 + 2s);
  std::map<Id, int> told;
  for (const auto& one : leased) {
    ++told[one.delivery.webhook];
    EXPECT_EQ(one.delivery.kind, "user.created") << "what came before goes before";
  }
  EXPECT_EQ(leased.size(), 80u);
  EXPECT_EQ(told.size(), webhooks.size());
  EXPECT_TRUE(lease(t0 + 2s).empty());
}

TEST_P(JournalContract, a_webhook_with_much_to_tell_does_not_hold_up_the_others) {
  const Id much = add_webhook({}, "much"), little = add_webhook();
  for (int i = 0; i < 70; ++i) {
    auto act = login_act("m" + std::to_string(i), "m" + std::to_string(i));
    act.project = "much";
    login(act);
  }
  login(at(login_act("c1", "o1"), t0 + 1s));
  core::LeaseDeliveries act;
  act.now = t0 + 2s;
  act.until = t0 + 22s;
  act.per_webhook = 8;
  const auto first = run_here(journal().lease_deliveries(act)).value();
  EXPECT_EQ(std::ranges::count(first, much, [](const auto& one) { return one.delivery.webhook; }), 8);
  EXPECT_EQ(std::ranges::count(first, little, [](const auto& one) { return one.delivery.webhook; }), 1);
  act.busy = {much};
  EXPECT_TRUE(run_here(journal().lease_deliveries(act)).value().empty());
}

TEST_P(JournalContract, a_page_of_deliveries_looks_at_no_more_than_its_share) {
  const Id webhook = add_webhook();
  const Id user = login("c1").user.id;
  rename(user, "n", t0 + 1s);
  core::ListDeliveries query;
  query.webhook = webhook;
  query.limit = 1;
  const auto first = run_here(journal().list_deliveries(query)).value();
  ASSERT_EQ(first.deliveries.size(), 1u);
  ASSERT_TRUE(first.next);
  query.after = first.next;
  query.limit = 50;
  const auto rest = run_here(journal().list_deliveries(query)).value();
  EXPECT_EQ(rest.deliveries.size(), 1u);
  EXPECT_FALSE(rest.next);
  query.after.reset();
  query.state = core::DeliveryState::given_up;
  EXPECT_TRUE(run_here(journal().list_deliveries(query)).value().deliveries.empty());
}

TEST_P(JournalContract, one_that_failed_is_tried_again_under_its_id_before_what_came_later) {
  add_webhook();
  const Id user = login("c1").user.id;
  rename(user, "n", t0 + 1s);
  const auto first = lease(t0 + 2s);
  ASSERT_EQ(first.size(), 1u);
  settle(first[0], false, t0 + 12s, t0 + 2s);
  EXPECT_TRUE(lease(t0 + 11s).empty());
  const auto again = lease(t0 + 12s);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].delivery.id, first[0].delivery.id);
  EXPECT_EQ(again[0].delivery.body, first[0].delivery.body);
  EXPECT_EQ(again[0].delivery.attempts, 1);
}

TEST_P(JournalContract, one_whose_node_died_is_sent_by_another_under_its_id) {
  add_webhook();
  login("c1");
  const auto lost = lease(t0 + 1s);
  ASSERT_EQ(lost.size(), 1u);
  reopen();
  EXPECT_TRUE(lease(t0 + 20s).empty());
  const auto again = lease(t0 + 21s);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].delivery.id, lost[0].delivery.id);
  // The first node comes back too late to say what came of it.
  settle(lost[0], false, t0 + 1h, t0 + 22s);
  settle(again[0], true, {}, t0 + 22s);
  EXPECT_EQ(deliveries(again[0].delivery.webhook)[0].state, core::DeliveryState::delivered);
}

TEST_P(JournalContract, one_that_was_given_up_lets_the_next_go_and_can_be_replayed) {
  const Id webhook = add_webhook();
  const Id user = login("c1").user.id;
  rename(user, "n", t0 + 1s);
  const auto first = lease(t0 + 2s);
  settle(first[0], false, {}, t0 + 2s);
  const auto next = lease(t0 + 2s);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].delivery.kind, "user.updated");
  settle(next[0], true, {}, t0 + 2s);
  ASSERT_TRUE(run_here(journal().replay_delivery(webhook, first[0].delivery.id, t0 + 3s, {"r", {}, {}})));
  const auto again = lease(t0 + 3s);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].delivery.id, first[0].delivery.id);
  EXPECT_EQ(again[0].delivery.attempts, 0);
  EXPECT_EQ(code_of(run_here(journal().replay_delivery(webhook, new_id(), t0, {"r", {}, {}}))), ErrorCode::not_found);
}

TEST_P(JournalContract, a_disabled_webhook_is_not_told) {
  const Id id = add_webhook();
  ASSERT_TRUE(run_here(journal().change_webhook({id, {}, {}, true, {}})));
  login("c1");
  EXPECT_TRUE(deliveries(id).empty());
  EXPECT_TRUE(lease(t0 + 1s).empty());
}

TEST_P(JournalContract, delivered_ones_go_with_the_purge_and_others_stay) {
  const Id webhook = add_webhook();
  login("c1", "o1");
  login("c2", "o2");
  const auto leased = lease(t0 + 1s);
  ASSERT_EQ(leased.size(), 2u);
  settle(leased[0], true, {}, t0 + 1s);
  settle(leased[1], false, t0 + 7 * 24h, t0 + 1s);
  ASSERT_TRUE(run_here(store().purge(t0)));
  factory().pass(7 * 24h + 2s);
  ASSERT_TRUE(run_here(store().purge(t0 + 7 * 24h + 2s)));
  const auto left = deliveries(webhook);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, leased[1].delivery.id);
}

TEST_P(JournalContract, a_merge_is_told) {
  const Id webhook = add_webhook({"user.merged"});
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  core::MergeUsers act{user, other, [](const Id&, const Id&, const std::string& sealed) -> Result<core::SealedPhone> { return core::SealedPhone{sealed, "index"}; }, t0, t0 + 4h, {"r", {}, {}}};
  ASSERT_TRUE(run_here(store().merge_users(act)));
  const auto told = deliveries(webhook);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].user, user);
  EXPECT_NE(told[0].body.find("\"detail\":{\"other\":\"" + other.hex() + "\"}"), std::string::npos);
}

// A refused renewal knew the session only: a deletion did not find from where it came.
TEST_P(JournalContract, a_note_about_a_session_is_its_users_and_is_blanked_with_them) {
  const auto made = login("c1");
  core::Note note;
  note.kind = "renewal_refused";
  note.session = made.session.id;
  note.project = "default";
  note.now = t0 + 1min;
  note.source = {"r1", "192.0.2.77", {}};
  ASSERT_TRUE(run_here(journal().note(note)));
  core::ListEvents query;
  query.user = made.user.id;
  query.kind = "renewal_refused";
  ASSERT_EQ(events(query).events.size(), 1u);
  EXPECT_EQ(events(query).events[0].ip, "192.0.2.77");
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(made.user.id, t0 + 2min))));
  EXPECT_EQ(events(query).events.at(0).ip, "");
  note.now = t0 + 3min;
  ASSERT_TRUE(run_here(journal().note(note)));
  for (const auto& event : events(query).events) EXPECT_EQ(event.ip, "") << "nor from where they come after that";
}

}  // namespace kaimen::contract
