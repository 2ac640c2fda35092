// Parameters, percent-encoding and base URLs over arbitrary bytes: what is decoded encodes to the same meaning, and a base URL holds
// nothing that could end a request line or name another host than it shows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/client.h"
#include "http/message.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kaimen::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string decoded;
  require(url_decode(url_encode(text), decoded) && decoded == text);

  Parameters parameters, again;
  if (parse_parameters(text, parameters)) {
    std::string written;
    for (const auto& [name, value] : parameters.items) written += "&" + url_encode(name) + "=" + url_encode(value);
    require(parse_parameters(written, again) && again.items == parameters.items);
  }

  if (const auto url = BaseUrl::parse(text)) {
    const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    require(std::all_of(url->prefix.begin(), url->prefix.end(), printable));
    require(url->unix_socket.empty() ? std::all_of(url->host.begin(), url->host.end(), printable) && text.find(url->host) != text.npos : url->unix_socket[0] == '/');
    require(!url->host.empty() && url->port != 0 && !url->prefix.ends_with('/'));
  }
  return 0;
}
