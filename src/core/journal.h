// The record: what happened, read back; and refusals, which no act of the store tells of.
#pragma once

#include <mutex>
#include <string_view>

#include "core/journal_store.h"
#include "core/trace.h"
#include "core/types.h"

namespace kaimen::core {

/// Makes `{"name":"value",…}` of a note's detail.
class DetailText {
 public:
  DetailText& add(std::string_view name, std::string_view value);
  DetailText& add(std::string_view name, int64_t value);
  DetailText& add(std::string_view name, const std::vector<std::string>& values);
  std::string text() const { return text_.empty() ? std::string() : "{" + text_ + "}"; }

 private:
  void name(std::string_view name);
  std::string text_;
};

class Journal {
 public:
  Journal(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Writes a refusal down, as well as it goes: what cannot be written is not the caller's trouble, and no more than ten a second are (a
  /// hundred at once), so that nobody fills the record by being refused.
  Task<void> note(Note note);
  /// A login that was refused, by WeChat with its errcode and rid, or by password.
  Task<void> login_failed(AppPtr app, Error error, Source source);
  /// Open data that no kept session_key fits. `keys` are the fingerprints of those that were tried, newest first.
  Task<void> decrypt_failed(AppPtr app, Id user, std::string_view part, ErrorCode code, std::vector<std::string> keys, Source source);

  Task<Result<EventPage>> list(ListEvents query);

 private:
  bool may_note(Time now);

  Store& store_;
  const Clock& clock_;
  std::mutex mutex_;
  int64_t left_ = 100;
  Time filled_at_{};
};

/// Tells session_keys of one identity apart, and nothing else of them: the first bytes of the keyed hash under which one is stored.
std::string key_fingerprint(std::string_view key_index);

}  // namespace kaimen::core
