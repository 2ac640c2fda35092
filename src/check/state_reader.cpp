// Every count and place that comes out of the file is held against the bounds before it is used: a damaged file must cost an answer, not the
// process that reads it.
#include "check/state_reader.h"

#include <sched.h>
#include <time.h>

#include <algorithm>

#include "check/judge.h"
#include "check/presented.h"

namespace kaimen::check {

namespace {

// A change of keys or apps takes microseconds and happens a few times a day. A writer in the middle of one that has lost its core gets it, and
// whoever has waited some 20 ms meets one that died there.
constexpr int kTries = 600, kSpins = 200, kYields = 200;
constexpr timespec kPause{0, 100'000};

void wait_before(int tried) {
  if (tried >= kSpins + kYields) nanosleep(&kPause, nullptr);
  else if (tried >= kSpins) sched_yield();
}

uint64_t load(const Word& word) { return word.load(std::memory_order_relaxed); }

// Word by word, as far as the name goes: copying its bytes one by one into place would cost more than the look-up of the app.
void copy_name(const Word* words, uint64_t length, StateName& out) {
  for (uint64_t at = 0; at < length; at += 8) {
    const uint64_t word = load(words[at / 8]);
    std::memcpy(out + at, &word, sizeof word);
  }
  out[length] = '\0';
}

// A key that lies on the stack for a moment. libcrypto's way to wipe goes through a pointer to memset and costs more than finding the key.
void wipe(decltype(Key::bytes)& bytes) {
  bytes.fill(0);
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
}

}  // namespace

struct StateReader::Ring {
  Key key;
  uint64_t flags = 0, scope = 0;
  bool known = false;
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { wipe(key.bytes); }
};

StateReader::StateReader(const StateFile* file, size_t bytes) : file_(file) {
  if (bytes < kStateTables || file->header.magic.load(std::memory_order_acquire) != kStateMagic || load(file->header.version) != kStateVersion) return;
  if (const uint64_t reached = reaches(); reached != 0 && reached <= bytes) slots_max_ = slots_within(bytes);
}

uint64_t StateReader::reaches() const noexcept {
  const uint64_t slots = load(file_->header.slots);
  return is_slot_count(slots) ? state_bytes(slots) : 0;
}

Unsure StateReader::sure(uint64_t boot_ms) const noexcept {
  const uint64_t flags = load(file_->header.flags), good_until = load(file_->header.good_until_ms);
  if (flags & kStateRetired) return Unsure::retired;
  if (flags & kStateOverflow) return Unsure::overflow;
  if (load(file_->header.slots) > slots_max_) return Unsure::grown;
  // Further ahead than a writer ever says, also to a reader that was held up since it looked at the clock: written under another one.
  return boot_ms < good_until && good_until - boot_ms <= 2 * kGoodMs ? Unsure::no : Unsure::not_good_now;
}

bool StateReader::begin(uint64_t& sequence) const noexcept {
  sequence = file_->header.sequence.load(std::memory_order_acquire);
  return (sequence & 1) == 0;
}

bool StateReader::same(uint64_t sequence) const noexcept {
  std::atomic_thread_fence(std::memory_order_acquire);
  return load(file_->header.sequence) == sequence;
}

Unsure StateReader::find_key(uint32_t id, Ring& found) const noexcept {
  const uint64_t count = load(file_->header.keys);
  if (count > kStateKeysMax) return Unsure::damaged;
  for (uint64_t i = 0; i < count; ++i) {
    const StateKey& key = file_->keys[i];
    const uint64_t id_and_flags = load(key.id_and_flags);
    if (static_cast<uint32_t>(id_and_flags) != id) continue;
    found.known = true;
    found.key.id = id;
    found.flags = id_and_flags;
    found.scope = load(key.scope);
    for (size_t word = 0; word < 4; ++word) {
      const uint64_t bytes = load(key.bytes[word]);
      std::memcpy(found.key.bytes.data() + 8 * word, &bytes, sizeof bytes);
    }
    break;
  }
  return Unsure::no;
}

Carries StateReader::carries(std::string_view header_name) const noexcept {
  const uint64_t presents = load(file_->header.presents);
  if (presents == 0) return Carries::nothing;
  const uint64_t count = std::min<uint64_t>(presents >> kStateHeadersShift, kStateHeadersMax);
  for (uint64_t i = 0; i < count; ++i) {
    char name[kStateNameMax];
    for (size_t word = 0; word < kStateNameMax / 8; ++word) {
      const uint64_t characters = load(file_->header.header_names[i][word]);
      std::memcpy(name + 8 * word, &characters, sizeof characters);
    }
    const size_t length = strnlen(name, sizeof name);
    if (length != 0 && same_name(header_name, {name, length})) return Carries::ticket;
  }
  return (presents & kStateSkey) != 0 && same_name(header_name, "x-wx-skey") ? Carries::skey : Carries::nothing;
}

// False: what was read cannot be.
bool StateReader::judge_opened(const Ring& key, const Claims& claims, uint64_t now_ms, StateVerdict& verdict, StateName& app_id,
                               StateName& project) const noexcept {
  Findings found;
  const uint64_t first = static_cast<uint32_t>(key.scope), count = key.scope >> 32;
  if (first > kStateScopesMax || count > kStateScopesMax - first) return false;
  found.in_scope = count == 0;
  for (uint64_t i = 0; i < count && !found.in_scope; ++i) found.in_scope = load(file_->scopes[first + i]) == claims.app;
  found.key_retired = (key.flags & kStateKeyRetired) != 0;

  const uint64_t apps = load(file_->header.apps), table = load(file_->header.table), slots = load(file_->header.slots);
  if (apps > kStateAppsMax || table > 1 || slots > slots_max_ || !is_slot_count(slots)) return false;
  // First, for its place in memory is any: what follows goes on while that is fetched.
  uint64_t value = 0;
  const Slot* const in_use = file_->first_table + table * state_stride(slots);
  const SessionWords session(claims.session);
  if (Filter<const Slot>(in_use, slots).may_hold(session) && !Slots<const Slot>(in_use, slots).locate(session, value)) return false;
  found.revocation = reason_for(value, claims.generation);

  const auto number_and_flags = [](const StateApp& app) { return load(app.number_and_flags); };
  const StateApp* const end = file_->apps + apps;
  const StateApp* const app =
      std::lower_bound(file_->apps, end, claims.app, [&](const StateApp& one, uint32_t wanted) { return static_cast<uint32_t>(number_and_flags(one)) < wanted; });
  const uint64_t flags = app != end ? number_and_flags(*app) : 0;
  if (app != end && static_cast<uint32_t>(flags) == claims.app) {
    const uint64_t life_and_lengths = load(app->life_and_lengths);
    const uint64_t app_id_length = life_and_lengths >> 32 & 0xff, project_length = life_and_lengths >> 40 & 0xff;
    if (app_id_length > kStateNameMax || project_length > kStateNameMax) return false;
    found.app_known = true;
    found.app_disabled = (flags & kStateAppDisabled) != 0;
    found.revoked_before_ms = load(app->revoked_before_ms);
    found.life_cap_s = static_cast<uint32_t>(life_and_lengths);
    verdict.wafer = (flags & kStateAppWafer) != 0;
    verdict.app_id_length = static_cast<uint8_t>(app_id_length);
    verdict.project_length = static_cast<uint8_t>(project_length);
    copy_name(app->app_id, app_id_length, app_id);
    copy_name(app->project, project_length, project);
  }
  verdict.reason = judge(claims, found, now_ms);
  return true;
}

StateVerdict StateReader::check(std::string_view text, uint64_t boot_ms, Opened& out, StateName& app_id, StateName& project) const noexcept {
  StateVerdict verdict;
  // Of a ticket that was not opened, or by what may have been half written, there are no claims.
  const auto nobody = [&] {
    out.claims = Claims{};
    return verdict;
  };
  for (int tries = 0; tries < kTries; ++tries) {
    uint64_t sequence = 0;
    if (tries != 0) {
      // What the last try read while it was changing says nothing.
      verdict = StateVerdict{};
      wait_before(tries);
    }
    if (!begin(sequence)) continue;
    // Asked after that: a file that was left half written is made even by its next writer, and is not good until that has put right all of it.
    verdict.unsure = sure(boot_ms);
    uint32_t key_id = 0;
    if (verdict.unsure != Unsure::no || !ticket_key_id(text, key_id)) return nobody();
    Ring ring;
    const Unsure found = find_key(key_id, ring);
    if (!same(sequence)) continue;
    if (found != Unsure::no) {
      verdict.unsure = found;
      return nobody();
    }
    if (!ring.known) return nobody();  // malformed
    if (ring.flags & kStateKeyWithheld) {
      verdict.reason = Reason::renew;
      if (ring.flags & kStateKeyUnsettled) verdict.unsure = Unsure::key_withheld;
      return nobody();
    }
    if (!open_ticket(ring.key, text, out)) return verdict;
    const bool possible = judge_opened(ring, out.claims, boot_ms + load(file_->header.node_ahead_ms), verdict, app_id, project);
    if (!same(sequence)) continue;
    // The writer may have fallen silent, or have run out of room, or the file have grown, while the ticket was opened.
    verdict.unsure = sure(boot_ms);
    if (verdict.unsure == Unsure::no && !possible) verdict.unsure = Unsure::damaged;
    return verdict;
  }
  verdict.unsure = Unsure::changing;
  return nobody();
}

}  // namespace kaimen::check
