// Sealing and opening tickets. What a ticket says is believed only once its tag is good: nothing of the body is looked at before.
#include "check/ticket.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "check/base64url.h"
#include "check/key_context.h"

namespace kaimen::check {

namespace {

constexpr size_t kKeyIdBytes = 4;
constexpr size_t kFixedBytes = 16 + 16 + 4 + 6 + 4 + 4 + 2;
constexpr size_t kStrings = 4;
constexpr size_t kFrameBytes = kKeyIdBytes + kNonceBytes + kTagBytes;
constexpr size_t kSealedMin = kFrameBytes + kFixedBytes + kStrings * 2;
constexpr size_t kSealedMax = kSealedMin + kTicketFieldMax + 2 + kTicketActorMax;
constexpr uint64_t kIssuedMax = (uint64_t{1} << 48) - 1;
static_assert(decoded_size(kTicketTextMax) <= sizeof(Opened::buffer));

constexpr size_t kAdditionalBytes = kTicketPrefix.size() + kKeyIdBytes;
using Additional = std::array<uint8_t, kAdditionalBytes>;

Additional additional_data(const uint8_t* key_id) {
  Additional data;
  std::memcpy(data.data(), kTicketPrefix.data(), kTicketPrefix.size());
  std::memcpy(data.data() + kTicketPrefix.size(), key_id, kKeyIdBytes);
  return data;
}

template <size_t bytes>
uint8_t* write(uint8_t* out, uint64_t value) {
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
  return out + bytes;
}
template <size_t bytes>
uint64_t read(const uint8_t*& in) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | in[i];
  in += bytes;
  return value;
}

uint8_t* write_text(uint8_t* out, std::string_view text) {
  out = write<2>(out, text.size());
  return std::copy(text.begin(), text.end(), out);
}

uint8_t* write_body(uint8_t* out, const Claims& claims) {
  std::memcpy(out, claims.session.data(), 16);
  std::memcpy(out + 16, claims.user.data(), 16);
  out = write<4>(out + 32, claims.app);
  out = write<6>(out, claims.issued_ms);
  out = write<4>(out, claims.life_s);
  out = write<4>(out, claims.generation);
  out = write<2>(out, claims.flags);
  for (const std::string_view text : {claims.openid, claims.unionid, claims.external_id, claims.roles}) out = write_text(out, text);
  return claims.actor.empty() ? out : write_text(out, claims.actor);
}

bool read_text(const uint8_t*& in, const uint8_t* end, std::string_view& text) {
  if (end - in < 2) return false;
  const auto length = static_cast<ptrdiff_t>(read<2>(in));
  if (end - in < length) return false;
  text = {reinterpret_cast<const char*>(in), static_cast<size_t>(length)};
  in += length;
  return true;
}

// Sets all of `claims`. `size` is at least kFixedBytes. False: the strings do not end where the body does.
bool read_body(const uint8_t* in, size_t size, Claims& claims) {
  const uint8_t* const end = in + size;
  std::memcpy(claims.session.data(), in, 16);
  std::memcpy(claims.user.data(), in + 16, 16);
  in += 32;
  claims.app = static_cast<uint32_t>(read<4>(in));
  claims.issued_ms = read<6>(in);
  claims.life_s = static_cast<uint32_t>(read<4>(in));
  claims.generation = static_cast<uint32_t>(read<4>(in));
  claims.flags = static_cast<uint16_t>(read<2>(in));
  // What is longer than anybody here seals is no ticket: whoever has the key must not overrun the room of those who read.
  size_t left = kTicketFieldMax;
  for (std::string_view* text : {&claims.openid, &claims.unionid, &claims.external_id, &claims.roles}) {
    if (!read_text(in, end, *text) || text->size() > left) return false;
    left -= text->size();
  }
  claims.actor = {};
  if ((claims.flags & kFlagActor) != 0 && (!read_text(in, end, claims.actor) || claims.actor.empty() || claims.actor.size() > kTicketActorMax)) return false;
  return in == end;
}

// Decrypts `body` in place; false: the tag behind it is not this key's for this body, nonce and additional data.
bool decrypt(const Key& key, const Additional& additional, uint8_t* nonce, uint8_t* body, size_t size) {
  EVP_CIPHER_CTX* const context = key_context(key, Direction::open);
  int length = 0;
  const bool good = context && begin_opening(context, nonce, body + size) &&
                    EVP_DecryptUpdate(context, nullptr, &length, additional.data(), static_cast<int>(additional.size())) &&
                    EVP_DecryptUpdate(context, body, &length, body, static_cast<int>(size)) &&
                    EVP_DecryptFinal_ex(context, body + size, &length) > 0;
  // A TLS connection on this thread must not find our failure in OpenSSL's error queue and take it for its own. To look is cheaper than to clear.
  if (!good && ERR_peek_error() != 0) ERR_clear_error();
  return good;
}

bool encrypt(const Key& key, const Additional& additional, const uint8_t* nonce, uint8_t* body, size_t size) {
  EVP_CIPHER_CTX* const context = key_context(key, Direction::seal);
  int length = 0;
  const bool good = context && EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce, nullptr) &&
                    EVP_EncryptUpdate(context, nullptr, &length, additional.data(), static_cast<int>(additional.size())) &&
                    EVP_EncryptUpdate(context, body, &length, body, static_cast<int>(size)) &&
                    EVP_EncryptFinal_ex(context, body + size, &length) > 0 &&
                    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, body + size);
  if (!good) ERR_clear_error();
  return good;
}

// As open_ticket; false leaves anything in out.claims.
bool open_into(const Key& key, std::string_view text, Opened& out) {
  if (text.size() > kTicketTextMax || !text.starts_with(kTicketPrefix)) return false;
  text.remove_prefix(kTicketPrefix.size());
  const size_t size = decoded_size(text.size());
  uint8_t* const bytes = out.buffer.data();
  if (size < kSealedMin || !decode_base64url(text, bytes)) return false;

  // A ticket that names another key is refused here, not by its tag: under two keys of the same bytes the tag alone would not tell.
  const uint8_t* id_at = bytes;
  if (read<kKeyIdBytes>(id_at) != key.id) return false;
  uint8_t* const body = bytes + kKeyIdBytes + kNonceBytes;
  const size_t body_size = size - kFrameBytes;
  return decrypt(key, additional_data(bytes), bytes + kKeyIdBytes, body, body_size) && read_body(body, body_size, out.claims);
}

}  // namespace

std::string seal_ticket(const Key& key, const Claims& claims, const std::array<uint8_t, 12>& nonce) {
  if (claims.issued_ms > kIssuedMax) return {};
  if (claims.actor.size() > kTicketActorMax || claims.actor.empty() == ((claims.flags & kFlagActor) != 0)) return {};
  size_t left = kTicketFieldMax;
  for (const std::string_view text : {claims.openid, claims.unionid, claims.external_id, claims.roles}) {
    if (text.size() > left) return {};
    left -= text.size();
  }
  std::array<uint8_t, kSealedMax> sealed;
  uint8_t* const nonce_at = write<kKeyIdBytes>(sealed.data(), key.id);
  uint8_t* const body = std::copy(nonce.begin(), nonce.end(), nonce_at);
  uint8_t* const end = write_body(body, claims);
  if (!encrypt(key, additional_data(sealed.data()), nonce.data(), body, static_cast<size_t>(end - body))) return {};

  const auto size = static_cast<size_t>(end - sealed.data()) + kTagBytes;
  std::string text;
  text.reserve(kTicketPrefix.size() + (size * 4 + 2) / 3);
  text = kTicketPrefix;
  append_base64url(sealed.data(), size, text);
  return text;
}

bool ticket_key_id(std::string_view text, uint32_t& key_id) {
  if (text.size() > kTicketTextMax || !text.starts_with(kTicketPrefix)) return false;
  const std::string_view characters = text.substr(kTicketPrefix.size());
  if (decoded_size(characters.size()) < kSealedMin) return false;
  // Eight characters are the first six bytes: the key id and a little of the nonce.
  std::array<uint8_t, 6> first;
  if (!decode_base64url(characters.substr(0, 8), first.data())) return false;
  const uint8_t* in = first.data();
  key_id = static_cast<uint32_t>(read<kKeyIdBytes>(in));
  return true;
}

bool open_ticket(const Key& key, std::string_view text, Opened& out) {
  if (open_into(key, text, out)) return true;
  out.claims = Claims{};  // whoever forgets to look at the answer finds nobody here
  return false;
}

}  // namespace kaimen::check
