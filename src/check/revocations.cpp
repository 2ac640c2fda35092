// Readers follow what the writer does through pointers: a slot's value is stored last and loaded first (slots.h), and a table is published
// when it is complete. Nothing is ever taken out of a table in use: purging builds another one. The one that was replaced gives its memory back
// at once and is used again; its addresses stay good for as long as the Revocations live. A reader that was still in it may find anything, and
// finds by `changes_` that it must look again, so nobody ever waits for readers, however long one is held up.
#include "check/revocations.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "check/filter.h"

namespace kaimen::check {

namespace {
constexpr size_t kSlotsMin = 1024;
}  // namespace

// Slots that lie at one place from the first use to the end; all free when the table is not in use.
class Revocations::Table {
 public:
  explicit Table(size_t slots) : slots_(slots) {
    // Memory that the system has cleared is slots that are free.
    void* const memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    first_ = static_cast<Slot*>(memory);
  }
  ~Table() { munmap(first_, bytes()); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  Slot* first() const { return first_; }
  size_t slots() const { return slots_; }
  size_t used() const { return used_; }
  bool half_full() const { return used_ * 2 >= slots_; }

  // value 0: none. nullptr: the table was cleared and filled anew under a reader's eyes. A writer finds a place, for half of them are free.
  const Slot* find(const SessionWords& session, uint64_t& value) const {
    if (!Filter<const Slot>(first_, slots_).may_hold(session)) return first_;
    return Slots<const Slot>(first_, slots_).locate(session, value);
  }
  Slot& place_of(const SessionWords& session, uint64_t& value) { return *Slots<Slot>(first_, slots_).locate(session, value); }

  void fill(Slot& slot, const SessionWords& session, uint64_t value, uint64_t until_ms) {
    Filter<Slot>(first_, slots_).add(session);
    Slots<Slot>::fill(slot, session, value, until_ms);
    ++used_;
  }

  void clear() {
    used_ = 0;
    if (madvise(first_, bytes(), MADV_DONTNEED) == 0) return;
    Filter<Slot>(first_, slots_).clear(slots_);
    for (size_t i = 0; i < slots_; ++i) first_[i].value.store(0, std::memory_order_relaxed);  // memory that somebody has locked
  }

 private:
  size_t bytes() const { return (slots_ + filter_slots(slots_)) * sizeof(Slot); }

  size_t used_ = 0;  // the writer's
  Slot* first_;
  const size_t slots_;
};

Revocations::Revocations() {
  current_ = &spare(kSlotsMin);
  table_.store(current_, std::memory_order_release);
}
Revocations::~Revocations() = default;

void Revocations::put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms) {
  if (reason == Reason::none) reason = Reason::revoked;  // a row that names no reason still kills
  const SessionWords words(session);
  std::lock_guard lock(writer_);
  uint64_t value;
  Slot* slot = &current_->place_of(words, value);
  const uint64_t added = pack_revocation(generation, reason);
  if (value != 0) return Slots<Slot>::add(*slot, value, added, until_ms);
  if (current_->half_full()) {
    rebuild(0);
    slot = &current_->place_of(words, value);
  }
  current_->fill(*slot, words, added, until_ms);
  size_.store(current_->used(), std::memory_order_release);
}

Reason Revocations::find(const std::array<uint8_t, 16>& session, uint32_t generation) const noexcept {
  const SessionWords words(session);
  for (;;) {
    const uint64_t before = changes_.load(std::memory_order_acquire);
    uint64_t value = 0;
    const Slot* const slot = table_.load(std::memory_order_acquire)->find(words, value);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot && changes_.load(std::memory_order_relaxed) == before) return reason_for(value, generation);
  }
}

void Revocations::purge(uint64_t now_ms) {
  std::lock_guard lock(writer_);
  size_t past = 0;
  const auto [slots, count] = all_slots();
  for (size_t i = 0; i < count; ++i) {
    past += slots[i].value.load(std::memory_order_relaxed) != 0 && slots[i].until_ms.load(std::memory_order_relaxed) < now_ms;
  }
  // A rebuild costs as much as what is kept: it waits until a quarter can go. What is past stays harmless, its tickets have long expired.
  if (past != 0 && past * 4 >= size()) rebuild(now_ms);
}

void Revocations::rebuild(uint64_t now_ms) {
  const auto keeps = [&](const Slot& slot) { return slot.value.load(std::memory_order_relaxed) != 0 && slot.until_ms.load(std::memory_order_relaxed) >= now_ms; };
  const auto [slots, count] = all_slots();
  const auto live = static_cast<size_t>(std::count_if(slots, slots + count, keeps));
  Table& next = spare(std::max(kSlotsMin, std::bit_ceil(live * 3)));
  for (size_t i = 0; i < count; ++i) {
    const Slot& slot = slots[i];
    if (!keeps(slot)) continue;
    const SessionWords words(slot.first.load(std::memory_order_relaxed), slot.last.load(std::memory_order_relaxed));
    uint64_t value;
    Slot& to = next.place_of(words, value);
    next.fill(to, words, slot.value.load(std::memory_order_relaxed), slot.until_ms.load(std::memory_order_relaxed));
  }
  table_.store(&next, std::memory_order_release);
  changes_.store(changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  // Whoever sees anything of what follows sees that the tables have changed.
  std::atomic_thread_fence(std::memory_order_release);
  current_->clear();
  current_ = &next;
  size_.store(next.used(), std::memory_order_release);
}

// One of that size that is not in use, and clear.
Revocations::Table& Revocations::spare(size_t slots) {
  for (const auto& table : tables_) {
    if (table->slots() == slots && table.get() != current_) return *table;
  }
  return *tables_.emplace_back(std::make_unique<Table>(slots));
}

std::pair<const Slot*, size_t> Revocations::all_slots() const { return {current_->first(), current_->slots()}; }

size_t Revocations::size() const noexcept { return size_.load(std::memory_order_acquire); }

size_t Revocations::tables() const {
  std::lock_guard lock(writer_);
  return tables_.size();
}

}  // namespace kaimen::check
