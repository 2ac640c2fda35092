// The file is never replaced under its name while somebody may map it, and what is in use of it is never cut off: it is changed in place, and
// one that must go is marked retired first. Room is reserved before it is used, so that no write finds the disk full (which would be a SIGBUS).
//
// What the writer locks is a file beside it: whoever may read a file may lock it too, and readers must not be able to keep the node from starting.
#include "check/state_memory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "check/boot_clock.h"

namespace kaimen::check {

namespace {

void store(Word& word, uint64_t value) { word.store(value, std::memory_order_relaxed); }
uint64_t load(const Word& word) { return word.load(std::memory_order_relaxed); }

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

// A file of this user's with that mode, made if it is not there. fd −1: `error` is set.
struct OwnFile {
  int fd = -1;
  size_t bytes = 0;
};

OwnFile open_own(const std::string& path, mode_t mode, std::string& error) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return error = failure(path), OwnFile{};
  struct stat opened{};
  if (fstat(fd, &opened) != 0) {
    error = failure(path);
  } else if (!S_ISREG(opened.st_mode) || opened.st_uid != geteuid()) {
    error = path + ": is not a file of this user's";
  } else if (fchmod(fd, mode) != 0) {
    error = failure(path);
  } else {
    return {fd, static_cast<size_t>(opened.st_size)};
  }
  close(fd);
  return {};
}

// Whoever has the lock writes the file at `path`, until it closes this. −1: `error` is set. Its own file stays: were it removed, two could have one each.
int lock_beside(const std::string& path, std::string& error) {
  const OwnFile lock = open_own(path + ".lock", 0600, error);
  if (lock.fd < 0 || flock(lock.fd, LOCK_EX | LOCK_NB) == 0) return lock.fd;
  error = errno == EWOULDBLOCK ? path + ": another process writes it" : failure(path + ".lock");
  close(lock.fd);
  return -1;
}

StateFile* map(int fd, size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_DONTDUMP);  // keys
  return static_cast<StateFile*>(memory);
}

// What a file that is there is to us.
enum class Found { ours, new_file, other_version, foreign };

// Ours: `slots` is how many its tables have.
Found look_at(const OwnFile& there, size_t& slots) {
  if (there.bytes == 0) return Found::new_file;
  constexpr size_t kSlotsAt = offsetof(StateHeader, slots) / sizeof(Word);
  uint64_t head[kSlotsAt + 1] = {};
  if (pread(there.fd, head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return Found::foreign;
  if (head[0] == 0) return Found::new_file;  // its maker died on the way
  if (head[0] != kStateMagic) return Found::foreign;
  const bool whole = head[1] == kStateVersion && is_slot_count(head[kSlotsAt]) && there.bytes >= state_bytes(head[kSlotsAt]);
  if (!whole || (head[3] & kStateRetired) != 0) return Found::other_version;
  slots = head[kSlotsAt];
  return Found::ours;
}

bool retire(const OwnFile& there, const std::string& path) {
  const uint64_t flags = kStateRetired;
  return pwrite(there.fd, &flags, sizeof flags, offsetof(StateHeader, flags)) == static_cast<ssize_t>(sizeof flags) && unlink(path.c_str()) == 0;
}

constexpr size_t kStep = size_t{32} << 20;

// For a file system that cannot allocate: zeros, and only behind the file's end. What lies before it may be in use by now, so it is left alone
// (posix_fallocate would write there).
bool lengthen(int fd, size_t bytes) {
  static constexpr char kZeros[64 << 10] = {};
  struct stat now{};
  if (fstat(fd, &now) != 0) return false;
  for (auto at = static_cast<size_t>(now.st_size); at < bytes;) {
    const ssize_t written = pwrite(fd, kZeros, std::min(sizeof kZeros, bytes - at), static_cast<off_t>(at));
    if (written == 0) errno = ENOSPC;
    if (written > 0) at += static_cast<size_t>(written);
    else if (errno != EINTR) return false;
  }
  return true;
}

// One thread at a time.
bool allocate_to(int fd, size_t from, size_t bytes, std::string& error) {
  int failed = 0;
  while (from < bytes && (failed = fallocate(fd, 0, static_cast<off_t>(from), static_cast<off_t>(bytes - from))) != 0 && errno == EINTR) {
  }
  if (failed == 0 || ((errno == EOPNOTSUPP || errno == ENOSYS) && lengthen(fd, bytes))) return true;
  error = failure("no room for " + std::to_string(bytes) + " bytes");
  return false;
}

}  // namespace

std::unique_ptr<StateMemory> StateMemory::open(const std::string& path, size_t slots, std::string& error) {
  uint64_t boot[2];
  if (!read_boot_id(boot)) return error = "/proc/sys/kernel/random/boot_id cannot be read", nullptr;

  const int lock = lock_beside(path, error);
  if (lock < 0) return nullptr;
  for (;;) {
    const OwnFile there = open_own(path, 0640, error);
    if (there.fd < 0) return close(lock), nullptr;
    size_t before = 0;
    const Found found = look_at(there, before);
    const size_t room = std::max(before, slots);
    if (found == Found::other_version && retire(there, path)) {
      close(there.fd);
      continue;
    }
    StateFile* file = nullptr;
    if (found == Found::foreign) {
      error = path + ": is there, and is not a state file";
    } else if (found == Found::other_version) {
      error = failure(path);
    } else if (!allocate_to(there.fd, found == Found::new_file ? 0 : state_bytes(before), state_bytes(room), error)) {
      error = path + ": " + error;
    } else if (file = map(there.fd, state_bytes(room)); !file) {
      error = failure(path);
    }
    if (!file) {
      close(there.fd);
      close(lock);
      return nullptr;
    }
    StateHeader& header = file->header;
    if (found == Found::new_file) {
      store(header.version, kStateVersion);
      store(header.slots, slots);
    }
    store(header.file_bytes, state_bytes(room));
    // Its writer died in the middle of a change. The next one makes the sequence even by its first, and may not have put right all of it by then.
    if ((load(header.sequence) & 1) != 0) store(header.good_until_ms, 0);
    if (load(header.boot[0]) != boot[0] || load(header.boot[1]) != boot[1]) {
      store(header.good_until_ms, 0);  // of another boot's clock, and before that is forgotten
      std::atomic_thread_fence(std::memory_order_release);
      store(header.boot[0], boot[0]);
      store(header.boot[1], boot[1]);
    }
    header.magic.store(kStateMagic, std::memory_order_release);
    return std::unique_ptr<StateMemory>(new StateMemory(lock, there.fd, file, room));
  }
}

StateMemory::~StateMemory() {
  munmap(file_, state_bytes(room_));
  close(fd_);
  close(lock_);
}

bool StateMemory::allocate(size_t from, size_t slots, std::string& error, const std::function<void()>& between) {
  const size_t bytes = state_bytes(slots);
  for (size_t at = state_bytes(from); at < bytes;) {
    const size_t next = std::min(at + kStep, bytes);
    {
      std::lock_guard lock(end_);
      if (!allocate_to(fd_, at, next, error)) return false;
    }
    if (between) between();
    at = next;
  }
  return true;
}

bool StateMemory::reserve(size_t slots, std::string& error, const std::function<void()>& between) {
  if (slots <= room_) return true;
  if (!allocate(room_, slots, error, between)) {
    std::lock_guard lock(end_);
    // What little there was is not kept from others. Readers use no more than they were told of.
    if (ftruncate(fd_, static_cast<off_t>(state_bytes(room_))) != 0) error += "; nor is what there was given back";
    return false;
  }
  void* const memory = mremap(file_, state_bytes(room_), state_bytes(slots), MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return error = failure("cannot map it"), false;
  file_ = static_cast<StateFile*>(memory);
  room_ = slots;
  store(file_->header.file_bytes, state_bytes(room_));
  return true;
}

}  // namespace kaimen::check
