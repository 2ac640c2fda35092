// PNG (ISO 15948) by hand: one bit a pixel, the data in stored (uncompressed) deflate blocks, so that no compressor is needed.
#include "sandbox/picture.h"

#include <qrencode.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kaimen::sandbox {

namespace {

constexpr unsigned kQuietModules = 4;  // of white around the code (ISO 18004)
constexpr size_t kStoredBlock = 65535;

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320U ^ c >> 1 : c >> 1;
    table[n] = c;
  }
  return table;
}

uint32_t crc32(std::string_view bytes) {
  static constexpr auto table = crc_table();
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ crc >> 8;
  return crc ^ 0xffffffffU;
}

uint32_t adler32(std::string_view bytes) {
  uint32_t a = 1, b = 0;
  for (const char byte : bytes) {
    a = (a + static_cast<uint8_t>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put_u32(out, static_cast<uint32_t>(data.size()));
  const std::string checked = std::string(type).append(data);
  out.append(checked);
  put_u32(out, crc32(checked));
}

std::string zlib_stored(std::string_view data) {
  std::string out("\x78\x01", 2);
  for (size_t at = 0; at < data.size(); at += kStoredBlock) {
    const auto block = data.substr(at, kStoredBlock);
    const auto length = static_cast<uint16_t>(block.size());
    const auto inverse = static_cast<uint16_t>(~length);
    out.push_back(at + block.size() == data.size() ? '\x01' : '\x00');
    for (const uint16_t half : {length, inverse}) {
      out.push_back(static_cast<char>(half & 0xff));
      out.push_back(static_cast<char>(half >> 8));
    }
    out.append(block);
  }
  put_u32(out, adler32(data));
  return out;
}

}  // namespace

std::string draw_code(const std::string& text, unsigned width) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_M), QRcode_free);
  if (!code) return {};
  const auto modules = static_cast<unsigned>(code->width);
  const unsigned scale = width / (modules + 2 * kQuietModules);
  if (scale == 0) return {};
  const unsigned margin = (width - modules * scale) / 2;
  auto is_black = [&](unsigned x, unsigned y) {
    if (x < margin || y < margin) return false;
    const unsigned column = (x - margin) / scale, row = (y - margin) / scale;
    return column < modules && row < modules && (code->data[row * modules + column] & 1) != 0;
  };
  std::string pixels;
  for (unsigned y = 0; y < width; ++y) {
    pixels.push_back('\0');  // filter: none
    for (unsigned x = 0; x < width; x += 8) {
      unsigned byte = 0;
      for (unsigned k = 0; k < 8; ++k) byte = byte << 1 | (x + k < width && is_black(x + k, y) ? 0U : 1U);
      pixels.push_back(static_cast<char>(byte));
    }
  }
  std::string header;
  put_u32(header, width);
  put_u32(header, width);
  header.append("\x01\x00\x00\x00\x00", 5);  // depth 1, greyscale, deflate, standard filters, not interlaced
  std::string png("\x89PNG\r\n\x1a\n");
  put_chunk(png, "IHDR", header);
  put_chunk(png, "IDAT", zlib_stored(pixels));
  put_chunk(png, "IEND", "");
  return png;
}

}  // namespace kaimen::sandbox
