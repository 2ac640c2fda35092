// The state file as its one writer has it: locked, its room reserved, mapped. What stands in it is the writer's affair (state_writer.h).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "check/state_layout.h"

namespace kaimen::check {

class StateMemory {
 public:
  /// Opens the file at `path`, or makes it, with room for two tables of `slots`, and locks `path`.lock for as long as this lives. One that is larger
  /// stays so; one of another version is marked retired, and a new one made. nullptr: `error` says why.
  static std::unique_ptr<StateMemory> open(const std::string& path, size_t slots, std::string& error);
  ~StateMemory();
  StateMemory(const StateMemory&) = delete;
  StateMemory& operator=(const StateMemory&) = delete;

  StateFile* file() const { return file_; }
  /// How many slots each table may have.
  size_t room() const { return room_; }

  /// Makes tables of that many slots possible; file() may lie elsewhere afterwards. False: there is no room, and nothing has changed.
  bool reserve(size_t slots, std::string& error, const std::function<void()>& between = {});
  /// The long part of that ahead of it, by any thread: room on the disk behind that for `from` slots. Comes to `between` every few megabytes,
  /// with nothing locked.
  bool allocate(size_t from, size_t slots, std::string& error, const std::function<void()>& between = {});

 private:
  StateMemory(int lock, int fd, StateFile* file, size_t room) : lock_(lock), fd_(fd), file_(file), room_(room) {}

  const int lock_, fd_;
  StateFile* file_;
  size_t room_;
  std::mutex end_;  // of the file: one thread at a time moves it
};

}  // namespace kaimen::check
