// The push envelope against a published example (of a WeCom demo account, whose EncodingAESKey has spare bits that are not zero), and what
// is refused.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/cbc.h"
#include "crypto/wechat_push.h"

namespace kaimen::crypto {
namespace {

constexpr std::string_view kKeyText = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
constexpr std::string_view kReceiver = "wx49f0ab532d5d035a";
constexpr std::string_view kEncrypted =
    "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPatfjsu6IHCrsTyeDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2"
    "wASFlzEgMW9z1ef/RD8XzaFYgm7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2S"
    "jHnwh4jYFxdgpkHHqIrH/54SNdshoQgWYEvccTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnTbcX2e8K9QaNWHp91eBdCRxthuL0=";

Secret key() { return push_key(kKeyText).value(); }

TEST(WechatPush, the_published_example_is_signed_and_opens) {
  EXPECT_EQ(push_signature({"123456", "1411525903", "461056294", kEncrypted}), "74d92dfeb87ba7c714f89d98870ae5eb62dff26d");
  const auto message = open_push(key(), kEncrypted, kReceiver);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->starts_with("<xml><ToUserName><![CDATA[wx49f0ab532d5d035a]]>"));
  EXPECT_TRUE(message->ends_with("<AgentID>1</AgentID>\n</xml>"));
}

TEST(WechatPush, blanks_around_it_are_signed_but_not_decoded) {
  const std::string blank = std::string(kEncrypted) + " ";
  EXPECT_NE(push_signature({blank}), push_signature({kEncrypted}));
  EXPECT_TRUE(open_push(key(), blank, kReceiver));
  EXPECT_FALSE(open_push(key(), "", kReceiver));
  EXPECT_FALSE(open_push(key(), "  ", kReceiver));
}

TEST(WechatPush, what_is_for_another_app_does_not_open) {
  EXPECT_FALSE(open_push(key(), kEncrypted, "wx49f0ab532d5d035b"));
  EXPECT_FALSE(open_push(key(), kEncrypted, ""));
  EXPECT_FALSE(open_push(key(), kEncrypted, "wx49f0ab532d5d035ab"));
}

TEST(WechatPush, a_key_must_be_43_characters_of_base64) {
  EXPECT_TRUE(push_key(kKeyText));
  EXPECT_FALSE(push_key(kKeyText.substr(1)));
  EXPECT_FALSE(push_key(std::string(kKeyText) + "="));
  EXPECT_FALSE(push_key("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1a*"));
}

TEST(WechatPush, what_is_sealed_opens_whatever_its_length) {
  SystemRandom random;
  for (size_t length = 0; length < 100; ++length) {
    const std::string message(length, 'm');
    const std::string sealed = seal_push(key(), message, "wx1", random).value();
    EXPECT_EQ(open_push(key(), sealed, "wx1"), message);
    EXPECT_NE(sealed, seal_push(key(), message, "wx1", random).value());
  }
}

// The length is the sender's word.
TEST(WechatPush, a_length_beyond_the_end_is_refused) {
  for (const std::string& length : {std::string("\0\0\0\x64", 4), std::string("\xff\xff\xff\xff", 4), std::string("\x80\0\0\0", 4)}) {
    const std::string plain = std::string(16, 'r') + length + "message" + "wx1";
    const auto sealed = aes_cbc_encrypt(key().reveal(), key().reveal().substr(0, 16), plain, 32);
    EXPECT_FALSE(open_push(key(), to_base64(*sealed), "wx1"));
  }
  const auto tiny = aes_cbc_encrypt(key().reveal(), key().reveal().substr(0, 16), "short", 32);
  EXPECT_FALSE(open_push(key(), to_base64(*tiny), ""));
}

}  // namespace
}  // namespace kaimen::crypto
