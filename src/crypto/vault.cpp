// The vault keeps only keys derived from the master keys: sealing and searching never share one, and the master key itself is gone from
// memory once the caller drops it.
#include "crypto/vault.h"

#include <algorithm>
#include <cstdio>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace kaimen::crypto {

namespace {

constexpr char kVersion = 0x01;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kSealedMin = kHeaderBytes + 12 + 16;
constexpr size_t kMasterKeyBytes = 32;
constexpr size_t kIndexBytes = 16;

uint32_t read_id(std::string_view bytes) {
  uint32_t id = 0;
  for (size_t i = 0; i < 4; ++i) id = id << 8 | static_cast<uint8_t>(bytes[i]);
  return id;
}

uint32_t id_of(const Secret& key) {
  const Secret named("kaimen master key id" + key.reveal());
  return read_id(sha256(named.reveal()));
}

std::string header(uint32_t key_id) {
  std::string text(1, kVersion);
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(key_id >> shift & 0xff));
  return text;
}

// A purpose ends at its first NUL, so it must not hold one: else (purpose, row) could be cut in two ways.
bool is_purpose(std::string_view purpose) { return !purpose.empty() && purpose.find('\0') == purpose.npos; }

std::string additional_data(std::string_view head, std::string_view purpose, std::string_view row) {
  std::string data(head);
  data += purpose;
  data.push_back('\0');
  data += row;
  return data;
}

std::string index_under(const Secret& indexing, std::string_view purpose, std::string_view value) {
  const Secret key(hkdf_sha256(indexing.reveal(), purpose, 32));
  return hmac_sha256(key.reveal(), value).substr(0, kIndexBytes);
}

Result<> validate(const Secret& key, const std::string& which) {
  if (key.size() != kMasterKeyBytes) {
    return make_error(ErrorCode::invalid_request, which + " is " + std::to_string(key.size()) + " bytes long; it must be 32");
  }
  const std::string& bytes = key.reveal();
  if (std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return byte == bytes[0]; })) {
    return make_error(ErrorCode::invalid_request, which + " is one byte repeated; it must be random");
  }
  return ok();
}

}  // namespace

Result<Vault> Vault::make(Secret current, std::vector<Secret> older, Random& random) {
  TRY(validate(current, "the master key"));
  for (size_t i = 0; i < older.size(); ++i) {
    TRY(validate(older[i], "older master key " + std::to_string(i + 1)));
  }

  std::vector<MasterKey> keys;
  keys.reserve(1 + older.size());
  const auto add = [&](const Secret& key) {
    keys.push_back({id_of(key), Secret(hkdf_sha256(key.reveal(), "kaimen seal", 32)), Secret(hkdf_sha256(key.reveal(), "kaimen index", 32))});
  };
  add(current);
  for (const Secret& key : older) add(key);
  return Vault(std::move(keys), random);
}

Result<std::string> Vault::seal(std::string_view purpose, std::string_view row, const Secret& plaintext) const {
  if (!is_purpose(purpose)) return make_error(ErrorCode::internal, "a vault purpose is empty or holds a NUL");
  const MasterKey& key = keys_.front();
  std::string sealed = header(key.id);
  TRY(const auto body, aead_seal(key.sealing.reveal(), additional_data(sealed, purpose, row), plaintext.reveal(), *random_));
  return sealed + body;
}

Result<Secret> Vault::open(std::string_view purpose, std::string_view row, std::string_view sealed) const {
  const auto id = key_id_of(sealed);
  if (!id || !is_purpose(purpose)) return make_error(ErrorCode::internal, "a sealed value is not of the vault's form");
  bool known = false;
  for (const MasterKey& key : keys_) {
    if (key.id != *id) continue;
    known = true;
    const std::string data = additional_data(sealed.substr(0, kHeaderBytes), purpose, row);
    if (auto plaintext = aead_open(key.sealing.reveal(), data, sealed.substr(kHeaderBytes))) return Secret(std::move(*plaintext));
  }
  char name[9];
  std::snprintf(name, sizeof name, "%08x", *id);
  return make_error(ErrorCode::internal, known ? "a sealed " + std::string(purpose) + " was changed, or belongs to another row"
                                               : "a sealed " + std::string(purpose) + " needs master key " + name + ", which is not configured");
}

std::string Vault::index(std::string_view purpose, std::string_view value) const { return index_under(keys_.front().indexing, purpose, value); }

std::vector<std::string> Vault::older_indexes(std::string_view purpose, std::string_view value) const {
  std::vector<std::string> indexes;
  for (size_t i = 1; i < keys_.size(); ++i) indexes.push_back(index_under(keys_[i].indexing, purpose, value));
  return indexes;
}

std::optional<uint32_t> Vault::key_id_of(std::string_view sealed) {
  if (sealed.size() < kSealedMin || sealed[0] != kVersion) return std::nullopt;
  return read_id(sealed.substr(1));
}

uint32_t Vault::current_key_id() const { return keys_.front().id; }

std::vector<uint32_t> Vault::key_ids() const {
  std::vector<uint32_t> ids;
  for (const MasterKey& key : keys_) ids.push_back(key.id);
  return ids;
}

}  // namespace kaimen::crypto
