// The file is never replaced under its name while somebody may map it, and never shrinks: it is changed in place, and one that must go is
// marked retired first. Its room is reserved when it is made, so that no later write finds the disk full (which would be a SIGBUS).
#include "check/state_writer.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "check/boot_clock.h"

namespace kaimen::check {

namespace {

constexpr uint64_t kKeysDoNotFit = 1, kAppsDoNotFit = 2, kRevocationsDoNotFit = 4;

void store(Word& word, uint64_t value) { word.store(value, std::memory_order_relaxed); }
uint64_t load(const Word& word) { return word.load(std::memory_order_relaxed); }

void store_text(Word* words, size_t count, std::string_view text) {
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = 0;
    const size_t at = std::min(text.size(), i * 8);
    std::memcpy(&word, text.data() + at, std::min<size_t>(8, text.size() - at));
    store(words[i], word);
  }
}

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

// A file opened and locked; fd −1: `error` is set.
struct Locked {
  int fd = -1;
  size_t bytes = 0;
};

Locked open_locked(const std::string& path, std::string& error) {
  for (;;) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) return error = failure(path), Locked{};
    struct stat opened{}, named{};
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      error = errno == EWOULDBLOCK ? path + ": another process writes it" : failure(path);
    } else if (fstat(fd, &opened) != 0) {
      error = failure(path);
    } else if (stat(path.c_str(), &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) {
      close(fd);  // retired by another writer between our two looks
      continue;
    } else if (!S_ISREG(opened.st_mode) || opened.st_uid != geteuid()) {
      error = path + ": is not a file of this user's";
    } else if (fchmod(fd, 0640) != 0) {
      error = failure(path);
    } else {
      return {fd, static_cast<size_t>(opened.st_size)};
    }
    close(fd);
    return {};
  }
}

StateFile* map(int fd, size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_DONTDUMP);  // keys
  return static_cast<StateFile*>(memory);
}

// What a locked file is to us.
enum class Found { ours, new_file, other_shape, foreign };

Found look_at(const Locked& locked, size_t slots) {
  if (locked.bytes == 0) return Found::new_file;
  uint64_t head[7] = {};
  if (pread(locked.fd, head, sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return Found::foreign;
  if (head[0] == 0) return Found::new_file;  // its maker died on the way
  if (head[0] != kStateMagic) return Found::foreign;
  const bool same = head[1] == kStateVersion && head[2] == state_bytes(slots) && head[6] == slots && locked.bytes == state_bytes(slots);
  return same && (head[3] & kStateRetired) == 0 ? Found::ours : Found::other_shape;
}

bool retire(const Locked& locked, const std::string& path) {
  const uint64_t flags = kStateRetired;
  return pwrite(locked.fd, &flags, sizeof flags, offsetof(StateHeader, flags)) == static_cast<ssize_t>(sizeof flags) && unlink(path.c_str()) == 0;
}

}  // namespace

std::unique_ptr<StateWriter> StateWriter::open(const std::string& path, size_t revocations_max, const Revocations& revocations, std::string& error) {
  const size_t slots = std::clamp(std::bit_ceil(revocations_max * 2), kStateSlotsMin, kStateSlotsMax);
  const size_t bytes = state_bytes(slots);
  uint64_t boot[2];
  if (!read_boot_id(boot)) return error = "/proc/sys/kernel/random/boot_id cannot be read", nullptr;

  for (;;) {
    const Locked locked = open_locked(path, error);
    if (locked.fd < 0) return nullptr;
    const Found found = look_at(locked, slots);
    if (found == Found::other_shape && retire(locked, path)) {
      close(locked.fd);
      continue;
    }
    StateFile* file = nullptr;
    if (found == Found::foreign) {
      error = path + ": is there, and is not a state file";
    } else if (found == Found::other_shape) {
      error = failure(path);
    } else if (const int refused = posix_fallocate(locked.fd, 0, static_cast<off_t>(bytes)); refused != 0) {
      errno = refused;
      error = failure(path + ": no room for " + std::to_string(bytes) + " bytes");
    } else if (file = map(locked.fd, bytes); !file) {
      error = failure(path);
    }
    if (!file) {
      close(locked.fd);
      return nullptr;
    }
    StateHeader& header = file->header;
    if (found == Found::new_file) {
      store(header.version, kStateVersion);
      store(header.file_bytes, bytes);
      store(header.slots, slots);
    }
    if (load(header.boot[0]) != boot[0] || load(header.boot[1]) != boot[1]) {
      store(header.good_until_ms, 0);  // of another boot's clock, and before that is forgotten
      std::atomic_thread_fence(std::memory_order_release);
      store(header.boot[0], boot[0]);
      store(header.boot[1], boot[1]);
    }
    header.magic.store(kStateMagic, std::memory_order_release);
    return std::unique_ptr<StateWriter>(new StateWriter(locked.fd, file, slots, revocations));
  }
}

StateWriter::StateWriter(int fd, StateFile* file, size_t slots, const Revocations& revocations) : fd_(fd), file_(file), slots_(slots), revocations_(revocations) {
  // What another writer could not fit in is missing until it is published anew.
  if (load(file_->header.flags) & kStateOverflow) overflowing_ = kKeysDoNotFit | kAppsDoNotFit | kRevocationsDoNotFit;
}

StateWriter::~StateWriter() {
  munmap(file_, state_bytes(slots_));
  close(fd_);  // and with it the lock
}

void StateWriter::begin() noexcept {
  // A writer that died in the middle has left it odd; readers must see another value all the same.
  const uint64_t sequence = load(file_->header.sequence);
  store(file_->header.sequence, (sequence | 1) + 2);
  std::atomic_thread_fence(std::memory_order_release);
}

void StateWriter::end() noexcept { file_->header.sequence.fetch_add(1, std::memory_order_release); }

void StateWriter::set_overflow(uint64_t what, bool overflows) noexcept {
  overflowing_ = overflows ? overflowing_ | what : overflowing_ & ~what;
  file_->header.flags.store(overflowing_ != 0 ? kStateOverflow : 0, std::memory_order_release);
}

void StateWriter::publish_keys(const std::vector<StateKeyEntry>& keys) {
  size_t scopes = 0;
  for (const StateKeyEntry& key : keys) scopes += key.apps.size();
  std::lock_guard lock(mutex_);
  const bool fits = keys.size() <= kStateKeysMax && scopes <= kStateScopesMax;
  if (!fits) return set_overflow(kKeysDoNotFit, true);

  begin();
  size_t scope = 0, place = 0;
  for (const StateKeyEntry& key : keys) {
    StateKey& to = file_->keys[place++];
    store(to.id_and_flags, uint64_t{key.key.id} | (key.retired ? kStateKeyRetired : 0) | (key.withheld ? kStateKeyWithheld : 0) |
                               (key.withheld && key.unsettled ? kStateKeyUnsettled : 0));
    store(to.scope, uint64_t{scope} | uint64_t{key.apps.size()} << 32);
    for (const uint32_t app : key.apps) store(file_->scopes[scope++], app);
    uint64_t bytes[4] = {};
    if (!key.withheld) std::memcpy(bytes, key.key.bytes.data(), sizeof bytes);
    for (size_t i = 0; i < 4; ++i) store(to.bytes[i], bytes[i]);
    OPENSSL_cleanse(bytes, sizeof bytes);
  }
  // Keys that are gone leave nothing behind.
  for (; place < kStateKeysMax; ++place) {
    store(file_->keys[place].id_and_flags, 0);
    for (Word& word : file_->keys[place].bytes) store(word, 0);
  }
  store(file_->header.keys, keys.size());
  store(file_->header.scopes, scopes);
  end();
  set_overflow(kKeysDoNotFit, false);
}

void StateWriter::publish_apps(std::vector<StateAppEntry> apps) {
  std::ranges::sort(apps, {}, &StateAppEntry::number);
  std::set<std::string_view> projects;
  bool fits = apps.size() <= kStateAppsMax;
  for (const StateAppEntry& app : apps) {
    projects.insert(app.project);
    fits = fits && app.app_id.size() <= kStateNameMax && app.project.size() <= kStateNameMax;
  }
  std::lock_guard lock(mutex_);
  if (!fits) return set_overflow(kAppsDoNotFit, true);

  begin();
  size_t place = 0;
  for (const StateAppEntry& app : apps) {
    StateApp& to = file_->apps[place++];
    store(to.number_and_flags, uint64_t{app.number} | (app.disabled ? kStateAppDisabled : 0));
    store(to.revoked_before_ms, app.revoked_before_ms);
    store(to.life_and_lengths, uint64_t{app.life_cap_s} | uint64_t{app.app_id.size()} << 32 | uint64_t{app.project.size()} << 40);
    store_text(to.app_id, std::size(to.app_id), app.app_id);
    store_text(to.project, std::size(to.project), app.project);
  }
  store(file_->header.apps, apps.size());
  store(file_->header.projects, projects.size());
  end();
  set_overflow(kAppsDoNotFit, false);
}

void StateWriter::put(const std::array<uint8_t, 16>& session, uint32_t generation, Reason reason, uint64_t until_ms) {
  if (reason == Reason::none) reason = Reason::revoked;
  const SessionWords words(session);
  const uint64_t added = pack_revocation(generation, reason);
  std::lock_guard lock(mutex_);
  uint64_t value = 0;
  Slot* slot = Slots<Slot>(table(load(file_->header.table) & 1), slots_).locate(words, value);
  if (slot && value != 0) return Slots<Slot>::add(*slot, value, added, until_ms);
  if (!slot || used_ * 2 >= slots_) {
    fill_other(0);
    if ((overflowing_ & kRevocationsDoNotFit) != 0) return;
    slot = Slots<Slot>(table(load(file_->header.table)), slots_).locate(words, value);
    if (value != 0) return;  // it was among them
    if (used_ * 2 >= slots_) return set_overflow(kRevocationsDoNotFit, true);
  }
  Slots<Slot>::fill(*slot, words, added, until_ms);
  ++used_;
}

void StateWriter::refill(uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  fill_other(now_ms);
}

void StateWriter::purge(uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  if ((overflowing_ & kRevocationsDoNotFit) != 0 || used_ > kStateSlotsMin / 2 + revocations_.size() * 4 / 3) fill_other(now_ms);
}

void StateWriter::fill_other(uint64_t now_ms) {
  // Nobody looks at the other table: whoever began to before the last change of tables finds another sequence.
  const uint64_t other = 1 - (load(file_->header.table) & 1);
  std::atomic_thread_fence(std::memory_order_release);
  Slot* const slots = table(other);
  for (size_t i = 0; i < slots_; ++i) slots[i].value.store(0, std::memory_order_relaxed);
  size_t used = 0;
  bool fits = true;
  const Slots<Slot> to(slots, slots_);
  revocations_.each([&](const SessionWords& words, uint64_t value, uint64_t until_ms) {
    if (until_ms < now_ms || !fits) return;
    if (used * 2 >= slots_) {
      fits = false;
      return;
    }
    uint64_t there = 0;
    Slots<Slot>::fill(*to.locate(words, there), words, value, until_ms);
    ++used;
  });
  if (fits) {
    begin();
    store(file_->header.table, other);
    end();
    used_ = used;
  }
  set_overflow(kRevocationsDoNotFit, !fits);
}

void StateWriter::beat(uint64_t good_until_ms, int64_t node_ahead_ms) noexcept {
  store(file_->header.node_ahead_ms, static_cast<uint64_t>(node_ahead_ms));
  file_->header.good_until_ms.store(good_until_ms, std::memory_order_release);
}

}  // namespace kaimen::check
