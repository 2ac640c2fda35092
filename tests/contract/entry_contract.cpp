// Entry codes: what a login by one is given, what is counted, and whom a scan belongs to.
#include "core/entry_store.h"
#include "core/stats_store.h"
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

namespace {

core::AddEntryCode code_act(const std::string& code, std::optional<int64_t> uses = {}, std::optional<Time> expires_at = {}) {
  core::AddEntryCode act;
  act.code.code = code;
  SystemRandom random;
  act.code.id = Id::make(t0, random).value();
  act.code.app = 7;
  act.code.payload = R"({"device":"door 4"})";
  act.code.page = "pages/index";
  act.code.uses = uses;
  act.code.expires_at = expires_at;
  act.code.created_at = t0;
  act.project = "default";
  return act;
}

core::RecordLogin scanning(core::RecordLogin act, const std::string& code) {
  act.entry_code = code;
  return act;
}

/// In words: what came of a scan.
std::string outcome(const core::LoginRecord& login) {
  if (!login.entrance) return "nothing";
  return login.entrance->refused ? std::string(name_of(*login.entrance->refused)) : login.entrance->payload;
}
const std::string kIn = R"({"device":"door 4"})";

core::ChangeEntryCode change_act(const std::string& code) {
  core::ChangeEntryCode act;
  act.code = code;
  act.app = 7;
  act.project = "default";
  act.now = t0;
  return act;
}

}  // namespace

TEST_P(StoreContract, a_login_by_an_entry_code_gets_its_payload_and_is_a_scan) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("door"))));
  const auto first = login(scanning(login_act("c1"), "door"));
  EXPECT_EQ(outcome(first), kIn);
  EXPECT_EQ(outcome(login("c2")), "nothing");
  const auto again = login(scanning(at(login_act("c3"), t0 + 1min), "door"));
  EXPECT_EQ(outcome(again), kIn);

  const auto scans = run_here(store().entries().list_entry_scans({"door", 7, {}, 10})).value();
  ASSERT_EQ(scans.size(), 2u);
  const auto& newest = scans[0].session == again.session.id ? scans[0] : scans[1];
  const auto& oldest = scans[0].session == again.session.id ? scans[1] : scans[0];
  EXPECT_EQ(newest.at, t0 + 1min);
  EXPECT_FALSE(newest.is_new_user);
  EXPECT_TRUE(oldest.is_new_user);
  EXPECT_EQ(oldest.user, first.user.id);
  ASSERT_TRUE(oldest.person);
  const auto code = run_here(store().entries().find_entry_code("door", 7)).value();
  EXPECT_EQ(code.counts.scans, 2);
  EXPECT_EQ(code.counts.new_users, 1);
  EXPECT_EQ(code.counts.guests, 0);
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'entry_scanned'"), (std::vector<std::vector<std::string>>{{"2"}}));
}

TEST_P(StoreContract, codes_that_let_nobody_in_say_why_and_count_nothing) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("ends", {}, t0 + 1min))));
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("once", 1))));
  EXPECT_EQ(outcome(login(scanning(login_act("c1"), "nowhere"))), "not_found");
  auto elsewhere = scanning(login_act("c2"), "ends");
  elsewhere.app = 8;
  elsewhere.app_id = "wx8";
  EXPECT_EQ(outcome(login(elsewhere)), "not_found") << "a code of another app";
  EXPECT_EQ(outcome(login(scanning(at(login_act("c3"), t0 + 1min - 1ms), "ends"))), kIn);
  EXPECT_EQ(outcome(login(scanning(at(login_act("c4"), t0 + 1min), "ends"))), "code_invalid");
  EXPECT_EQ(outcome(login(scanning(login_act("c5"), "once"))), kIn);
  EXPECT_EQ(outcome(login(scanning(login_act("c6"), "once"))), "code_used");
  auto change = change_act("once");
  change.disabled = true;
  change.uses = std::optional<int64_t>();
  ASSERT_TRUE(run_here(store().entries().change_entry_code(change)));
  EXPECT_EQ(outcome(login(scanning(login_act("c7"), "once"))), "code_invalid");
  EXPECT_EQ(run_here(store().entries().find_entry_code("once", 7)).value().counts.scans, 1);
  EXPECT_EQ(run_here(store().entries().find_entry_code("ends", 7)).value().counts.scans, 1);
  EXPECT_EQ(code_of(run_here(store().entries().find_entry_code("ends", 8))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_login_by_password_by_an_entry_code_is_a_scan_too) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("door", 2))));
  core::RegisterPassword registration;
  registration.login = scanning(login_act("-"), "door");
  registration.login.openid.clear();
  registration.name = registration.shown_name = "mei";
  registration.hash = "hash";
  const auto made = run_here(store().accounts().register_password(registration)).value();
  EXPECT_EQ(outcome(made), kIn);
  core::LoginByPassword entering;
  entering.name = "mei";
  entering.name_hash = std::string(32, 'n');
  entering.hash = "hash";
  for (const char* expected : {kIn.c_str(), "code_used"}) {
    entering.login = scanning(login_act("-"), "door");
    entering.login.openid.clear();
    EXPECT_EQ(outcome(run_here(store().accounts().login_by_password(entering)).value()), expected);
  }
  entering.login = login_act("-");
  EXPECT_EQ(outcome(run_here(store().accounts().login_by_password(entering)).value()), "nothing");

  const auto code = run_here(store().entries().find_entry_code("door", 7)).value();
  EXPECT_EQ(code.counts.scans, 2);
  EXPECT_EQ(code.counts.new_users, 1);
  const auto scans = run_here(store().entries().list_entry_scans({"door", 7, {}, 10})).value();
  for (const auto& scan : scans) EXPECT_EQ(scan.user, made.user.id);
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'entry_scanned'"), (std::vector<std::vector<std::string>>{{"2"}}));
}

// A limited offer at a shop's door: whoever comes at the same moment, no more get it than there are.
TEST_P(StoreContract, of_many_who_scan_at_once_exactly_as_many_get_in_as_there_are_uses) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("few", 5))));
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("many"))));
  std::atomic<int> in{0}, late{0}, all{0};
  at_once(16, [&](int i) {
    const std::string name = std::to_string(i);
    const std::string came = outcome(login(scanning(login_act("few" + name, "o" + name), "few")));
    in += came == kIn;
    late += came == "code_used";
    all += outcome(login(scanning(login_act("many" + name, "o" + name), "many"))) == kIn;
  });
  EXPECT_EQ(in, 5);
  EXPECT_EQ(late, 11);
  EXPECT_EQ(all, 16);
  EXPECT_EQ(run_here(store().entries().find_entry_code("few", 7)).value().counts.scans, 5);
  EXPECT_EQ(run_here(store().entries().find_entry_code("many", 7)).value().counts.scans, 16);
}

TEST_P(StoreContract, the_same_login_again_is_the_same_scan) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("once", 1))));
  const auto act = scanning(login_act("c1"), "once");
  login(act);
  const auto again = run_here(store().record_login(act)).value();  // after its answer was lost
  EXPECT_EQ(outcome(again), kIn);
  core::AskEntrance ask;
  ask.session = again.session.id;
  ask.code = "once";
  ask.app = 7;
  ask.now = t0 + 1s;
  const auto asked = run_here(store().entries().entrance_of(ask)).value();
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->payload, kIn);
  EXPECT_EQ(run_here(store().entries().find_entry_code("once", 7)).value().counts.scans, 1);
}

TEST_P(StoreContract, a_code_for_registered_people_keeps_its_payload_from_guests) {
  auto made = code_act("members");
  made.code.admits = core::EntryAdmits::registered;
  ASSERT_TRUE(run_here(store().entries().add_entry_code(made)));
  auto act = scanning(login_act("c1"), "members");
  act.registered = false;
  const auto guest = login(act);
  EXPECT_EQ(outcome(guest), "registration_required");
  auto scans = run_here(store().entries().list_entry_scans({"members", 7, {}, 10})).value();
  ASSERT_EQ(scans.size(), 1u);
  EXPECT_FALSE(scans[0].was_registered);
  EXPECT_FALSE(scans[0].person->registered);
  EXPECT_EQ(run_here(store().entries().find_entry_code("members", 7)).value().counts.guests, 1);

  core::RegisterUser registration;
  registration.user = guest.user.id;
  registration.app = 7;
  registration.now = t0;
  registration.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().accounts().register_user(registration)));
  scans = run_here(store().entries().list_entry_scans({"members", 7, {}, 10})).value();
  EXPECT_FALSE(scans[0].was_registered);
  EXPECT_TRUE(scans[0].person->registered);
  const auto entrance = run_here(store().entries().entrance_of({guest.session.id, {}, 7, {}, t0})).value();
  ASSERT_TRUE(entrance);
  EXPECT_EQ(entrance->payload, kIn);
  // A door that was locked since stays locked, also for who had knocked before.
  auto change = change_act("members");
  change.expires_at.emplace(t0 + 1min);
  ASSERT_TRUE(run_here(store().entries().change_entry_code(change)));
  EXPECT_EQ(run_here(store().entries().entrance_of({guest.session.id, {}, 7, {}, t0 + 1s})).value()->payload, kIn);
  EXPECT_EQ(run_here(store().entries().entrance_of({guest.session.id, {}, 7, {}, t0 + 1min})).value()->refused, ErrorCode::code_invalid);
  auto disabling = change_act("members");
  disabling.disabled = true;
  ASSERT_TRUE(run_here(store().entries().change_entry_code(disabling)));
  EXPECT_EQ(run_here(store().entries().entrance_of({guest.session.id, {}, 7, {}, t0 + 1s})).value()->refused, ErrorCode::code_invalid);
}

TEST_P(StoreContract, scans_follow_their_user_through_merge_export_and_deletion) {
  ASSERT_TRUE(run_here(store().entries().add_entry_code(code_act("door"))));
  const auto one = login(scanning(login_act("c1", "o1"), "door"));
  const auto other = login(scanning(login_act("c2", "o2"), "door"));
  core::MergeUsers merge;
  merge.user = one.user.id;
  merge.other = other.user.id;
  merge.move_phone = [](const Id&, const Id&, const std::string&) -> Result<core::SealedPhone> { return core::SealedPhone{}; };  // none has one
  merge.now = t0;
  merge.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().merge_users(merge)));
  core::HeldBehind query{one.user.id, {}, 1};
  for (const bool more : {true, true, false}) {
    const auto held = run_here(store().accounts().held_scans(query)).value();
    ASSERT_EQ(held.size(), more ? 1u : 0u);
    if (!more) break;
    EXPECT_EQ(held[0].code, "door");
    EXPECT_LT(query.after, held[0].session);
    query.after = held[0].session;
  }

  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(one.user.id, t0))));
  const auto scans = run_here(store().entries().list_entry_scans({"door", 7, {}, 10})).value();
  ASSERT_EQ(scans.size(), 2u);
  for (const auto& scan : scans) {
    EXPECT_EQ(scan.user, one.user.id);
    EXPECT_FALSE(scan.person);
  }
}

TEST_P(StoreContract, codes_are_listed_newest_first_by_pages_and_go_with_their_pictures) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    auto act = code_act("code" + std::to_string(i));
    act.code.id.bytes = {uint8_t(i + 1)};
    if (i == 4) {
      act.code.picture_hash = hash("picture");
      act.picture = {"image/png", "bytes"};
    }
    ASSERT_TRUE(run_here(store().entries().add_entry_code(act)));
    ASSERT_TRUE(run_here(store().entries().add_entry_code(act))) << "the same act again";
  }
  std::optional<Id> before;
  for (int page = 0; page < 3; ++page) {
    const auto codes = run_here(store().entries().list_entry_codes({7, before, 2})).value();
    for (const auto& code : codes) made.push_back(code.code);
    if (!codes.empty()) before = codes.back().id;
  }
  EXPECT_EQ(made, (std::vector<std::string>{"code4", "code3", "code2", "code1", "code0"}));
  EXPECT_TRUE(run_here(store().entries().list_entry_codes({8, {}, 10})).value().empty());
  EXPECT_EQ(run_here(store().entries().find_entry_picture(hash("picture"))).value().body, "bytes");
  core::RemoveEntryCode removal;
  removal.code = "code4";
  removal.app = 7;
  removal.now = t0;
  removal.project = "default";
  ASSERT_TRUE(run_here(store().entries().remove_entry_code(removal)));
  EXPECT_EQ(code_of(run_here(store().entries().remove_entry_code(removal))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().entries().find_entry_picture(hash("picture")))), ErrorCode::not_found);
}

TEST_P(StoreContract, codes_of_an_app_that_is_gone_go_with_the_purge) {
  core::AppRow app;
  app.app_id = "wx7";
  app.number = 7;
  app.project = "default";
  app.platform = "wechat";
  app.created_at = t0;
  ASSERT_TRUE(run_here(store().add_app(app)));
  for (int i = 0; i < 25; ++i) {
    auto act = code_act("code" + std::to_string(i));
    act.code.picture_hash = hash("picture" + std::to_string(i));
    act.picture = {"image/png", "bytes"};
    ASSERT_TRUE(run_here(store().entries().add_entry_code(act)));
  }
  auto elsewhere = code_act("elsewhere");
  elsewhere.code.app = 8;
  ASSERT_TRUE(run_here(store().entries().add_entry_code(elsewhere)));
  login(scanning(login_act("c1"), "code3"));
  ASSERT_TRUE(run_here(store().purge(t0 + 1s)));
  EXPECT_EQ(run_here(store().entries().list_entry_codes({7, {}, 50})).value().size(), 25u);
  ASSERT_TRUE(run_here(store().remove_app("wx7", t0 + 1s, {})));
  ASSERT_TRUE(run_here(store().purge(t0 + 1min)));
  for (const std::string table : {"entry_codes WHERE app = 7", "entry_counts", "entry_pictures"}) {
    EXPECT_EQ(factory().query("SELECT count(*) FROM " + table)[0][0], "0") << table;
  }
  EXPECT_EQ(run_here(store().entries().list_entry_scans({"code3", 7, {}, 10})).value().size(), 1u) << "as long as events";
  EXPECT_TRUE(run_here(store().entries().find_entry_code("elsewhere", 8)));
}

TEST_P(StoreContract, stats_of_a_node_take_the_place_of_what_it_wrote_before) {
  const Id node = new_id(), other = new_id();
  core::StatsRow row{7, 500'000, node, {{"logins", 3}}, "sketch"};
  ASSERT_TRUE(run_here(store().stats().keep_stats({row, {8, 500'000, node, {{"logins", 1}}, ""}})));
  row.counts = {{"logins", 5}, {"failures.code_used", 1}};
  ASSERT_TRUE(run_here(store().stats().keep_stats({row, {7, 500'000, other, {{"logins", 2}}, ""}, {7, 500'001, node, {{"logins", 9}}, ""}})));
  const auto found = run_here(store().stats().read_stats({std::set<uint32_t>{7}, 500'000, 500'001})).value();
  ASSERT_EQ(found.size(), 2u);
  int64_t logins = 0;
  for (const auto& one : found) {
    logins += one.counts.at("logins");
    EXPECT_EQ(one.active, one.node == node ? "sketch" : "");
  }
  EXPECT_EQ(logins, 7);
  EXPECT_EQ(run_here(store().stats().read_stats({std::nullopt, 500'000, 500'002})).value().size(), 4u);
}

}  // namespace kaimen::contract
