#include "sandbox/user_key_calls.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

/// The user whose current session_key signed the (empty) body.
Granted<User*> signed_user(App& app, const Question& question) {
  const auto found = app.by_openid.find(question.parameter("openid"));
  if (found == app.by_openid.end()) return kBadOpenid;
  if (question.parameter("sig_method") != "hmac_sha256") return Refusal{87008, "invalid sig_method"};
  User& user = *found->second;
  if (!has_key(app, user, question.now)) return Refusal{87007, "session_key is not existd or expired"};
  const std::string expected = to_hex(crypto::hmac_sha256(user.session_key, question.body));
  if (!Secret::equal(question.parameter("signature"), expected)) return Refusal{87009, "invalid signature"};
  return &user;
}

}  // namespace

Granted<Answer> check_session(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(signed_user(*app, question));
  return with_ok();
}

Granted<Answer> reset_session_key(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(User* const user, signed_user(*app, question));
  TRY(world.rotate_key(*user, question.now));
  Answer answer = with_ok();
  answer.json["openid"] = user->openid;
  answer.json["session_key"] = user->session_key;
  return answer;
}

Granted<Answer> encrypt_keys(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(User* const user, signed_user(*app, question));
  TRY(const auto keys, world.encrypt_keys(*user, question.now));
  json::array list;
  for (const auto& key : keys) {
    const auto left = std::chrono::duration_cast<Seconds>(key.made + kEncryptKeyLife - question.now).count();
    json::object item;
    item["encrypt_key"] = key.key;
    item["iv"] = key.iv;
    item["version"] = key.version;
    item["expire_in"] = std::max<int64_t>(left, 0);
    item["create_time"] = epoch_ms(key.made) / 1000;
    list.insert(list.begin(), std::move(item));  // newest first
  }
  Answer answer = with_ok();
  answer.json["key_info_list"] = std::move(list);
  return answer;
}

}  // namespace kaimen::sandbox
