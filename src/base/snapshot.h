// SnapshotCell<T>: an immutable value that many threads read and few replace. Reading costs one relaxed load; a thread takes its own
// reference again only when the value was replaced.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace kaimen {

template <class T>
class SnapshotCell {
 public:
  explicit SnapshotCell(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  /// Replaces the value; readers see it at their next get().
  void set(std::shared_ptr<const T> value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    version_.fetch_add(1, std::memory_order_release);
  }

  /// The current value, owned.
  std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

  /// One thread's view of the cell; keep one a thread (a loop's member). The reference holds until the next get() of the same Reader.
  class Reader {
   public:
    explicit Reader(const SnapshotCell& cell) : cell_(&cell) {}
    const T& get() {
      const uint64_t version = cell_->version_.load(std::memory_order_acquire);
      if (version != seen_ || !held_) {
        std::lock_guard lock(cell_->mutex_);
        held_ = cell_->value_;
        seen_ = cell_->version_.load(std::memory_order_relaxed);
      }
      return *held_;
    }

   private:
    const SnapshotCell* cell_;
    std::shared_ptr<const T> held_;
    uint64_t seen_ = ~uint64_t{0};
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<uint64_t> version_{0};
};

}  // namespace kaimen
