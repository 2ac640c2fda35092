// A team's own user table, taken over: users made and found by what that table says of them. A first login then finds its user by openid or
// unionid, or by a phone number where the app's phone_link allows it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/directory_store.h"
#include "core/live.h"
#include "core/trace.h"
#include "crypto/vault.h"

namespace kaimen::core {

inline constexpr size_t kImportBatch = 200;  ///< Lines at a time.

/// One line, as it was given.
struct ImportLine {
  std::string app_id, openid, unionid, external_id;
  std::optional<std::string> phone, nickname, avatar_url, attributes;
  std::optional<std::vector<std::string>> roles;
  std::optional<bool> registered;
  std::optional<Time> created_at;
  std::string unreadable;  ///< Why it could not be read; then nothing else counts.
};
struct ImportTerms {
  bool dry_run = false;
  bool tells_webhooks = false;  ///< Of each user who is made or changed; a table of millions would be told line by line.
};
struct ImportOutcome {
  ImportedUser::Kind kind = ImportedUser::Kind::refused;
  Id user;
  ErrorCode code = ErrorCode::conflict;  ///< Of refused.
  std::string detail;                    ///< The same.
};

class Importing {
 public:
  Importing(DirectoryStore& store, const crypto::Vault& vault, Random& random, Live& live) : store_(store), vault_(vault), random_(random), live_(live) {}

  /// What came of each line, in their order; with `terms.dry_run`, what would come of it. Error: those of the store.
  Task<Result<std::vector<ImportOutcome>>> run(std::string project, std::vector<ImportLine> lines, ImportTerms terms, Trace* trace);

 private:
  Result<ImportUser> checked(ImportLine line, const std::string& project, const AppTable& apps);

  DirectoryStore& store_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
};

}  // namespace kaimen::core
