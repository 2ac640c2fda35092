// API signing and encryption between the real Wechat class and the sandbox, and what happens to answers that are not what they should be.
#include "core/signing_keys.h"
#include "crypto/api_signing.h"
#include "platform/wechat_signing.h"
#include "tests/platform/sandbox_fixture.h"
#include "tests/vectors/api_signing.h"

namespace kaimen::tests {
namespace {

namespace example = vectors::api_signing;

core::SigningMaterial material_of(const json::object& keys) {
  using S = SandboxWechat;
  return {Secret(S::text(keys, "symmetric_key")), S::text(keys, "symmetric_key_sn"), Secret(S::text(keys, "private_key")), S::text(keys, "private_key_sn"),
          S::text(keys, "platform_key"), S::text(keys, "platform_key_sn")};
}
core::AppPtr signing_app(const json::object& keys) {
  auto app = make_app();
  app->signing = core::open_signing(material_of(keys)).value();
  return app;
}
/// RSA keys take their time on a busy machine.
json::object new_keys(SandboxWechat& sandbox) {
  const auto answer = sandbox.send("POST", "/sandbox/signing", R"({"appid":")" + std::string(kAppid) + R"("})", Millis(30'000));
  return http::parse_json(answer.value().body).value().get_object();
}

class SandboxSigning : public SandboxWechat, public testing::Test {
 protected:
  SandboxSigning() : keys(new_keys(*this)), app(signing_app(keys)) {}
  std::string phone_code() { return text(control("phone", R"({"appid":")" + std::string(kAppid) + R"(","user":"ann","phone":"13800001234"})"), "code"); }
  json::object keys;
  core::AppPtr app;
};

TEST_F(SandboxSigning, a_signed_call_is_answered_signed) {
  const auto answer = phone(phone_code(), "", app);
  ASSERT_TRUE(answer) << answer.error().error.detail;
  EXPECT_EQ(answer.value().national, "13800001234");
}

TEST_F(SandboxSigning, an_errcode_in_a_signed_answer_is_read) {
  const auto answer = phone("nonsense", "", app);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.upstream->errcode, 40029);
}

TEST_F(SandboxSigning, without_keys_the_call_is_refused) {
  const auto answer = phone(phone_code(), "", make_app());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, ErrorCode::app_misconfigured);
  EXPECT_EQ(answer.error().error.upstream->errcode, 40231);
}

TEST_F(SandboxSigning, keys_of_before_are_refused) {
  new_keys(*this);
  const auto answer = phone(phone_code(), "", app);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.upstream->errcode, 40234);
}

TEST_F(SandboxSigning, another_symmetric_key_is_refused) {
  auto wrong = material_of(keys);
  wrong.symmetric_key = Secret(to_base64(std::string(32, 'k')));
  auto other = make_app();
  other->signing = core::open_signing(wrong).value();
  const auto answer = phone(phone_code(), "", other);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.upstream->errcode, 40235);
}

TEST_F(SandboxSigning, an_answer_under_another_platform_key_is_refused) {
  auto wrong = material_of(keys);
  wrong.platform_key = crypto::make_rsa_pair().value().public_pem;
  auto other = make_app();
  other->signing = core::open_signing(wrong).value();
  const auto answer = phone(phone_code(), "", other);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, ErrorCode::upstream_error);
  wrong = material_of(keys);
  wrong.platform_sn = "another";
  other->signing = core::open_signing(wrong).value();
  EXPECT_FALSE(phone(phone_code(), "", other));
}

TEST_F(SandboxSigning, a_get_with_a_signature_of_its_own_goes_through) {
  const auto ann = session();
  const auto found = run_here(wechat->encrypt_keys(app, Secret(token()), ann.openid, ann.session_key, deadline_in(Millis(3000))));
  ASSERT_TRUE(found) << found.error().error.detail;
  EXPECT_EQ(found.value().size(), 1U);
}

TEST_F(SandboxSigning, a_clear_answer_to_a_signed_call_is_no_answer) {
  const std::string code = phone_code();
  fault(R"({"path":"/wxa/business/getuserphonenumber","body":"{\"errcode\":0,\"phone_info\":{}}"})");
  auto answer = phone(code, "", app);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, ErrorCode::upstream_error);
  fault(R"({"path":"/wxa/business/getuserphonenumber","errcode":45009})");
  answer = phone(code, "", app);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.upstream->errcode, 45009) << "a failure may come in the clear";
  fault("{}");
}

TEST_F(SandboxSigning, calls_that_are_not_listed_go_in_the_clear) {
  const auto ann = session();
  EXPECT_TRUE(run_here(wechat->check_session_key(app, Secret(token()), ann.openid, ann.session_key, deadline_in(Millis(3000)))).value());
  auto none = std::make_shared<core::App>(*app);
  none->settings.signing_paths.clear();
  const auto answer = phone(phone_code(), "", none);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.upstream->errcode, 40231);
}

TEST_F(SandboxSigning, a_backends_call_is_signed_too) {
  auto call = std::make_shared<core::ProxyCall>();
  call->method = "POST";
  call->path = "/wxa/business/getuserphonenumber";
  call->body = R"({"code":")" + phone_code() + R"("})";
  call->most_answer_bytes = 1024 * 1024;
  const auto answer = run_here(wechat->pass_on(app, Secret(token()), call, deadline_in(Millis(3000))));
  ASSERT_TRUE(answer) << answer.error().error.detail;
  EXPECT_NE(answer.value().body.find(R"("purePhoneNumber":"13800001234")"), std::string::npos) << answer.value().body;
  EXPECT_EQ(answer.value().body.find("_n"), std::string::npos);
}

// The envelope has _appid, _n and _timestamp: a query of that name would have taken their place.
TEST_F(SandboxSigning, a_query_with_a_name_of_the_envelopes_is_refused) {
  auto call = std::make_shared<core::ProxyCall>();
  call->method = "POST";
  call->path = "/wxa/business/getuserphonenumber";
  call->query = {{"_appid", "wxother"}};
  call->body = R"({"code":"c"})";
  call->most_answer_bytes = 1024 * 1024;
  const auto answer = run_here(wechat->pass_on(app, Secret(token()), call, deadline_in(Millis(3000))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, ErrorCode::invalid_request);
}

// ---- the worked example on WeChat's page ----

class SigningExample : public testing::Test {
 protected:
  SigningExample() {
    const auto own = crypto::make_rsa_pair().value();
    app = make_app(example::kAppid);
    app->signing = core::open_signing({Secret(example::kSymmetricKey), example::kSymmetricSn, own.private_pem, "97845f6ed842ea860df6fdf65941ff56",
                                       example::kPlatformCertificate, example::kPlatformSn}).value();
    answer.status = 200;
    answer.headers = {{"Wechatmp-Appid", example::kAppid}, {"Wechatmp-TimeStamp", "1635927956"}, {"Wechatmp-Serial", example::kPlatformSn}, {"Wechatmp-Signature", example::kResponseSignature}};
    answer.body = R"({"iv":")" + example::kResponse.iv + R"(","data":")" + example::kResponse.data + R"(","authtag":")" + example::kResponse.authtag + R"("})";
  }
  void set(const std::string& name, const std::string& value) {
    for (auto& [key, text] : answer.headers) {
      if (key == name) text = value;
    }
  }
  bool opens(Time at = from_epoch_ms(1635927956'000)) {
    auto copy = answer;
    const bool opened = platform::open_signed_answer(copy, {example::kUrl}, *app, at).has_value();
    if (opened) body = copy.body;
    return opened;
  }
  std::shared_ptr<core::App> app;
  http::ClientResponse answer;
  std::string body;
};

TEST_F(SigningExample, its_answer_opens) {
  ASSERT_TRUE(opens());
  EXPECT_EQ(body, R"({"errcode":0,"errmsg":"getuserriskrank succ","risk_rank":0,"unoin_id":2258658297})");
}
TEST_F(SigningExample, under_the_older_number_its_answer_opens_as_well) {
  set("Wechatmp-Serial", "a newer one");
  answer.headers.emplace_back("Wechatmp-Serial-Deprecated", example::kPlatformSn);
  answer.headers.emplace_back("Wechatmp-Signature-Deprecated", example::kResponseSignature);
  set("Wechatmp-Signature", "AAAA");
  EXPECT_TRUE(opens());
}
TEST_F(SigningExample, an_old_answer_does_not_open) { EXPECT_FALSE(opens(from_epoch_ms(1635927956'000) + std::chrono::seconds(301))); }
TEST_F(SigningExample, an_answer_from_the_future_does_not_open) { EXPECT_FALSE(opens(from_epoch_ms(1635927956'000) - std::chrono::seconds(301))); }
TEST_F(SigningExample, with_another_timestamp_it_does_not_open) {
  for (const char* stamp : {"1635927957", "", "x", "1635927956x"}) {
    set("Wechatmp-TimeStamp", stamp);
    EXPECT_FALSE(opens()) << stamp;
  }
}
TEST_F(SigningExample, for_another_appid_it_does_not_open) {
  set("Wechatmp-Appid", "wx0");
  EXPECT_FALSE(opens());
}
TEST_F(SigningExample, under_another_number_it_does_not_open) {
  set("Wechatmp-Serial", "2171af9cdf1d7404423852e7e183d852");
  EXPECT_FALSE(opens());
}
TEST_F(SigningExample, with_a_changed_body_it_does_not_open) {
  answer.body[20] = answer.body[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(opens());
}
TEST_F(SigningExample, a_picture_without_signature_passes_and_json_does_not) {
  answer.headers.clear();
  answer.body = "\x89PNG...";
  EXPECT_TRUE(opens());
  answer.body = R"({"errcode":0})";
  EXPECT_FALSE(opens());
  answer.body = "";
  EXPECT_FALSE(opens());
}

}  // namespace
}  // namespace kaimen::tests
