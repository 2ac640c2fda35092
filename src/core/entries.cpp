#include "core/entries.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/picture.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

constexpr size_t kCodeCharacters = 32, kPageCodePoints = 128;
constexpr int64_t kMostUses = 1'000'000'000;
constexpr int kNarrowest = 280, kWidest = 1280;  // pixels, WeChat's
constexpr auto kLongestLife = std::chrono::days(3660);
constexpr auto kLongestLink = std::chrono::days(30);  // WeChat's
constexpr Seconds kShortestLink{60};

Error absent() { return make_error(ErrorCode::not_found, "there is no such entry code"); }

Result<> check_uses(const std::optional<int64_t>& uses) {
  if (uses && (*uses < 1 || *uses > kMostUses)) return make_error(ErrorCode::invalid_request, "uses must be from 1 to 1000000000, or null");
  return ok();
}

Result<> check_end(const std::optional<Time>& end, Time now) {
  if (end && (*end <= now || *end > now + kLongestLife)) return make_error(ErrorCode::invalid_request, "a code's end must be ahead, by ten years at most");
  return ok();
}

Result<> check_payload(std::string_view payload) {
  if (payload.size() > kEntryPayloadBytes) return make_error(ErrorCode::payload_too_large, "payload must be at most 4 KiB as JSON");
  return ok();
}

Result<> check_picture(const CodePicture& picture) {
  const auto fail = [](std::string why) { return make_error(ErrorCode::invalid_request, std::move(why)); };
  if (!is_plain_text(picture.page, kPageCodePoints)) return fail("page must be at most 128 characters without control characters");
  if (picture.page.starts_with('/') || picture.page.find('?') != std::string::npos) return fail("page must be like pages/index: no slash in front, no query");
  if (picture.width < kNarrowest || picture.width > kWidest) return fail("width must be from 280 to 1280");
  return ok();
}

}  // namespace

bool is_entry_code(std::string_view text) {
  constexpr std::string_view marks = "!#$&'()*+,/:;=?@-._~";
  return !text.empty() && text.size() <= kCodeCharacters && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
  });
}

std::string Entries::picture_path(const std::string& hash) { return "/entry-codes/" + to_hex(hash); }

Task<Result<EntryCode>> Entries::add(AppPtr app, NewEntryCode wanted, Trace* trace) {
  const Time now = clock_.now();
  CO_TRY(check_payload(wanted.payload));
  CO_TRY(check_uses(wanted.uses));
  CO_TRY(check_end(wanted.expires_at, now));
  CO_TRY(check_picture(wanted.picture));
  AddEntryCode act;
  // A dash in front would make it an option to every command line.
  while (act.code.code.empty() || act.code.code.front() == '-') {
    CO_TRY(const auto secret, random_.bytes<16>());
    act.code.code = to_base64url({reinterpret_cast<const char*>(secret.data()), secret.size()});
  }
  CO_TRY(act.code.id, Id::make(now, random_));
  act.code.app = app->number;
  act.code.payload = std::move(wanted.payload);
  act.code.page = wanted.picture.page;
  act.code.env = wanted.picture.env;
  act.code.admits = wanted.admits;
  act.code.uses = wanted.uses;
  act.code.expires_at = wanted.expires_at;
  act.code.created_at = now;
  act.project = app->project;
  act.source = trace->source;
  if (wanted.wants_picture) {
    wanted.picture.scene = act.code.code;
    auto drawing = co_await draw(app, std::move(wanted.picture), trace);
    CO_TRY(const auto drawn, std::move(drawing));
    auto read = clean_picture(drawn);
    if (!read) co_return make_error(ErrorCode::upstream_error, "what came instead of a picture is none");
    act.picture = {std::string(read.value().type), std::move(read.value().body)};
    act.code.picture_hash = crypto::sha256(act.picture.body);
  }
  EntryCode made = act.code;
  auto added = co_await store_.entries().add_entry_code(std::move(act));
  CO_TRY(std::move(added));
  co_return made;
}

Task<Result<std::string>> Entries::draw(AppPtr app, CodePicture wanted, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  trace->upstream_path = "/wxa/getwxacodeunlimit";
  std::function<Task<CallResult<std::string>>(Secret)> make = [platform, app, wanted](Secret token) {
    return platform->draw_code(app, std::move(token), wanted, deadline_in(limits::kUpstreamTotal));
  };
  auto drawn = co_await tokens_.call(app, make, trace);
  co_return drawn;
}

Task<Result<EntryCode>> Entries::find(AppPtr app, std::string code) {
  if (!is_entry_code(code)) co_return absent();
  auto found = co_await store_.entries().find_entry_code(std::move(code), app->number);
  co_return found;
}

Task<Result<std::vector<EntryCode>>> Entries::list(AppPtr app, std::optional<Id> before, size_t limit) {
  ListEntryCodes query{app->number, before, limit};
  auto found = co_await store_.entries().list_entry_codes(query);
  co_return found;
}

Task<Result<EntryCode>> Entries::change(AppPtr app, ChangeEntryCode change, Trace* trace) {
  if (!is_entry_code(change.code)) co_return absent();
  change.app = app->number;
  change.project = app->project;
  change.now = clock_.now();
  change.source = trace->source;
  CO_TRY(check_payload(change.payload.value_or("")));
  CO_TRY(check_uses(change.uses.value_or(std::nullopt)));
  CO_TRY(check_end(change.expires_at.value_or(std::nullopt), change.now));
  auto changed = co_await store_.entries().change_entry_code(std::move(change));
  co_return changed;
}

Task<Result<>> Entries::remove(AppPtr app, std::string code, Trace* trace) {
  if (!is_entry_code(code)) co_return absent();
  RemoveEntryCode act;
  act.code = std::move(code);
  act.app = app->number;
  act.now = clock_.now();
  act.project = app->project;
  act.source = trace->source;
  auto removed = co_await store_.entries().remove_entry_code(std::move(act));
  co_return removed;
}

Task<Result<std::vector<EntryScan>>> Entries::scans(AppPtr app, std::string code, std::optional<Id> before, size_t limit) {
  auto found = co_await find(app, code);
  CO_TRY(std::move(found));
  ListEntryScans query;
  query.code = std::move(code);
  query.app = app->number;
  query.before = before;
  query.limit = limit;
  auto listed = co_await store_.entries().list_entry_scans(std::move(query));
  co_return listed;
}

Task<Result<std::string>> Entries::link(AppPtr app, std::string code, LinkKind kind, Seconds life, Trace* trace) {
  if (life < kShortestLink || life > kLongestLink) co_return make_error(ErrorCode::invalid_request, "expires_in must be from 60 to 2592000 seconds");
  auto found = co_await find(app, std::move(code));
  CO_TRY(const auto entry, std::move(found));
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  trace->upstream_path = kind == LinkKind::scheme ? "/wxa/generatescheme" : "/wxa/generate_urllink";
  MakeLink wanted;
  wanted.kind = kind;
  wanted.page = entry.page;
  wanted.query = "scene=" + entry.code;  // as a scan of the picture has it
  wanted.env = entry.env;
  wanted.expires_at = clock_.now() + life;
  std::function<Task<CallResult<std::string>>(Secret)> make = [platform, app, wanted](Secret token) {
    return platform->make_link(app, std::move(token), wanted, deadline_in(limits::kUpstreamTotal));
  };
  auto made = co_await tokens_.call(app, make, trace);
  co_return made;
}

Task<Result<EntryPicture>> Entries::picture(std::string hash) {
  const auto raw = from_hex(hash);
  if (!raw || raw->size() != 32) co_return make_error(ErrorCode::not_found, "there is no such picture");
  auto found = co_await store_.entries().find_entry_picture(*raw);
  co_return found;
}

}  // namespace kaimen::core
