// TLS on both sides. For the client: whatever is wrong with the peer's certificate, not one byte of a request leaves.
#include <openssl/ssl.h>

#include <cstdlib>
#include <fstream>

#include "tests/http/certificates.h"
#include "tests/http/scripted_peer.h"

namespace kaimen::http::test {
namespace {

using namespace std::chrono_literals;

class Tls : public ServerTest {
 protected:
  Tls() { ::setenv("SSL_CERT_FILE", authority.file().c_str(), 1); }
  ~Tls() override { ::unsetenv("SSL_CERT_FILE"); }

  void start_with(const TlsFiles& files) {
    options.listeners[0].tls = files;
    start();
  }
  ClientRequest request(const std::string& host = "localhost") const {
    auto request = request_to("https://" + host + address.substr(address.rfind(':')));
    request.target = "/now/x";
    return request;
  }
  std::string outcome(const std::string& host = "localhost") const {
    Client client;
    return told(run_here(client.send(request(host))));
  }
  void expect_nothing_sent(const std::string& host = "localhost") const {
    EXPECT_EQ(outcome(host), "not_sent");
    EXPECT_EQ(server->counters().requests, 0U);
    EXPECT_EQ(handler.seen().target, "");
  }
  /// Connects with versions up to `max_version`; the CN of the certificate that was shown, or why not.
  std::string shown_certificate(int max_version = 0) const {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), 0);
    SSL_CTX_set_max_proto_version(context.get(), max_version);
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
    const RawConnection connection(address);
    SSL_set_fd(session.get(), connection.descriptor());
    if (SSL_connect(session.get()) != 1) return "refused";
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(session.get()), X509_free);
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
    return name;
  }

  const Authority authority{"authority"};
};

TEST_F(Tls, serves_who_verifies_it) {
  start_with(authority.issue("server"));
  EXPECT_EQ(outcome(), "200 now /now/x");
  EXPECT_TRUE(handler.seen().tls);
  EXPECT_TRUE(handler.seen().https);
}
TEST_F(Tls, is_verified_by_address_too) {
  start_with(authority.issue("server"));
  EXPECT_EQ(outcome("127.0.0.1"), "200 now /now/x");
}
TEST_F(Tls, keeps_connections) {
  start_with(authority.issue("server"));
  Client client;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(told(run_here(client.send(request()))), "200 now /now/x");
  EXPECT_EQ(server->counters().connections_accepted, 1U);
}
TEST_F(Tls, carries_large_bodies) {
  start_with(authority.issue("server"));
  Client client;
  auto large = request();
  large.method = "POST";
  large.target = "/large";
  large.body.assign(500'000, 'b');
  const auto result = run_here(client.send(std::move(large)));
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result.value().body, "POST /large [" + std::string(500'000, 'b') + "]");
}
TEST_F(Tls, refuses_a_request_and_says_why) {
  start_with(authority.issue("server"));
  Client client;
  auto large = request();
  large.method = "POST";
  large.body.assign(200'000, 'b');
  EXPECT_EQ(told(run_here(client.send(std::move(large)))), "413 the body is too large");
}
TEST_F(Tls, drains) {
  start_with(authority.issue("server"));
  Client client;
  EXPECT_EQ(told(run_here(client.send(request()))), "200 now /now/x");
  const auto began = std::chrono::steady_clock::now();
  server->drain();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(Tls, gets_no_byte_when_self_signed) {
  const Authority itself("itself", "DNS:localhost");
  start_with(itself.own_files());
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_from_an_unknown_authority) {
  const Authority stranger("stranger");
  start_with(stranger.issue("server"));
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_for_another_host) {
  start_with(authority.issue("server", {.names = "DNS:other.example"}));
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_for_another_address) {
  start_with(authority.issue("server", {.names = "DNS:localhost,IP:127.0.0.2"}));
  expect_nothing_sent("127.0.0.1");
}
TEST_F(Tls, gets_no_byte_when_only_the_common_name_fits) {
  start_with(authority.issue("localhost", {.names = "DNS:other.example"}));
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_when_expired) {
  start_with(authority.issue("server", {.begins_seconds = -7200, .ends_seconds = -60}));
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_before_it_begins) {
  start_with(authority.issue("server", {.begins_seconds = 3600, .ends_seconds = 7200}));
  expect_nothing_sent();
}
TEST_F(Tls, gets_no_byte_when_it_is_not_tls) {
  start();
  EXPECT_EQ(outcome(), "not_sent");
  EXPECT_EQ(server->counters().requests, 0U);
}

TEST_F(Tls, is_not_spoken_below_1_2) {
  start_with(authority.issue("server"));
  EXPECT_EQ(shown_certificate(TLS1_1_VERSION), "refused");
  EXPECT_EQ(shown_certificate(TLS1_2_VERSION), "server");
}
TEST_F(Tls, is_not_spoken_below_1_2_by_the_client) {
  const auto files = authority.issue("server");
  for (const auto& [version, expected] : {std::pair{TLS1_1_VERSION, "not_sent"}, {TLS1_2_VERSION, "cut"}}) {
    ScriptedPeer old([&, max_version = version](const ScriptedPeer::Line& line, int) {
      const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
      SSL_CTX_set_security_level(context.get(), 0);
      SSL_CTX_set_min_proto_version(context.get(), 0);
      SSL_CTX_set_max_proto_version(context.get(), max_version);
      SSL_CTX_use_certificate_file(context.get(), files.certificate_file.c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM);
      const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
      SSL_set_fd(session.get(), line.fd);
      char bytes[4096];
      if (SSL_accept(session.get()) == 1) SSL_read(session.get(), bytes, sizeof bytes);
    });
    Client client;
    EXPECT_EQ(told(run_here(client.send(request_to(old.url("https", "localhost"))))), expected) << version;
  }
}
TEST_F(Tls, that_never_answers_the_handshake_is_not_sent_in_time) {
  ScriptedPeer silent([](const ScriptedPeer::Line& line, int) { line.wait_for_end(); });
  Client client;
  auto late = request_to(silent.url("https", "localhost"), 5s);
  late.connect_timeout = 300ms;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(told(run_here(client.send(std::move(late)))), "not_sent");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

TEST_F(Tls, shows_a_new_certificate_without_a_restart_and_keeps_the_old_when_the_new_is_bad) {
  const auto files = authority.issue("server");
  start_with(files);
  ASSERT_EQ(shown_certificate(), "server");
  const auto fresh = authority.issue("renewed");
  std::filesystem::rename(fresh.key_file, files.key_file);
  std::filesystem::rename(fresh.certificate_file, files.certificate_file);
  for (int i = 0; i < 60 && shown_certificate() != "renewed"; ++i) std::this_thread::sleep_for(100ms);
  ASSERT_EQ(shown_certificate(), "renewed");
  std::ofstream(files.certificate_file) << "no certificate";
  std::this_thread::sleep_for(2500ms);
  EXPECT_EQ(shown_certificate(), "renewed");
}
TEST_F(Tls, does_not_start_with_a_key_that_does_not_fit) {
  options.listeners[0].tls = TlsFiles{authority.issue("one").certificate_file, authority.issue("two").key_file};
  Server broken(options, handler, random);
  const auto started = broken.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().detail.find("two.key"), std::string::npos) << started.error().detail;
}
TEST_F(Tls, does_not_start_without_its_files) {
  options.listeners[0].tls = TlsFiles{"/nowhere/a.pem", "/nowhere/a.key"};
  Server broken(options, handler, random);
  EXPECT_FALSE(broken.start());
}

// A tunnel through a proxy: TLS goes to the end, and the proxy sees a name and nothing else.
TEST_F(Tls, goes_through_a_proxy) {
  start_with(authority.issue("server"));
  std::string asked;
  ScriptedPeer proxy([&](const ScriptedPeer::Line& line, int) {
    asked = line.read_request();
    const RawConnection onward(address);
    line.send("HTTP/1.1 200 Connection established\r\n\r\n");
    pollfd both[] = {{line.fd, POLLIN, 0}, {onward.descriptor(), POLLIN, 0}};
    char bytes[16384];
    while (::poll(both, 2, 5000) > 0) {
      for (int i = 0; i < 2; ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t got = ::recv(both[i].fd, bytes, sizeof bytes, 0);
        if (got <= 0) return;
        ::send(both[1 - i].fd, bytes, static_cast<size_t>(got), MSG_NOSIGNAL);
      }
    }
  });
  Client client;
  auto through = request();
  through.proxy = proxy.url();
  EXPECT_EQ(told(run_here(client.send(std::move(through)))), "200 now /now/x");
  proxy.finish();
  EXPECT_TRUE(asked.starts_with("CONNECT localhost:")) << asked;
}

}  // namespace
}  // namespace kaimen::http::test
