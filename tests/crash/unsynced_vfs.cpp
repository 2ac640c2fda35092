#include "tests/crash/unsynced_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace kaimen::crash {

namespace {

constexpr sqlite3_int64 kBlock = 4096;  // Linux forgets by pages

std::string fault_file;
bool never_sync = false;

bool fault(const char* name) {
  if (fault_file.empty()) return false;
  std::ifstream file(fault_file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(name) != std::string::npos;
}

/// What a file looks like to this process: blocks that differ from the disk, over what is on the disk.
class Overlay {
 public:
  explicit Overlay(sqlite3_file* real) : real_(real) {
    real_->pMethods->xFileSize(real_, &size_);
    disk_visible_ = size_;
  }

  sqlite3_int64 size() const { return size_; }

  int read(char* to, int amount, sqlite3_int64 offset) {
    const auto wanted = static_cast<sqlite3_int64>(amount);
    const sqlite3_int64 there = std::clamp<sqlite3_int64>(size_ - offset, 0, wanted);
    for (sqlite3_int64 done = 0; done < there;) {
      const sqlite3_int64 at = offset + done, within = at % kBlock;
      const sqlite3_int64 part = std::min(kBlock - within, there - done);
      const auto block = blocks_.find(at / kBlock);
      if (block != blocks_.end()) {
        std::memcpy(to + done, block->second.bytes.data() + within, static_cast<size_t>(part));
      } else if (const int code = read_disk(to + done, part, at); code != SQLITE_OK) {
        return code;
      }
      done += part;
    }
    if (there == wanted) return SQLITE_OK;
    std::memset(to + there, 0, static_cast<size_t>(wanted - there));  // what SQLite asks of a short read
    return SQLITE_IOERR_SHORT_READ;
  }

  int write(const char* from, int amount, sqlite3_int64 offset) {
    for (sqlite3_int64 done = 0; done < amount;) {
      const sqlite3_int64 at = offset + done, within = at % kBlock;
      const sqlite3_int64 part = std::min<sqlite3_int64>(kBlock - within, amount - done);
      Block* block = nullptr;
      if (const int code = materialise(at / kBlock, block); code != SQLITE_OK) return code;
      std::memcpy(block->bytes.data() + within, from + done, static_cast<size_t>(part));
      block->dirty = true;
      done += part;
    }
    size_ = std::max(size_, offset + amount);
    return SQLITE_OK;
  }

  int truncate(sqlite3_int64 size) {
    blocks_.erase(blocks_.lower_bound((size + kBlock - 1) / kBlock), blocks_.end());
    if (const auto last = blocks_.find(size / kBlock); last != blocks_.end()) {
      std::fill(last->second.bytes.begin() + size % kBlock, last->second.bytes.end(), '\0');
    }
    size_ = size;
    disk_visible_ = std::min(disk_visible_, size);
    return SQLITE_OK;
  }

  /// Brings to the disk what a sync promises; the rest of what this process sees stays in memory.
  int flush() {
    sqlite3_int64 on_disk = 0;
    if (const int code = real_->pMethods->xFileSize(real_, &on_disk); code != SQLITE_OK) return code;
    if (disk_visible_ < on_disk) {
      if (const int code = real_->pMethods->xTruncate(real_, disk_visible_); code != SQLITE_OK) return code;
    }
    for (auto block = blocks_.begin(); block != blocks_.end();) {
      if (!block->second.dirty) {
        ++block;
        continue;
      }
      const sqlite3_int64 at = block->first * kBlock;
      const auto length = static_cast<int>(std::min(kBlock, size_ - at));
      if (const int code = real_->pMethods->xWrite(real_, block->second.bytes.data(), length, at); code != SQLITE_OK) return code;
      disk_visible_ = std::max(disk_visible_, at + length);
      block = blocks_.erase(block);
    }
    return SQLITE_OK;
  }

  /// A sync failed: the kernel takes the pages for clean, although they never reached the disk.
  void forget() {
    for (auto& [number, block] : blocks_) block.dirty = false;
  }

 private:
  struct Block {
    std::array<char, kBlock> bytes{};
    bool dirty = false;
  };

  int read_disk(char* to, sqlite3_int64 amount, sqlite3_int64 offset) {
    const sqlite3_int64 there = std::clamp<sqlite3_int64>(disk_visible_ - offset, 0, amount);
    std::memset(to + there, 0, static_cast<size_t>(amount - there));
    if (there == 0) return SQLITE_OK;
    const int code = real_->pMethods->xRead(real_, to, static_cast<int>(there), offset);
    return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
  }

  int materialise(sqlite3_int64 number, Block*& block) {
    const auto [found, fresh] = blocks_.try_emplace(number);
    block = &found->second;
    return fresh ? read_disk(block->bytes.data(), kBlock, number * kBlock) : SQLITE_OK;
  }

  sqlite3_file* real_;
  std::map<sqlite3_int64, Block> blocks_;
  sqlite3_int64 size_ = 0;
  sqlite3_int64 disk_visible_ = 0;  // of the file on the disk, so many bytes count: it may have been cut and grown again in memory
};

struct ShimFile {
  sqlite3_file base;
  Overlay* overlay;
  // The real file follows in the same allocation.
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

ShimFile& shim(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return shim(file).real(); }
sqlite3_vfs* real(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
  // A file that is closed in peace keeps what was written, as the page cache would.
  if (!never_sync) shim(file).overlay->flush();
  delete shim(file).overlay;
  return real(file)->pMethods->xClose(real(file));
}
int read_file(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  return shim(file).overlay->read(static_cast<char*>(to), amount, offset);
}
int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  if (fault("full")) return SQLITE_FULL;
  return shim(file).overlay->write(static_cast<const char*>(from), amount, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) { return shim(file).overlay->truncate(size); }
int sync_file(sqlite3_file* file, int flags) {
  if (fault("fsync")) {
    shim(file).overlay->forget();
    return SQLITE_IOERR_FSYNC;
  }
  if (never_sync) return SQLITE_OK;
  const int code = shim(file).overlay->flush();
  return code == SQLITE_OK ? real(file)->pMethods->xSync(real(file), flags) : code;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = shim(file).overlay->size();
  return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_reserved_lock(sqlite3_file* file, int* out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); }
int file_control(sqlite3_file* file, int op, void* argument) { return real(file)->pMethods->xFileControl(real(file), op, argument); }
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int device_characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  if ((flags & SQLITE_SHM_LOCK) != 0 && fault("lock")) return SQLITE_IOERR_SHMLOCK;
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

// Version 2: without xFetch, so that nothing is read past the overlay.
const sqlite3_io_methods kMethods = {2,         close_file, read_file,           write_file,   truncate_file, sync_file,
                                     file_size, lock,       unlock,              check_reserved_lock, file_control,
                                     sector_size, device_characteristics, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  const int code = real(vfs)->xOpen(real(vfs), name, real(file), flags, out_flags);
  if (code != SQLITE_OK) return code;
  shim(file).overlay = new Overlay(real(file));
  file->pMethods = &kMethods;
  return SQLITE_OK;
}
int delete_file(sqlite3_vfs* vfs, const char* name, int sync) { return real(vfs)->xDelete(real(vfs), name, sync); }
int access(sqlite3_vfs* vfs, const char* name, int flags, int* out) { return real(vfs)->xAccess(real(vfs), name, flags, out); }
int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) { return real(vfs)->xFullPathname(real(vfs), name, size, out); }

}  // namespace

bool register_unsynced_vfs() {
  const char* mode = std::getenv("KAIMEN_CRASH_VFS");
  if (!mode || (std::strcmp(mode, "unsynced") != 0 && std::strcmp(mode, "nosync") != 0)) return false;
  never_sync = std::strcmp(mode, "nosync") == 0;
  if (const char* file = std::getenv("KAIMEN_CRASH_FAULT")) fault_file = file;

  sqlite3_vfs* base = sqlite3_vfs_find("unix");
  static sqlite3_vfs vfs = *base;  // time, randomness, sleep as they are
  vfs.zName = "unsynced";
  vfs.szOsFile = static_cast<int>(sizeof(ShimFile)) + base->szOsFile;
  vfs.pNext = nullptr;
  vfs.pAppData = base;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path;
  return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}

}  // namespace kaimen::crash
