// Users: profile, phone, and that a disabled one stays out whatever is in flight.
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

TEST_P(StoreContract, an_unknown_user_is_not_found) {
  core::SaveProfile profile;
  profile.user = new_id();
  core::SavePhone phone;
  phone.user = new_id();
  EXPECT_EQ(code_of(run_here(store().find_user(new_id()))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().save_profile(profile))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().save_phone(phone))), ErrorCode::not_found);
  EXPECT_EQ(code_of(disable(new_id(), t0)), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().enable_user(new_id(), t0, {"r", {}, {}}))), ErrorCode::not_found);
}

void expect_whole_profile(const core::User& user) {
  EXPECT_EQ(user.nickname, "n");
  EXPECT_EQ(user.avatar_url, "https://a");
  EXPECT_EQ(user.gender, 2);
  EXPECT_EQ(user.language, "zh_CN");
  EXPECT_EQ(user.country, "c");
  EXPECT_EQ(user.province, "p");
  EXPECT_EQ(user.city, "ci");
  EXPECT_EQ(user.attributes, "{\"a\":1}");
}

TEST_P(StoreContract, a_profile_is_saved_whole) {
  const auto act = whole_profile(login("c1").user.id);
  expect_whole_profile(run_here(store().save_profile(act)).value());
  expect_whole_profile(run_here(store().find_user(act.user)).value());
}

TEST_P(StoreContract, what_a_profile_does_not_name_stays) {
  const auto act = whole_profile(login("c1").user.id);
  ASSERT_TRUE(run_here(store().save_profile(act)));
  core::SaveProfile nothing;
  nothing.user = act.user;
  expect_whole_profile(run_here(store().save_profile(nothing)).value());
  expect_whole_profile(run_here(store().find_user(act.user)).value());
}

TEST_P(StoreContract, a_profile_that_is_saved_as_it_stands_leaves_no_event) {
  auto act = whole_profile(login("c1").user.id);
  act.now = t0;
  const auto saved = [&] { return factory().query("SELECT count(*) FROM events WHERE kind = 'profile_saved'")[0][0]; };
  const auto told_at = [&] { return factory().query("SELECT profile_at FROM users")[0][0]; };
  ASSERT_TRUE(run_here(store().save_profile(act)));
  const auto first = told_at();
  act.now += 1h;
  expect_whole_profile(run_here(store().save_profile(act)).value());
  EXPECT_EQ(saved(), "1");
  EXPECT_EQ(told_at(), first);
  act.city = "another";
  EXPECT_EQ(run_here(store().save_profile(act)).value().city, "another");
  EXPECT_EQ(saved(), "2");
  EXPECT_NE(told_at(), first);
}

TEST_P(StoreContract, the_first_word_of_a_user_counts_whatever_it_says) {
  core::SaveProfile act;
  act.user = login("c1").user.id;
  act.now = t0;
  ASSERT_TRUE(run_here(store().save_profile(act)));
  EXPECT_EQ(factory().query("SELECT profile_at FROM users")[0][0], "0") << "nothing was said";
  act.nickname = "";
  ASSERT_TRUE(run_here(store().save_profile(act)));
  EXPECT_EQ(factory().query("SELECT profile_at FROM users")[0][0], std::to_string(epoch_ms(t0)));
}

TEST_P(StoreContract, a_part_of_a_profile_is_emptied) {
  auto act = whole_profile(login("c1").user.id);
  ASSERT_TRUE(run_here(store().save_profile(act)));
  core::SaveProfile second;
  second.user = act.user;
  second.city = "";
  const auto user = run_here(store().save_profile(second)).value();
  EXPECT_EQ(user.city, "");
  EXPECT_EQ(user.nickname, "n");
}

TEST_P(StoreContract, a_text_with_a_zero_character_is_refused_everywhere) {
  core::SaveProfile profile;
  profile.user = login("c1").user.id;
  profile.nickname = std::string("a\0b", 3);
  EXPECT_EQ(code_of(run_here(store().save_profile(profile))), ErrorCode::internal);
  EXPECT_EQ(run_here(store().find_user(profile.user)).value().nickname, "");
}

TEST_P(StoreContract, any_text_comes_back_byte_for_byte) {
  const std::vector<std::string> texts = {"O'Reilly \"; DROP TABLE users; --", "🧧 家人 \u0301\u200d", "%_\\ \r\n\t", " "};
  for (const auto& text : texts) {
    auto act = login_act(hash(std::to_string(text.size())).substr(0, 30), text);
    act.device = {text, text, text, text};
    act.unionid = text;
    act.attempt = text;
    const auto made = login(act);
    core::SaveProfile profile;
    profile.user = made.user.id;
    profile.nickname = profile.attributes = text;
    ASSERT_TRUE(run_here(store().save_profile(profile)));
    const auto view = run_here(store().find_session(made.session.id)).value();
    EXPECT_EQ(view.user.nickname, text);
    EXPECT_EQ(view.user.attributes, text);
    EXPECT_EQ(view.session.openid, text);
    EXPECT_EQ(view.session.unionid, text);
    EXPECT_EQ(view.session.device.id, text);
    EXPECT_EQ(claim(act).value().login->attempt, text);
  }
}

TEST_P(StoreContract, a_phone_is_saved) {
  core::SavePhone act;
  act.user = login("c1").user.id;
  act.phone_sealed = std::string("\x01\0\xff sealed", 10);
  act.phone_index = "index";
  act.once = hash("once");
  EXPECT_EQ(run_here(store().save_phone(act)).value().phone_sealed, act.phone_sealed);
  EXPECT_EQ(run_here(store().find_user(act.user)).value().phone_sealed, act.phone_sealed);
}

TEST_P(StoreContract, the_same_ciphertext_gives_a_phone_only_once) {
  core::SavePhone act;
  act.user = login("c1").user.id;
  act.phone_sealed = "sealed";
  act.phone_index = "index";
  act.once = hash("once");
  ASSERT_TRUE(run_here(store().save_phone(act)));
  act.user = login("c2", "o2").user.id;
  EXPECT_EQ(code_of(run_here(store().save_phone(act))), ErrorCode::conflict);
  EXPECT_EQ(run_here(store().find_user(act.user)).value().phone_sealed, "");
  reopen();
  EXPECT_EQ(code_of(run_here(store().save_phone(act))), ErrorCode::conflict);
}

TEST_P(StoreContract, a_phone_without_mark_is_saved_again_and_again) {
  core::SavePhone act;
  act.user = login("c1").user.id;
  act.phone_sealed = "sealed";
  ASSERT_TRUE(run_here(store().save_phone(act)));
  EXPECT_TRUE(run_here(store().save_phone(act)));
}

TEST_P(StoreContract, a_mark_for_an_unknown_user_is_not_spent) {
  core::SavePhone act;
  act.user = new_id();
  act.once = hash("once");
  ASSERT_EQ(code_of(run_here(store().save_phone(act))), ErrorCode::not_found);
  act.user = login("c1").user.id;
  EXPECT_TRUE(run_here(store().save_phone(act)));
}

// ---- disabling ----

TEST_P(StoreContract, disabling_ends_all_sessions_as_disabled) {
  const auto first = login("c1"), second = login("c2");
  const auto revocations = disable(first.user.id, t0).value();
  ASSERT_EQ(revocations.size(), 2u);
  EXPECT_EQ(revocations[0].reason, Reason::disabled);
  EXPECT_EQ(session_now(second.session.id).ended, Reason::disabled);
  const auto user = run_here(store().find_user(first.user.id)).value();
  EXPECT_TRUE(user.disabled);
  EXPECT_EQ(user.disabled_message, "see the desk");
  EXPECT_EQ(user.disabled_until, std::nullopt);
}

TEST_P(StoreContract, disabling_ends_a_thousand_sessions_in_a_second) {
  const Id user = login("c").user.id;
  std::vector<core::RecordLogin> acts;
  for (int i = 0; i < 999; ++i) acts.push_back(login_act("c" + std::to_string(i)));
  login_at_once(acts);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(disable(user, t0).value().size(), 1000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
}

TEST_P(StoreContract, a_disabled_user_does_not_log_in) {
  const auto first = login("c1");
  ASSERT_TRUE(disable(first.user.id, t0, t0 + 1h));
  const auto refused = try_login(at(login_act("c2"), t0 + 1h - 1ms));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::forbidden);
  EXPECT_EQ(refused.error().reason, Reason::disabled);
  EXPECT_EQ(refused.error().until, t0 + 1h);
  EXPECT_EQ(refused.error().message, "see the desk");
  EXPECT_TRUE(live_sessions(first.user.id, t0).empty());
}

TEST_P(StoreContract, a_disablement_ends_at_its_time) {
  const auto first = login("c1");
  ASSERT_TRUE(disable(first.user.id, t0, t0 + 1h));
  const auto again = login(at(login_act("c2"), t0 + 1h));
  EXPECT_EQ(again.user.id, first.user.id);
  EXPECT_FALSE(again.user.disabled);
  const auto user = run_here(store().find_user(first.user.id)).value();
  EXPECT_FALSE(user.disabled);
  EXPECT_EQ(user.disabled_until, std::nullopt);
  EXPECT_EQ(user.disabled_message, "");
}

TEST_P(StoreContract, an_enabled_user_logs_in_again_but_old_sessions_stay_ended) {
  const auto first = login("c1");
  ASSERT_TRUE(disable(first.user.id, t0));
  ASSERT_TRUE(run_here(store().enable_user(first.user.id, t0, {"r", {}, {}})));
  EXPECT_EQ(session_now(first.session.id).ended, Reason::disabled);
  EXPECT_EQ(login("c2").user.id, first.user.id);
  EXPECT_FALSE(run_here(store().find_user(first.user.id)).value().disabled);
}

TEST_P(StoreContract, a_disabled_user_does_not_come_in_by_unionid) {
  auto act = login_act("c1");
  act.unionid = "u1";
  ASSERT_TRUE(disable(login(act).user.id, t0));
  auto other = login_act("c2", "o2");
  other.unionid = "u1";
  other.app = 8;
  other.app_id = "wx8";
  EXPECT_EQ(code_of(try_login(other)), ErrorCode::forbidden);
}

TEST_P(StoreContract, a_refused_login_leaves_no_trace) {
  const auto first = login("c1");
  ASSERT_TRUE(disable(first.user.id, t0));
  const auto before = factory().query("SELECT (SELECT count(*) FROM events), (SELECT version FROM users), (SELECT count(*) FROM sessions)");
  const auto act = login_act("c2");
  ASSERT_FALSE(try_login(act));
  EXPECT_EQ(factory().query("SELECT (SELECT count(*) FROM events), (SELECT version FROM users), (SELECT count(*) FROM sessions)"), before);
  // The claim is still the owner's, to settle.
  ASSERT_TRUE(run_here(store().settle_code(7, act.code_hash, act.owner, ErrorCode::forbidden)));
  EXPECT_EQ(claim(login_act("c2")).value().kind, core::CodeClaim::Kind::failed);
}

TEST_P(StoreContract, no_login_and_no_renewal_slips_past_a_disabling) {
  // A ban took effect, and a login that was in flight gave the banned user a fresh ticket.
  for (int round = 0; round < 20; ++round) {
    const std::string name = std::to_string(round);
    const auto made = login("first" + name, "o" + name);
    std::atomic<bool> disabled{false};
    std::atomic<int> late{0};
    at_once(4, [&](int thread) {
      if (thread == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(200 * round));
        ASSERT_TRUE(disable(made.user.id, t0));
        disabled = true;
        EXPECT_TRUE(live_sessions(made.user.id, t0).empty());
        return;
      }
      uint32_t generation = 0;
      for (int i = 0; i < 40; ++i) {
        const bool was_disabled = disabled;
        bool in = false;
        if (thread == 1) {
          const auto renewed = renew(made.session, generation, t0 + 1s);
          in = renewed.kind != core::Renewal::Kind::refused;
          if (in) generation = renewed.session->generation;
        } else {
          in = try_login(login_act(name + "/" + std::to_string(thread) + "/" + std::to_string(i), "o" + name)).has_value();
        }
        if (was_disabled && in) ++late;
      }
    });
    EXPECT_EQ(late, 0);
    EXPECT_TRUE(live_sessions(made.user.id, t0).empty());
  }
}

}  // namespace kaimen::contract
