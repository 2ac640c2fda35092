// The one writer of a state file (state_layout.h): what it was last told is in the file before a call returns, and readers see it at their
// next check. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check/revocations.h"
#include "check/state_layout.h"

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
};

class StateWriter {
 public:
  /// Opens the file at `path`, or makes it, with room for that many live revocations, and locks it for as long as this lives. One of another
  /// size or version is marked retired, and a new one made. Readers of a file that another writer has left go on with what it says for as long
  /// as that is good; nothing is changed before the first publish. nullptr: `error` says why.
  static std::unique_ptr<StateWriter> open(const std::string& path, size_t revocations_max, const Revocations& revocations, std::string& error);
  ~StateWriter();
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  void publish_keys(const std::vector<StateKeyEntry>& keys);
  void publish_apps(std::vector<StateAppEntry> apps);

  /// Adds one revocation. When the table in use is half full, it is filled anew.
  void put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms);
  /// Fills the other table with the revocations that are not past at `now_ms`, and changes the tables. What does not fit sets the overflow
  /// flag, until a later refill finds room.
  void refill(uint64_t now_ms);
  /// Refills if that would free a good part of the table, or end an overflow.
  void purge(uint64_t now_ms);

  /// Everything here may be relied on before `good_until_ms`; the node's time is CLOCK_BOOTTIME and `node_ahead_ms`.
  void beat(uint64_t good_until_ms, int64_t node_ahead_ms) noexcept;

 private:
  StateWriter(int fd, StateFile* file, size_t slots, const Revocations& revocations);
  Slot* table(uint64_t index) const { return file_->first_table + index * slots_; }
  void fill_other(uint64_t now_ms);
  void begin() noexcept;
  void end() noexcept;
  void set_overflow(uint64_t what, bool overflows) noexcept;

  const int fd_;
  StateFile* const file_;
  const size_t slots_;
  const Revocations& revocations_;
  std::mutex mutex_;
  size_t used_ = 0;           // of the table in use
  uint64_t overflowing_ = 0;  // what does not fit: bits
};

}  // namespace kaimen::check
