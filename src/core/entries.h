// Entry codes: what is printed, scanned, and brought along by a login. A code stands for a payload that only the server knows; whoever
// scans it gets the payload with the login, and the team sees who it was.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/access_tokens.h"
#include "core/entry_store.h"

namespace kaimen::core {

inline constexpr size_t kEntryPayloadBytes = 4 * 1024;

struct NewEntryCode {
  std::string payload;                  ///< A JSON text.
  CodePicture picture;                  ///< But for the scene.
  bool wants_picture = true;            ///< False: for links only, and the platform is not asked.
  EntryAdmits admits = EntryAdmits::everybody;
  std::optional<int64_t> uses;
  std::optional<Time> expires_at;
};

class Entries {
 public:
  Entries(Store& store, const Platforms& platforms, AccessTokens& tokens, Random& random, const Clock& clock)
      : store_(store), platforms_(platforms), tokens_(tokens), random_(random), clock_(clock) {}

  /// Has the platform draw the picture, then keeps both. Errors: invalid_request, those of Platform::draw_code and of AccessTokens; nothing
  /// is kept then.
  Task<Result<EntryCode>> add(AppPtr app, NewEntryCode wanted, Trace* trace);
  /// Error: not_found.
  Task<Result<EntryCode>> find(AppPtr app, std::string code);
  Task<Result<std::vector<EntryCode>>> list(AppPtr app, std::optional<Id> before, size_t limit);
  /// `change` names what changes; the rest of it is filled in here. Errors: not_found, invalid_request.
  Task<Result<EntryCode>> change(AppPtr app, ChangeEntryCode change, Trace* trace);
  /// Error: not_found.
  Task<Result<>> remove(AppPtr app, std::string code, Trace* trace);
  /// Error: not_found.
  Task<Result<std::vector<EntryScan>>> scans(AppPtr app, std::string code, std::optional<Id> before, size_t limit);
  /// A link that opens the mini program as a scan of the code would. Errors: not_found, invalid_request, those of Platform::make_link.
  Task<Result<std::string>> link(AppPtr app, std::string code, LinkKind kind, Seconds life, Trace* trace);
  /// `hash`: hex. Error: not_found.
  Task<Result<EntryPicture>> picture(std::string hash);

  /// "/entry-codes/{hash}": where the picture is served.
  static std::string picture_path(const std::string& hash);

 private:
  Task<Result<std::string>> draw(AppPtr app, CodePicture wanted, Trace* trace);

  Store& store_;
  const Platforms& platforms_;
  AccessTokens& tokens_;
  Random& random_;
  const Clock& clock_;
};

/// Whether it may be a code at all: at most 32 characters of those that WeChat lets a scene have.
bool is_entry_code(std::string_view text);

}  // namespace kaimen::core
