// Readers follow what the writer does through two pointers of time: a slot's value is stored last and loaded first (slots.h), and a table is
// published when it is complete. Nothing is ever taken out of a table: purging builds another one. A reader looks at a table for less than a
// microsecond, and one that was replaced lives on for seconds (`keep_replaced`).
#include "check/revocations.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace kaimen::check {

namespace {
constexpr size_t kSlotsMin = 1024;
}  // namespace

struct Revocations::Table {
  explicit Table(size_t slots) : slots_(slots) {}

  // There is always a free slot: half of them are.
  const Slot& find(const SessionWords& session, uint64_t& value) const { return *Slots<const Slot>(slots_.data(), slots_.size()).locate(session, value); }
  Slot& find(const SessionWords& session, uint64_t& value) { return *Slots<Slot>(slots_.data(), slots_.size()).locate(session, value); }

  void fill(Slot& slot, const SessionWords& session, uint64_t value, uint64_t until_ms) {
    Slots<Slot>::fill(slot, session, value, until_ms);
    used.fetch_add(1, std::memory_order_relaxed);
  }

  bool half_full() const { return used.load(std::memory_order_relaxed) * 2 >= slots_.size(); }

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
  Slot* slot = &current_->find(words, value);
  const uint64_t added = pack_revocation(generation, reason);
  if (value != 0) return Slots<Slot>::add(*slot, value, added, until_ms);
  if (current_->half_full()) {
    rebuild(0);
    slot = &current_->find(words, value);
  }
  current_->fill(*slot, words, added, until_ms);
}

Reason Revocations::find(const std::array<uint8_t, 16>& session, uint32_t generation) const noexcept {
  uint64_t value;
  table_.load(std::memory_order_acquire)->find(SessionWords(session), value);
  return reason_for(value, generation);
}

void Revocations::purge(uint64_t now_ms) {
  std::lock_guard lock(writer_);
  free_replaced();
  size_t past = 0;
  for (const Slot& slot : current_->slots_) {
    past += slot.value.load(std::memory_order_relaxed) != 0 && slot.until_ms.load(std::memory_order_relaxed) < now_ms;
  }
  // A rebuild costs as much as what is kept: it waits until a quarter can go. What is past stays harmless, its tickets have long expired.
  if (past != 0 && past * 4 >= size()) rebuild(now_ms);
}

void Revocations::rebuild(uint64_t now_ms) {
  const auto keeps = [&](const Slot& slot) { return slot.value.load(std::memory_order_relaxed) != 0 && slot.until_ms.load(std::memory_order_relaxed) >= now_ms; };
  const auto live = static_cast<size_t>(std::count_if(current_->slots_.begin(), current_->slots_.end(), keeps));
  auto next = std::make_unique<Table>(std::max(kSlotsMin, std::bit_ceil(live * 3)));
  for (const Slot& slot : current_->slots_) {
    if (!keeps(slot)) continue;
    const SessionWords words(slot.first.load(std::memory_order_relaxed), slot.last.load(std::memory_order_relaxed));
    uint64_t value;
    Slot& to = next->find(words, value);
    next->fill(to, words, slot.value.load(std::memory_order_relaxed), slot.until_ms.load(std::memory_order_relaxed));
  }
  free_replaced();
  replaced_.emplace_back(std::chrono::steady_clock::now(), nullptr);
  table_.store(next.get(), std::memory_order_release);
  replaced_.back().second = std::exchange(current_, std::move(next));
}

std::pair<const Slot*, size_t> Revocations::all_slots() const { return {current_->slots_.data(), current_->slots_.size()}; }

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
