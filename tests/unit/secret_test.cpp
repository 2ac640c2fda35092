#include "base/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace kaimen {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept BecomesText = std::is_convertible_v<T, std::string> || std::is_convertible_v<T, std::string_view>;

TEST(Secret, cannot_be_printed) {
  static_assert(Printable<std::string>);
  static_assert(!Printable<Secret>);
  static_assert(!BecomesText<Secret>);
}
TEST(Secret, reveals_what_it_was_given) { EXPECT_EQ(Secret("hush").reveal(), "hush"); }
TEST(Secret, keeps_nul_bytes) { EXPECT_EQ(Secret(std::string("a\0b", 3)).size(), 3U); }
TEST(Secret, a_moved_from_short_secret_holds_nothing) {
  Secret from("hush");
  const char* const bytes = from.reveal().data();  // kept inside the string itself
  const Secret to(std::move(from));
  EXPECT_EQ(to.reveal(), "hush");
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(std::string_view(bytes, 4), std::string_view("\0\0\0\0", 4));
}
TEST(Secret, assignment_wipes_the_old_bytes) {
  Secret secret("a long secret that does not fit into the string");
  const char* const bytes = secret.reveal().data();
  secret = Secret("short");
  EXPECT_EQ(secret.reveal(), "short");
  ASSERT_EQ(secret.reveal().data(), bytes);  // libstdc++ keeps the buffer for the shorter string
  EXPECT_EQ(std::string_view(bytes + 6, 4), std::string_view("\0\0\0\0", 4));
}
TEST(Secret, assigning_itself_changes_nothing) {
  Secret secret("hush");
  Secret& same = secret;
  secret = same;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), "hush");
}
TEST(Secret, equals_its_copy) { EXPECT_TRUE(Secret("hush") == Secret("hush")); }
TEST(Secret, differs_in_the_last_byte) { EXPECT_FALSE(Secret("hush") == Secret("husi")); }
TEST(Secret, differs_in_the_first_byte) { EXPECT_FALSE(Secret("hush") == Secret("iush")); }
TEST(Secret, differs_in_length) { EXPECT_FALSE(Secret("hush") == Secret("hus")); }

}  // namespace
}  // namespace kaimen
