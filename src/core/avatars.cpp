#include "core/avatars.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "core/picture.h"
#include "crypto/hash.h"

namespace kaimen::core {

std::string Avatars::path_of(const std::string& hash) { return "/avatars/" + to_hex(hash); }

std::string Avatars::key_of(const std::string& hash) const { return to_hex(vault_.index("avatar_check", hash)); }

/// Also one that a node gave out which seals under another master key.
bool Avatars::is_key_of(const std::string& hash, const std::string& key) const {
  bool is = Secret::equal(key, key_of(hash));
  for (const std::string& older : vault_.older_indexes("avatar_check", hash)) is = Secret::equal(key, to_hex(older)) || is;
  return is;
}

Task<Result<KeptAvatar>> Avatars::keep(Subject subject, std::string bytes, std::string base, Trace* trace) {
  CO_TRY(auto picture, clean_picture(bytes));
  const ProfileCheck policy = subject.app->settings.profile_check;
  const bool enforced = policy == ProfileCheck::enforce;
  if (enforced && base.empty()) co_return make_error(ErrorCode::app_misconfigured, "WeChat cannot look at avatars: public.url is not set");
  if (enforced && subject.openid.empty()) co_return make_error(ErrorCode::invalid_request, "WeChat checks avatars here, and this session is not of a WeChat login");
  if (policy != ProfileCheck::off) {
    CO_TRY(user_rates_.admit(subject.user, clock_.now()));
  }
  KeepAvatar act;
  act.user = subject.user;
  act.hash = crypto::sha256(picture.body);
  act.type = picture.type;
  act.body = std::move(picture.body);
  act.wait_for_check = enforced;
  const Time kept_at = clock_.now();
  act.now = kept_at;
  act.source = trace->source;
  const std::string hash = act.hash;
  auto keeping = co_await store_.media().keep_avatar(std::move(act));
  CO_TRY(auto kept, std::move(keeping));
  if (policy == ProfileCheck::off || (enforced && kept.shown) || base.empty() || subject.openid.empty()) co_return kept;
  auto asked = co_await ask(subject, hash, base, kept_at, trace);
  if (asked.has_error() && enforced) co_return asked.error();
  co_return kept;
}

Task<Result<>> Avatars::ask(Subject subject, std::string hash, std::string base, Time kept_at, Trace* trace) {
  Platform* platform = platforms_.find(subject.app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  trace->upstream_path = "/wxa/media_check_async";
  const std::string url = base + path_of(hash) + "?check=" + key_of(hash);
  std::function<Task<CallResult<std::string>>(Secret)> make = [platform, subject, url](Secret token) {
    return platform->check_picture(subject.app, std::move(token), subject.openid, url, deadline_in(limits::kUpstreamTotal));
  };
  auto asked = co_await tokens_.call(subject.app, make, trace);
  CO_TRY(auto trace_id, std::move(asked));
  NoteAvatarCheck act;
  act.trace_id = std::move(trace_id);
  act.hash = std::move(hash);
  act.user = subject.user;
  act.app = subject.app->number;
  act.now = kept_at;  // of two uploads at once the newer one counts, whichever question WeChat answers first
  auto noted = co_await store_.media().note_avatar_check(std::move(act));
  co_return noted;
}

Task<Result<Avatar>> Avatars::find(std::string hash, std::string key) {
  const auto raw = from_hex(hash);
  const Error absent = make_error(ErrorCode::not_found, "there is no such avatar");
  if (!raw || raw->size() != 32) co_return absent;
  auto found = co_await store_.media().find_avatar(*raw);
  if (found.has_error() && found.error().code == ErrorCode::not_found) co_return absent;
  CO_TRY(auto avatar, std::move(found));
  if (avatar.waiting && !is_key_of(*raw, key)) co_return absent;
  co_return avatar;
}

}  // namespace kaimen::core
