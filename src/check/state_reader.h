// A check against a state file that another process writes (state_layout.h). Where it cannot be sure it says so, and never that a ticket is good.
#pragma once

#include <cstdint>
#include <string_view>

#include "check/state_layout.h"
#include "check/ticket.h"

namespace kaimen::check {

/// Why nothing can be said. grown: the file has grown beyond what is mapped here.
enum class Unsure : uint8_t { no = 0, no_file, other_boot, not_good_now, retired, overflow, changing, damaged, key_withheld, grown };

/// Room for the names of a ticket's app and project, each with a NUL behind it. Words are written as they come, so it is a word longer.
using StateName = char[kStateNameMax + 8];

struct StateVerdict {
  Unsure unsure = Unsure::damaged;
  Reason reason = Reason::malformed;  ///< none: the ticket is good, and what follows is of its app. Says nothing where unsure.
  bool wafer = false;                 ///< X-WX-Skey may carry its tickets.
  uint8_t app_id_length = 0, project_length = 0;
};

/// What a header carries beside those that always may (presented.h).
enum class Carries : uint8_t { nothing, ticket, skey };

/// A file mapped for reading; does not own the mapping.
class StateReader {
 public:
  /// `bytes` of mapped memory that begin with the header. valid() tells whether they are a state file that this program can read.
  StateReader(const StateFile* file, size_t bytes);
  bool valid() const { return slots_max_ != 0; }

  /// Whether anything can be said at `boot_ms` (CLOCK_BOOTTIME).
  Unsure sure(uint64_t boot_ms) const noexcept;
  /// How many bytes its tables reach to; 0: what it says cannot be.
  uint64_t reaches() const noexcept;
  /// How many projects a request may mean that names none.
  uint64_t projects() const noexcept { return file_->header.projects.load(std::memory_order_relaxed); }
  /// By the node's configuration. While that changes, which takes a restart of the node, a name may not be recognised.
  Carries carries(std::string_view header_name) const noexcept;
  /// Whether any name carries anything.
  bool carries_more() const noexcept { return file_->header.presents.load(std::memory_order_relaxed) != 0; }

  /// Checks one ticket. Where it could be opened, out.claims is set whatever the verdict; where the verdict is sure and good, so are the names.
  /// Any thread.
  StateVerdict check(std::string_view text, uint64_t boot_ms, Opened& out, StateName& app_id, StateName& project) const noexcept;

 private:
  struct Ring;
  bool same(uint64_t sequence) const noexcept;
  bool begin(uint64_t& sequence) const noexcept;
  Unsure find_key(uint32_t id, Ring& found) const noexcept;
  bool judge_opened(const Ring& key, const Claims& claims, uint64_t now_ms, StateVerdict& verdict, StateName& app_id, StateName& project) const noexcept;

  const StateFile* file_;
  uint64_t slots_max_ = 0;  // of tables that are mapped whole
};

}  // namespace kaimen::check
