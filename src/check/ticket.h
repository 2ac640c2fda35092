// The sealed ticket: what is in it and how it is written. Stored by clients and read by other processes; the layout must not change under
// this prefix.
//
//   "km1." base64url( key id 4 | nonce 12 | AES-256-GCM( body ) | tag 16 ),  additional data = "km1." | key id
//   body = session id 16 | user id 16 | app number 4 | issued ms 6 | life s 4 | generation 4 | flags 2
//          | length-prefixed (u16) openid | unionid | external id | roles | where the flags say so, actor    all integers big-endian
//
// This folder includes only the standard library and libcrypto: it also becomes the library other processes check with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kaimen::check {

inline constexpr std::string_view kTicketPrefix = "km1.";
inline constexpr size_t kTicketTextMax = 4096;   ///< Longer texts are malformed without being looked at.
inline constexpr size_t kTicketFieldMax = 1024;  ///< openid, unionid, external id and roles together: seal refuses more.

inline constexpr size_t kTicketActorMax = 128;   ///< The actor's name, beside them.

/// The same values as kaimen::Reason (core asserts it).
enum class Reason : uint8_t { none = 0, missing = 1, malformed = 2, revoked = 3, replaced = 4, disabled = 5, deleted = 6, reused = 7, logged_out = 8, expired = 9, renew = 10 };

enum class Env : uint8_t { release = 0, trial = 1, develop = 2 };

/// flags: bits 0–1 Env, bit 2 registered, bit 3 an actor's name follows the roles, the rest zero (a reader ignores bits it does not know; one
/// that does not know bit 3 finds a ticket with an actor malformed, for it could not say who acts).
inline constexpr uint16_t kFlagEnvMask = 0x3;
inline constexpr uint16_t kFlagRegistered = 0x4;
inline constexpr uint16_t kFlagActor = 0x8;

struct Claims {
  std::array<uint8_t, 16> session{};
  std::array<uint8_t, 16> user{};
  uint32_t app = 0;         ///< The app's number, not its appid.
  uint64_t issued_ms = 0;   ///< Epoch milliseconds, 48 bits.
  uint32_t life_s = 0;
  uint32_t generation = 0;
  uint16_t flags = 0;
  std::string_view openid, unionid, external_id, roles;  ///< roles: comma-separated. Views into the Opened that holds them, or the caller's.
  std::string_view actor;   ///< Who acts in the user's place; empty: the user. Not empty exactly where kFlagActor is set.

  Env env() const { return static_cast<Env>(flags & kFlagEnvMask); }
  bool registered() const { return (flags & kFlagRegistered) != 0; }
  uint64_t expires_ms() const { return issued_ms + uint64_t{life_s} * 1000; }
};

/// A 256-bit ticket key.
struct Key {
  uint32_t id = 0;
  std::array<uint8_t, 32> bytes{};
};

/// "km1.…" sealing `claims` under `key` with `nonce`, which must be fresh random bytes for every call. Empty if the strings together are
/// longer than kTicketFieldMax, the actor is longer than kTicketActorMax or does not fit the flags, or libcrypto fails.
std::string seal_ticket(const Key& key, const Claims& claims, const std::array<uint8_t, 12>& nonce);

/// The key id a ticket names; false if the text is not of a ticket's form at all.
bool ticket_key_id(std::string_view text, uint32_t& key_id);

/// An opened ticket; claims' strings point into buffer. Not copyable: reuse one a thread.
struct Opened {
  Claims claims;
  std::array<uint8_t, kTicketTextMax> buffer;
  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

/// Opens and authenticates. False: not exactly one ticket sealed under this key (any changed, missing or added bit; non-canonical base64).
/// Allocates nothing after a thread's first use of a key.
bool open_ticket(const Key& key, std::string_view text, Opened& out);

}  // namespace kaimen::check
