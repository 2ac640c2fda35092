// The live revocations in memory: session id → up to which generation its tickets are dead, why, and until when that must be known.
// One writer at a time (put and purge take a mutex), any number of readers that take no lock and write nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "check/ticket.h"

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
  /// until_ms only grows.
  void put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms);

  /// Why a ticket of that generation is dead; Reason::none if it is not.
  Reason find(const std::array<uint8_t, 16>& session, uint32_t generation) const noexcept;

  /// Forgets what is past its until_ms. Rebuilds the table when that frees a good part of it; readers go on meanwhile.
  void purge(uint64_t now_ms);

  size_t size() const noexcept;

 private:
  struct Table;
  std::atomic<const Table*> table_;
  // Tables that readers may still be looking at, with the time they were replaced; freed once that is long past.
  std::vector<std::pair<uint64_t, std::unique_ptr<Table>>> retired_;
  std::unique_ptr<Table> current_;
  mutable std::mutex writer_;
};

}  // namespace kaimen::check
