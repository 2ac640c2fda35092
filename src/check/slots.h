// The table of revocations as memory: open addressing over a power of two of slots, at most half of them used, one cache line for a look-up.
// The same in a node's memory (revocations.h) and in the state file that other processes map (state_layout.h): stored there; do not change.
//
// A slot's value is stored last and loaded first (release, acquire), so whoever sees it also sees the id it belongs to, and ids in a table
// never change while it can be looked at.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#include "check/ticket.h"

namespace kaimen::check {

struct SessionWords {
  uint64_t first, last;

  SessionWords(uint64_t first_word, uint64_t last_word) : first(first_word), last(last_word) {}
  explicit SessionWords(const std::array<uint8_t, 16>& session) {
    std::memcpy(&first, session.data(), 8);
    std::memcpy(&last, session.data() + 8, 8);
  }
};

// A slot's value: generation 32 bits | unused 16 | reason 8 | 1: the slot is used. A free slot is 0.
constexpr uint64_t pack_revocation(uint32_t generation, Reason reason) {
  return uint64_t{generation} << 32 | uint64_t{static_cast<uint8_t>(reason)} << 8 | 1;
}
constexpr uint32_t generation_of(uint64_t value) { return static_cast<uint32_t>(value >> 32); }
constexpr Reason reason_of(uint64_t value) { return static_cast<Reason>(value >> 8 & 0xff); }
/// Why a ticket of that generation is dead, by the value found for its session; Reason::none if it is not.
constexpr Reason reason_for(uint64_t value, uint32_t generation) {
  return value != 0 && generation <= generation_of(value) ? reason_of(value) : Reason::none;
}

// Two to a cache line, none across two.
struct alignas(32) Slot {
  std::atomic<uint64_t> value{0};
  std::atomic<uint64_t> first{0}, last{0};
  std::atomic<uint64_t> until_ms{0};  ///< Readers do not look at it.
};

/// A view of slots that somebody else owns. `SlotType` is Slot or const Slot.
template <class SlotType>
class Slots {
 public:
  Slots(SlotType* slots, size_t count) : slots_(slots), mask_(count - 1), shift_(64 - std::countr_zero(count)) {}

  /// The session's slot, or the free one where it would be, and its value. nullptr: there is neither, which only a table that nobody has
  /// written as it should be can bring.
  SlotType* locate(const SessionWords& session, uint64_t& value) const {
    // Ids begin with their time and end at random, so the end says where to look; the multiplication lets every bit of it count.
    size_t at = static_cast<size_t>((session.last * 0x9e3779b97f4a7c15) >> shift_);
    for (size_t seen = 0; seen <= mask_; ++seen, at = (at + 1) & mask_) {
      SlotType& slot = slots_[at];
      value = slot.value.load(std::memory_order_acquire);
      if (value == 0 || (slot.last.load(std::memory_order_relaxed) == session.last && slot.first.load(std::memory_order_relaxed) == session.first)) {
        return &slot;
      }
    }
    return nullptr;
  }

  /// Fills a free slot that locate() gave for this session.
  static void fill(Slot& slot, const SessionWords& session, uint64_t value, uint64_t until_ms) {
    slot.first.store(session.first, std::memory_order_relaxed);
    slot.last.store(session.last, std::memory_order_relaxed);
    slot.until_ms.store(until_ms, std::memory_order_relaxed);
    slot.value.store(value, std::memory_order_release);
  }
  /// A used slot learns of another revocation of its session: the higher generation wins, among equals the first reason; the time only grows.
  static void add(Slot& slot, uint64_t value, uint64_t more, uint64_t until_ms) {
    slot.until_ms.store(std::max(slot.until_ms.load(std::memory_order_relaxed), until_ms), std::memory_order_relaxed);
    if (generation_of(more) > generation_of(value)) slot.value.store(more, std::memory_order_release);
  }

 private:
  SlotType* slots_;
  size_t mask_;
  int shift_;
};

}  // namespace kaimen::check
