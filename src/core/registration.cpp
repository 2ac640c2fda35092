#include "core/registration.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/registered.h"
#include "core/revocation_life.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

constexpr size_t kFieldCodePoints = 256;
constexpr int64_t kMostUses = 100'000, kShortest = 60, kLongest = 366 * 86400;

bool given(const RegistrationFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found != fields.end() && found->second && !found->second->empty();
}

// A phone number is WeChat's to give, so it is never taken from the fields.
bool has(const User& user, const std::string& name, const RegistrationFields& fields) {
  if (name == "nickname") return !user.nickname.empty() || given(fields, name);
  if (name == "avatar") return !user.avatar_url.empty() || !user.avatar_hash.empty();
  if (name == "phone_number") return !user.phone_sealed.empty();
  return given(fields, name);
}

std::vector<std::string> missing_of(const App& app, const User& user, const RegistrationFields& fields, const std::vector<Agreement>& agreements, bool invited) {
  std::vector<std::string> missing;
  if (!user.registered) {
    for (const auto& name : app.settings.registration_fields) {
      if (!has(user, name, fields)) missing.push_back(name);
    }
  }
  for (const auto& name : missing_agreements(app, user)) {
    const auto wanted = std::find_if(app.settings.agreements.begin(), app.settings.agreements.end(), [&](const Agreement& one) { return one.name == name; });
    const bool now = std::any_of(agreements.begin(), agreements.end(), [&](const Agreement& one) { return one.name == name && one.version == wanted->version; });
    if (!now) missing.push_back(name);
  }
  if (!user.registered && app.settings.registration == RegistrationPolicy::invited && !invited) missing.push_back("invitation");
  return missing;
}

Result<> check_fields(const RegistrationFields& fields) {
  for (const auto& [name, text] : fields) {
    if (text && !is_plain_text(*text, name == "nickname" ? limits::kNicknameCodePoints : kFieldCodePoints)) {
      return make_error(ErrorCode::invalid_request, "fields." + name + " must be at most 256 characters (a nickname: 64) without control characters");
    }
  }
  return ok();
}

// Only what counts is recorded: the versions the app asks for.
std::vector<Agreement> wanted_of(const App& app, const std::vector<Agreement>& agreements) {
  std::vector<Agreement> wanted;
  for (const auto& one : app.settings.agreements) {
    const bool now = std::any_of(agreements.begin(), agreements.end(), [&one](const Agreement& other) { return other.name == one.name && other.version == one.version; });
    if (now) wanted.push_back(one);
  }
  return wanted;
}

}  // namespace

std::vector<std::string> missing_parts(const App& app, const User& user) { return missing_of(app, user, {}, {}, false); }

Error registration_required(const std::vector<std::string>& missing) {
  std::string names;
  for (const auto& name : missing) names += (names.empty() ? "" : ",") + name;
  return make_error(ErrorCode::registration_required, names);
}

Task<Result<LoginAnswer>> Registration::complete(RegistrationRequest request, Trace* trace) {
  const App& app = *request.app;
  std::erase_if(request.fields, [](const auto& field) { return field.first == "nickname" && field.second && is_stand_in(*field.second); });
  CO_TRY(check_fields(request.fields));
  auto followed = co_await sessions_.follow_key(request.app, request.session, trace);
  CO_TRY(std::move(followed));
  auto found = co_await store_.find_session(request.session);
  CO_TRY(const auto before, std::move(found));
  const User& user = before.user;
  if (!user.registered && app.settings.registration == RegistrationPolicy::closed) {
    co_return make_error(ErrorCode::forbidden, "this app registers nobody");
  }
  const auto missing = missing_of(app, user, request.fields, request.agreements, !request.invitation.empty());
  if (!missing.empty()) co_return registration_required(missing);
  if (given(request.fields, "nickname")) {
    const Subject subject{request.app, request.user, before.session.openid};
    auto checked = co_await profiles_.check_name(subject, *request.fields["nickname"], trace);
    CO_TRY(std::move(checked));
  }

  RegisterUser act;
  act.user = request.user;
  act.app = app.number;
  if (given(request.fields, "nickname")) act.nickname = request.fields["nickname"];
  request.fields.erase("nickname");  // it is of the profile
  act.fields = std::move(request.fields);
  act.agreements = wanted_of(app, request.agreements);
  if (app.settings.registration == RegistrationPolicy::invited) act.invitation_hash = crypto::sha256(request.invitation);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Result<ChangedUser> done = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    done = co_await store_.accounts().register_user(std::move(act));
  }
  CO_TRY(auto changed, std::move(done));
  live_.revoke(changed.revocations);

  auto viewed = co_await store_.find_session(request.session);
  CO_TRY(auto view, std::move(viewed));
  if (view.session.ended) co_return unauthenticated(*view.session.ended);
  LoginAnswer answer;
  answer.app = request.app;
  answer.session = std::move(view.session);
  answer.user = std::move(view.user);
  CO_TRY(answer.tokens, tickets_.issue(app, answer.session, answer.user, live_.clock.now()));

  // A code that turned the guest away at the login lets the registered user in.
  const CameBy recorded;
  auto entering = co_await entrances_.ask(request.app, recorded, request.session, live_.clock.now());
  if (entering.has_value() && entering.value() && !entering.value()->refused) answer.entry = std::move(entering.value()->payload);
  co_return answer;
}

Task<Result<MadeInvitation>> Registration::invite(AppPtr app, int64_t uses, int64_t seconds, Trace* trace) {
  if (uses < 1 || uses > kMostUses) co_return make_error(ErrorCode::invalid_request, "uses must be from 1 to 100000");
  if (seconds < kShortest || seconds > kLongest) co_return make_error(ErrorCode::invalid_request, "expires_in must be from 60 to 31622400 seconds");
  CO_TRY(const auto bytes, random_.bytes<16>());
  const std::string code = to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  Invitation act;
  act.code_hash = crypto::sha256(code);
  act.app = app->number;
  act.uses = uses;
  act.now = live_.clock.now();
  act.until = act.now + Seconds{seconds};
  act.project = app->project;
  act.source = trace->source;
  const MadeInvitation made{Secret(code), uses, act.until};
  auto added = co_await store_.accounts().add_invitation(std::move(act));
  CO_TRY(std::move(added));
  co_return made;
}

}  // namespace kaimen::core
