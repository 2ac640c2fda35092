#include "base/id.h"

#include "base/encoding.h"

namespace kaimen {

std::string Id::hex() const { return to_hex(raw()); }

std::optional<Id> Id::parse(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto raw = from_hex(hex);
  return raw ? from_raw(*raw) : std::nullopt;
}

std::optional<Id> Id::from_raw(std::string_view raw) {
  Id id;
  if (raw.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), raw.data(), raw.size());
  return id;
}

Result<Id> Id::make(Time now, Random& random) {
  TRY(auto noise, random.bytes<10>());
  Id id;
  const auto ms = static_cast<uint64_t>(epoch_ms(now));
  for (int i = 0; i < 6; ++i) id.bytes[size_t(i)] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  std::memcpy(id.bytes.data() + 6, noise.data(), noise.size());
  return id;
}

}  // namespace kaimen
