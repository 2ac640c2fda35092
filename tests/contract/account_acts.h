// Acts of users who leave, have phones and say who they are, filled in; and a user of whom there is something to delete and to export everywhere.
#pragma once

#include "core/account_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

inline core::DeleteUser deletion(const Id& user, Time now, std::optional<Time> due_at = {}) {
  core::DeleteUser act;
  act.user = user;
  act.due_at = due_at;
  act.now = now;
  act.revocations_until = now + 4h;
  act.source = {"r", "203.0.113.7", {}};
  return act;
}

inline core::SavePhone phone_act(const Id& user, const std::string& index, core::PhoneUnique unique = core::PhoneUnique::off) {
  core::SavePhone act;
  act.user = user;
  act.phone_sealed = "sealed";
  act.phone_index = index;
  act.unique = unique;
  act.now = t0;
  return act;
}

/// A profile with something in every field.
inline core::SaveProfile whole_profile(const Id& user) {
  core::SaveProfile act;
  act.user = user;
  act.nickname = "n";
  act.avatar_url = "https://a";
  act.gender = 2;
  act.language = "zh_CN";
  act.country = "c";
  act.province = "p";
  act.city = "ci";
  act.attributes = "{\"a\":1}";
  return act;
}

/// A user of whom every table knows something.
inline core::LoginRecord whole_user(core::Store& store, const core::RecordLogin& first) {
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
  registration.fields = {{"company", "canary-company"}};
  registration.agreements = {{"terms", "1"}};
  registration.now = t0;
  registration.revocations_until = t0 + 4h;
  registration.source.ip = "canary-ip2";
  EXPECT_TRUE(run_here(store.accounts().register_user(registration)));
  return made;
}

}  // namespace kaimen::contract
