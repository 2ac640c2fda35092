// What is published under the sequence, and when the file grows: in the room behind what is in use, so that readers of the tables before are not
// disturbed, and find by the sequence that they must look again.
#include "check/state_writer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <set>
#include <utility>

#include "check/boot_clock.h"

namespace kaimen::check {

namespace {

constexpr uint64_t kKeysDoNotFit = 1, kAppsDoNotFit = 2, kHeadersDoNotFit = 4, kRevocationsDoNotFit = 8;
constexpr std::pair<uint64_t, const char*> kMissing[] = {
    {kKeysDoNotFit, "keys"}, {kAppsDoNotFit, "apps"}, {kHeadersDoNotFit, "ticket headers"}, {kRevocationsDoNotFit, "revocations"}};

constexpr uint64_t kGrowAgainMs = 2000;      // after it could not
constexpr size_t kBeatEvery = size_t{1} << 17;  // slots: some milliseconds

void store(Word& word, uint64_t value) { word.store(value, std::memory_order_relaxed); }
uint64_t load(const Word& word) { return word.load(std::memory_order_relaxed); }

void store_text(Word* words, size_t count, std::string_view text) {
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = 0;
    const size_t at = std::min(text.size(), i * 8);
    std::memcpy(&word, text.data() + at, std::min<size_t>(8, text.size() - at));
    store(words[i], word);
  }
}

}  // namespace

std::unique_ptr<StateWriter> StateWriter::open(const std::string& path, size_t revocations, const Revocations& known, std::string& error) {
  auto memory = StateMemory::open(path, std::clamp(std::bit_ceil(revocations * 2), kStateSlotsMin, kStateSlotsMax), error);
  if (!memory) return nullptr;
  return std::unique_ptr<StateWriter>(new StateWriter(std::move(memory), known));
}

StateWriter::StateWriter(std::unique_ptr<StateMemory> memory, const Revocations& known)
    : memory_(std::move(memory)), known_(known), slots_(load(header().slots)) {
  // What another writer could not fit in is missing until it is published anew.
  if (load(header().flags) & kStateOverflow) overflowing_ = kKeysDoNotFit | kAppsDoNotFit | kHeadersDoNotFit | kRevocationsDoNotFit;
}

void StateWriter::begin() noexcept {
  // A writer that died in the middle has left it odd; readers must see another value all the same.
  const uint64_t sequence = load(header().sequence);
  store(header().sequence, (sequence | 1) + 2);
  std::atomic_thread_fence(std::memory_order_release);
}

void StateWriter::end() noexcept { header().sequence.fetch_add(1, std::memory_order_release); }

void StateWriter::set_overflow(uint64_t what, bool overflows) noexcept {
  overflowing_ = overflows ? overflowing_ | what : overflowing_ & ~what;
  header().flags.store(overflowing_ != 0 ? kStateOverflow : 0, std::memory_order_release);
}

void StateWriter::publish_keys(const std::vector<StateKeyEntry>& keys) {
  size_t scopes = 0;
  for (const StateKeyEntry& key : keys) scopes += key.apps.size();
  std::lock_guard lock(mutex_);
  const bool fits = keys.size() <= kStateKeysMax && scopes <= kStateScopesMax;
  if (!fits) return set_overflow(kKeysDoNotFit, true);

  begin();
  size_t scope = 0, place = 0;
  for (const StateKeyEntry& key : keys) {
    StateKey& to = memory_->file()->keys[place++];
    store(to.id_and_flags, uint64_t{key.key.id} | (key.retired ? kStateKeyRetired : 0) | (key.withheld ? kStateKeyWithheld : 0) |
                               (key.withheld && key.unsettled ? kStateKeyUnsettled : 0));
    store(to.scope, uint64_t{scope} | uint64_t{key.apps.size()} << 32);
    for (const uint32_t app : key.apps) store(memory_->file()->scopes[scope++], app);
    uint64_t bytes[4] = {};
    if (!key.withheld) std::memcpy(bytes, key.key.bytes.data(), sizeof bytes);
    for (size_t i = 0; i < 4; ++i) store(to.bytes[i], bytes[i]);
    OPENSSL_cleanse(bytes, sizeof bytes);
  }
  // Keys that are gone leave nothing behind.
  for (; place < kStateKeysMax; ++place) {
    store(memory_->file()->keys[place].id_and_flags, 0);
    for (Word& word : memory_->file()->keys[place].bytes) store(word, 0);
  }
  store(header().keys, keys.size());
  store(header().scopes, scopes);
  end();
  set_overflow(kKeysDoNotFit, false);
}

void StateWriter::publish_apps(std::vector<StateAppEntry> apps, std::optional<size_t> projects, bool skey) {
  std::ranges::sort(apps, {}, &StateAppEntry::number);
  std::set<std::string_view> theirs;
  bool fits = apps.size() <= kStateAppsMax;
  for (const StateAppEntry& app : apps) {
    theirs.insert(app.project);
    fits = fits && app.app_id.size() <= kStateNameMax && app.project.size() <= kStateNameMax;
  }
  std::lock_guard lock(mutex_);
  if (!fits) return set_overflow(kAppsDoNotFit, true);

  begin();
  size_t place = 0;
  for (const StateAppEntry& app : apps) {
    StateApp& to = memory_->file()->apps[place++];
    store(to.number_and_flags, uint64_t{app.number} | (app.disabled ? kStateAppDisabled : 0) | (app.wafer ? kStateAppWafer : 0));
    store(to.revoked_before_ms, app.revoked_before_ms);
    store(to.life_and_lengths, uint64_t{app.life_cap_s} | uint64_t{app.app_id.size()} << 32 | uint64_t{app.project.size()} << 40);
    store_text(to.app_id, std::size(to.app_id), app.app_id);
    store_text(to.project, std::size(to.project), app.project);
  }
  store(header().apps, apps.size());
  store(header().projects, projects.value_or(theirs.size()));
  store(header().presents, (load(header().presents) & ~kStateSkey) | (skey ? kStateSkey : 0));
  end();
  set_overflow(kAppsDoNotFit, false);
}

void StateWriter::publish_headers(const std::vector<std::string>& names) {
  std::lock_guard lock(mutex_);
  const bool fits = names.size() <= kStateHeadersMax && std::ranges::all_of(names, [](const auto& name) { return name.size() <= kStateNameMax; });
  if (!fits) return set_overflow(kHeadersDoNotFit, true);

  begin();
  size_t place = 0;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    store_text(header().header_names[place++], std::size(header().header_names[0]), name);
  }
  store(header().presents, (load(header().presents) & kStateSkey) | uint64_t{place} << kStateHeadersShift);
  end();
  set_overflow(kHeadersDoNotFit, false);
}

void StateWriter::put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms) {
  if (reason == Reason::none) reason = Reason::revoked;
  const SessionWords words(session);
  const uint64_t added = pack_revocation(generation, reason);
  std::lock_guard lock(mutex_);
  if ((overflowing_ & kRevocationsDoNotFit) != 0) return;  // it comes with the others when there is room
  uint64_t value = 0;
  const auto locate = [&] { return Slots<Slot>(table(load(header().table) & 1, slots_), slots_).locate(words, value); };
  Slot* slot = locate();
  if (slot && value != 0) return Slots<Slot>::add(*slot, value, added, until_ms);
  if (!slot || full()) {
    make_room(0);
    if ((overflowing_ & kRevocationsDoNotFit) != 0) return;
    slot = locate();
    if (value != 0) return;
    if (full()) return set_overflow(kRevocationsDoNotFit, true);
  }
  Filter<Slot>(table(load(header().table) & 1, slots_), slots_).add(words);
  Slots<Slot>::fill(*slot, words, added, until_ms);
  ++used_;
}

void StateWriter::refill(uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  fill_other(now_ms, memory_->room());
  if ((overflowing_ & kRevocationsDoNotFit) != 0) grow(now_ms);
}

void StateWriter::purge(uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  if ((overflowing_ & kRevocationsDoNotFit) != 0 || used_ > kStateSlotsMin / 2 + known_.size() * 4 / 3) fill_other(now_ms, slots_);
}

void StateWriter::tend(uint64_t now_ms) {
  size_t room = 0, wanted = 0;
  {
    std::lock_guard lock(mutex_);
    if (!crowded()) return failure_.clear();
    if (boot_now_ms() < grow_again_ms_) return;
    fill_other(now_ms, slots_);
    if (!crowded()) return;
    room = memory_->room();
    wanted = larger();
  }
  // Most of the time goes here, and nobody waits for it. What comes of it shows below.
  std::string error;
  if (wanted > room) {
    memory_->allocate(room, wanted, error, [this] {
      std::lock_guard lock(mutex_);
      beat_on();
    });
  }
  std::lock_guard lock(mutex_);
  if (crowded()) grow(now_ms);
}

// Four fifths of it are in use, or it is full.
bool StateWriter::crowded() const { return used_ * 2 * 5 >= slots_ * 4 || (overflowing_ & kRevocationsDoNotFit) != 0; }

// At most two thirds of what it holds are then in use.
size_t StateWriter::larger() const { return std::min(std::bit_ceil(std::max(slots_ * 2, known_.size() * 3)), kStateSlotsMax); }

// For one that is among the known already.
void StateWriter::make_room(uint64_t now_ms) {
  const size_t before = slots_;
  if (known_.size() * 2 <= slots_) return fill_other(now_ms, slots_);
  grow(now_ms);
  if (slots_ == before) set_overflow(kRevocationsDoNotFit, true);
}

void StateWriter::grow(uint64_t now_ms) {
  if (boot_now_ms() < grow_again_ms_) return;
  const size_t slots = larger();
  failure_.clear();
  if (slots <= slots_) {
    failure_ = "it is as large as it may be";
  } else if (memory_->reserve(slots, failure_, [this] { beat_on(); })) {
    fill_other(now_ms, slots);
    if (slots_ == slots) ++grown_;
  }
  grow_again_ms_ = failure_.empty() ? 0 : boot_now_ms() + kGrowAgainMs;
}

void StateWriter::fill_other(uint64_t now_ms, size_t slots) {
  // Nobody looks there: whoever began to before the last change of tables finds another sequence. Of larger tables the second one lies behind
  // both of those before, the one in use included.
  const uint64_t other = slots > slots_ ? 1 : 1 - (load(header().table) & 1);
  std::atomic_thread_fence(std::memory_order_release);
  Slot* const first = table(other, slots);
  for (size_t i = 0; i < slots; ++i) {
    first[i].value.store(0, std::memory_order_relaxed);
    if (i % kBeatEvery == kBeatEvery - 1) beat_on();
  }
  const Filter<Slot> filter(first, slots);
  filter.clear(slots);
  size_t used = 0;
  bool fits = true;
  const Slots<Slot> to(first, slots);
  known_.each([&](const SessionWords& words, uint64_t value, uint64_t until_ms) {
    if (until_ms < now_ms || !fits) return;
    if (used * 2 >= slots) {
      fits = false;
      return;
    }
    uint64_t there = 0;
    filter.add(words);
    Slots<Slot>::fill(*to.locate(words, there), words, value, until_ms);
    if (++used % kBeatEvery == 0) beat_on();
  });
  if (fits) {
    begin();
    store(header().slots, slots);
    store(header().table, other);
    end();
    slots_ = slots;
    used_ = used;
  }
  set_overflow(kRevocationsDoNotFit, !fits);
}

void StateWriter::beat(uint64_t good_until_ms, int64_t node_ahead_ms) noexcept {
  std::lock_guard lock(mutex_);
  store(header().node_ahead_ms, static_cast<uint64_t>(node_ahead_ms));
  header().good_until_ms.store(good_until_ms, std::memory_order_release);
}

void StateWriter::beat_meanwhile(std::function<StateBeat()> next) {
  std::lock_guard lock(mutex_);
  next_beat_ = std::move(next);
}

// Under the mutex.
void StateWriter::beat_on() noexcept {
  if (!next_beat_) return;
  const StateBeat next = next_beat_();
  store(header().node_ahead_ms, static_cast<uint64_t>(next.node_ahead_ms));
  header().good_until_ms.store(next.good_until_ms, std::memory_order_release);
}

StateFill StateWriter::fill() const {
  std::lock_guard lock(mutex_);
  StateFill fill{used_, slots_ / 2, grown_, overflowing_ != 0, {}, failure_};
  for (const auto& [bit, name] : kMissing) {
    if ((overflowing_ & bit) != 0) fill.missing += (fill.missing.empty() ? "" : ", ") + std::string(name);
  }
  return fill;
}

}  // namespace kaimen::check
