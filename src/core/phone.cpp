// Profiles, the part about phone numbers: what proves one, whose it is.
#include <algorithm>

#include "base/limits.h"
#include "core/account_store.h"
#include "core/login.h"
#include "core/profile.h"
#include "core/revocation_life.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

// A login may find its user by the number only where a number has one user.
PhoneUnique unique_in(const AppSettings& settings) { return settings.phone_attach ? PhoneUnique::refuse : settings.phone_unique; }

}  // namespace

Task<Result<User>> Profiles::bind_phone(Subject subject, PhoneProof proof, Trace* trace) {
  auto proven = co_await prove_phone(subject, std::move(proof), trace);
  CO_TRY(auto phone, std::move(proven));
  auto kept = co_await keep_phone(subject, std::move(phone), trace);
  co_return kept;
}

Task<Result<ProvenPhone>> Profiles::prove_phone(Subject subject, PhoneProof proof, Trace* trace) {
  if (proof.code.has_value() == proof.encrypted.has_value()) {
    co_return make_error(ErrorCode::invalid_request, "give either code, or encrypted_data and iv");
  }
  if (subject.openid.empty()) co_return make_error(ErrorCode::invalid_request, "this session was not opened with a WeChat login");
  ProvenPhone phone;
  if (proof.code) {
    auto asked = co_await phone_by_code(subject, std::move(*proof.code), trace);
    CO_TRY(phone.number, std::move(asked));
    co_return phone;
  }
  auto decrypted = co_await open_data_.phone(subject.app, subject.openid, *proof.encrypted);
  if (decrypted.has_error()) co_await note_refusal(subject, "phone", decrypted.error().code, trace->source);
  CO_TRY(auto opened, std::move(decrypted));
  phone.number = std::move(opened.phone);
  phone.once = crypto::sha256("phone data\n" + subject.app->app_id + "\n" + proof.encrypted->data);
  co_return phone;
}

// Each question costs money, and a code answers one: its mark is taken before it is asked for.
Task<Result<PhoneNumber>> Profiles::phone_by_code(Subject subject, std::string code, Trace* trace) {
  const bool printable = std::all_of(code.begin(), code.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (code.empty() || code.size() > limits::kCodeBytes || !printable) {
    co_return make_error(ErrorCode::invalid_request, "code must be 1 to 512 printable characters");
  }
  Platform* platform = platforms_.find(subject.app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  CO_TRY(user_rates_.admit(subject.user, clock_.now()));
  const std::string mark = crypto::sha256("phone code\n" + subject.app->app_id + "\n" + code);
  auto claimed = co_await store_.accounts().claim_mark(mark, clock_.now());
  CO_TRY(std::move(claimed));

  trace->upstream_path = "/wxa/business/getuserphonenumber";
  // A rejected token leaves the code unspent.
  bool looked_at = false;
  std::function<Task<CallResult<PhoneNumber>>(Secret)> ask = [platform, subject, code, &looked_at](Secret token) {
    return ask_phone(platform, subject, std::move(token), code, &looked_at);
  };
  auto phone = co_await tokens_.call(subject.app, ask, trace);
  if (phone.has_error() && !looked_at) {
    auto released = co_await store_.accounts().release_mark(mark);
    static_cast<void>(released);  // a mark that stays makes the client fetch another code
  }
  co_return phone;
}

Task<CallResult<PhoneNumber>> Profiles::ask_phone(Platform* platform, Subject subject, Secret token, std::string code, bool* looked_at) {
  auto answer = co_await platform->phone_by_code(subject.app, std::move(token), std::move(code), subject.openid, deadline_in(limits::kUpstreamTotal));
  *looked_at = answer.has_value() || !(answer.error().token_rejected || leaves_unspent(answer.error()));
  co_return answer;
}

Task<Result<User>> Profiles::keep_phone(Subject subject, ProvenPhone phone, Trace* trace) {
  SavePhone act;
  act.user = subject.user;
  CO_TRY(act.phone_sealed, vault_.seal("phone", subject.user.raw(), Secret(phone.number.full)));
  act.phone_index = vault_.index("phone", phone.number.full);
  act.older_indexes = vault_.older_indexes("phone", phone.number.full);
  act.once = std::move(phone.once);
  act.unique = unique_in(subject.app->settings);
  act.now = clock_.now();
  act.source = trace->source;
  auto saved = co_await store_.save_phone(std::move(act));
  co_return saved;
}

Task<Result<std::optional<LoginRecord>>> Profiles::attach_by_phone(Subject subject, Id session, std::string code_hash, ProvenPhone phone,
                                                                   Trace* trace) {
  AttachByPhone act;
  act.fresh = subject.user;
  act.session = session;
  act.app = subject.app->number;
  act.family = unionid_family(subject.app->platform);
  act.code_hash = std::move(code_hash);
  act.phone_index = vault_.index("phone", phone.number.full);
  act.older_indexes = vault_.older_indexes("phone", phone.number.full);
  act.once = std::move(phone.once);
  act.max_per_user = subject.app->settings.max_per_user;
  act.now = clock_.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  auto attached = co_await store_.accounts().attach_by_phone(std::move(act));
  co_return attached;
}

}  // namespace kaimen::core
