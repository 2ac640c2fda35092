// Open addressing, a power of two of slots, at most half of them used, one cache line for a look-up.
//
// Readers follow what the writer does through two pointers of time: a slot's value is stored last and loaded first (release, acquire), so
// whoever sees it also sees the id it belongs to, and ids in a table never change; and a table is published when it is complete. Nothing is
// ever taken out of a table: purging builds another one. A reader looks at a table for less than a microsecond, and one that was replaced
// lives on for seconds (`keep_replaced`).
#include "check/revocations.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace kaimen::check {

namespace {

struct SessionWords {
  uint64_t first, last;

  SessionWords(uint64_t first_word, uint64_t last_word) : first(first_word), last(last_word) {}
  explicit SessionWords(const std::array<uint8_t, 16>& session) {
    std::memcpy(&first, session.data(), 8);
    std::memcpy(&last, session.data() + 8, 8);
  }
};

// generation 32 bits | unused 16 | reason 8 | 1: the slot is used. A free slot is 0.
constexpr uint64_t kUsed = 1;
constexpr uint64_t pack(uint32_t generation, Reason reason) {
  return uint64_t{generation} << 32 | uint64_t{static_cast<uint8_t>(reason)} << 8 | kUsed;
}
constexpr uint32_t generation_of(uint64_t value) { return static_cast<uint32_t>(value >> 32); }
constexpr Reason reason_of(uint64_t value) { return static_cast<Reason>(value >> 8 & 0xff); }

constexpr size_t kSlotsMin = 1024;

}  // namespace

struct Revocations::Table {
  // Two to a cache line, none across two.
  struct alignas(32) Slot {
    std::atomic<uint64_t> value{0};
    std::atomic<uint64_t> first{0}, last{0};
    uint64_t until_ms = 0;  // the writer's alone
  };

  explicit Table(size_t slots) : shift(64 - std::countr_zero(slots)), mask(slots - 1), slots_(slots) {}

  // Ids begin with their time and end at random, so the end says where to look; the multiplication lets every bit of it count.
  size_t place(const SessionWords& session) const { return static_cast<size_t>((session.last * 0x9e3779b97f4a7c15) >> shift); }

  // The session's slot, or the free one where it would be. There is a free one: half of them are.
  template <class Slots>
  static auto& locate(Slots& slots, size_t at, size_t mask, const SessionWords& session, uint64_t& value) {
    for (;; at = (at + 1) & mask) {
      auto& slot = slots[at];
      value = slot.value.load(std::memory_order_acquire);
      if (value == 0 || (slot.last.load(std::memory_order_relaxed) == session.last &&
                         slot.first.load(std::memory_order_relaxed) == session.first)) {
        return slot;
      }
    }
  }
  const Slot& find(const SessionWords& session, uint64_t& value) const { return locate(slots_, place(session), mask, session, value); }
  Slot& find(const SessionWords& session, uint64_t& value) { return locate(slots_, place(session), mask, session, value); }

  void fill(Slot& slot, const SessionWords& session, uint64_t value, uint64_t until_ms) {
    slot.first.store(session.first, std::memory_order_relaxed);
    slot.last.store(session.last, std::memory_order_relaxed);
    slot.until_ms = until_ms;
    slot.value.store(value, std::memory_order_release);
    used.fetch_add(1, std::memory_order_relaxed);
  }

  bool half_full() const { return used.load(std::memory_order_relaxed) * 2 >= slots_.size(); }

  const int shift;
  const size_t mask;
  std::atomic<size_t> used{0};
  std::vector<Slot> slots_;
};

Revocations::Revocations(std::chrono::milliseconds keep_replaced)
    : table_(nullptr), current_(std::make_unique<Table>(kSlotsMin)), keep_replaced_(keep_replaced) {
  table_.store(current_.get(), std::memory_order_release);
}
Revocations::~Revocations() = default;

void Revocations::put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms) {
  if (reason == Reason::none) reason = Reason::revoked;  // a row that names no reason still kills
  const SessionWords words(session);
  std::lock_guard lock(writer_);
  uint64_t value;
  Table::Slot* slot = &current_->find(words, value);
  if (value != 0) {
    slot->until_ms = std::max(slot->until_ms, until_ms);
    if (generation > generation_of(value)) slot->value.store(pack(generation, reason), std::memory_order_release);
    return;
  }
  if (current_->half_full()) {
    rebuild(0);
    slot = &current_->find(words, value);
  }
  current_->fill(*slot, words, pack(generation, reason), until_ms);
}

Reason Revocations::find(const std::array<uint8_t, 16>& session, uint32_t generation) const noexcept {
  uint64_t value;
  table_.load(std::memory_order_acquire)->find(SessionWords(session), value);
  return value != 0 && generation <= generation_of(value) ? reason_of(value) : Reason::none;
}

void Revocations::purge(uint64_t now_ms) {
  std::lock_guard lock(writer_);
  free_replaced();
  size_t past = 0;
  for (const Table::Slot& slot : current_->slots_) {
    past += slot.value.load(std::memory_order_relaxed) != 0 && slot.until_ms < now_ms;
  }
  // A rebuild costs as much as what is kept: it waits until a quarter can go. What is past stays harmless, its tickets have long expired.
  if (past != 0 && past * 4 >= size()) rebuild(now_ms);
}

void Revocations::rebuild(uint64_t now_ms) {
  const auto keeps = [&](const Table::Slot& slot) { return slot.value.load(std::memory_order_relaxed) != 0 && slot.until_ms >= now_ms; };
  const auto live = static_cast<size_t>(std::count_if(current_->slots_.begin(), current_->slots_.end(), keeps));
  auto next = std::make_unique<Table>(std::max(kSlotsMin, std::bit_ceil(live * 3)));
  for (const Table::Slot& slot : current_->slots_) {
    if (!keeps(slot)) continue;
    const SessionWords words(slot.first.load(std::memory_order_relaxed), slot.last.load(std::memory_order_relaxed));
    uint64_t value;
    Table::Slot& to = next->find(words, value);
    next->fill(to, words, slot.value.load(std::memory_order_relaxed), slot.until_ms);
  }
  free_replaced();
  replaced_.emplace_back(std::chrono::steady_clock::now(), nullptr);
  table_.store(next.get(), std::memory_order_release);
  replaced_.back().second = std::exchange(current_, std::move(next));
}

void Revocations::free_replaced() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(replaced_, [&](const auto& table) { return now - table.first >= keep_replaced_; });
}

size_t Revocations::size() const noexcept { return table_.load(std::memory_order_acquire)->used.load(std::memory_order_relaxed); }

size_t Revocations::replaced_tables() const {
  std::lock_guard lock(writer_);
  return replaced_.size();
}

}  // namespace kaimen::check
