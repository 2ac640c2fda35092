// Which sessions are certainly not in a table of slots. Nearly every ticket is of a session that nobody has ended, and its place in a large table is
// memory that no cache holds: one bit of a filter sixty-four times smaller says that there is no need to look. Four bits a slot, of which at most
// an eighth are set; the words lie behind the slots, and are stored with them in the state file (state_layout.h): do not change.
#pragma once

#include "check/slots.h"

namespace kaimen::check {

/// How many slots' worth of memory a filter for that many slots takes.
constexpr size_t filter_slots(size_t slots) { return slots / 64; }

/// A view of the words behind the slots. `SlotType` is Slot or const Slot. Words are zero in a table that is empty.
template <class SlotType>
class Filter {
 public:
  using FilterWord = std::conditional_t<std::is_const_v<SlotType>, const std::atomic<uint64_t>, std::atomic<uint64_t>>;

  Filter(SlotType* slots, size_t count) : words_(reinterpret_cast<FilterWord*>(slots + count)), shift_(64 - 2 - std::countr_zero(count)) {}

  /// False: no slot of the table holds this session. True: one may.
  bool may_hold(const SessionWords& session) const noexcept {
    const uint64_t bit = bit_of(session);
    return (words_[bit / 64].load(std::memory_order_acquire) >> bit % 64 & 1) != 0;
  }

  /// To be called by the one writer before the session's slot is filled.
  void add(const SessionWords& session) const noexcept {
    const uint64_t bit = bit_of(session);
    words_[bit / 64].store(words_[bit / 64].load(std::memory_order_relaxed) | uint64_t{1} << bit % 64, std::memory_order_release);
  }

  void clear(size_t slots) const noexcept {
    for (size_t i = 0; i < slots / 16; ++i) words_[i].store(0, std::memory_order_relaxed);
  }

 private:
  // As Slots::locate begins, and two bits more.
  uint64_t bit_of(const SessionWords& session) const { return (session.last * 0x9e3779b97f4a7c15) >> shift_; }

  FilterWord* words_;
  int shift_;
};

}  // namespace kaimen::check
