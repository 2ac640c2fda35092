// A database file that comes to be whole or not at all: made beside its place, under the name of that with ".part", and put there by a rename.
#pragma once

#include <string>

#include "app/failure.h"
#include "app/file_descriptor.h"

namespace kaimen::app {

class NewFile {
 public:
  /// Makes `path`.part, empty, with mode 0600; one that was left behind is begun anew. Failure: it cannot be made; another process is at it.
  static OrFail<NewFile> begin(std::string path);
  NewFile(NewFile&& other) noexcept : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  NewFile& operator=(NewFile&&) = delete;
  /// Of one that was not put in place nothing is left.
  ~NewFile();

  std::string part() const { return path_ + ".part"; }
  /// Failure: `source` cannot be read, or the disk is full.
  OrFail<> fill_from(const std::string& source);
  /// Failure: there is no room; some file systems find out only now.
  OrFail<> sync();
  enum class Over : bool { nothing, what_is_there };
  /// Syncs it, and puts it in place for good. Failure: something is there that must stay.
  OrFail<> place(Over over);

 private:
  NewFile(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;  // empty: there is nothing to take away
  FileDescriptor file_;
};

/// So that names in it last. Failure: in words.
OrFail<> sync_directory_of(const std::string& path);

}  // namespace kaimen::app
