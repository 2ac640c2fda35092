// What a user may say of themselves, and what WeChat says of them: nickname, avatar, region, phone number. Profile fields are untrusted text
// with limits, never an identity; "微信用户", WeChat's stand-in for those who give no name, counts as no name.
#pragma once

#include <optional>
#include <string>

#include "core/access_tokens.h"
#include "core/journal.h"
#include "core/open_data.h"
#include "core/store.h"
#include "core/trace.h"
#include "core/user_rates.h"

namespace kaimen::core {

struct ProfileChange {
  std::optional<std::string> nickname, avatar_url, language, country, province, city;
  std::optional<int> gender;               ///< 0, 1, 2.
  std::optional<std::string> attributes;   ///< A JSON object as text, checked by the caller to be one.
};

/// What wx.getUserProfile and wx.getUserInfo hand out: signed, encrypted, or both.
struct ProfileProof {
  std::optional<std::string> raw_data, signature;
  std::optional<EncryptedData> encrypted;
};

/// What the phone button hands out: a code, or the old encrypted data.
struct PhoneProof {
  std::optional<std::string> code;
  std::optional<EncryptedData> encrypted;
};

/// A number that WeChat has given in this very request.
struct ProvenPhone {
  PhoneNumber number;
  std::string once;  ///< SavePhone::once.
};

/// Whose profile: the user, and the identity whose session_keys count.
struct Subject {
  AppPtr app;
  Id user;
  std::string openid;
};

/// Error: invalid_request naming the field.
Result<> check_change(const ProfileChange& change);

/// WeChat's stand-in for a name that it does not tell: it is nobody's.
bool is_stand_in(std::string_view nickname);

class Profiles {
 public:
  Profiles(Store& store, const crypto::Vault& vault, const Platforms& platforms, OpenData& open_data, AccessTokens& tokens, Journal& journal, UserRates& user_rates,
           const Clock& clock)
      : store_(store), vault_(vault), platforms_(platforms), open_data_(open_data), tokens_(tokens), journal_(journal), user_rates_(user_rates), clock_(clock) {}

  /// Errors: invalid_request naming the field, not_found.
  Task<Result<User>> update(Id user, ProfileChange change, Source source);
  /// As the user says it, by the app's rules about names and avatars. Errors: those of update(); content_rejected, and where WeChat must have
  /// looked at a name first, those of Platform::check_text.
  Task<Result<User>> update_own(Subject subject, ProfileChange change, Trace* trace);
  /// A name that the user gives otherwise than by update_own, by the app's profile_check; no name, and WeChat's stand-in for one, pass. Errors:
  /// content_rejected; invalid_request (names are checked, and the subject has no openid to ask with); those of Platform::check_text.
  Task<Result<>> check_name(Subject subject, std::string name, Trace* trace);
  /// Errors: invalid_request (no proof, half of one), signature_invalid, decrypt_failed, stale_session_key, not_found.
  Task<Result<User>> update_from_wechat(Subject subject, ProfileProof proof, Source source);
  /// Proves a number and keeps it: the errors of both.
  Task<Result<User>> bind_phone(Subject subject, PhoneProof proof, Trace* trace);
  /// The number that WeChat gives for the proof. A code is asked for once, on whichever node it is brought. Errors: invalid_request,
  /// decrypt_failed, stale_session_key, code_used (a code that was brought before), rate_limited (UserRates), and those of
  /// Platform::phone_by_code.
  Task<Result<ProvenPhone>> prove_phone(Subject subject, PhoneProof proof, Trace* trace);
  /// Errors: conflict (the ciphertext was used already, or another user has the number and the app wants it unique), not_found.
  Task<Result<User>> keep_phone(Subject subject, ProvenPhone phone, Trace* trace);
  /// Puts a login that has just made the subject onto the one user who has proven the same number. nullopt: nobody has it. Error: conflict
  /// (several have it, or the one who has it may not come in, or the subject is not fresh).
  Task<Result<std::optional<LoginRecord>>> attach_by_phone(Subject subject, Id session, std::string code_hash, ProvenPhone phone, Trace* trace);

  /// "+8613800000000"; empty if there is none. Error: internal when it cannot be opened.
  Result<std::string> phone_of(const User& user) const;

 private:
  /// Writes down that the proof was refused, and which session_keys were tried.
  Task<void> note_refusal(Subject subject, std::string_view part, ErrorCode code, Source source);
  Task<Result<PhoneNumber>> phone_by_code(Subject subject, std::string code, Trace* trace);
  static Task<CallResult<PhoneNumber>> ask_phone(Platform* platform, Subject subject, Secret token, std::string code, bool* looked_at);

  Store& store_;
  const crypto::Vault& vault_;
  const Platforms& platforms_;
  OpenData& open_data_;
  AccessTokens& tokens_;
  Journal& journal_;
  UserRates& user_rates_;
  const Clock& clock_;
};

}  // namespace kaimen::core
