#include "check/key_context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

namespace kaimen::check {

namespace {

// Never freed: OpenSSL's exit handler may run before a static destructor would.
const EVP_CIPHER* cipher() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

// Known by its bytes: an id could come again with others (a restored database, two random ids that meet).
using Bytes = decltype(Key::bytes);

class Contexts {
 public:
  constexpr explicit Contexts(Direction direction) : direction_(direction) {}
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  ~Contexts() {
    for (Kept& kept : kept_) drop(kept);
  }

  EVP_CIPHER_CTX* get(const Bytes& key) noexcept {
    for (Kept& kept : kept_) {
      if (kept.context && kept.key == key) {
        kept.used = ++uses_;
        return kept.context;
      }
    }
    return add(key);
  }

 private:
  struct Kept {
    Bytes key{};
    EVP_CIPHER_CTX* context = nullptr;
    uint64_t used = 0;
  };

  EVP_CIPHER_CTX* add(const Bytes& key) noexcept {
    Kept* oldest = &kept_[0];
    for (Kept& kept : kept_) {
      if (kept.used < oldest->used) oldest = &kept;
    }
    drop(*oldest);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    const auto init = direction_ == Direction::open ? EVP_DecryptInit_ex2 : EVP_EncryptInit_ex2;
    if (!context || !cipher() || !init(context, cipher(), key.data(), nullptr, nullptr)) {
      EVP_CIPHER_CTX_free(context);
      ERR_clear_error();
      return nullptr;
    }
    *oldest = Kept{key, context, ++uses_};
    return context;
  }

  static void drop(Kept& kept) noexcept {
    EVP_CIPHER_CTX_free(kept.context);  // wipes the expanded key
    OPENSSL_cleanse(kept.key.data(), kept.key.size());
    kept.context = nullptr;
    kept.used = 0;
  }

  std::array<Kept, kKeptContexts> kept_{};
  uint64_t uses_ = 0;
  Direction direction_;
};

thread_local Contexts opening(Direction::open);
thread_local Contexts sealing(Direction::seal);

}  // namespace

EVP_CIPHER_CTX* key_context(const Key& key, Direction direction) noexcept {
  return direction == Direction::open ? opening.get(key.bytes) : sealing.get(key.bytes);
}

}  // namespace kaimen::check
