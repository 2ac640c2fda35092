// The vault seals what the database must not know in clear (AppSecrets, session_keys, phone numbers, access_tokens, ticket keys) under the
// master key, bound to the row it belongs to.
//
// Sealed form: 0x01 | master key id 4 B | nonce 12 | ciphertext | tag 16; additional data = the first 5 bytes | purpose | 0x00 | row.
// The master key id is the first 4 bytes of SHA-256("kaimen master key id" | key): it names the key without telling anything of it.
// Stored; do not change under version 0x01.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace kaimen::crypto {

class Vault {
 public:
  /// `current` seals; all of them open. Each is 32 bytes and not all the same byte. Error: invalid_request naming what is wrong.
  static Result<Vault> make(Secret current, std::vector<Secret> older, Random& random);

  /// `purpose` is a constant such as "app_secret"; `row` the row's identity, so that two ciphertexts cannot be swapped.
  Result<std::string> seal(std::string_view purpose, std::string_view row, const Secret& plaintext) const;
  /// Error: internal — sealed under an unknown master key, for another row, or changed.
  Result<Secret> open(std::string_view purpose, std::string_view row, std::string_view sealed) const;

  /// Keyed hash for equality searches over sealed values (phone numbers): 16 bytes of HMAC-SHA256 under a key derived for `purpose`.
  std::string index(std::string_view purpose, std::string_view value) const;
  /// The same under the keys that only open, newest first: what a value may still be found by while the master key is being replaced.
  std::vector<std::string> older_indexes(std::string_view purpose, std::string_view value) const;

  /// The id of the master key that a sealed value names; nullopt if it is not of this form.
  static std::optional<uint32_t> key_id_of(std::string_view sealed);
  uint32_t current_key_id() const;
  /// Of all it holds; the current one is the first.
  std::vector<uint32_t> key_ids() const;

 private:
  struct MasterKey {
    uint32_t id;
    Secret sealing, indexing;  // derived: HKDF info "kaimen seal" and "kaimen index"
  };
  Vault(std::vector<MasterKey> keys, Random& random) : keys_(std::move(keys)), random_(&random) {}
  std::vector<MasterKey> keys_;
  Random* random_;
};

}  // namespace kaimen::crypto
