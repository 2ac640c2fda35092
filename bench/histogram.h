// Latencies counted in log-linear buckets: every value from a nanosecond to hours, each exact to one part in 128.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace kaimen::bench {

class Histogram {
 public:
  void add(uint64_t ns) {
    ++counts_[index(ns)];
    ++total_;
    max_ = std::max(max_, ns);
  }
  uint64_t total() const { return total_; }
  double max_us() const { return static_cast<double>(max_) / 1000.0; }

  /// The least value that at least this share of all values does not exceed; 0 when there is none.
  double quantile_us(double share) const {
    const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(total_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen > 0) return static_cast<double>(std::min(value(i), max_)) / 1000.0;
    }
    return 0;
  }

 private:
  // Below 256 a value is its own bucket; above, the eight highest bits say which.
  static size_t index(uint64_t ns) {
    const int shift = std::max(static_cast<int>(std::bit_width(ns)) - 8, 0);
    return static_cast<size_t>(shift) * 128 + static_cast<size_t>(ns >> shift);
  }
  static uint64_t value(size_t index) {
    if (index < 256) return index;
    const size_t shift = index / 128 - 1;
    return static_cast<uint64_t>(index - shift * 128) << shift;
  }

  std::array<uint64_t, 58 * 128> counts_{};
  uint64_t total_ = 0, max_ = 0;
};

}  // namespace kaimen::bench
