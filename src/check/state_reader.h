// A check against a state file that another process writes (state_layout.h). Where it cannot be sure it says so, and never that a ticket is good.
#pragma once

#include <cstdint>
#include <string_view>

#include "check/state_layout.h"
#include "check/ticket.h"

namespace kaimen::check {

/// Why nothing can be said.
enum class Unsure : uint8_t { no = 0, no_file, other_boot, not_good_now, retired, overflow, changing, damaged, key_withheld };

struct StateVerdict {
  Unsure unsure = Unsure::damaged;
  Reason reason = Reason::malformed;  ///< none: the ticket is good. Says nothing where unsure.
  char app_id[kStateNameMax + 1]{}, project[kStateNameMax + 1]{};  ///< Of the ticket's app, where it could be opened and the app is known.
};

/// A file mapped for reading; does not own the mapping.
class StateReader {
 public:
  /// `bytes` of mapped memory that begin with the header. valid() tells whether they are a state file that this program can read.
  StateReader(const StateFile* file, size_t bytes);
  bool valid() const { return slots_ != 0; }

  /// Whether anything can be said at `boot_ms` (CLOCK_BOOTTIME).
  Unsure sure(uint64_t boot_ms) const noexcept;
  /// How many projects its apps belong to.
  uint64_t projects() const noexcept { return file_->header.projects.load(std::memory_order_relaxed); }

  /// Checks one ticket. Where it could be opened, out.claims is set whatever the verdict. Any thread.
  StateVerdict check(std::string_view text, uint64_t boot_ms, Opened& out) const noexcept;

 private:
  struct Ring;
  bool same(uint64_t sequence) const noexcept;
  bool begin(uint64_t& sequence) const noexcept;
  Unsure find_key(uint32_t id, Ring& found) const noexcept;
  bool judge_opened(const Ring& key, const Claims& claims, uint64_t now_ms, StateVerdict& verdict) const noexcept;

  const StateFile* file_;
  size_t slots_ = 0;
};

}  // namespace kaimen::check
