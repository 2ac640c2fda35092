// JPEG (ITU-T T.81): a chain of segments. Of the application's segments only what the pixels need is kept: JFIF's density, Adobe's colour
// transform, and of Exif the one value that says how the picture is turned.
#include "core/picture_bytes.h"

namespace kaimen::core {

namespace {

using namespace std::string_view_literals;

constexpr uint8_t kStuffed = 0x00, kSof0 = 0xc0, kSof1 = 0xc1, kSof2 = 0xc2, kDht = 0xc4, kDac = 0xcc, kRst0 = 0xd0, kRst7 = 0xd7, kEoi = 0xd9, kSos = 0xda,
                  kDqt = 0xdb, kDri = 0xdd, kApp0 = 0xe0, kApp1 = 0xe1, kApp14 = 0xee, kApp15 = 0xef, kCom = 0xfe;

/// 1 … 8; 0: Exif does not say.
uint32_t orientation_of(std::string_view exif) {
  if (!exif.starts_with("Exif\0\0"sv)) return 0;
  const std::string_view tiff = exif.substr(6);
  const bool little = tiff.starts_with("II");
  if (!little && !tiff.starts_with("MM")) return 0;
  ByteReader header{tiff.substr(2)};
  if (header.number(2, little) != 42) return 0;
  const uint32_t offset = header.number(4, little);
  if (!header.good || offset > tiff.size()) return 0;
  ByteReader entries{tiff.substr(offset)};
  for (uint32_t left = entries.number(2, little); left > 0 && entries.good; --left) {
    const uint32_t tag = entries.number(2, little), kind = entries.number(2, little), count = entries.number(4, little);
    const uint32_t value = entries.number(2, little);
    entries.take(2);
    if (tag == 0x0112 && kind == 3 && count == 1) return entries.good && value >= 1 && value <= 8 ? value : 0;
  }
  return 0;
}

void append_segment(std::string& out, uint8_t marker, std::string_view data) {
  out.push_back('\xff');
  out.push_back(static_cast<char>(marker));
  out.push_back(static_cast<char>((data.size() + 2) >> 8));
  out.push_back(static_cast<char>(data.size() + 2));
  out.append(data);
}

void append_orientation(std::string& out, uint32_t orientation) {
  std::string exif("Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"sv);
  exif.push_back(static_cast<char>(orientation));
  exif.append("\0\0\0\0\0\0"sv);
  append_segment(out, kApp1, exif);
}

/// What of an application's segment stays.
void keep_application(std::string& out, uint8_t marker, std::string_view data, bool& turned) {
  if (marker == kApp0 && data.starts_with("JFIF\0"sv) && data.size() >= 14) {
    append_segment(out, kApp0, std::string(data.substr(0, 12)) + std::string(2, '\0'));  // without its thumbnail
  } else if (marker == kApp14 && data.starts_with("Adobe"sv) && data.size() >= 12) {
    append_segment(out, kApp14, data.substr(0, 12));
  } else if (marker == kApp1 && !turned) {
    const uint32_t orientation = orientation_of(data);
    if (orientation > 1) append_orientation(out, orientation);
    turned = orientation > 0;
  }
}

/// The coded pixels of a scan, up to the next marker.
void copy_scan(ByteReader& in, std::string& out) {
  size_t end = 0;
  for (;; ++end) {
    end = in.rest.find('\xff', end);
    if (end == in.rest.npos || end + 1 >= in.rest.size()) {
      in.good = false;
      return;
    }
    const auto next = static_cast<uint8_t>(in.rest[end + 1]);
    if (next != kStuffed && !(next >= kRst0 && next <= kRst7)) break;
  }
  out.append(in.take(end));
}

}  // namespace

std::optional<Picture> clean_jpeg(std::string_view bytes) {
  Picture picture{"image/jpeg", std::string(bytes.substr(0, 2))};
  ByteReader in{bytes.substr(2)};
  bool turned = false, scanned = false;
  while (in.good) {
    if (in.big(1) != 0xff) return std::nullopt;
    uint32_t marker = in.big(1);
    while (in.good && marker == 0xff) marker = in.big(1);  // fill bytes
    if (!in.good) return std::nullopt;
    if (marker == kEoi) {
      if (!scanned) return std::nullopt;
      picture.body.append("\xff\xd9");
      return picture;
    }
    const uint32_t length = in.big(2);
    if (length < 2) return std::nullopt;
    const std::string_view data = in.take(length - 2);
    if (!in.good) return std::nullopt;
    if (marker == kSof0 || marker == kSof1 || marker == kSof2) {
      ByteReader frame{data};
      frame.take(1);
      if (picture.width != 0) return std::nullopt;
      picture.height = frame.big(2);
      picture.width = frame.big(2);
      if (!frame.good) return std::nullopt;
    } else if (marker >= kApp0 && marker <= kApp15) {
      keep_application(picture.body, static_cast<uint8_t>(marker), data, turned);
      continue;
    } else if (marker == kCom) {
      continue;
    } else if (marker != kDht && marker != kDac && marker != kDqt && marker != kDri && marker != kSos) {
      return std::nullopt;
    }
    append_segment(picture.body, static_cast<uint8_t>(marker), data);
    if (marker != kSos) continue;
    if (picture.width == 0) return std::nullopt;
    copy_scan(in, picture.body);
    scanned = true;
  }
  return std::nullopt;
}

}  // namespace kaimen::core
