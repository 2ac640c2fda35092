// A limit on what is under way for one key at once, so that one app's storm leaves room for the others.
#pragma once

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kaimen::core {

template <class Key>
class FairShare {
 public:
  explicit FairShare(size_t most) : most_(most) {}
  /// Of `all` there are, a key has no more than are left for the others: alone it comes to half of them, and whoever else comes finds some.
  FairShare(size_t most, size_t all) : most_(most), all_(all) {}

  /// Held while the work is under way.
  class Place {
   public:
    Place(Place&& other) noexcept : share_(std::exchange(other.share_, nullptr)), key_(other.key_) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place& operator=(Place&&) = delete;
    ~Place() { end(); }
    /// Before its time.
    void end() {
      if (auto* share = std::exchange(share_, nullptr)) share->leave(key_);
    }

   private:
    friend class FairShare;
    Place(FairShare* share, const Key& key) : share_(share), key_(key) {}
    FairShare* share_;
    Key key_;
  };

  /// nullopt: as many as may be are under way for this key.
  std::optional<Place> enter(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto found = under_way_.find(key);
    const size_t count = found == under_way_.end() ? 0 : found->second;
    if (count >= std::min(most_, all_ - taken_)) return std::nullopt;
    ++under_way_[key];
    ++taken_;
    return Place(this, key);
  }

 private:
  void leave(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto found = under_way_.find(key);
    if (--found->second == 0) under_way_.erase(found);
    --taken_;
  }

  const size_t most_, all_ = std::numeric_limits<size_t>::max();
  size_t taken_ = 0;
  std::mutex mutex_;
  std::unordered_map<Key, size_t> under_way_;
};

}  // namespace kaimen::core
