#include "core/profile.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/media_store.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

constexpr std::string_view kNoName = "微信用户";
// WeChat's stand-in for an avatar, whatever host and size it is asked for at.
constexpr std::string_view kNoAvatar = "/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/";

Result<> check_text(std::string_view field, const std::optional<std::string>& text, size_t most_code_points) {
  if (text && !is_plain_text(*text, most_code_points)) {
    return make_error(ErrorCode::invalid_request, std::string(field) + " must be at most " + std::to_string(most_code_points) + " characters without control characters");
  }
  return ok();
}

Result<> check_url(const std::optional<std::string>& url) {
  if (!url || url->empty()) return ok();
  const bool printable = std::all_of(url->begin(), url->end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
  if (!printable || url->size() > limits::kUrlBytes || !(url->starts_with("https://") || url->starts_with("http://"))) {
    return make_error(ErrorCode::invalid_request, "avatar_url must be an http or https URL of at most 1024 printable characters");
  }
  return ok();
}

std::string_view host_of(std::string_view url) {
  const size_t from = url.find("://") + 3;
  return url.substr(from, std::min(url.find_first_of("/?#", from), url.size()) - from);
}

Result<> check_avatar_host(const App& app, const std::string& url) {
  if (app.settings.profile_check == ProfileCheck::enforce) {
    return make_error(ErrorCode::invalid_request, "avatars are checked here: upload it (POST /v1/me/avatar)");
  }
  const auto& hosts = app.settings.avatar_hosts;
  if (!hosts.empty() && std::ranges::find(hosts, host_of(url)) == hosts.end()) {
    return make_error(ErrorCode::invalid_request, "avatar_url is on none of the app's avatar_hosts");
  }
  return ok();
}

// WeChat sends empty and zero for what it no longer tells: those do not overwrite what is known.
ProfileChange change_from(const OpenUserInfo& info) {
  ProfileChange change;
  auto take = [](std::optional<std::string>& field, const std::string& value) {
    if (!value.empty()) field = value;
  };
  if (!is_stand_in(info.nickname)) {
    take(change.nickname, info.nickname);
    if (info.avatar_url.find(kNoAvatar) == info.avatar_url.npos) take(change.avatar_url, info.avatar_url);
  }
  take(change.language, info.language);
  take(change.country, info.country);
  take(change.province, info.province);
  take(change.city, info.city);
  if (info.gender != 0) change.gender = info.gender;
  return change;
}

}  // namespace

bool is_stand_in(std::string_view nickname) { return nickname == kNoName; }

Result<> check_change(const ProfileChange& change) {
  TRY(check_text("nickname", change.nickname, limits::kNicknameCodePoints));
  TRY(check_text("language", change.language, 16));
  TRY(check_text("country", change.country, limits::kRegionCodePoints));
  TRY(check_text("province", change.province, limits::kRegionCodePoints));
  TRY(check_text("city", change.city, limits::kRegionCodePoints));
  TRY(check_url(change.avatar_url));
  if (change.gender && (*change.gender < 0 || *change.gender > 2)) return make_error(ErrorCode::invalid_request, "gender must be 0, 1 or 2");
  if (change.attributes && change.attributes->size() > limits::kAttributesBytes) {
    return make_error(ErrorCode::invalid_request, "attributes must be at most 8192 bytes of JSON");
  }
  return ok();
}

Task<Result<User>> Profiles::update(Id user, ProfileChange change, Source source) {
  CO_TRY(check_change(change));
  if (change.nickname && is_stand_in(*change.nickname)) change.nickname.reset();
  if (change.avatar_url && change.avatar_url->find(kNoAvatar) != std::string::npos) change.avatar_url.reset();
  SaveProfile act;
  act.user = user;
  act.nickname = std::move(change.nickname);
  act.avatar_url = std::move(change.avatar_url);
  act.language = std::move(change.language);
  act.country = std::move(change.country);
  act.province = std::move(change.province);
  act.city = std::move(change.city);
  act.attributes = std::move(change.attributes);
  act.gender = change.gender;
  act.now = clock_.now();
  act.source = std::move(source);
  auto saved = co_await store_.save_profile(std::move(act));
  co_return saved;
}

Task<Result<User>> Profiles::update_own(Subject subject, ProfileChange change, Trace* trace) {
  CO_TRY(check_change(change));
  const bool grey = change.avatar_url && change.avatar_url->find(kNoAvatar) != std::string::npos;
  if (change.avatar_url && !change.avatar_url->empty() && !grey) {
    CO_TRY(check_avatar_host(*subject.app, *change.avatar_url));
  }
  if (change.nickname) {
    auto checked = co_await check_name(subject, *change.nickname, trace);
    CO_TRY(std::move(checked));
  }
  auto updated = co_await update(subject.user, std::move(change), trace->source);
  co_return updated;
}

Task<Result<>> Profiles::check_name(Subject subject, std::string name, Trace* trace) {
  const ProfileCheck policy = subject.app->settings.profile_check;
  if (policy == ProfileCheck::off || name.empty() || is_stand_in(name)) co_return ok();
  const bool enforced = policy == ProfileCheck::enforce;
  if (subject.openid.empty()) {
    if (!enforced) co_return ok();
    co_return make_error(ErrorCode::invalid_request, "WeChat checks names here, and this session is not of a WeChat login");
  }
  Platform* platform = platforms_.find(subject.app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  CO_TRY(user_rates_.admit(subject.user, clock_.now()));
  trace->upstream_path = "/wxa/msg_sec_check";
  std::function<Task<CallResult<Verdict>>(Secret)> ask = [platform, subject, name](Secret token) {
    return platform->check_text(subject.app, std::move(token), subject.openid, name, deadline_in(limits::kUpstreamTotal));
  };
  auto asked = co_await tokens_.call(subject.app, ask, trace);
  if (asked.has_error()) {
    if (enforced) co_return asked.error();
    co_return ok();
  }
  if (asked.value() != Verdict::risky) co_return ok();
  if (enforced) co_return make_error(ErrorCode::content_rejected, "WeChat rejects this name");
  ReportName act;
  act.user = subject.user;
  act.app = subject.app->number;
  act.now = clock_.now();
  act.source = trace->source;
  auto reported = co_await store_.media().report_name(std::move(act));
  co_return reported;
}

Task<Result<User>> Profiles::update_from_wechat(Subject subject, ProfileProof proof, Source source) {
  if (proof.raw_data.has_value() != proof.signature.has_value()) {
    co_return make_error(ErrorCode::invalid_request, "raw_data and signature belong together");
  }
  if (!proof.raw_data && !proof.encrypted) {
    co_return make_error(ErrorCode::invalid_request, "give raw_data and signature, or encrypted_data and iv");
  }
  if (subject.openid.empty()) co_return make_error(ErrorCode::invalid_request, "this session was not opened with a WeChat login");

  OpenUserInfo info;
  if (proof.raw_data) {
    auto verified = co_await open_data_.signed_user_info(subject.app, subject.openid, *proof.raw_data, *proof.signature);
    if (verified.has_error()) co_await note_refusal(subject, "profile", verified.error().code, source);
    CO_TRY(info, std::move(verified));
  }
  if (proof.encrypted) {
    auto decrypted = co_await open_data_.user_info(subject.app, subject.openid, *proof.encrypted);
    if (decrypted.has_error()) co_await note_refusal(subject, "profile", decrypted.error().code, source);
    CO_TRY(info, std::move(decrypted));
  }
  auto updated = co_await update(subject.user, change_from(info), std::move(source));
  co_return updated;
}

Task<void> Profiles::note_refusal(Subject subject, std::string_view part, ErrorCode code, Source source) {
  if (code != ErrorCode::stale_session_key && code != ErrorCode::decrypt_failed && code != ErrorCode::signature_invalid) co_return;
  auto tried = co_await open_data_.key_fingerprints(subject.app, subject.openid);
  if (tried.has_error()) co_return;
  co_await journal_.decrypt_failed(subject.app, subject.user, part, code, std::move(tried.value()), std::move(source));
}

Result<std::string> Profiles::phone_of(const User& user) const {
  if (user.phone_sealed.empty()) return std::string();
  TRY(const auto phone, vault_.open("phone", user.id.raw(), user.phone_sealed));
  return phone.reveal();
}

}  // namespace kaimen::core
