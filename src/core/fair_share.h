// A limit on what is under way for one key at once, so that one app's storm leaves room for the others.
#pragma once

#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kaimen::core {

template <class Key>
class FairShare {
 public:
  explicit FairShare(size_t most) : most_(most) {}

  /// Held while the work is under way.
  class Place {
   public:
    Place(Place&& other) noexcept : share_(std::exchange(other.share_, nullptr)), key_(other.key_) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (share_) share_->leave(key_);
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
    size_t& count = under_way_[key];
    if (count >= most_) return std::nullopt;
    ++count;
    return Place(this, key);
  }

 private:
  void leave(const Key& key) {
    std::lock_guard lock(mutex_);
    const auto found = under_way_.find(key);
    if (--found->second == 0) under_way_.erase(found);
  }

  const size_t most_;
  std::mutex mutex_;
  std::unordered_map<Key, size_t> under_way_;
};

}  // namespace kaimen::core
