#include "check/key_context.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <cstring>

namespace kaimen::check {

namespace {

// Never freed: OpenSSL's exit handler may run before a static destructor would.
const EVP_CIPHER* cipher() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

// libcrypto looks parameters up by their names, and an init with a nonce asks for so many that it costs more than the decryption. As the
// invocation field of a record's IV, which may be all of it, the nonce goes in with the tag and nothing is asked (EVP_EncryptInit(3), "tlsivinv").
bool has_invocation_field() noexcept {
  static const bool has = OSSL_PARAM_locate_const(EVP_CIPHER_settable_ctx_params(cipher()), OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV) != nullptr;
  return has;
}

// What OpenSSL wants before it takes an invocation field.
bool set_fixed_field(EVP_CIPHER_CTX* context) noexcept {
  uint8_t fixed[4] = {};
  const OSSL_PARAM field[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, fixed, sizeof fixed), OSSL_PARAM_construct_end()};
  return EVP_CIPHER_CTX_set_params(context, field) > 0;
}

struct Kept {
  decltype(Key::bytes) key{};
  EVP_CIPHER_CTX* context = nullptr;
  uint64_t used = 0;
};
struct Contexts {
  std::array<Kept, kKeptContexts> kept{};
  uint64_t uses = 0;
};

// Nothing is to be made or destroyed of them, so that finding one asks for an address and for nothing else.
constinit thread_local Contexts opening, sealing;

void drop(Kept& kept) noexcept {
  EVP_CIPHER_CTX_free(kept.context);  // wipes the expanded key
  OPENSSL_cleanse(kept.key.data(), kept.key.size());
  kept.context = nullptr;
  kept.used = 0;
}

// A thread that has kept any leaves none behind.
struct Leaving {
  bool has_kept = false;
  ~Leaving() {
    for (Contexts* const contexts : {&opening, &sealing}) {
      for (Kept& kept : contexts->kept) drop(kept);
    }
  }
};
thread_local Leaving leaving;

[[gnu::noinline]] EVP_CIPHER_CTX* add(Contexts& contexts, const Key& key, Direction direction) noexcept {
  leaving.has_kept = true;
  Kept* oldest = &contexts.kept[0];
  for (Kept& kept : contexts.kept) {
    if (kept.used < oldest->used) oldest = &kept;
  }
  drop(*oldest);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const auto init = direction == Direction::open ? EVP_DecryptInit_ex2 : EVP_EncryptInit_ex2;
  if (!context || !cipher() || !init(context, cipher(), key.bytes.data(), nullptr, nullptr) ||
      (direction == Direction::open && has_invocation_field() && !set_fixed_field(context))) {
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    return nullptr;
  }
  *oldest = Kept{key.bytes, context, ++contexts.uses};
  return context;
}

bool same_bytes(const decltype(Key::bytes)& one, const decltype(Key::bytes)& other) noexcept {
  uint64_t a[4], b[4];
  std::memcpy(a, one.data(), sizeof a);
  std::memcpy(b, other.data(), sizeof b);
  return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

// Known by its bytes: an id could come again with others (a restored database, two random ids that meet). Not inlined: in a shared library the
// address of `contexts` would be asked for at every turn.
[[gnu::noinline]] EVP_CIPHER_CTX* find(Contexts& contexts, const Key& key, Direction direction) noexcept {
  for (Kept& kept : contexts.kept) {
    if (kept.context && same_bytes(kept.key, key.bytes)) {
      kept.used = ++contexts.uses;
      return kept.context;
    }
  }
  return add(contexts, key, direction);
}

}  // namespace

bool begin_opening(EVP_CIPHER_CTX* context, uint8_t* nonce, uint8_t* tag) noexcept {
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagBytes),
                               OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, nonce, kNonceBytes), OSSL_PARAM_construct_end()};
  if (has_invocation_field()) return EVP_CIPHER_CTX_set_params(context, params) > 0;
  const OSSL_PARAM tag_alone[] = {params[0], OSSL_PARAM_construct_end()};
  return EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce, tag_alone) > 0;
}

EVP_CIPHER_CTX* key_context(const Key& key, Direction direction) noexcept {
  return direction == Direction::open ? find(opening, key, direction) : find(sealing, key, direction);
}

}  // namespace kaimen::check
