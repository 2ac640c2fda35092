#include "core/journal.h"

#include <algorithm>

#include "base/encoding.h"

namespace kaimen::core {

namespace {

constexpr int64_t kNotesAtOnce = 100, kNotesPerSecond = 10;
constexpr size_t kFingerprintBytes = 4;

// Errcodes, rids and names of ours: nothing else is let through, so nothing needs escaping.
std::string plain(std::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, 128)) {
    const bool safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("-_./:").find(c) != std::string_view::npos;
    kept.push_back(safe ? c : '?');
  }
  return kept;
}

}  // namespace

void DetailText::name(std::string_view name) {
  if (!text_.empty()) text_.push_back(',');
  text_.append("\"").append(plain(name)).append("\":");
}
DetailText& DetailText::add(std::string_view member, std::string_view value) {
  name(member);
  text_.append("\"").append(plain(value)).append("\"");
  return *this;
}
DetailText& DetailText::add(std::string_view member, int64_t value) {
  name(member);
  text_ += std::to_string(value);
  return *this;
}
DetailText& DetailText::add(std::string_view member, const std::vector<std::string>& values) {
  name(member);
  text_.push_back('[');
  for (size_t i = 0; i < values.size(); ++i) text_.append(i == 0 ? "\"" : ",\"").append(plain(values[i])).append("\"");
  text_.push_back(']');
  return *this;
}

bool Journal::may_note(Time now) {
  std::lock_guard lock(mutex_);
  const auto seconds = std::chrono::duration_cast<Seconds>(now - filled_at_).count();
  if (seconds >= 1) {
    left_ = std::min(kNotesAtOnce, left_ + std::min(seconds, kNotesAtOnce) * kNotesPerSecond);
    filled_at_ = now;
  }
  if (left_ <= 0) return false;
  --left_;
  return true;
}

Task<void> Journal::note(Note note) {
  note.now = clock_.now();
  if (!may_note(note.now)) co_return;
  auto written = co_await store_.journal().note(std::move(note));
  static_cast<void>(written);
}

Task<void> Journal::login_failed(AppPtr app, Error error, Source source) {
  DetailText detail;
  detail.add("code", name_of(error.code));
  if (error.upstream) detail.add("errcode", error.upstream->errcode).add("rid", error.upstream->rid);
  Note refusal;
  refusal.kind = "login_failed";
  refusal.app = app->number;
  refusal.project = app->project;
  refusal.reason = error.reason;
  refusal.detail = detail.text();
  refusal.source = std::move(source);
  co_await note(std::move(refusal));
}

Task<void> Journal::decrypt_failed(AppPtr app, Id user, std::string_view part, ErrorCode code, std::vector<std::string> keys, Source source) {
  DetailText detail;
  detail.add("part", part).add("code", name_of(code)).add("keys", keys);
  Note refusal;
  refusal.kind = "decrypt_failed";
  refusal.app = app->number;
  refusal.project = app->project;
  refusal.user = user;
  refusal.detail = detail.text();
  refusal.source = std::move(source);
  co_await note(std::move(refusal));
}

Task<Result<EventPage>> Journal::list(ListEvents query) {
  auto listed = co_await store_.journal().list_events(std::move(query));
  co_return listed;
}

std::string key_fingerprint(std::string_view key_index) { return to_hex(key_index.substr(0, kFingerprintBytes)); }

}  // namespace kaimen::core
