// Pushes as the platform opens them: both forms, what is signed, what the events say, and what is refused.
#include <gtest/gtest.h>

#include <set>

#include "crypto/wechat_push.h"
#include "platform/push_fields.h"
#include "platform/wechat_push.h"

namespace kaimen::platform {
namespace {

using Kind = core::PushMessage::Kind;

constexpr auto kKey = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

core::App app(const std::string& app_id = "wx1") {
  core::App made;
  made.app_id = app_id;
  made.push_token = Secret("token");
  made.push_key = Secret(kKey);
  return made;
}

core::Push push_of(const std::string& message, bool xml = false, const std::string& receiver = "wx1") {
  SystemRandom random;
  const std::string sealed = crypto::seal_push(crypto::push_key(kKey).value(), message, receiver, random).value();
  core::Push push{"1795000000", "nonce", crypto::push_signature({"token", "1795000000", "nonce", sealed}), {}};
  push.body = xml ? "<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>" : R"({"ToUserName":"gh","Encrypt":")" + sealed + "\"}";
  return push;
}

std::string event(const std::string& name, const std::string& more) {
  return R"({"ToUserName":"gh","FromUserName":"f","CreateTime":1795000000,"MsgType":"event","Event":")" + name + "\"" + more + "}";
}
core::PushMessage opened(const std::string& message) {
  auto found = open_wechat_push(app(), push_of(message));
  EXPECT_TRUE(found) << message;
  return found.value_or(core::PushMessage{});
}

TEST(Push, what_is_revoked_is_named_by_numbers) {
  const auto revoked = [](const std::string& numbers) {
    const auto message = opened(event("user_authorization_revoke", R"(,"OpenID":"oA-_1","RevokeInfo":")" + numbers + "\""));
    EXPECT_EQ(message.kind, Kind::access_revoked);
    EXPECT_EQ(message.openid, "oA-_1");
    return std::string(message.nickname ? "n" : "") + (message.avatar ? "a" : "") + (message.phone ? "p" : "");
  };
  EXPECT_EQ(revoked("6"), "na");
  EXPECT_EQ(revoked("19"), "n");
  EXPECT_EQ(revoked("20"), "a");
  EXPECT_EQ(revoked("8"), "p");
  EXPECT_EQ(revoked("1, 8 ,301,20"), "ap");
  EXPECT_EQ(revoked(""), "");
  EXPECT_EQ(revoked("66,88,301,2,0"), "");
}

TEST(Push, closed_and_cleared_accounts_are_known) {
  EXPECT_EQ(opened(event("user_authorization_cancellation", R"(,"OpenID":"o1")")).kind, Kind::account_closed);
  const auto cleared = opened(event("user_info_modified", R"(,"OpenID":"o1")"));
  EXPECT_EQ(cleared.kind, Kind::profile_cleared);
  EXPECT_TRUE(cleared.nickname && cleared.avatar && !cleared.phone);
}

TEST(Push, keys_of_json_may_have_blanks_around_them) {
  const auto message = opened(R"({" ToUserName":"gh"," MsgType":"event"," Event":"user_authorization_cancellation"," OpenID ":"o1"})");
  EXPECT_EQ(message.kind, Kind::account_closed);
  EXPECT_EQ(message.openid, "o1");
}

TEST(Push, xml_says_the_same) {
  const std::string xml = "<xml>\n <ToUserName><![CDATA[gh]]></ToUserName>\n <MsgType><![CDATA[event]]></MsgType><Event>user_authorization_revoke</Event>"
                          "<OpenID>o&#49;</OpenID><RevokeInfo><![CDATA[8]]></RevokeInfo></xml>";
  for (const bool envelope : {false, true}) {
    const auto message = open_wechat_push(app(), push_of(xml, envelope));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->openid, "o1");
    EXPECT_TRUE(message->phone);
  }
}

TEST(Push, other_messages_are_nothing_of_ours) {
  EXPECT_EQ(opened(R"({"MsgType":"text","Event":"user_authorization_cancellation","OpenID":"o1"})").kind, Kind::other);
  EXPECT_EQ(opened(event("subscribe", "")).kind, Kind::other);
  // Of a plug-in's user we know nothing; and an openid must look like one.
  EXPECT_EQ(opened(event("user_authorization_cancellation", R"(,"OpenID":"","OpenPID":"p1","PluginID":"wx2")")).openid, "");
  EXPECT_EQ(opened(event("user_authorization_cancellation", R"(,"OpenID":"o 1")")).openid, "");
}

TEST(Push, a_repeat_has_the_same_name_and_another_message_has_not) {
  const auto once = [](const std::string& more) { return opened(event("user_authorization_revoke", more)).once; };
  EXPECT_EQ(once(R"(,"OpenID":"o1")"), once(R"(,"OpenID":"o1")"));
  EXPECT_NE(once(R"(,"OpenID":"o1")"), once(R"(,"OpenID":"o2")"));
  EXPECT_NE(once(R"(,"OpenID":"o1","RevokeInfo":"6")"), once(R"(,"OpenID":"o1","RevokeInfo":"8")"));
  EXPECT_EQ(once(R"(,"MsgId":"7","OpenID":"o1")"), once(R"(,"MsgId":"7","OpenID":"o2")"));
  EXPECT_NE(once(R"(,"MsgId":"7")"), once(R"(,"MsgId":"8")"));
  EXPECT_NE(open_wechat_push(app(), push_of("{}"))->once, open_wechat_push(app("wx2"), push_of("{}", false, "wx2"))->once);
}

TEST(Push, a_verdict_on_a_picture_is_read) {
  const auto passed = opened(event("wxa_media_check", R"(,"trace_id":"t1","version":2,"result":{"suggest":"pass","label":100},"detail":[{"suggest":"risky"}],"errcode":0)"));
  EXPECT_EQ(passed.kind, Kind::picture_checked);
  EXPECT_EQ(passed.trace_id, "t1");
  EXPECT_EQ(passed.verdict, core::Verdict::pass);
  EXPECT_EQ(opened(event("wxa_media_check", R"(,"trace_id":"t1","result":{"suggest":"risky"})")).verdict, core::Verdict::risky);
  EXPECT_FALSE(opened(event("wxa_media_check", R"(,"trace_id":"t1","result":{"suggest":"pass"},"errcode":-1008)")).verdict);
}

TEST(Push, an_encrypted_answer_has_the_form_of_its_push_and_a_signature) {
  SystemRandom random;
  std::set<std::string> nonces;
  for (const bool xml : {false, true}) {
    const auto reply = seal_wechat_push_reply(app(), push_of("{}", xml), "success", from_epoch_ms(1'795'000'000'999), random).value();
    EXPECT_EQ(reply.type, xml ? "application/xml" : "application/json");
    EXPECT_EQ(reply.body.front(), xml ? '<' : '{');
    const auto fields = read_push_fields(reply.body).value();
    EXPECT_EQ(fields.size(), 4u);
    EXPECT_EQ(fields.at("TimeStamp"), "1795000000");
    EXPECT_EQ(fields.at("MsgSignature"), crypto::push_signature({"token", "1795000000", fields.at("Nonce"), fields.at("Encrypt")}));
    EXPECT_EQ(crypto::open_push(crypto::push_key(kKey).value(), fields.at("Encrypt"), "wx1"), "success");
    nonces.insert(fields.at("Nonce"));
  }
  EXPECT_EQ(nonces.size(), 2u);
  core::App without = app();
  without.push_key = Secret();
  EXPECT_FALSE(seal_wechat_push_reply(without, push_of("{}"), "success", from_epoch_ms(0), random));
}

TEST(Push, every_wrong_part_refuses_it) {
  const core::Push good = push_of(event("user_info_modified", ""));
  ASSERT_TRUE(open_wechat_push(app(), good));
  for (int part = 0; part < 4; ++part) {
    core::Push push = good;
    (part == 0 ? push.timestamp : part == 1 ? push.nonce : part == 2 ? push.signature : push.body).append("0");
    EXPECT_FALSE(open_wechat_push(app(), push)) << part;
  }
  EXPECT_FALSE(open_wechat_push(app("wx2"), good));
  EXPECT_FALSE(open_wechat_push(app(), push_of("not JSON")));
  EXPECT_FALSE(open_wechat_push(app(), push_of("{}", false, "wx2")));
}

// The plain mode's signature does not cover the body.
TEST(Push, a_plain_message_is_refused) {
  core::Push plain{"1795000000", "nonce", crypto::push_signature({"token", "1795000000", "nonce"}), event("user_info_modified", R"(,"OpenID":"o1")")};
  EXPECT_FALSE(open_wechat_push(app(), plain));
  plain.signature = crypto::push_signature({"token", "1795000000", "nonce", ""});
  EXPECT_FALSE(open_wechat_push(app(), plain));
}

TEST(Push, an_app_without_push_keys_takes_none) {
  core::App without = app();
  without.push_token = Secret();
  EXPECT_FALSE(open_wechat_push(without, push_of("{}")));
  EXPECT_FALSE(is_signed_push_check(without, {"1", "2", crypto::push_signature({"", "1", "2"}), {}}));
  without = app();
  without.push_key = Secret();
  EXPECT_FALSE(open_wechat_push(without, push_of("{}")));
}

TEST(Push, an_app_that_has_authorised_a_component_takes_pushes_under_both_keys) {
  auto component = std::make_shared<core::App>(app("wxc"));
  component->push_token = Secret("component-token");
  SystemRandom random;
  const std::string sealed = crypto::seal_push(crypto::push_key(kKey).value(), "{}", "wxc", random).value();
  const core::Push push{"1795000000", "nonce", crypto::push_signature({"component-token", "1795000000", "nonce", sealed}), R"({"Encrypt":")" + sealed + "\"}"};
  for (const bool own_keys : {true, false}) {
    core::App one = app();
    if (!own_keys) one.push_token = one.push_key = Secret();
    EXPECT_FALSE(open_wechat_push(one, push));
    one.authorization = core::Authorization{"wxc", component, true, "", {}};
    EXPECT_TRUE(open_wechat_push(one, push));
    EXPECT_EQ(open_wechat_push(one, push_of("{}")).has_value(), own_keys);
    EXPECT_TRUE(is_signed_push_check(one, {"1", "2", crypto::push_signature({"component-token", "1", "2"}), {}}));
    EXPECT_EQ(is_signed_push_check(one, {"1", "2", crypto::push_signature({"token", "1", "2"}), {}}), own_keys);
    const auto reply = seal_wechat_push_reply(one, push, "success", from_epoch_ms(1'795'000'000'999), random).value();
    const auto fields = read_push_fields(reply.body).value();
    EXPECT_EQ(fields.at("MsgSignature"), crypto::push_signature({"component-token", "1795000000", fields.at("Nonce"), fields.at("Encrypt")}));
    EXPECT_EQ(crypto::open_push(crypto::push_key(kKey).value(), fields.at("Encrypt"), "wxc"), "success");
  }
}

TEST(Push, the_check_of_the_url_has_its_own_signature) {
  EXPECT_TRUE(is_signed_push_check(app(), {"1", "2", crypto::push_signature({"token", "1", "2"}), {}}));
  EXPECT_FALSE(is_signed_push_check(app(), {"1", "3", crypto::push_signature({"token", "1", "2"}), {}}));
  EXPECT_FALSE(is_signed_push_check(app(), {"1", "2", "", {}}));
}

TEST(PushFields, document_types_and_entities_are_refused) {
  for (const std::string hostile : {
           R"(<!DOCTYPE xml [<!ENTITY a "x">]><xml><Encrypt>&a;</Encrypt></xml>)",
           R"(<!DOCTYPE xml><xml><Encrypt>a</Encrypt></xml>)",
           R"(<?xml version="1.0"?><!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>)",
           R"(<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/a.dtd"><xml><Encrypt>a</Encrypt></xml>)",
           R"(<xml><Encrypt>&undefined;</Encrypt></xml>)",
           R"(<xml><Encrypt>a</Encrypt>)",
           R"(<xml><Encrypt>a</Encrypt></xml><xml></xml>)",
           R"(<xml><a><a><a><a><a><a><a><a><a>deep</a></a></a></a></a></a></a></a></a></xml>)",
           "<xml><Encrypt>\xff</Encrypt></xml>",
       }) {
    EXPECT_FALSE(read_push_fields(hostile)) << hostile;
  }
  EXPECT_EQ(read_push_fields("<xml><Encrypt>a</Encrypt></xml>")->at("Encrypt"), "a");
}

TEST(PushFields, what_stands_twice_is_nobodys) {
  const auto fields = read_push_fields("<xml><A>1</A><A>2</A><A>3</A><B>4</B></xml>").value();
  EXPECT_FALSE(fields.contains("A"));
  EXPECT_EQ(fields.at("B"), "4");
  EXPECT_FALSE(read_push_fields(R"({"A":"1","A":"2"})"));
  EXPECT_FALSE(read_push_fields(R"({"A":"1"," A":"2"})").value().contains("A"));
}

TEST(PushFields, texts_keep_their_blanks) {
  EXPECT_EQ(read_push_fields(R"({"Encrypt":" a "})")->at("Encrypt"), " a ");
  EXPECT_EQ(read_push_fields("<xml><Encrypt> a </Encrypt></xml>")->at("Encrypt"), " a ");
}

TEST(PushFields, too_much_of_anything_is_refused) {
  std::string many = "<xml>";
  for (int i = 0; i < 300; ++i) many += "<f" + std::to_string(i) + ">v</f" + std::to_string(i) + ">";
  EXPECT_FALSE(read_push_fields(many + "</xml>"));
  EXPECT_FALSE(read_push_fields("<xml><a>" + std::string(70'000, 'x') + "</a></xml>"));
  EXPECT_FALSE(read_push_fields(""));
  EXPECT_FALSE(read_push_fields("[1]"));
}

}  // namespace
}  // namespace kaimen::platform
