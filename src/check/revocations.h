// The live revocations in memory: session id → up to which generation its tickets are dead, why, and until when that must be known.
// One writer at a time (put and purge take a mutex), any number of readers that take no lock and write nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "check/slots.h"

namespace kaimen::check {

/// Kills every generation: the session has ended.
inline constexpr uint32_t kAllGenerations = 0xffffffff;

class Revocations {
 public:
  Revocations();
  ~Revocations();
  Revocations(const Revocations&) = delete;
  Revocations& operator=(const Revocations&) = delete;

  /// Readers see it before put returns. For a session already there the higher generation wins, and among equals the first reason;
  /// until_ms only grows. Reason::none is kept as `revoked`. Doubling a full table takes some 50 ns an entry.
  void put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms);

  /// Why a ticket of that generation is dead; Reason::none if it is not.
  Reason find(const std::array<uint8_t, 16>& session, uint32_t generation) const noexcept;

  /// Forgets what is past its until_ms. Rebuilds the table when that frees a good part of it; readers go on meanwhile.
  void purge(uint64_t now_ms);

  /// Calls visit(session words, value, until_ms) for each session held (slots.h), past ones included. Writers wait meanwhile, readers do not.
  template <class Visit>
  void each(Visit visit) const {
    std::lock_guard lock(writer_);
    const auto [slots, count] = all_slots();
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = slots[i].value.load(std::memory_order_relaxed);
      if (value == 0) continue;
      const SessionWords words(slots[i].first.load(std::memory_order_relaxed), slots[i].last.load(std::memory_order_relaxed));
      visit(words, value, slots[i].until_ms.load(std::memory_order_relaxed));
    }
  }

  /// Sessions held, those past their until_ms but not yet forgotten included. Takes no lock.
  size_t size() const noexcept;
  /// Tables, the one in use included: at most two of a size, whatever comes and goes. Those that are not in use hold addresses, no memory.
  size_t tables() const;

 private:
  class Table;
  std::pair<const Slot*, size_t> all_slots() const;
  void rebuild(uint64_t now_ms);
  Table& spare(size_t slots);

  std::atomic<const Table*> table_{nullptr};
  std::atomic<size_t> size_{0};       // not a table's: one that was replaced is empty, and may be in use again
  std::atomic<uint64_t> changes_{0};  // of tables: a reader that sees another one at its end has to look again
  // Under writer_.
  std::vector<std::unique_ptr<Table>> tables_;
  Table* current_ = nullptr;
  mutable std::mutex writer_;
};

}  // namespace kaimen::check
