// multipart/form-data: what uploads look like, and what is refused.
#include "http/multipart.h"

#include <gtest/gtest.h>

namespace kaimen::http {
namespace {

const std::string kType = "multipart/form-data; boundary=----b";
std::string part(const std::string& disposition, const std::string& body, const std::string& more = "") {
  return "------b\r\nContent-Disposition: form-data; " + disposition + "\r\n" + more + "\r\n" + body + "\r\n";
}
const std::string kEnd = "------b--\r\n";

TEST(Multipart, a_file_and_its_fields_are_read) {
  const std::string bytes("\x89PNG\r\n--not-the-boundary\0\xff\r\n", 29);
  const std::string body = part("name=\"user\"", "ann") + part("name=\"file\"; filename=\"头像.png\"", bytes, "Content-Type: image/png\r\n") + kEnd;
  const auto parts = read_multipart(kType, body);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "user");
  EXPECT_FALSE((*parts)[0].filename);
  EXPECT_EQ((*parts)[0].body, "ann");
  EXPECT_EQ((*parts)[1].filename, "头像.png");
  EXPECT_EQ((*parts)[1].body, bytes);
}

TEST(Multipart, small_differences_of_clients_are_taken) {
  EXPECT_TRUE(read_multipart("Multipart/Form-Data;boundary=\"----b\"", part("name=a", "") + "------b--"));
  EXPECT_TRUE(read_multipart("multipart/form-data; charset=utf-8; boundary=----b", part("name=\"a\"; filename=\"\"", "", "CONTENT-TRANSFER-ENCODING: binary\r\n") + kEnd));
  EXPECT_EQ(read_multipart(kType, kEnd)->size(), 0U);
}

TEST(Multipart, other_types_are_refused) {
  const std::string body = part("name=a", "") + kEnd;
  for (const std::string type : {"", "application/json", "multipart/mixed; boundary=----b", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-datax; boundary=----b",
                                 "multipart/form-data; boundary=----b; boundary=----c", "multipart/form-data; boundary=----c", "multipart/form-data; boundary=a b"}) {
    EXPECT_FALSE(read_multipart(type, body)) << type;
  }
  EXPECT_FALSE(read_multipart("multipart/form-data; boundary=" + std::string(71, 'b'), "--" + std::string(71, 'b') + "--"));
}

TEST(Multipart, what_is_not_well_formed_is_refused) {
  const std::string good = part("name=a", "x");
  for (const std::string& body : {std::string(), good, good + "------b", "before" + good + kEnd, good + kEnd + "after", "\r\n" + good + kEnd,
                                  std::string("------b\nContent-Disposition: form-data; name=a\n\nx\n------b--"), std::string("------b\r\n\r\nx\r\n") + kEnd,
                                  std::string("------b\r\nContent-Type: text/plain\r\n\r\nx\r\n") + kEnd, part("filename=\"f\"", "x") + kEnd, part("name=a; name=b", "x") + kEnd,
                                  part("name=\"a", "x") + kEnd, part("name=\"a\\\"b\"", "x") + kEnd, part("name=a", "x", "Content-Disposition: form-data; name=b\r\n") + kEnd,
                                  part("name=a", "x", "Content-Transfer-Encoding: base64\r\n") + kEnd, part("name=a", "x", "no colon\r\n") + kEnd,
                                  part("name=a", "x", "X: " + std::string(2000, 'x') + "\r\n") + kEnd}) {
    EXPECT_FALSE(read_multipart(kType, body)) << body;
  }
}

TEST(Multipart, there_are_limits) {
  std::string many;
  for (int i = 0; i < 17; ++i) many += part("name=a", "x");
  EXPECT_FALSE(read_multipart(kType, many + kEnd));
  std::string headers;
  for (int i = 0; i < 9; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_FALSE(read_multipart(kType, part("name=a", "x", headers) + kEnd));
}

}  // namespace
}  // namespace kaimen::http
