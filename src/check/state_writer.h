// The one writer of a state file (state_layout.h): what it was last told is in the file before a call returns, and readers see it at their
// next check. The file grows before it is full. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "check/revocations.h"
#include "check/state_memory.h"

namespace kaimen::check {

struct StateKeyEntry {
  Key key;
  bool retired = false, withheld = false, unsettled = false;  ///< As in state_layout.h; a withheld key's bytes are not written.
  std::vector<uint32_t> apps{};
};

struct StateAppEntry {
  uint32_t number = 0;
  std::string app_id, project;
  bool disabled = false;
  uint64_t revoked_before_ms = 0;
  uint32_t life_cap_s = 0;
  bool wafer = false;  ///< X-WX-Skey may carry its tickets.
};

/// Until when the file may be relied on (CLOCK_BOOTTIME), and the node's time − CLOCK_BOOTTIME.
struct StateBeat {
  uint64_t good_until_ms = 0;
  int64_t node_ahead_ms = 0;
};

/// How full the file is.
struct StateFill {
  size_t held = 0, room = 0;  ///< Revocations in the table in use, past ones included, and how many it holds.
  uint64_t grown = 0;         ///< How often it has grown under this writer.
  bool overflows = false;     ///< Something is missing in it: all readers answer UNKNOWN.
  std::string missing;        ///< What: "revocations", "keys" …
  std::string failure;        ///< Why it should grow and cannot; empty: it can, or need not.
};

class StateWriter {
 public:
  /// See StateMemory::open. Room for that many live revocations, to begin with. Readers of a file that another writer has left go on with what it
  /// says for as long as that is good, unless it was left in the middle of a change; nothing is changed before the first refill.
  static std::unique_ptr<StateWriter> open(const std::string& path, size_t revocations, const Revocations& known, std::string& error);

  void publish_keys(const std::vector<StateKeyEntry>& keys);
  /// `projects`: how many there are; nullopt: those of the apps. `skey`: X-WX-Skey counts, for the node has an app of wafer's.
  void publish_apps(std::vector<StateAppEntry> apps, std::optional<size_t> projects = std::nullopt, bool skey = false);
  /// session.ticket_headers.
  void publish_headers(const std::vector<std::string>& names);

  /// Adds one revocation, which is among the known ones already. A table that is full is filled anew, or the file grows.
  void put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms);
  /// Fills the other table with the known revocations that are not past at `now_ms`, and changes the tables.
  void refill(uint64_t now_ms);
  /// Refills if that would free a good part of the table, or end an overflow.
  void purge(uint64_t now_ms);
  /// To be called a few times a second: where little room is left, what is past goes, or else the file grows, before somebody has to wait for
  /// that. Where it cannot grow, it is tried again every few seconds; what does not fit meanwhile sets the overflow flag.
  void tend(uint64_t now_ms);

  /// Everything here may be relied on before `good_until_ms`; the node's time is CLOCK_BOOTTIME and `node_ahead_ms`.
  void beat(uint64_t good_until_ms, int64_t node_ahead_ms) noexcept;
  /// Where it takes long to fill a table or to get room, that beats as `next` says meanwhile, whoever waits for it. Empty: no more. To be set
  /// once everything is published; `next` is called by any thread, with locks held.
  void beat_meanwhile(std::function<StateBeat()> next);

  StateFill fill() const;

 private:
  StateWriter(std::unique_ptr<StateMemory> memory, const Revocations& known);
  StateHeader& header() const { return memory_->file()->header; }
  Slot* table(uint64_t index, size_t slots) const { return memory_->file()->first_table + index * state_stride(slots); }
  bool full() const { return used_ * 2 >= slots_; }
  bool crowded() const;
  size_t larger() const;
  void grow(uint64_t now_ms);
  void make_room(uint64_t now_ms);
  void fill_other(uint64_t now_ms, size_t slots);
  void beat_on() noexcept;
  void begin() noexcept;
  void end() noexcept;
  void set_overflow(uint64_t what, bool overflows) noexcept;

  const std::unique_ptr<StateMemory> memory_;
  const Revocations& known_;
  mutable std::mutex mutex_;
  std::function<StateBeat()> next_beat_;
  size_t slots_;              // of each table
  size_t used_ = 0;           // of the table in use
  uint64_t overflowing_ = 0;  // what does not fit: bits
  uint64_t grown_ = 0;
  std::string failure_;
  uint64_t grow_again_ms_ = 0;  // boot time
};

}  // namespace kaimen::check
