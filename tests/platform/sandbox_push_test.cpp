// What the sandbox reads in the answer to a push: an answer that the real WeChat could not open must not look like a good one.
#include <gtest/gtest.h>

#include "crypto/wechat_push.h"
#include "platform/wechat_push.h"
#include "sandbox/push.h"

namespace kaimen::sandbox {
namespace {

constexpr auto kKey = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
constexpr auto kOtherKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

PushLetter letter(bool xml) {
  PushLetter sent;
  sent.xml = xml;
  sent.appid = "wx1";
  sent.token = "token";
  sent.key = kKey;
  return sent;
}

std::string sealed(bool xml, const std::string& app_id = "wx1", const std::string& key = kKey) {
  core::App app;
  app.app_id = app_id;
  app.push_token = Secret("token");
  app.push_key = Secret(key);
  core::Push push;
  push.body = xml ? "<xml></xml>" : "{}";
  SystemRandom random;
  return platform::seal_wechat_push_reply(app, push, "success", from_epoch_ms(1'795'000'000'000), random).value().body;
}

bool is_good(const http::json::object& reply) { return reply.at("encrypted").as_bool() && reply.contains("text") && reply.at("text").as_string() == "success"; }
bool is_bad(const http::json::object& reply) { return reply.at("encrypted").as_bool() && reply.contains("problem") && !reply.contains("text"); }

TEST(SandboxPush, an_encrypted_answer_is_opened_in_both_forms) {
  for (const bool xml : {false, true}) EXPECT_TRUE(is_good(read_push_reply(letter(xml), sealed(xml)))) << xml;
}

TEST(SandboxPush, a_plain_answer_is_what_it_is) {
  for (const bool xml : {false, true}) {
    for (const std::string body : {"success", "", "{}", "<xml></xml>", "not JSON"}) {
      const auto reply = read_push_reply(letter(xml), body);
      EXPECT_FALSE(reply.at("encrypted").as_bool());
      EXPECT_EQ(std::string(reply.at("text").as_string()), body);
    }
  }
}

TEST(SandboxPush, an_envelope_that_wechat_could_not_open_is_told) {
  for (const bool xml : {false, true}) {
    const std::string good = sealed(xml);
    for (const std::string name : {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}) {
      std::string forged = good;
      const size_t at = forged.find(name);
      const size_t value = forged.find_first_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", forged.find(xml ? ">" : ":", at) + (xml ? 10 : 1));
      forged[value] = forged[value] == '1' ? '2' : '1';
      EXPECT_TRUE(is_bad(read_push_reply(letter(xml), forged))) << name << ' ' << xml;
    }
    EXPECT_TRUE(is_bad(read_push_reply(letter(xml), sealed(xml, "wx2")))) << "of another app";
    EXPECT_TRUE(is_bad(read_push_reply(letter(xml), sealed(xml, "wx1", kOtherKey)))) << "under another key";
    EXPECT_FALSE(read_push_reply(letter(!xml), good).at("encrypted").as_bool()) << "not the push's form";
  }
}

}  // namespace
}  // namespace kaimen::sandbox
