#include "app/table.h"

#include <gtest/gtest.h>

namespace kaimen::app {
namespace {

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(table({"ID", "NAME"}, {{"1", "shop"}, {"1000", ""}}), "ID    NAME\n1     shop\n1000\n");
}

TEST(TableTest, ChineseCharactersTakeTwoColumns) { EXPECT_EQ(table({"NAME", "X"}, {{"小店", "1"}, {"abc", "2"}}), "NAME  X\n小店  1\nabc   2\n"); }

}  // namespace
}  // namespace kaimen::app
