#include "core/user_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kaimen::core {

namespace {

constexpr char kExactMark = 'e', kRegistersMark = 'd';
constexpr size_t kHashBytes = sizeof(uint64_t);

}  // namespace

void UserSketch::rank(uint64_t hash) {
  const auto index = static_cast<size_t>(hash >> (64 - kBits));
  // The bit that is set ends the run of zeros, however many there are.
  const auto zeros = static_cast<uint8_t>(std::countl_zero(hash << kBits | uint64_t{1} << (kBits - 1)) + 1);
  registers_[index] = std::max(registers_[index], zeros);
}

void UserSketch::add(uint64_t hash) {
  if (!registers_.empty()) return rank(hash);
  exact_.insert(hash);
  if (exact_.size() <= kExact) return;
  registers_.assign(kRegisters, 0);
  for (const uint64_t one : exact_) rank(one);
  exact_.clear();
}

void UserSketch::unite(const UserSketch& other) {
  for (const uint64_t one : other.exact_) add(one);
  if (other.registers_.empty()) return;
  if (registers_.empty()) {
    registers_.assign(kRegisters, 0);
    for (const uint64_t one : exact_) rank(one);
    exact_.clear();
  }
  for (size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

int64_t UserSketch::count() const {
  if (registers_.empty()) return static_cast<int64_t>(exact_.size());
  constexpr double m = kRegisters;
  double sum = 0;
  for (const uint8_t one : registers_) sum += std::ldexp(1.0, -one);
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  const auto empty = static_cast<double>(std::count(registers_.begin(), registers_.end(), 0));
  // For few users, how many registers are empty says more.
  return std::llround(raw <= 2.5 * m && empty > 0 ? m * std::log(m / empty) : raw);
}

std::string UserSketch::text() const {
  std::string text(1, registers_.empty() ? kExactMark : kRegistersMark);
  for (const uint64_t one : exact_) {
    for (size_t byte = 0; byte < kHashBytes; ++byte) text.push_back(static_cast<char>(one >> (8 * byte) & 0xff));
  }
  for (const uint8_t one : registers_) text.push_back(static_cast<char>(one));
  return text;
}

UserSketch UserSketch::of(std::string_view text) {
  UserSketch sketch;
  const std::string_view body = text.substr(std::min<size_t>(text.size(), 1));
  if (text.starts_with(kExactMark)) {
    for (size_t at = 0; at + kHashBytes <= body.size(); at += kHashBytes) {
      uint64_t hash = 0;
      for (size_t byte = 0; byte < kHashBytes; ++byte) hash |= uint64_t{static_cast<uint8_t>(body[at + byte])} << (8 * byte);
      sketch.add(hash);
    }
  } else if (text.starts_with(kRegistersMark) && body.size() == kRegisters) {
    sketch.registers_.assign(body.begin(), body.end());
  }
  return sketch;
}

}  // namespace kaimen::core
