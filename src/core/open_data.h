// WeChat's encrypted open data and its signatures: decrypts with the kept session_keys, newest first, and believes nothing but the whole
// shape of what comes out (the encryption has no MAC). Whatever is wrong after decryption is one error, stale_session_key.
#pragma once

#include <functional>
#include <string>

#include "core/access_tokens.h"
#include "core/platform.h"
#include "core/store.h"
#include "crypto/vault.h"

namespace kaimen::core {

struct EncryptedData {
  std::string data, iv;  ///< base64, as WeChat's client gives them.
};

class OpenData {
 public:
  OpenData(Store& store, const crypto::Vault& vault, const Platforms& platforms, AccessTokens& tokens, const Clock& clock)
      : store_(store), vault_(vault), platforms_(platforms), tokens_(tokens), clock_(clock) {}

  /// Errors: decrypt_failed (base64, length or size), stale_session_key (anything after that, no key kept included).
  Task<Result<OpenUserInfo>> user_info(AppPtr app, std::string openid, EncryptedData encrypted);
  Task<Result<OpenPhone>> phone(AppPtr app, std::string openid, EncryptedData encrypted);
  /// Profile in `raw_data` if `signature` = sha1(raw_data + session_key) under a kept key. Error: signature_invalid.
  Task<Result<OpenUserInfo>> signed_user_info(AppPtr app, std::string openid, std::string raw_data, std::string signature);
  /// The plaintext, whatever kind it is: a JSON object whose watermark names this app and this time. For the team's own backend.
  Task<Result<std::string>> plaintext(AppPtr app, std::string openid, EncryptedData encrypted);
  /// Has WeChat replace the session_key by a new one, and keeps that as the newest. Errors: stale_session_key (no kept one stands), those of
  /// Platform::reset_session_key and of the store.
  Task<Result<>> reset_key(AppPtr app, std::string openid, Trace* trace);
  /// The keys of wx.getUserCryptoManager, newest first. Errors: as of reset_key.
  Task<Result<std::vector<EncryptKey>>> encrypt_keys(AppPtr app, std::string openid, Trace* trace);
  /// Asks the platform whether any kept session_key still stands. nullopt: none is kept, so it cannot be asked. Errors: those of
  /// Platform::check_session_key.
  Task<Result<std::optional<bool>>> key_stands(AppPtr app, std::string openid, Trace* trace);

  /// Names of the identity's kept session_keys for the record, newest first (core/journal.h, key_fingerprint).
  Task<Result<std::vector<std::string>>> key_fingerprints(AppPtr app, std::string openid);

 private:
  Task<Result<std::vector<Secret>>> keys(AppPtr app, std::string openid);
  /// The first plaintext, over all keys, for which `accept` is true.
  Task<Result<>> decrypt(AppPtr app, std::string openid, EncryptedData encrypted, std::function<bool(std::string_view)> accept);
  /// What `ask` yields with the newest kept session_key that WeChat does not call stale. Error: stale_session_key when there is none.
  template <class T>
  Task<Result<T>> with_standing_key(AppPtr app, std::string openid, std::function<Task<CallResult<T>>(Secret token, Secret session_key)> ask,
                                    Trace* trace);
  bool fresh(const App& app, const Watermark& watermark) const;

  Store& store_;
  const crypto::Vault& vault_;
  const Platforms& platforms_;
  AccessTokens& tokens_;
  const Clock& clock_;
};

}  // namespace kaimen::core
