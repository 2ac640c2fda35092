// What a well-behaved client meets.
#include "tests/http/fixture.h"

namespace kaimen::http::test {
namespace {

using ServesRequests = ServerTest;

TEST_F(ServesRequests, answers_a_request) {
  start();
  const auto answer = exchange("GET /now/x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nnow /now/x?y=1")) << answer;
}

TEST_F(ServesRequests, client_and_server_agree) {
  start();
  Client client;
  ClientRequest request;
  request.url = *BaseUrl::parse("http://" + address);
  request.method = "POST";
  request.target = "/things";
  request.body = "body";
  request.deadline = deadline_in(Millis{2000});
  for (int i = 0; i < 3; ++i) {
    const auto result = run_here(client.send(request));
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result.value().status, 200);
    EXPECT_EQ(result.value().body, "POST /things [body]");
  }
  EXPECT_EQ(server->counters().connections_accepted, 1U);
}

}  // namespace
}  // namespace kaimen::http::test
