// Avatars that are kept: whose they are, what waits for its check, and what the purge takes.
#include "core/media_store.h"
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

namespace {

core::KeepAvatar upload(const Id& user, const std::string& body, bool wait = false, Time now = t0) {
  core::KeepAvatar act;
  act.user = user;
  act.hash = body + std::string(32 - body.size(), '#');
  act.type = "image/png";
  act.body = body;
  act.wait_for_check = wait;
  act.now = now;
  act.source = {"r", {}, {}};
  return act;
}
core::NoteAvatarCheck check_of(const core::KeepAvatar& upload, const std::string& trace_id) { return {trace_id, upload.hash, upload.user, 7, upload.now}; }

/// The acts of one store, and what came of them.
struct Avatars {
  core::Store& store;

  core::KeptAvatar keep(const core::KeepAvatar& act) { return run_here(store.media().keep_avatar(act)).value(); }
  void note(const core::KeepAvatar& upload, const std::string& trace_id) {
    ASSERT_TRUE(run_here(store.media().note_avatar_check(check_of(upload, trace_id))));
  }
  core::PushEffect settle(const std::string& trace_id, std::optional<bool> good, uint32_t app = 7) {
    core::SettleAvatarCheck act;
    act.trace_id = trace_id;
    act.once = trace_id + std::string(32 - trace_id.size(), '!');
    act.app = app;
    act.good = good;
    act.now = t0 + 1min;
    act.source = {"r", {}, "wechat"};
    return run_here(store.media().settle_avatar_check(act)).value();
  }
  std::string shown(const Id& user) { return run_here(store.find_user(user)).value().avatar_hash; }
  Result<core::Avatar> find(const core::KeepAvatar& upload) { return run_here(store.media().find_avatar(upload.hash)); }
};

}  // namespace

TEST_P(StoreContract, an_avatar_is_kept_and_shown) {
  Avatars avatars{store()};
  const auto act = upload(login("c1").user.id, "picture");
  EXPECT_TRUE(avatars.keep(act).shown);
  EXPECT_EQ(avatars.shown(act.user), act.hash);
  reopen();
  Avatars later{store()};
  EXPECT_EQ(later.find(act).value().body, "picture");
  EXPECT_EQ(later.find(act).value().type, "image/png");
  EXPECT_FALSE(later.find(act).value().waiting);
  EXPECT_EQ(code_of(later.find(upload(act.user, "other"))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().media().keep_avatar(upload(new_id(), "x")))), ErrorCode::not_found);
}

TEST_P(StoreContract, the_same_avatar_again_leaves_no_event) {
  Avatars avatars{store()};
  const auto act = upload(login("c1").user.id, "picture");
  const auto saved = [&] { return factory().query("SELECT count(*) FROM events WHERE kind = 'avatar_saved'")[0][0]; };
  EXPECT_TRUE(avatars.keep(act).shown);
  EXPECT_TRUE(avatars.keep(act).shown);
  EXPECT_EQ(avatars.shown(act.user), act.hash);
  EXPECT_EQ(saved(), "1");
  EXPECT_TRUE(avatars.keep(upload(act.user, "another")).shown);
  EXPECT_EQ(saved(), "2");
}

TEST_P(StoreContract, an_avatar_of_a_mebibyte_comes_back_whole) {
  Avatars avatars{store()};
  auto act = upload(login("c1").user.id, "large");
  act.body = std::string(1024 * 1024, '\xff');
  EXPECT_TRUE(avatars.keep(act).shown);
  reopen();
  EXPECT_EQ(Avatars{store()}.find(act).value().body, act.body);
}

TEST_P(StoreContract, an_avatar_elsewhere_takes_the_place_of_one_here) {
  Avatars avatars{store()};
  const auto act = upload(login("c1").user.id, "picture");
  avatars.keep(act);
  core::SaveProfile elsewhere;
  elsewhere.user = act.user;
  elsewhere.avatar_url = "https://a";
  EXPECT_EQ(run_here(store().save_profile(elsewhere)).value().avatar_hash, "");
  EXPECT_EQ(avatars.keep(act).user.avatar_url, "");
  EXPECT_EQ(avatars.shown(act.user), act.hash);
  core::SaveProfile name;
  name.user = act.user;
  name.nickname = "n";
  EXPECT_EQ(run_here(store().save_profile(name)).value().avatar_hash, act.hash);
}

TEST_P(StoreContract, an_avatar_that_waits_is_shown_when_it_has_passed) {
  Avatars avatars{store()};
  const Id user = login("c1").user.id;
  const auto before = upload(user, "before"), waits = upload(user, "waits", true);
  avatars.keep(before);
  EXPECT_FALSE(avatars.keep(waits).shown);
  EXPECT_TRUE(avatars.find(waits).value().waiting);
  avatars.note(waits, "t1");
  EXPECT_EQ(avatars.shown(user), before.hash);
  EXPECT_EQ(avatars.settle("t1", true, 8), core::PushEffect::nobody);  // another app's word
  EXPECT_EQ(avatars.settle("t1", true), core::PushEffect::applied);
  EXPECT_EQ(avatars.shown(user), waits.hash);
  EXPECT_FALSE(avatars.find(waits).value().waiting);
  EXPECT_EQ(avatars.settle("t1", false), core::PushEffect::repeated);
  EXPECT_TRUE(avatars.keep(upload(login("c2", "o2").user.id, "waits", true)).shown);
}

TEST_P(StoreContract, a_rejected_avatar_is_gone_and_not_taken_again) {
  Avatars avatars{store()};
  const auto act = upload(login("c1").user.id, "bad", true);
  avatars.keep(act);
  avatars.note(act, "t1");
  EXPECT_EQ(avatars.settle("t1", false), core::PushEffect::applied);
  EXPECT_EQ(avatars.shown(act.user), "");
  EXPECT_EQ(code_of(avatars.find(act)), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().media().keep_avatar(act))), ErrorCode::content_rejected);
}

TEST_P(StoreContract, only_the_newest_upload_waits) {
  Avatars avatars{store()};
  const Id user = login("c1").user.id;
  const auto first = upload(user, "first", true), second = upload(user, "second", true);
  avatars.keep(first);
  avatars.note(first, "t1");
  avatars.keep(second);
  avatars.note(second, "t2");
  EXPECT_EQ(avatars.settle("t2", true), core::PushEffect::applied);
  EXPECT_EQ(avatars.settle("t1", true), core::PushEffect::nobody);
  EXPECT_EQ(avatars.shown(user), second.hash);
}

TEST_P(StoreContract, the_purge_takes_avatars_that_nobody_has) {
  Avatars avatars{store()};
  const Id ann = login("c1").user.id, bob = login("c2", "o2").user.id;
  const auto old = upload(ann, "old"), shared = upload(ann, "shared");
  avatars.keep(old);
  avatars.keep(shared);
  avatars.keep(upload(bob, "shared"));
  avatars.keep(upload(ann, "new"));
  const auto purge = [&](Time now) { EXPECT_TRUE(run_here(store().purge(now))); };
  purge(t0);
  factory().pass(12h - 1ms);
  purge(t0 + 12h - 1ms);
  EXPECT_TRUE(avatars.find(old));
  factory().pass(1ms);
  purge(t0 + 12h);
  EXPECT_EQ(code_of(avatars.find(old)), ErrorCode::not_found);
  EXPECT_TRUE(avatars.find(shared));
  EXPECT_EQ(factory().query("SELECT count(*) FROM avatars")[0][0], "2");
}

// It was kept for a whole day, and the purge came after that.
TEST_P(StoreContract, within_a_day_the_avatar_of_somebody_who_left_is_gone) {
  Avatars avatars{store()};
  const Id user = login("c1").user.id;
  avatars.keep(upload(user, "a"));
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(user, t0 + 1h))));
  factory().pass(23h);
  EXPECT_TRUE(run_here(store().purge(t0 + 23h)));
  EXPECT_EQ(factory().query("SELECT count(*) FROM avatars")[0][0], "0");
}

// What was given up and is taken up again before the purge comes is somebody's.
TEST_P(StoreContract, an_avatar_that_is_taken_up_again_stays) {
  Avatars avatars{store()};
  const Id user = login("c1").user.id;
  avatars.keep(upload(user, "a"));
  avatars.keep(upload(user, "b"));
  avatars.keep(upload(user, "a", false, t0 + 1h));
  EXPECT_TRUE(run_here(store().purge(t0)));
  factory().pass(48h);
  EXPECT_TRUE(run_here(store().purge(t0 + 48h)));
  EXPECT_TRUE(avatars.find(upload(user, "a")));
  EXPECT_EQ(code_of(avatars.find(upload(user, "b"))), ErrorCode::not_found);
}

TEST_P(StoreContract, of_two_who_give_an_avatar_up_at_once_one_is_the_last) {
  Avatars avatars{store()};
  const Id ann = login("c1").user.id, bob = login("c2", "o2").user.id;
  avatars.keep(upload(ann, "shared"));
  avatars.keep(upload(bob, "shared"));
  at_once(2, [&](int i) { avatars.keep(upload(i == 0 ? ann : bob, i == 0 ? "a" : "b")); });
  EXPECT_EQ(factory().query("SELECT count(*) FROM avatars WHERE unused_since IS NOT NULL")[0][0], "1");
}

// WeChat may answer the question about an older upload after that about the newer one.
TEST_P(StoreContract, of_two_uploads_at_once_the_newer_one_is_shown) {
  Avatars avatars{store()};
  const Id user = login("c1").user.id;
  const auto older = upload(user, "older", true, t0), newer = upload(user, "newer", true, t0 + 1ms);
  avatars.keep(older);
  avatars.keep(newer);
  avatars.note(newer, "t2");
  avatars.note(older, "t1");
  EXPECT_EQ(avatars.settle("t1", true), core::PushEffect::nobody);
  EXPECT_EQ(avatars.settle("t2", true), core::PushEffect::applied);
  EXPECT_EQ(avatars.shown(user), newer.hash);
}

}  // namespace kaimen::contract
