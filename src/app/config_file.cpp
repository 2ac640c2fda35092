// kaimen.toml → values by key. toml++ parses; here its tree is flattened to "section.name" and held against the table of keys.
#include <toml++/toml.h>

#include "app/config_keys.h"

namespace kaimen::app {

namespace {

class FileReader {
 public:
  FileReader(std::string path, PlacedValues& values, std::vector<std::string>& problems) : path_(std::move(path)), values_(values), problems_(problems) {}

  void read_table(const toml::table& table, const std::string& prefix) {
    if (table.empty() && !prefix.empty()) problem(table, prefix, "an empty section that nothing reads");
    for (const auto& [key, node] : table) {
      const std::string name = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      if (const auto* inner = node.as_table()) {
        read_table(*inner, name);
      } else {
        read_value(node, name);
      }
    }
  }

 private:
  std::string place(const toml::node& node, const std::string& name) const {
    return path_ + " line " + std::to_string(node.source().begin.line) + ": " + name;
  }
  void problem(const toml::node& node, const std::string& name, const std::string& what) { problems_.push_back(place(node, name) + ": " + what); }

  void read_value(const toml::node& node, const std::string& name) {
    const ConfigKey* key = find_config_key(name);
    if (!key && parse_upstream_key(name).name.empty()) return problem(node, name, "there is no such key");
    auto value = value_of(node);
    Config scratch;
    if (!value) return problem(node, name, key ? std::string("must be ") + kind_of(*key) : "must be a text");
    if (key ? !assign(scratch, *key, *value) : !std::holds_alternative<std::string>(*value)) {
      return problem(node, name, key ? std::string("must be ") + kind_of(*key) : "must be a text");
    }
    values_[name] = {std::move(*value), place(node, name)};
  }

  static std::optional<ConfigValue> value_of(const toml::node& node) {
    if (const auto* text = node.as_string()) return ConfigValue(text->get());
    if (const auto* number = node.as_integer()) return ConfigValue(number->get());
    const auto* array = node.as_array();
    if (!array) return std::nullopt;
    std::vector<std::string> list;
    for (const auto& item : *array) {
      const auto* text = item.as_string();
      if (!text) return std::nullopt;
      list.push_back(text->get());
    }
    return ConfigValue(std::move(list));
  }

  const std::string path_;
  PlacedValues& values_;
  std::vector<std::string>& problems_;
};

}  // namespace

void read_config_file(const std::string& path, PlacedValues& values, std::vector<std::string>& problems) {
  try {
    const toml::table table = toml::parse_file(path);
    FileReader(path, values, problems).read_table(table, "");
  } catch (const toml::parse_error& error) {
    // toml++ reports a file it cannot open at line 0.
    const auto line = error.source().begin.line;
    problems.push_back(path + (line ? " line " + std::to_string(line) : std::string()) + ": " + std::string(error.description()));
  }
}

}  // namespace kaimen::app
