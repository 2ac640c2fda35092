// WeChat's API signing and encryption, held against the worked example on WeChat's own page
// (https://developers.weixin.qq.com/miniprogram/dev/server/getting_started/api_signature.html).
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/api_signing.h"
#include "crypto/rsa_pss.h"
#include "tests/vectors/api_signing.h"

namespace kaimen::crypto {
namespace {

namespace example = vectors::api_signing;

Secret key() { return Secret(from_base64(example::kSymmetricKey).value()); }
ApiMessage request() { return {example::kUrl, example::kAppid, 1635927954}; }
ApiMessage response() { return {example::kUrl, example::kAppid, 1635927956}; }
std::string body_of(const ApiEnvelope& envelope) {
  return R"({"iv":")" + envelope.iv + R"(","data":")" + envelope.data + R"(","authtag":")" + envelope.authtag + R"("})";
}

TEST(ApiSigning, the_examples_request_opens) {
  EXPECT_EQ(open_api(key(), example::kSymmetricSn, request(), example::kRequest).value_or("nothing"),
            R"({"_n":"o89QaPVsRu1yppIZzvSZc4","_appid":"wxba6223c06417af7b","_timestamp":1635927954,"appid":"wxba6223c06417af7b",)"
            R"("openid":"oEWzBfmdLqhFS2mTXCo2E4Y9gJAM","scene":0,"client_ip":"127.0.0.1"})");
}

TEST(ApiSigning, the_examples_response_opens) {
  EXPECT_EQ(open_api(key(), example::kSymmetricSn, response(), example::kResponse).value_or("nothing"),
            R"({"_n":"ShYZpqdVgY+yQVAxNSWhYg","_appid":"wxba6223c06417af7b","_timestamp":1635927956,"errcode":0,"errmsg":"getuserriskrank succ",)"
            R"("risk_rank":0,"unoin_id":2258658297})");
}

TEST(ApiSigning, the_examples_response_is_signed_by_the_platform) {
  const auto verifier = RsaVerifier::open(example::kPlatformCertificate).value();
  const std::string body = body_of(example::kResponse);
  EXPECT_EQ(body.size(), 292U);
  EXPECT_TRUE(verifier.verify(api_signed_text(response(), body), from_base64(example::kResponseSignature).value()));
}

TEST(ApiSigning, nothing_of_a_signed_message_can_be_changed) {
  const auto verifier = RsaVerifier::open(example::kPlatformCertificate).value();
  const std::string signature = from_base64(example::kResponseSignature).value(), body = body_of(example::kResponse);
  auto other_url = response(), other_app = response(), other_time = response();
  other_url.url += "x";
  other_app.app_id += "x";
  other_time.timestamp += 1;
  for (const auto& changed : {other_url, other_app, other_time}) EXPECT_FALSE(verifier.verify(api_signed_text(changed, body), signature));
  EXPECT_FALSE(verifier.verify(api_signed_text(response(), body + "\n"), signature));
  for (size_t i = 0; i < signature.size(); i += 16) {
    std::string flipped = signature;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(verifier.verify(api_signed_text(response(), body), flipped));
  }
  EXPECT_FALSE(verifier.verify(api_signed_text(response(), body), ""));
}

TEST(ApiSigning, an_envelope_opens_for_its_own_message_and_key_number_only) {
  SystemRandom random;
  const auto envelope = seal_api(key(), "sn1", request(), R"({"a":1})", random).value();
  EXPECT_EQ(from_base64(envelope.iv).value().size(), 12U);
  EXPECT_EQ(from_base64(envelope.authtag).value().size(), 16U);
  EXPECT_EQ(open_api(key(), "sn1", request(), envelope).value_or(""), R"({"a":1})");
  EXPECT_FALSE(open_api(key(), "sn2", request(), envelope));
  EXPECT_FALSE(open_api(key(), "sn1", response(), envelope));
  EXPECT_FALSE(open_api(Secret(std::string(32, 'k')), "sn1", request(), envelope));
  for (auto member : {&ApiEnvelope::iv, &ApiEnvelope::data, &ApiEnvelope::authtag}) {
    auto changed = envelope;
    (changed.*member)[0] = (changed.*member)[0] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(open_api(key(), "sn1", request(), changed));
    (changed.*member) = "not base64";
    EXPECT_FALSE(open_api(key(), "sn1", request(), changed));
  }
}

TEST(RsaPss, what_is_signed_verifies_under_its_own_key_only) {
  const auto pair = make_rsa_pair().value(), other = make_rsa_pair().value();
  const auto signer = RsaSigner::open(pair.private_pem).value();
  const std::string signature = signer.sign("text").value();
  EXPECT_NE(signature, signer.sign("text").value()) << "the salt is random";
  EXPECT_TRUE(RsaVerifier::open(pair.public_pem).value().verify("text", signature));
  EXPECT_FALSE(RsaVerifier::open(pair.public_pem).value().verify("Text", signature));
  EXPECT_FALSE(RsaVerifier::open(other.public_pem).value().verify("text", signature));
}

TEST(RsaPss, only_keys_of_the_right_kind_are_taken) {
  const auto pair = make_rsa_pair().value();
  const std::string ec =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
      "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
      "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
      "-----END PRIVATE KEY-----\n";
  for (const std::string& pem : {std::string(), std::string("nonsense"), pair.public_pem, ec, std::string(40'000, 'x')}) {
    EXPECT_FALSE(RsaSigner::open(Secret(pem))) << pem;
  }
  for (const std::string& pem : {std::string(), std::string("nonsense"), pair.private_pem.reveal(), ec}) EXPECT_FALSE(RsaVerifier::open(pem)) << pem;
}

}  // namespace
}  // namespace kaimen::crypto
