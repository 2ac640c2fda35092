// PNG, GIF and WebP, each a chain of blocks of which some are kept; and which kind some bytes are.
#include "core/picture.h"

#include <algorithm>
#include <array>

#include "core/picture_bytes.h"

namespace kaimen::core {

namespace {

using namespace std::string_view_literals;

template <size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// GIF's chains of at most 255 bytes each, the empty one last.
std::string_view take_sub_blocks(ByteReader& in) {
  const std::string_view from = in.rest;
  while (in.good) {
    const uint32_t size = in.big(1);
    if (size == 0) break;
    in.take(size);
  }
  return in.good ? from.substr(0, from.size() - in.rest.size()) : std::string_view();
}

bool too_large(uint32_t width, uint32_t height) { return width == 0 || height == 0 || width > kPictureSide || height > kPictureSide; }

size_t colour_table_bytes(uint32_t flags) { return (flags & 0x80) != 0 ? size_t{3} << ((flags & 7) + 1) : 0; }

/// The size that a WebP's first chunk tells. False: it tells none.
bool read_webp_size(std::string_view name, std::string_view data, Picture& picture) {
  ByteReader in{data};
  if (name == "VP8X") {
    in.take(4);
    picture.width = in.little(3) + 1;
    picture.height = in.little(3) + 1;
  } else if (name == "VP8 ") {
    in.take(3);
    if (in.take(3) != "\x9d\x01\x2a"sv) return false;
    picture.width = in.little(2) & 0x3fff;
    picture.height = in.little(2) & 0x3fff;
  } else if (name == "VP8L") {
    if (in.big(1) != 0x2f) return false;
    const uint32_t bits = in.little(4);
    picture.width = (bits & 0x3fff) + 1;
    picture.height = (bits >> 14 & 0x3fff) + 1;
  } else {
    return false;
  }
  return in.good;
}

}  // namespace

std::optional<Picture> clean_png(std::string_view bytes) {
  constexpr std::array critical{"IHDR"sv, "PLTE"sv, "IDAT"sv, "IEND"sv};
  constexpr std::array kept{"tRNS"sv, "gAMA"sv, "cHRM"sv, "sRGB"sv, "sBIT"sv, "bKGD"sv};
  Picture picture{"image/png", std::string(bytes.substr(0, 8))};
  ByteReader in{bytes.substr(8)};
  for (bool pixels = false; in.good;) {
    const std::string_view from = in.rest;
    const uint32_t length = in.big(4);
    const std::string_view name = in.take(4), data = in.take(length);
    in.take(4);  // the checksum
    if (!in.good || name.size() != 4) return std::nullopt;
    const bool first = picture.width == 0;
    if (first != (name == "IHDR")) return std::nullopt;
    if (first) {
      ByteReader header{data};
      picture.width = header.big(4);
      picture.height = header.big(4);
      if (length != 13 || picture.width == 0) return std::nullopt;
    }
    const bool needed = (name[0] & 0x20) == 0;
    if (needed && !one_of(name, critical)) return std::nullopt;
    if (needed || one_of(name, kept)) picture.body.append(from.substr(0, from.size() - in.rest.size()));
    pixels |= name == "IDAT";
    if (name == "IEND") return pixels ? std::optional(std::move(picture)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<Picture> clean_gif(std::string_view bytes) {
  Picture picture{"image/gif", {}};
  ByteReader in{bytes};
  in.take(6);
  picture.width = in.little(2);
  picture.height = in.little(2);
  const uint32_t flags = in.big(1);
  in.take(2 + colour_table_bytes(flags));
  if (!in.good) return std::nullopt;
  picture.body = bytes.substr(0, bytes.size() - in.rest.size());
  for (bool pixels = false; in.good;) {
    const std::string_view from = in.rest;
    const uint32_t block = in.big(1);
    bool keep = true;
    if (block == 0x3b) {
      picture.body.push_back('\x3b');
      return pixels ? std::optional(std::move(picture)) : std::nullopt;
    }
    if (block == 0x21) {
      const uint32_t label = in.big(1);
      const std::string_view data = take_sub_blocks(in);
      // How a frame is shown, and how often all are.
      keep = label == 0xf9 || (label == 0xff && data.starts_with("\x0bNETSCAPE2.0"sv));
    } else if (block == 0x2c) {
      in.take(4);
      const uint32_t width = in.little(2), height = in.little(2), frame = in.big(1);
      if (too_large(width, height)) return std::nullopt;
      in.take(colour_table_bytes(frame) + 1);
      pixels |= take_sub_blocks(in).size() > 1;
    } else {
      return std::nullopt;
    }
    if (!in.good) return std::nullopt;
    if (keep) picture.body.append(from.substr(0, from.size() - in.rest.size()));
  }
  return std::nullopt;
}

std::optional<Picture> clean_webp(std::string_view bytes) {
  constexpr std::array kept{"VP8 "sv, "VP8L"sv, "VP8X"sv, "ALPH"sv, "ANIM"sv, "ANMF"sv};
  constexpr char kProfileExifXmp = 0x20 | 0x08 | 0x04;
  ByteReader head{bytes.substr(4)};
  const uint32_t size = head.little(4);
  if (!head.good || size < 4 || size > head.rest.size()) return std::nullopt;
  Picture picture{"image/webp", {}};
  std::string chunks("WEBP");
  ByteReader in{head.rest.substr(4, size - 4)};
  for (bool pixels = false; in.good;) {
    if (in.rest.empty()) {
      if (!pixels) return std::nullopt;
      picture.body = "RIFF";
      for (int shift = 0; shift < 32; shift += 8) picture.body.push_back(static_cast<char>(chunks.size() >> shift & 0xff));
      picture.body += chunks;
      return picture;
    }
    const std::string_view from = in.rest, name = in.take(4);
    const uint32_t length = in.little(4);
    const std::string_view data = in.take(length);
    in.take(length & 1);
    if (!in.good) return std::nullopt;
    if (picture.width == 0 && !read_webp_size(name, data, picture)) return std::nullopt;
    if (!one_of(name, kept)) continue;
    pixels |= name != "VP8X" && name != "ALPH" && name != "ANIM";
    const size_t at = chunks.size();
    chunks.append(from.substr(0, from.size() - in.rest.size()));
    if (name == "VP8X") chunks[at + 8] = static_cast<char>(chunks[at + 8] & ~kProfileExifXmp);
  }
  return std::nullopt;
}

Result<Picture> clean_picture(std::string_view bytes) {
  std::optional<Picture> picture;
  if (bytes.starts_with("\xff\xd8\xff")) picture = clean_jpeg(bytes);
  else if (bytes.starts_with("\x89PNG\r\n\x1a\n")) picture = clean_png(bytes);
  else if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) picture = clean_gif(bytes);
  else if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") picture = clean_webp(bytes);
  else return make_error(ErrorCode::invalid_request, "the file is no JPEG, PNG, WebP or GIF");
  if (!picture) return make_error(ErrorCode::invalid_request, "the picture is broken");
  if (too_large(picture->width, picture->height)) return make_error(ErrorCode::invalid_request, "the picture must be at most 4096 pixels wide and high");
  return std::move(*picture);
}

}  // namespace kaimen::core
