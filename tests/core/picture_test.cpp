// Pictures: what they are is told by their bytes, what tells of the user goes, and the pixels stay byte for byte.
#include <gtest/gtest.h>

#include "core/picture.h"

namespace kaimen::core {
namespace {

using namespace std::string_literals;

std::string big(size_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift));
  return text;
}
std::string little(size_t value, int bytes) {
  const std::string text = big(value, bytes);
  return {text.rbegin(), text.rend()};
}

std::string segment(int marker, const std::string& data) { return "\xff"s + static_cast<char>(marker) + big(data.size() + 2, 2) + data; }
std::string exif(int orientation, bool is_little = false) {
  const auto number = [is_little](size_t value, int bytes) { return is_little ? little(value, bytes) : big(value, bytes); };
  return "Exif\0\0"s + (is_little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(2, 2) +  // two entries
         number(0x8825, 2) + number(4, 2) + number(1, 4) + number(99, 4) +                        // where it was taken
         number(0x0112, 2) + number(3, 2) + number(1, 4) + number(static_cast<size_t>(orientation), 2) + number(0, 2) + number(0, 4) + "CANARY";
}
std::string frame(size_t width, size_t height, int marker = 0xc0) { return segment(marker, "\x08" + big(height, 2) + big(width, 2) + "\x01\x01\x11\0"s); }
const std::string kScan = segment(0xda, "\x01\x01\0\0\x3f\0"s) + "pixels\xff\0more\xff\xd0pixels"s;
std::string jpeg(const std::string& meta, const std::string& after = "", size_t width = 3, size_t height = 2) {
  return "\xff\xd8"s + meta + segment(0xdb, "table") + frame(width, height) + kScan + "\xff\xd9" + after;
}

std::string chunk(const std::string& name, const std::string& data) { return big(data.size(), 4) + name + data + "crc!"; }
std::string png(const std::string& meta, const std::string& after = "", size_t width = 3, size_t height = 2) {
  return "\x89PNG\r\n\x1a\n"s + chunk("IHDR", big(width, 4) + big(height, 4) + "\x08\x06\0\0\0"s) + meta + chunk("IDAT", "pixels") + chunk("IEND", "") + after;
}

std::string gif_frame(size_t width = 3, size_t height = 2) { return "\x2c"s + little(0, 4) + little(width, 2) + little(height, 2) + "\0\x02\x03pix\0"s; }
std::string gif(const std::string& meta, const std::string& after = "", size_t width = 3, size_t height = 2) {
  return "GIF89a" + little(width, 2) + little(height, 2) + "\x80\0\0"s + std::string(6, 'c') + meta + gif_frame() + "\x3b" + after;
}
std::string extension(int label, const std::string& data) { return "\x21"s + static_cast<char>(label) + static_cast<char>(data.size()) + data + '\0'; }

std::string riff(const std::string& chunks) { return "RIFF" + little(chunks.size() + 4, 4) + "WEBP" + chunks; }
std::string webp_chunk(const std::string& name, const std::string& data) { return name + little(data.size(), 4) + data + (data.size() % 2 ? std::string(1, '\0') : ""); }
std::string vp8(size_t width = 3, size_t height = 2) { return webp_chunk("VP8 ", "tag\x9d\x01\x2a" + little(width, 2) + little(height, 2) + "pixels"); }
std::string vp8x(int flags, size_t width = 3, size_t height = 2) {
  return webp_chunk("VP8X", std::string(1, static_cast<char>(flags)) + std::string(3, '\0') + little(width - 1, 3) + little(height - 1, 3));
}

void expect_clean(const std::string& given, const std::string& type, const std::string& wanted) {
  const auto picture = clean_picture(given);
  ASSERT_TRUE(picture) << type;
  EXPECT_EQ(picture.value().type, type);
  EXPECT_EQ(picture.value().body, wanted);
  EXPECT_EQ(picture.value().width, 3U);
  EXPECT_EQ(picture.value().height, 2U);
}
void expect_refused(const std::string& given) { EXPECT_FALSE(clean_picture(given)) << given; }

TEST(Picture, a_jpeg_keeps_its_pixels_alone) {
  const std::string meta = segment(0xe1, exif(1)) + segment(0xfe, "CANARY") + segment(0xe2, "ICC CANARY") + segment(0xed, "Photoshop CANARY") + segment(0xe1, "http://ns.adobe.com/xap/1.0/ CANARY");
  expect_clean(jpeg(meta, "CANARY after the end"), "image/jpeg", jpeg(""));
}

TEST(Picture, a_jpeg_stays_turned) {
  for (const bool is_little : {false, true}) {
    const auto picture = clean_picture(jpeg(segment(0xe1, exif(6, is_little))));
    ASSERT_TRUE(picture);
    const std::string turned = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"s;
    EXPECT_NE(picture.value().body.find(turned), std::string::npos);
    EXPECT_EQ(picture.value().body.find("CANARY"), std::string::npos);
    // It says the same when it is read again.
    EXPECT_EQ(clean_picture(picture.value().body).value().body, picture.value().body);
  }
}

TEST(Picture, hostile_exif_is_no_harm) {
  for (const std::string& data : {"Exif\0\0"s, "Exif\0\0MM"s, "Exif\0\0MM\0\x2a\xff\xff\xff\xff"s, "Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff"s, exif(9), exif(0)}) {
    expect_clean(jpeg(segment(0xe1, data)), "image/jpeg", jpeg(""));
  }
}

TEST(Picture, a_jpeg_keeps_what_its_colours_need) {
  const std::string adobe = segment(0xee, "Adobe\0\x64\0\0\0\0\x02"s);
  expect_clean(jpeg(adobe), "image/jpeg", jpeg(adobe));
  const std::string jfif = "JFIF\0\x01\x01\0\0\x01\0\x01"s;
  expect_clean(jpeg(segment(0xe0, jfif + "\x01\x01thumbnail")), "image/jpeg", jpeg(segment(0xe0, jfif + "\0\0"s)));
}

TEST(Picture, a_progressive_jpeg_has_several_scans) {
  const std::string whole = "\xff\xd8"s + frame(3, 2, 0xc2) + kScan + segment(0xc4, "huffman") + kScan + "\xff\xd9";
  expect_clean(whole, "image/jpeg", whole);
}

TEST(Picture, a_png_keeps_its_pixels_alone) {
  const std::string meta = chunk("tEXt", "CANARY") + chunk("eXIf", "CANARY") + chunk("iTXt", "CANARY") + chunk("zTXt", "CANARY") + chunk("tIME", "CANARY") +
                           chunk("iCCP", "CANARY") + chunk("prVt", "CANARY");
  expect_clean(png(meta, "CANARY"), "image/png", png(""));
  expect_clean(png(chunk("gAMA", "1234") + chunk("tRNS", "12")), "image/png", png(chunk("gAMA", "1234") + chunk("tRNS", "12")));
}

TEST(Picture, a_gif_keeps_its_pixels_and_its_loop) {
  const std::string loop = extension(0xff, "NETSCAPE2.0"), timing = extension(0xf9, "1234");
  const std::string netscape = loop.substr(0, loop.size() - 1) + "\x03\x01\0\0\0"s;
  expect_clean(gif(netscape + timing + extension(0xfe, "CANARY") + extension(0xff, "XMP DataXMPCANARY") + extension(0x01, "CANARY"), "CANARY"), "image/gif", gif(netscape + timing));
}

TEST(Picture, a_webp_keeps_its_pixels_alone) {
  expect_clean(riff(vp8x(0x2c | 0x10) + webp_chunk("ICCP", "CANARY") + vp8() + webp_chunk("EXIF", "CANARY!") + webp_chunk("XMP ", "CANARY") + webp_chunk("WHAT", "CANARY")) + "CANARY",
               "image/webp", riff(vp8x(0x10) + vp8()));
  expect_clean(riff(vp8()), "image/webp", riff(vp8()));
  const std::string lossless = webp_chunk("VP8L", "\x2f" + little((3 - 1) | (2 - 1) << 14, 4) + "pixels!");
  expect_clean(riff(lossless), "image/webp", riff(lossless));
}

TEST(Picture, four_thousand_and_ninety_six_pixels_are_the_most) {
  for (const auto& [width, height, good] : {std::tuple<size_t, size_t, bool>{4096, 4096, true}, {4097, 1, false}, {1, 4097, false}, {65535, 65535, false}}) {
    EXPECT_EQ(clean_picture(jpeg("", "", width, height)).has_value(), good);
    EXPECT_EQ(clean_picture(png("", "", width, height)).has_value(), good);
    EXPECT_EQ(clean_picture(gif("", "", width, height)).has_value(), good);
    EXPECT_EQ(clean_picture(riff(vp8x(0, width, height) + vp8())).has_value(), good);
  }
  expect_refused(png("", "", 0xffffffff, 1));
  expect_refused(png("", "", 0, 1));
  expect_refused(jpeg("", "", 0, 1));
  // A frame may not be larger than what the screen says.
  expect_refused("GIF89a" + little(3, 2) + little(2, 2) + "\0\0\0"s + gif_frame(5000, 2) + "\x3b");
}

TEST(Picture, every_cut_is_refused) {
  for (const std::string& whole : {jpeg(segment(0xe1, exif(6))), png(""), gif(extension(0xf9, "1234")), riff(vp8x(0) + vp8())}) {
    ASSERT_TRUE(clean_picture(whole));
    for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(clean_picture(whole.substr(0, size))) << size;
  }
}

TEST(Picture, what_is_no_picture_is_refused) {
  for (const std::string& other : {""s, "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"s, "<html>"s, "BM"s + std::string(60, '\0'), "\0\0\x01\0"s, "%PDF-1.7"s, "\x89PNG"s, "\xff\xd8\xff"s, "GIF89a"s,
                                   "RIFF\xff\xff\xff\xffWEBP"s, "RIFF\x04\0\0\0WEBP"s, "\xff\xd8\xff\xd9"s}) {
    expect_refused(other);
  }
  expect_refused("\xff\xd8"s + kScan + "\xff\xd9");                              // no frame
  expect_refused(jpeg(segment(0xc3, "\x08\0\x01\0\x01"s)));                      // lossless, of which browsers show nothing
  expect_refused(jpeg(frame(3, 2)));                                             // two frames
  expect_refused("\x89PNG\r\n\x1a\n"s + chunk("IDAT", "x") + chunk("IEND", ""));  // no header
  expect_refused(png(chunk("NEED", "what is this")));                            // needed, and unknown
}

}  // namespace
}  // namespace kaimen::core
