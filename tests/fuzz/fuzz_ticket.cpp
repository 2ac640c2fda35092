// The check, fed with whatever a client may send. The first byte chooses one of three ways in, because bytes at random never get past a
// tag: the rest as it is; the rest as changes to a good ticket; the rest as a body that somebody with the key has sealed.
// It aborts where a text that nobody sealed is accepted, or where claims point outside their ticket.
#include <openssl/evp.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "check/base64url.h"
#include "check/check.h"

namespace {

using namespace kaimen::check;

constexpr uint64_t kNow = 1'790'000'000'000;

Key key_of(uint32_t id) {
  Key key;
  key.id = id;
  for (size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<uint8_t>(id + i);
  return key;
}

struct World {
  KeyRing keys{{{key_of(1)}, {key_of(2), true}, {key_of(3), false, {8}}}};
  AppStates apps{{7, AppState{"wx1", "default"}}, {8, AppState{"wx2", "default"}}};
  Revocations revocations;
  std::string good;

  World() {
    Claims claims;
    claims.session.fill(1);
    claims.app = 7;
    claims.issued_ms = kNow - 1000;
    claims.life_s = 7200;
    claims.openid = "oOpenid";
    claims.roles = "staff";
    good = seal_ticket(key_of(1), claims, {});
    std::array<uint8_t, 16> ended{};
    ended.fill(2);
    revocations.put(ended, kAllGenerations, Reason::logged_out, kNow);
  }
};
const World world;
Opened opened;

void demand(bool condition) {
  if (!condition) std::abort();
}

Verdict check(std::string_view text, uint64_t now_ms) {
  const Verdict verdict = check_ticket(text, world.keys, world.apps, world.revocations, now_ms, opened);
  const auto* const first = reinterpret_cast<const char*>(opened.buffer.data());
  const auto* const last = first + opened.buffer.size();
  for (const std::string_view claim : {opened.claims.openid, opened.claims.unionid, opened.claims.external_id, opened.claims.roles}) {
    const bool inside = std::less_equal<>()(first, claim.data()) && std::less_equal<>()(claim.data() + claim.size(), last);
    demand(claim.empty() || inside);
  }
  demand(verdict.reason != Reason::none || (verdict.app && opened.claims.life_s != 0));
  return verdict;
}

// Each group of three bytes is one change: what, where, which value.
std::string changed(std::string text, std::string_view changes) {
  for (; changes.size() >= 3 && !text.empty(); changes.remove_prefix(3)) {
    const size_t at = static_cast<uint8_t>(changes[1]) % text.size();
    switch (changes[0] & 3) {
      case 0: text[at] = changes[2]; break;
      case 1: text.insert(at, 1, changes[2]); break;
      case 2: text.erase(at, static_cast<uint8_t>(changes[2])); break;
      default: text.resize(at); break;
    }
  }
  return text;
}

std::string sealed(const Key& key, std::string_view body) {
  std::string bytes = {char(key.id >> 24), char(key.id >> 16), char(key.id >> 8), char(key.id)};
  const std::string additional = "km1." + bytes;
  bytes.append(12, 'n');
  const size_t at = bytes.size();
  bytes.append(body);
  bytes.append(16, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(bytes.data());
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int length = 0;
  demand(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, key.bytes.data(), out + 4) == 1);
  demand(EVP_EncryptUpdate(context, nullptr, &length, reinterpret_cast<const unsigned char*>(additional.data()), static_cast<int>(additional.size())) == 1);
  demand(EVP_EncryptUpdate(context, out + at, &length, out + at, static_cast<int>(body.size())) == 1);
  demand(EVP_EncryptFinal_ex(context, out + at + length, &length) == 1);
  demand(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, out + at + body.size()) == 1);
  EVP_CIPHER_CTX_free(context);
  std::string text = "km1.";
  append_base64url(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), text);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: demand(check(rest, kNow).reason == Reason::malformed || rest == world.good); break;
    case 1: {
      const std::string text = changed(world.good, rest);
      demand((check(text, kNow).reason == Reason::none) == (text == world.good));
      break;
    }
    default:
      for (const uint64_t now : {uint64_t{0}, kNow, ~uint64_t{0}}) check(sealed(key_of(1 + data[0] / 3 % 3), rest.substr(0, 2048)), now);
  }
  return 0;
}
