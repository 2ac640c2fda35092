// Whose file is believed: what it says opens doors, so only root, the reader's own user and whoever owns the directory may have written it.
#include "check/state_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "check/boot_clock.h"

namespace kaimen::check {

namespace {

constexpr uint64_t kLookEveryMs = 1000;
// A file is mapped again when it has grown, and another one when it was removed, as with a directory that is made anew at each restart of the node.
// A process that has seen this many has other troubles: none of them is unmapped.
constexpr int kMappingsMax = 4096;

bool may_be_believed(int fd, const char* path, struct stat& file) {
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || (file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
  if (file.st_uid == 0 || file.st_uid == geteuid()) return true;
  char directory[4096];
  const char* const slash = std::strrchr(path, '/');
  const size_t length = slash ? static_cast<size_t>(slash - path) : 0;
  if (length >= sizeof directory) return false;
  std::memcpy(directory, path, length);
  directory[length] = '\0';
  struct stat parent{};
  return stat(slash ? (length == 0 ? "/" : directory) : ".", &parent) == 0 && parent.st_uid == file.st_uid;
}

}  // namespace

struct StateSource::Mapping {
  void* memory;
  size_t bytes;
  dev_t device;
  ino_t inode;
  int count;
  StateReader reader;
  Mapping* older;
};

namespace {

// Whether the last page is there: behind a file's end there is a SIGBUS. A system call that reads there answers EFAULT instead; this one reads a
// mask first and then finds that there is nothing it may do with it, on every kernel and whatever rights the process has given up.
bool is_whole(const void* memory, size_t bytes) {
  constexpr int kNoHow = -1;
  constexpr size_t kMaskBytes = 8;
  const char* const last = static_cast<const char*>(memory) + bytes - kMaskBytes;
  return syscall(SYS_rt_sigprocmask, kNoHow, last, nullptr, kMaskBytes) != 0 && errno == EINVAL;
}

}  // namespace

StateSource* StateSource::make(std::string_view path) noexcept {
  void* const memory = std::malloc(sizeof(StateSource));
  char* const copy = static_cast<char*>(std::malloc(path.size() + 1));
  if (!memory || !copy) {
    std::free(memory);
    std::free(copy);
    return nullptr;
  }
  std::memcpy(copy, path.data(), path.size());
  copy[path.size()] = '\0';
  auto* const source = new (memory) StateSource;
  source->path_ = copy;
  return source;
}

void StateSource::destroy(StateSource* source) noexcept {
  if (!source) return;
  source->~StateSource();
  std::free(source);
}

StateSource::~StateSource() {
  for (Mapping* mapping = current_.load(); mapping;) {
    Mapping* const older = mapping->older;
    munmap(mapping->memory, mapping->bytes);
    std::free(mapping);
    mapping = older;
  }
  std::free(path_);
}

Unsure StateSource::reader(uint64_t boot_ms, const StateReader*& reader) noexcept {
  for (bool looked = false;;) {
    Mapping* const mapping = current_.load(std::memory_order_acquire);
    Unsure unsure = missing_.load(std::memory_order_relaxed);
    if (mapping) {
      reader = &mapping->reader;
      unsure = reader->sure(boot_ms);
    }
    if (unsure == Unsure::no) return unsure;
    if (unsure == Unsure::grown && boot_ms >= extend_again_ms_.load(std::memory_order_relaxed)) {
      if (extend(*mapping)) continue;
      extend_again_ms_.store(boot_ms + kLookEveryMs, std::memory_order_relaxed);
    }
    if (looked || !may_look(boot_ms)) return unsure;
    look();
    looked = true;
  }
}

const StateReader* StateSource::last() const noexcept {
  const Mapping* const mapping = current_.load(std::memory_order_acquire);
  return mapping ? &mapping->reader : nullptr;
}

// One thread a second. There is no mark of one that is looking: a child forked meanwhile has it without the thread, and nobody to take it away.
bool StateSource::may_look(uint64_t boot_ms) noexcept {
  uint64_t again = look_again_ms_.load(std::memory_order_relaxed);
  return boot_ms >= again && look_again_ms_.compare_exchange_strong(again, boot_ms + kLookEveryMs, std::memory_order_relaxed);
}

void StateSource::look() noexcept {
  Unsure why = Unsure::no_file;
  Mapping* const before = current_.load(std::memory_order_acquire);
  Mapping* const found = map_now(before, why);
  missing_.store(why, std::memory_order_relaxed);
  if (found) put_before(found, before);
}

// False: another thread was faster, and `mapping` is gone.
bool StateSource::put_before(Mapping* mapping, Mapping* before) noexcept {
  mapping->older = before;
  if (current_.compare_exchange_strong(before, mapping, std::memory_order_acq_rel)) return true;
  munmap(mapping->memory, mapping->bytes);
  std::free(mapping);
  return false;
}

// Maps the file of `before` once more, as far as it reaches now: from memory, so that neither its name is needed nor the right to open it, which
// a worker may have given up. `before` stays, for other threads are in it. True: there is another mapping now, whoever made it.
bool StateSource::extend(Mapping& before) noexcept {
  const uint64_t bytes = before.reader.reaches();
  if (bytes <= before.bytes || before.count >= kMappingsMax) return false;
  void* const memory = mremap(before.memory, 0, bytes, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) return false;
  const StateReader reader(static_cast<const StateFile*>(memory), bytes);
  void* const room = is_whole(memory, bytes) && reader.valid() ? std::malloc(sizeof(Mapping)) : nullptr;
  if (!room) {
    munmap(memory, bytes);
    return false;
  }
  put_before(new (room) Mapping{memory, bytes, before.device, before.inode, before.count + 1, reader, nullptr}, &before);
  return true;
}

// nullptr: none that is better than the present one, `before`.
StateSource::Mapping* StateSource::map_now(Mapping* before, Unsure& why) noexcept {
  if (before && before->count >= kMappingsMax) return nullptr;
  const int fd = open(path_, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return nullptr;
  struct stat file{};
  Mapping* mapping = nullptr;
  const bool believed = may_be_believed(fd, path_, file);
  const auto bytes = static_cast<size_t>(file.st_size);
  const bool same = before && before->device == file.st_dev && before->inode == file.st_ino && bytes <= before->bytes;
  if (believed && !same && bytes >= kStateTables) {
    void* const memory = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    void* const room = memory == MAP_FAILED ? nullptr : std::malloc(sizeof(Mapping));
    if (room) {
      const auto* const state = static_cast<const StateFile*>(memory);
      const StateReader reader(state, bytes);
      uint64_t boot[2];
      const bool this_boot = read_boot_id(boot) && state->header.boot[0].load(std::memory_order_relaxed) == boot[0] &&
                             state->header.boot[1].load(std::memory_order_relaxed) == boot[1];
      if (!reader.valid()) why = Unsure::damaged;
      else if (!this_boot) why = Unsure::other_boot;
      else mapping = new (room) Mapping{memory, bytes, file.st_dev, file.st_ino, before ? before->count + 1 : 1, reader, nullptr};
    }
    if (!mapping) {
      std::free(room);
      if (memory != MAP_FAILED) munmap(memory, bytes);
    } else {
      madvise(memory, bytes, MADV_DONTDUMP);  // keys
    }
  }
  close(fd);
  return mapping;
}

}  // namespace kaimen::check
