// Runs a fuzz target as a plain test: every file of its corpus, then mutations of them from a fixed seed. What libFuzzer once found stays
// found, and a machine without clang still throws some bytes at every parser.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr uint32_t kSeed = 20'261'120;
constexpr int kMutations = 20'000;
constexpr size_t kInputMax = 64 * 1024;

void run(const std::string& input) {
  // A copy of exactly this size on the heap, so that the sanitizer sees a read behind its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string mutate(std::string input, const std::vector<std::string>& corpus, std::mt19937& noise) {
  const auto below = [&](size_t end) { return end == 0 ? 0 : noise() % end; };
  for (size_t changes = 1 + below(6); changes > 0; --changes) {
    const size_t at = below(input.size());
    switch (below(7)) {
      case 0: input.insert(at, 1 + below(8), static_cast<char>(noise())); break;
      case 1: input.erase(at, 1 + below(8)); break;
      case 2: input.insert(at, input.substr(below(input.size()), below(16))); break;
      case 3: input.resize(at); break;
      case 4: input.replace(at, std::string::npos, corpus[below(corpus.size())], 0, std::string::npos); break;
      case 5: {
        // What parsers stumble over: the ends of number ranges, and the marks of their grammars.
        static const std::string marks[] = {std::string(1, '\0'), "\xff", "\x7f", "\x80", "\r\n", "\"", "\\", "%00", "{", "[", "=", ",", "-1", "18446744073709551616", "&"};
        input.insert(at, marks[below(std::size(marks))]);
        break;
      }
      default:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ 1 << below(8));
    }
  }
  input.resize(std::min(input.size(), kInputMax));
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", arguments[0]);
    return 2;
  }
  std::vector<std::filesystem::path> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1], missing)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // the same order, and so the same mutations, on every machine
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    run(corpus.back());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: there is no corpus in %s\n", arguments[0], arguments[1]);
    return 1;
  }
  run("");
  std::mt19937 noise(kSeed);
  for (int i = 0; i < kMutations; ++i) run(mutate(corpus[noise() % corpus.size()], corpus, noise));
  std::printf("%zu files, %d mutations\n", corpus.size(), kMutations);
  return 0;
}
