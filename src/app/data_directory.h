// The data directory holds the database, the lock of whoever has it open, and the admin socket. Exactly one process opens the store: a
// second one would write to the same file beside the first (docs/architecture.md, "Stores").
#pragma once

#include <optional>
#include <string>

#include "app/failure.h"
#include "app/file_descriptor.h"

namespace kaimen::app {

inline std::string lock_path(const std::string& data_directory) { return data_directory + "/lock"; }
inline std::string admin_socket_path(const std::string& data_directory) { return data_directory + "/admin.sock"; }

/// Makes the directory (0700) if it is not there. Failure: it cannot be made or written to.
OrFail<> prepare_data_directory(const std::string& path);

/// The right to open the store; given up when it goes, also by a crash (flock).
class DataLock {
 public:
  /// nullopt: another process holds it. Failure: the lock file cannot be opened.
  static OrFail<std::optional<DataLock>> try_lock(const std::string& data_directory);

 private:
  explicit DataLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

/// A directory that is removed, with all that is in it, when this goes.
class ThrowAwayDirectory {
 public:
  static OrFail<ThrowAwayDirectory> make();
  ThrowAwayDirectory(ThrowAwayDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ThrowAwayDirectory& operator=(ThrowAwayDirectory&&) = delete;
  ~ThrowAwayDirectory();
  const std::string& path() const { return path_; }

 private:
  explicit ThrowAwayDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace kaimen::app
