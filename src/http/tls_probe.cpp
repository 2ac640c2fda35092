#include "http/tls_probe.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "http/message.h"

namespace kaimen::http {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr size_t kReplyBytes = 64 * 1024;

template <auto free_it>
struct Free {
  template <class T>
  void operator()(T* thing) const {
    free_it(thing);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Stream = std::unique_ptr<SSL, Free<SSL_free>>;

Error unavailable(std::string what) { return make_error(ErrorCode::unavailable, std::move(what)); }

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }

  /// False: not before `end`.
  bool wait(short events, SteadyTime end) const {
    const auto left = std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now());
    pollfd one{descriptor_, events, 0};
    return left > Millis{0} && ::poll(&one, 1, static_cast<int>(left.count())) > 0;
  }

 private:
  int descriptor_;
};

struct Line {
  Socket socket;
  std::string address;
};

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  if (address->sa_family == AF_INET6) inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  return text;
}

Result<Line> connect_to(const TlsTarget& target, SteadyTime end) {
  const std::string host = target.connect_host.empty() ? target.host : target.connect_host;
  const std::string port = std::to_string(target.connect_host.empty() ? target.port : target.connect_port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) return unavailable(host + ": " + gai_strerror(failed));
  const std::unique_ptr<addrinfo, Free<freeaddrinfo>> all(found);
  std::string why = "no address";
  for (const addrinfo* one = found; one; one = one->ai_next) {
    Socket socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) continue;
    const std::string address = text_of(one->ai_addr);
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS) {
      why = address + ": " + std::strerror(errno);
      continue;
    }
    int failed = ETIMEDOUT;
    socklen_t size = sizeof failed;
    if (socket.wait(POLLOUT, end)) getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed == 0) return Line{std::move(socket), address};
    why = address + " port " + port + ": " + std::strerror(failed);
  }
  return unavailable(why);
}

/// Calls `step` until it is done: what OpenSSL's I/O calls return, or unavailable.
template <class Step>
Result<int> until_done(SSL& stream, const Socket& socket, SteadyTime end, const char* doing, const Step& step) {
  for (;;) {
    ERR_clear_error();
    const int done = step();
    if (done > 0) return done;
    const int error = SSL_get_error(&stream, done);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      if (socket.wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, end)) continue;
      return unavailable(std::string(doing) + " took too long");
    }
    const unsigned long code = ERR_peek_last_error();
    const char* words = code ? ERR_reason_error_string(code) : nullptr;
    return unavailable(std::string(doing) + ": " + (words ? words : "the connection was cut"));
  }
}

struct Session {
  Line line;
  Context context;
  Stream stream;  // before its context
};

Result<Session> open(const TlsTarget& target, SteadyTime end) {
  TRY(auto line, connect_to(target, end));
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_default_verify_paths(context.get());
  if (!target.ca_file.empty() && SSL_CTX_load_verify_locations(context.get(), target.ca_file.c_str(), nullptr) != 1) {
    return make_error(ErrorCode::invalid_request, target.ca_file + " holds no certificates in PEM");
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (target.only_tls_1_2) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // the result is looked at
  Stream stream(SSL_new(context.get()));
  SSL_set_tlsext_host_name(stream.get(), target.host.c_str());
  SSL_set_fd(stream.get(), line.socket.get());
  TRY(until_done(*stream, line.socket, end, "the TLS handshake", [&] { return SSL_connect(stream.get()); }));
  return Session{std::move(line), std::move(context), std::move(stream)};
}

Time time_of(const ASN1_TIME* time) {
  tm parts{};
  return time && ASN1_TIME_to_tm(time, &parts) == 1 ? Time(std::chrono::duration_cast<Millis>(Seconds{timegm(&parts)})) : Time{};
}

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)), static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(all);
  return names;
}

Result<TlsReply> read_reply(const std::string& bytes) {
  const size_t head_end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.") || head_end == bytes.npos || bytes.size() < 12) return unavailable("the answer is no HTTP");
  TlsReply reply;
  const char* digits = bytes.data() + 9;
  if (std::from_chars(digits, digits + 3, reply.status).ec != std::errc{}) return unavailable("the answer is no HTTP");
  for (size_t at = bytes.find("\r\n") + 2; at < head_end;) {
    const size_t end = bytes.find("\r\n", at), colon = bytes.find(':', at);
    if (colon != bytes.npos && colon < end) {
      size_t value = colon + 1;
      while (value < end && bytes[value] == ' ') ++value;
      reply.headers.emplace_back(bytes.substr(at, colon - at), bytes.substr(value, end - value));
    }
    at = end + 2;
  }
  reply.body = bytes.substr(head_end + 4);
  return reply;
}

}  // namespace

std::string TlsReply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (name_is(key, name)) return value;
  }
  return {};
}

Result<TlsSight> look_at_tls(const TlsTarget& target) {
  const SteadyTime end = std::chrono::steady_clock::now() + target.timeout;
  TRY(const auto session, open(target, end));
  TlsSight sight;
  sight.address = session.line.address;
  sight.version = SSL_get_version(session.stream.get());
  sight.problem = static_cast<int>(SSL_get_verify_result(session.stream.get()));
  sight.problem_text = sight.problem == 0 ? "" : X509_verify_cert_error_string(sight.problem);
  sight.issuer_missing = sight.problem == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || sight.problem == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
                         sight.problem == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session.stream.get());
  if (sk_X509_num(chain) < 1) return unavailable("the server sent no certificate");
  X509* own = sk_X509_value(chain, 0);
  sight.name_fits = X509_check_host(own, target.host.c_str(), target.host.size(), 0, nullptr) == 1;
  sight.names = names_of(own);
  sight.not_before = time_of(X509_get0_notBefore(own));
  sight.not_after = sight.first_end = time_of(X509_get0_notAfter(own));
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* one = sk_X509_value(chain, i);
    sight.sent.push_back(subject_of(one));
    sight.first_end = std::min(sight.first_end, time_of(X509_get0_notAfter(one)));
  }
  return sight;
}

Result<TlsReply> get_over_tls(const TlsTarget& target, const std::string& path) {
  const SteadyTime end = std::chrono::steady_clock::now() + target.timeout;
  TRY(const auto session, open(target, end));
  SSL& stream = *session.stream;
  const std::string host = target.port == 443 ? target.host : target.host + ":" + std::to_string(target.port);
  // 1.0: an answer of one piece.
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\nUser-Agent: kaimen-golive\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  TRY(until_done(stream, session.line.socket, end, "sending", [&] { return SSL_write(&stream, request.data(), static_cast<int>(request.size())); }));
  std::string bytes;
  while (bytes.size() < kReplyBytes) {
    char buffer[8192];
    const auto got = until_done(stream, session.line.socket, end, "reading", [&] { return SSL_read(&stream, buffer, sizeof buffer); });
    if (!got && bytes.empty()) return got.error();
    if (!got || got.value() == 0) break;  // a cut end is an end: what came is judged
    bytes.append(buffer, static_cast<size_t>(got.value()));
  }
  return read_reply(bytes);
}

}  // namespace kaimen::http
