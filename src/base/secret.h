// A string that must not be seen: it cannot be printed or formatted, compares in constant time and is wiped when it goes.
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace kaimen {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  explicit Secret(std::string_view value) : value_(value) {}
  explicit Secret(const char* value) : value_(value) {}
  Secret(const Secret&) = default;
  // A moved-from short string keeps its bytes: copy, then wipe the source.
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  /// The bytes, for the one call that needs them. Do not keep a copy.
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  size_t size() const { return value_.size(); }

  /// Constant in time for equal lengths.
  friend bool operator==(const Secret& a, const Secret& b) { return equal(a.value_, b.value_); }
  static bool equal(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
  }

 private:
  void wipe() noexcept {
    // The whole capacity: a shrunken string leaves its tail behind.
    value_.resize(value_.capacity());
    explicit_bzero(value_.data(), value_.size());
    value_.clear();
  }
  std::string value_;
};

}  // namespace kaimen
