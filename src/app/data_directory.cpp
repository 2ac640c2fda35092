#include "app/data_directory.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace kaimen::app {

OrFail<> prepare_data_directory(const std::string& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail("data directory " + path + ": " + std::strerror(errno), "make it, owned by the user who runs kaimen; or name another one with --data DIR");
  }
  // Files that root leaves here could not be written by the server afterwards, and the admin socket knows its own user only.
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid != geteuid()) {
    const passwd* owner = getpwuid(status.st_uid);
    const std::string name = owner ? owner->pw_name : "#" + std::to_string(status.st_uid);
    return fail("data directory " + path + " belongs to " + name, "run this as that user: sudo -u '" + name + "' kaimen …");
  }
  if (access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    return fail("data directory " + path + ": " + std::strerror(errno), "it must be a directory that the user who runs kaimen may write to; --data DIR names another");
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<std::optional<DataLock>> DataLock::try_lock(const std::string& data_directory) {
  const std::string path = lock_path(data_directory);
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail(path + ": " + std::strerror(errno), "run this as the user who runs kaimen");
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return std::optional(DataLock(std::move(file)));
  if (errno == EWOULDBLOCK) return std::optional<DataLock>();
  return fail(path + ": " + std::strerror(errno), "the data directory must be on a file system with locks (not all network ones have them)");
}

OrFail<ThrowAwayDirectory> ThrowAwayDirectory::make() {
  const char* base = getenv("TMPDIR");
  std::string path = std::string(base && *base ? base : "/tmp") + "/kaimen-dev-XXXXXX";
  if (!mkdtemp(path.data())) return fail(path + ": " + std::strerror(errno), "set TMPDIR to a directory that can be written to, or use --data DIR");
  return ThrowAwayDirectory(std::move(path));
}

ThrowAwayDirectory::~ThrowAwayDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace kaimen::app
