// Entry codes, what was scanned, and the pictures of codes, as one of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

/// Whom a code gives its payload to. Stored in entry_codes.admits; do not change.
enum class EntryAdmits : uint8_t { everybody = 0, registered = 1 };

struct EntryCounts {
  int64_t scans = 0, new_users = 0, guests = 0;  ///< new_users, guests: of the scans, as they were then.
};
struct EntryCode {
  std::string code;
  Id id;                        ///< The order of lists.
  uint32_t app = 0;
  std::string payload;          ///< A JSON text.
  std::string page;
  Env env = Env::release;
  EntryAdmits admits = EntryAdmits::everybody;
  std::optional<int64_t> uses;  ///< How many scans at most; nullopt: no limit.
  std::optional<Time> expires_at;
  bool disabled = false;
  std::string picture_hash;     ///< SHA-256 of its picture, 32 raw bytes; empty: it has none.
  Time created_at{};
  EntryCounts counts{};         ///< Read only.
};
struct EntryPicture {
  std::string type, body;
};

struct AddEntryCode {
  EntryCode code;
  EntryPicture picture;  ///< Of code.picture_hash; empty where that is.
  std::string project;
  Source source;
};
struct ChangeEntryCode {
  std::string code;
  uint32_t app = 0;
  std::optional<std::string> payload;
  std::optional<EntryAdmits> admits;
  std::optional<bool> disabled;
  std::optional<std::optional<int64_t>> uses;      ///< An empty one inside: no limit any more.
  std::optional<std::optional<Time>> expires_at;
  Time now{};
  std::string project;
  Source source;
};
struct RemoveEntryCode {
  std::string code;
  uint32_t app = 0;
  Time now{};
  std::string project;
  Source source;
};
/// A page of an app's codes, newest first.
struct ListEntryCodes {
  uint32_t app = 0;
  std::optional<Id> before;  ///< The last one of the page before.
  size_t limit = 50;
};

/// Somebody came in by a code.
struct EntryScan {
  Id session, user;
  Time at{};
  bool is_new_user = false, was_registered = false;  ///< As of then.
  std::optional<User> person;                        ///< As of now; nullopt: deleted since.
};
/// A page of a code's scans, newest first.
struct ListEntryScans {
  std::string code;
  uint32_t app = 0;
  std::optional<Id> before;
  size_t limit = 50;
};

/// What a login that came by a code is given, as of now.
struct AskEntrance {
  Id session;
  std::string code;  ///< As the client said; empty: whatever was recorded with the session.
  uint32_t app = 0;
  IsRegistered is_registered;
  Time now{};        ///< A code that has ended by then, or is disabled, lets nobody in.
};

class EntryStore {
 public:
  virtual ~EntryStore() = default;

  virtual Task<Result<>> add_entry_code(AddEntryCode act) = 0;
  /// Error: not_found (also a code of another app; so with the others).
  virtual Task<Result<EntryCode>> find_entry_code(std::string code, uint32_t app) = 0;
  virtual Task<Result<std::vector<EntryCode>>> list_entry_codes(ListEntryCodes query) = 0;
  /// Error: not_found.
  virtual Task<Result<EntryCode>> change_entry_code(ChangeEntryCode act) = 0;
  /// The code, its counts and its picture; its scans stay for their time, as events do. Error: not_found.
  virtual Task<Result<>> remove_entry_code(RemoveEntryCode act) = 0;
  virtual Task<Result<std::vector<EntryScan>>> list_entry_scans(ListEntryScans query) = 0;
  /// Error: not_found.
  virtual Task<Result<EntryPicture>> find_entry_picture(std::string hash) = 0;
  /// Of a login that is recorded: counts and records nothing. nullopt: no code was scanned with it, and none is asked about.
  virtual Task<Result<std::optional<Entrance>>> entrance_of(AskEntrance query) = 0;
};

}  // namespace kaimen::core
