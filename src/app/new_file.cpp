#include "app/new_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

namespace kaimen::app {

namespace {

constexpr size_t kChunk = 1024 * 1024;

Failure failed(const std::string& what) { return fail(what + ": " + std::strerror(errno)); }

void remove_part(const std::string& part) {
  for (const char* ending : {"", "-journal", "-wal", "-shm"}) unlink((part + ending).c_str());
}

bool write_all(int file, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(file, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

/// Not every file system can refuse by itself to replace what is there.
int rename_over_nothing(const char* from, const char* to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  struct stat status;
  if (lstat(to, &status) == 0) {
    errno = EEXIST;
    return -1;
  }
  return rename(from, to);
}

}  // namespace

OrFail<NewFile> NewFile::begin(std::string path) {
  const std::string part = path + ".part";
  FileDescriptor file(open(part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return failed("cannot make " + part);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return fail("another process is just making " + path);
  for (const char* ending : {"-journal", "-wal", "-shm"}) unlink((part + ending).c_str());
  NewFile made(std::move(path), std::move(file));
  if (fchmod(made.file_.get(), 0600) != 0 || ftruncate(made.file_.get(), 0) != 0) return failed("cannot make " + part);
  return made;
}

NewFile::~NewFile() {
  if (!path_.empty()) remove_part(part());
}

OrFail<> NewFile::fill_from(const std::string& source) {
  const FileDescriptor from(open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) return failed("cannot read " + source);
  std::vector<char> chunk(kChunk);
  for (;;) {
    const ssize_t got = read(from.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read " + source);
    if (got == 0) break;
    if (!write_all(file_.get(), chunk.data(), static_cast<size_t>(got))) return failed("cannot write " + part());
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> NewFile::sync() {
  if (fsync(file_.get()) != 0) return failed("cannot write " + part());
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> NewFile::place(Over over) {
  TRY(sync());
  const int renamed = over == Over::nothing ? rename_over_nothing(part().c_str(), path_.c_str()) : rename(part().c_str(), path_.c_str());
  if (renamed != 0) return failed("cannot put " + path_ + " in place");
  const std::string placed = std::exchange(path_, {});
  return sync_directory_of(placed);
}

OrFail<> sync_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  const FileDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || fsync(opened.get()) != 0) return failed("cannot sync " + directory);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace kaimen::app
