// Tickets for the tests of src/check.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "check/check.h"

namespace kaimen::check {

inline constexpr uint64_t kNow = 1'790'000'000'000;

/// A key whose bytes follow from `seed`.
inline Key key_of(uint32_t id, uint8_t seed = 0) {
  Key key;
  key.id = id;
  for (size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<uint8_t>(seed + i);
  return key;
}

inline std::array<uint8_t, 16> session_of(uint64_t number) {
  std::array<uint8_t, 16> id{};
  id[0] = 1;
  for (size_t i = 0; i < 8; ++i) id[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return id;
}

inline Claims claims_of(uint64_t session) {
  Claims claims;
  claims.session = session_of(session);
  claims.user.fill(0x55);
  claims.app = 7;
  claims.issued_ms = kNow - 1000;
  claims.life_s = 7200;
  claims.generation = 3;
  claims.flags = kFlagRegistered | static_cast<uint16_t>(Env::trial);
  claims.openid = "oOpenid";
  claims.unionid = "uUnion";
  claims.external_id = "\xe5\xa4\x96";
  claims.roles = "staff,ops";
  return claims;
}

inline std::array<uint8_t, 12> nonce_of(uint64_t number) {
  std::array<uint8_t, 12> nonce{};
  std::memcpy(nonce.data(), &number, sizeof number);
  return nonce;
}

inline void expect_equal(const Claims& a, const Claims& b) {
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.user, b.user);
  EXPECT_EQ(a.app, b.app);
  EXPECT_EQ(a.issued_ms, b.issued_ms);
  EXPECT_EQ(a.life_s, b.life_s);
  EXPECT_EQ(a.generation, b.generation);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_EQ(a.openid, b.openid);
  EXPECT_EQ(a.unionid, b.unionid);
  EXPECT_EQ(a.external_id, b.external_id);
  EXPECT_EQ(a.roles, b.roles);
}

}  // namespace kaimen::check
