#include "store/sqlite_snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "store/database.h"

namespace kaimen::store {

namespace {

constexpr int kStepPages = 256;  // a MiB: one or two milliseconds
constexpr uint64_t kSpare = 64U << 20;  // logins go on, and their write-ahead log grows

Error cannot_write(const std::string& file, int code) {
  const bool full = (code & 0xff) == SQLITE_FULL;
  return make_error(ErrorCode::conflict, "cannot write " + file + ": " + (full ? "the disk is full" : sqlite3_errstr(code)));
}

/// A copy that filled the disk would take the room that logins need.
Result<> expect_room(const std::string& file, uint64_t bytes) {
  struct statvfs disk;
  const std::string directory = std::filesystem::path(file).parent_path().string();
  if (statvfs(directory.c_str(), &disk) != 0) return ok();
  const uint64_t free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free >= bytes + kSpare) return ok();
  return make_error(ErrorCode::conflict, directory + " has " + std::to_string(free >> 20) + " MB free; the copy needs " +
                                             std::to_string((bytes + kSpare) >> 20) + " MB there for a while");
}

}  // namespace

Result<std::unique_ptr<SqliteSnapshot>> SqliteSnapshot::begin(Database& source, const std::string& file) {
  ::unlink(file.c_str());
  {
    Statement size(source, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    TRY(size.step());
    TRY(expect_room(file, static_cast<uint64_t>(size.integer(0))));
  }
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) return make_error(ErrorCode::conflict, "cannot make " + file + ": " + std::strerror(errno));
  ::close(made);
  std::unique_ptr<SqliteSnapshot> copy(new SqliteSnapshot(file));
  int code = sqlite3_open_v2(file.c_str(), &copy->target_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  // Whoever takes the file syncs it; until then a crash leaves what the next copy replaces.
  if (code == SQLITE_OK) code = sqlite3_exec(copy->target_, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return cannot_write(file, code);
  copy->copy_ = sqlite3_backup_init(copy->target_, "main", source.handle(), "main");
  if (!copy->copy_) return cannot_write(file, sqlite3_extended_errcode(copy->target_));
  return copy;
}

SqliteSnapshot::~SqliteSnapshot() {
  sqlite3_backup_finish(copy_);
  sqlite3_close_v2(target_);
  if (!whole_) ::unlink(file_.c_str());
}

Result<core::BackupProgress> SqliteSnapshot::step() {
  const int code = sqlite3_backup_step(copy_, kStepPages);
  core::BackupProgress progress{file_, static_cast<uint64_t>(sqlite3_backup_pagecount(copy_)), static_cast<uint64_t>(sqlite3_backup_remaining(copy_))};
  if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return make_error(ErrorCode::unavailable, "the database is locked by another process");
  if (code != SQLITE_OK && code != SQLITE_DONE) return cannot_write(file_, code);
  if (code == SQLITE_DONE) {
    TRY(finish());
  }
  progress.done = whole_;
  return progress;
}

/// One file without a write-ahead log: whatever opens it later needs no others beside it.
Result<> SqliteSnapshot::finish() {
  int code = sqlite3_backup_finish(std::exchange(copy_, nullptr));
  if (code == SQLITE_OK) code = sqlite3_exec(target_, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) code = sqlite3_close(std::exchange(target_, nullptr));
  if (code != SQLITE_OK) return cannot_write(file_, code);
  whole_ = true;
  return ok();
}

Result<> check_integrity(const std::string& path) {
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::string found;
  const auto take = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) = values[0] ? values[0] : "";
    return 0;
  };
  if (code == SQLITE_OK) code = sqlite3_exec(handle, "PRAGMA integrity_check(1)", take, &found, nullptr);
  if (code != SQLITE_OK) found = sqlite3_errmsg(handle);
  sqlite3_close(handle);
  if (found == "ok") return ok();
  return make_error(ErrorCode::invalid_request, found);
}

}  // namespace kaimen::store
