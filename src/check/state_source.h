// Where the state file is, as one reader sees it: mapped when it is there, looked for again when nothing can be said. Allocates with malloc and
// locks nothing, for it is also used in processes that are not C++ and that fork.
#pragma once

#include <atomic>
#include <string_view>

#include "check/state_reader.h"

namespace kaimen::check {

class StateSource {
 public:
  /// `path` is copied. nullptr: no memory.
  static StateSource* make(std::string_view path) noexcept;
  static void destroy(StateSource* source) noexcept;

  /// Unsure::no, and then `reader` can be asked at `boot_ms`; else why nothing can be said, after one more look for the file if the last one
  /// is a second ago. A file that has grown is mapped as far as it reaches now; where that fails, it
  /// is tried again after a second.
  Unsure reader(uint64_t boot_ms, const StateReader*& reader) noexcept;
  /// As it was last seen, good now or not; nullptr: never.
  const StateReader* last() const noexcept;

 private:
  struct Mapping;
  StateSource() = default;
  ~StateSource();
  bool may_look(uint64_t boot_ms) noexcept;
  void look() noexcept;
  Mapping* map_now(Mapping* before, Unsure& why) noexcept;
  bool extend(Mapping& before) noexcept;
  bool put_before(Mapping* mapping, Mapping* before) noexcept;

  char* path_ = nullptr;
  std::atomic<Mapping*> current_{nullptr};  // heads a list: readers may still be in one that was replaced, so all stay until the end
  std::atomic<uint64_t> look_again_ms_{0}, extend_again_ms_{0};
  std::atomic<Unsure> missing_{Unsure::no_file};
};

}  // namespace kaimen::check
