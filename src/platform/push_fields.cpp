#include "platform/push_fields.h"

#include <expat.h>

#include <memory>
#include <set>
#include <type_traits>
#include <vector>

#include "http/json.h"

namespace kaimen::platform {

namespace json = http::json;

namespace {

constexpr size_t kTextBytes = 64 * 1024, kDepth = 8, kFields = 256;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t from = text.find_first_not_of(blanks);
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

/// Fields as they come; what comes again is nobody's.
class Collected {
 public:
  void add(const std::string& name, std::string text) {
    if (!seen_.insert(name).second) {
      fields_.erase(name);
    } else {
      fields_[name] = std::move(text);
    }
  }
  bool full() const { return seen_.size() > kFields; }
  PushFields take() { return std::move(fields_); }

 private:
  std::set<std::string> seen_;
  PushFields fields_;
};

void collect(const json::object& object, const std::string& where, Collected& into) {
  for (const auto& [key, value] : object) {
    const std::string name = where + std::string(trimmed(key));
    if (const auto* text = value.if_string()) into.add(name, std::string(*text));
    else if (const auto* inner = value.if_object()) collect(*inner, name + ".", into);
    else if (value.is_int64() || value.is_uint64()) into.add(name, http::to_text(value));
  }
}

std::optional<PushFields> read_json(std::string_view text) {
  auto parsed = http::parse_json(text, kDepth);
  const auto* object = parsed ? parsed.value().if_object() : nullptr;
  if (!object) return std::nullopt;
  Collected fields;
  collect(*object, "", fields);
  if (fields.full()) return std::nullopt;
  return fields.take();
}

/// What expat calls back.
struct XmlReading {
  XML_Parser parser = nullptr;
  Collected fields;
  struct Element {
    std::string name;  ///< With those around it, but for the outermost.
    std::string text;
    bool has_parts = false;
  };
  std::vector<Element> open;

  void stop() { XML_StopParser(parser, XML_FALSE); }

  static void start(void* self, const XML_Char* name, const XML_Char**) {
    auto& reading = *static_cast<XmlReading*>(self);
    if (reading.open.size() >= kDepth || reading.fields.full()) return reading.stop();
    Element element;
    if (!reading.open.empty()) {
      reading.open.back().has_parts = true;
      const std::string& around = reading.open.back().name;
      element.name = reading.open.size() == 1 ? name : around + "." + name;
    }
    reading.open.push_back(std::move(element));
  }
  static void end(void* self, const XML_Char*) {
    auto& reading = *static_cast<XmlReading*>(self);
    Element element = std::move(reading.open.back());
    reading.open.pop_back();
    if (!reading.open.empty() && !element.has_parts) reading.fields.add(element.name, std::move(element.text));
  }
  static void text(void* self, const XML_Char* characters, int count) {
    auto& reading = *static_cast<XmlReading*>(self);
    if (!reading.open.empty()) reading.open.back().text.append(characters, static_cast<size_t>(count));
  }
  static void refuse_document_type(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) { static_cast<XmlReading*>(self)->stop(); }
};

std::optional<PushFields> read_xml(std::string_view text) {
  // Whatever a document says of its encoding, WeChat sends UTF-8.
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(XML_ParserCreate("UTF-8"), XML_ParserFree);
  if (!parser) return std::nullopt;
  XmlReading reading;
  reading.parser = parser.get();
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), XmlReading::start, XmlReading::end);
  XML_SetCharacterDataHandler(parser.get(), XmlReading::text);
  XML_SetStartDoctypeDeclHandler(parser.get(), XmlReading::refuse_document_type);
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_OK) return std::nullopt;
  return reading.fields.take();
}

}  // namespace

std::optional<PushFields> read_push_fields(std::string_view text) {
  if (text.size() > kTextBytes) return std::nullopt;
  return is_xml_push(text) ? read_xml(text) : read_json(text);
}

bool is_xml_push(std::string_view text) { return trimmed(text).starts_with('<'); }

}  // namespace kaimen::platform
