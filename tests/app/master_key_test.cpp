// K2: there is no default master key, and one that others can read or that is no key stops the start.
#include "app/master_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/encoding.h"
#include "tests/app/temporary_directory.h"

namespace kaimen::app {
namespace {

std::string random_bytes() {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i * 7 + 131);
  return bytes;
}

class MasterKeyTest : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/master.key"; }
  void file(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path(), std::ios::binary) << content;
    ASSERT_EQ(chmod(path().c_str(), mode), 0);
  }
  /// The refusal's text; empty when the key was accepted.
  std::string refusal() {
    const auto key = read_master_key_file(path());
    if (key) return "";
    EXPECT_EQ(key.error().exit_code, kExitUsage);
    EXPECT_NE(key.error().hint.find("kaimen master-key generate"), std::string::npos);
    return key.error().errors.front();
  }
  void expect_refusal(const std::string& part) { EXPECT_NE(refusal().find(part), std::string::npos) << refusal(); }

  TemporaryDirectory directory_;
};

TEST_F(MasterKeyTest, RawBase64AndHexAreTheSameKey) {
  for (const auto& content : {random_bytes(), to_base64(random_bytes()) + "\n", to_hex(random_bytes()) + "\n", to_base64(random_bytes())}) {
    file(content);
    const auto key = read_master_key_file(path());
    ASSERT_TRUE(key) << refusal();
    EXPECT_EQ(key.value().reveal(), random_bytes());
  }
}

TEST_F(MasterKeyTest, MissingFileIsRefused) { expect_refusal("there is no such file"); }
TEST_F(MasterKeyTest, EmptyFileIsRefused) {
  file("");
  expect_refusal("empty");
}
TEST_F(MasterKeyTest, SixteenBytesAreRefused) {
  file(to_base64(random_bytes().substr(0, 16)));
  expect_refusal("16 bytes, not 32");
}
TEST_F(MasterKeyTest, HexOfSixteenBytesIsNotTakenForThirtyTwoRawBytes) {
  file(to_hex(random_bytes().substr(0, 16)));
  EXPECT_NE(refusal(), "");
}
TEST_F(MasterKeyTest, PasswordIsRefused) {
  file("correct horse battery staple\n");
  expect_refusal("neither");
}
TEST_F(MasterKeyTest, AllZeroIsRefused) {
  file(std::string(32, '\0'));
  expect_refusal("all bytes are the same");
}
TEST_F(MasterKeyTest, AllEqualAsBase64IsRefused) {
  file(to_base64(std::string(32, '\x5a')));
  expect_refusal("all bytes are the same");
}
TEST_F(MasterKeyTest, DirectoryIsRefused) {
  ASSERT_EQ(mkdir(path().c_str(), 0700), 0);
  expect_refusal("not a regular file");
}
TEST_F(MasterKeyTest, NarrowerModeIsAccepted) {
  file(to_base64(random_bytes()), 0400);
  EXPECT_EQ(refusal(), "");
}
TEST_F(MasterKeyTest, FileOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  file(to_base64(random_bytes()));
  ASSERT_EQ(chown(path().c_str(), 12345, 12345), 0);
  expect_refusal("owned by another user");
}

class WideModeTest : public MasterKeyTest, public testing::WithParamInterface<mode_t> {};
TEST_P(WideModeTest, IsRefused) {
  file(to_base64(random_bytes()), GetParam());
  expect_refusal("wider than 0600");
}
INSTANTIATE_TEST_SUITE_P(All, WideModeTest, testing::Values(0640, 0604, 0644, 0620, 0602, 0700, 0601));

TEST_F(MasterKeyTest, EnvironmentIsUsedInsteadOfTheFile) {
  Config config;
  config.master_key_file = path();
  config.master_key_text = Secret(to_base64(random_bytes()));
  const auto key = load_master_key(config);
  ASSERT_TRUE(key);
  EXPECT_EQ(key.value().reveal(), random_bytes());
}
TEST_F(MasterKeyTest, AnEmptyVariableIsRefusedEvenBesideAGoodFile) {
  file(to_base64(random_bytes()));
  Config config;
  config.master_key_file = path();
  config.master_key_text = Secret("");
  EXPECT_FALSE(load_master_key(config));
}

TEST_F(MasterKeyTest, DevModeMakesAKeyOnceWithMode0600) {
  SystemRandom random;
  const auto made = read_or_make_master_key(path(), random);
  ASSERT_TRUE(made);
  struct stat status;
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto again = read_or_make_master_key(path(), random);
  ASSERT_TRUE(again);
  EXPECT_TRUE(made.value() == again.value());
}
TEST_F(MasterKeyTest, DevModeDoesNotReplaceAKeyThatOthersCanRead) {
  SystemRandom random;
  file(to_base64(random_bytes()), 0644);
  EXPECT_FALSE(read_or_make_master_key(path(), random));
}

}  // namespace
}  // namespace kaimen::app
