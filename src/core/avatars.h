// Avatars that are kept here: uploaded, stripped of what is not picture, named by the hash of what is left. Where the app asks for it, WeChat
// looks at each: `report` tells what it thinks, `enforce` shows none before it has passed.
#pragma once

#include "core/access_tokens.h"
#include "core/media_store.h"
#include "core/profile.h"

namespace kaimen::core {

class Avatars {
 public:
  Avatars(Store& store, const crypto::Vault& vault, const Platforms& platforms, AccessTokens& tokens, UserRates& user_rates, const Clock& clock)
      : store_(store), vault_(vault), platforms_(platforms), tokens_(tokens), user_rates_(user_rates), clock_(clock) {}

  /// `base`: where WeChat reaches this server (public.url); empty: nowhere. Errors: invalid_request (no picture, too large), content_rejected
  /// (rejected before), app_misconfigured (enforce without `base`), with enforce also those of Platform::check_picture, not_found; where
  /// WeChat is asked, rate_limited (UserRates).
  Task<Result<KeptAvatar>> keep(Subject subject, std::string bytes, std::string base, Trace* trace);
  /// `key`: of the URL that WeChat was given; needed while the avatar waits for its check. Error: not_found.
  Task<Result<Avatar>> find(std::string hash, std::string key);

  /// "/avatars/{hash}".
  static std::string path_of(const std::string& hash);

 private:
  Task<Result<>> ask(Subject subject, std::string hash, std::string base, Time kept_at, Trace* trace);
  std::string key_of(const std::string& hash) const;
  bool is_key_of(const std::string& hash, const std::string& key) const;

  Store& store_;
  const crypto::Vault& vault_;
  const Platforms& platforms_;
  AccessTokens& tokens_;
  UserRates& user_rates_;
  const Clock& clock_;
};

}  // namespace kaimen::core
