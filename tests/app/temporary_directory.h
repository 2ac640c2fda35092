// A directory of the test's own, removed at its end.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace kaimen::app {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(testing::TempDir() + "kaimen-test-XXXXXX") {
    if (!mkdtemp(path_.data())) ADD_FAILURE() << "mkdtemp " << path_;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kaimen::app
