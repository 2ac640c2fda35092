#include "app/master_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/file_descriptor.h"
#include "app/secret_file.h"
#include "base/encoding.h"

namespace kaimen::app {

namespace {

constexpr size_t kKeyBytes = 32;

Failure bad_key(const std::string& place, const std::string& what) {
  return misconfigured("master key: " + place + ": " + what, "kaimen master-key generate FILE   (then set master_key_file, and keep a copy: without it the data cannot be read)");
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

OrFail<Secret> parse_master_key(std::string_view text, const std::string& place) {
  Secret key;
  if (text.size() == kKeyBytes && !is_printable(text)) {
    key = Secret(text);
  } else {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) return bad_key(place, "empty");
    std::optional<std::string> bytes;
    if (text.size() == 2 * kKeyBytes) {
      std::string hex(text);
      for (char& c : hex) c = static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
      bytes = from_hex(hex);
      explicit_bzero(hex.data(), hex.size());
    } else {
      bytes = from_base64(text);
    }
    if (!bytes) return bad_key(place, "neither 32 raw bytes nor base64 or hex text of 32 bytes");
    key = Secret(std::move(*bytes));
    if (key.size() != kKeyBytes) return bad_key(place, "the key has " + std::to_string(key.size()) + " bytes, not 32");
  }
  const std::string& bytes = key.reveal();
  if (std::all_of(bytes.begin(), bytes.end(), [&](char c) { return c == bytes.front(); })) return bad_key(place, "all bytes are the same: this is no key");
  return key;
}

OrFail<Secret> read_master_key_file(const std::string& path) {
  const auto content = read_secret_file(path);
  if (!content) return bad_key(path, content.error().detail);
  return parse_master_key(content.value().reveal(), path);
}

OrFail<Secret> load_master_key(const Config& config) {
  if (config.master_key_text) return parse_master_key(config.master_key_text->reveal(), "environment: KAIMEN_MASTER_KEY");
  return read_master_key_file(config.master_key_file);
}

OrFail<std::optional<Secret>> load_other_master_key(const Config& config) {
  if (config.master_key_other_text) {
    TRY(auto key, parse_master_key(config.master_key_other_text->reveal(), "environment: KAIMEN_MASTER_KEY_OTHER"));
    return std::optional<Secret>(std::move(key));
  }
  if (config.master_key_other_file.empty()) return std::optional<Secret>();
  TRY(auto key, read_master_key_file(config.master_key_other_file));
  return std::optional<Secret>(std::move(key));
}

OrFail<Secret> generate_master_key(Random& random) {
  auto bytes = random.bytes<kKeyBytes>();
  if (!bytes) return fail("no randomness for a master key");
  return Secret(to_base64({reinterpret_cast<const char*>(bytes.value().data()), kKeyBytes}) + "\n");
}

OrFail<> write_master_key(const std::string& path, const Secret& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail("cannot write " + path + ": " + std::strerror(errno));
  const bool written = write(file.get(), text.reveal().data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file.get()) == 0;
  if (written) return BOOST_OUTCOME_V2_NAMESPACE::success();
  const std::string cause = std::strerror(errno);
  unlink(path.c_str());
  return fail("cannot write " + path + ": " + cause);
}

OrFail<Secret> read_or_make_master_key(const std::string& path, Random& random) {
  if (access(path.c_str(), F_OK) != 0) {
    TRY(const Secret text, generate_master_key(random));
    TRY(write_master_key(path, text));
  }
  return read_master_key_file(path);
}

}  // namespace kaimen::app
