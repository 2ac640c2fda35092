// The reader of a state file, over a file that is damaged: groups of bytes of the input overwrite words of a good one. It must neither crash nor
// loop nor read outside; and as the ticket's key is never given to the damaged file anew, a ticket under another key is never good.
#include <sys/mman.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "check/check.h"
#include "check/state_reader.h"

namespace {

using namespace kaimen::check;

constexpr size_t kSlots = kStateSlotsMin, kBytes = state_bytes(kSlots);
constexpr uint64_t kBoot = 1'000'000, kNow = 1'790'000'000'000;

Key key_of(uint32_t id, uint8_t seed) {
  Key key;
  key.id = id;
  key.bytes.fill(seed);
  return key;
}

void set(Word& word, uint64_t value) { word.store(value, std::memory_order_relaxed); }

// In the middle of pages that may not be touched, so that one byte outside is seen.
struct Image {
  StateFile* file;
  Image() {
    constexpr size_t kPage = 4096, kRoom = (kBytes + kPage - 1) / kPage * kPage;
    auto* const memory = static_cast<char*>(mmap(nullptr, kRoom + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory + kPage, kRoom, PROT_READ | PROT_WRITE) != 0) std::abort();
    file = reinterpret_cast<StateFile*>(memory + kPage);
  }
  void make_good() {
    std::memset(static_cast<void*>(file), 0, kBytes);
    StateHeader& header = file->header;
    set(header.magic, kStateMagic);
    set(header.version, kStateVersion);
    set(header.file_bytes, kBytes);
    set(header.slots, kSlots);
    set(header.good_until_ms, kBoot + kGoodMs);
    set(header.node_ahead_ms, kNow - kBoot);
    set(header.keys, 1);
    set(header.apps, 1);
    set(file->keys[0].id_and_flags, 1);
    const Key key = key_of(1, 1);
    for (size_t i = 0; i < 4; ++i) {
      uint64_t word;
      std::memcpy(&word, key.bytes.data() + 8 * i, 8);
      set(file->keys[0].bytes[i], word);
    }
    set(file->apps[0].number_and_flags, 7);
    set(file->apps[0].life_and_lengths, 86400 | uint64_t{3} << 32 | uint64_t{7} << 40);
  }
};

std::string ticket(const Key& key) {
  Claims claims;
  claims.session.fill(1);
  claims.app = 7;
  claims.issued_ms = kNow - 1000;
  claims.life_s = 7200;
  return seal_ticket(key, claims, {});
}

// Where damage matters: the header, the tables of keys, scopes and apps, and the slots.
size_t place_of(uint8_t area, uint16_t at) {
  switch (area % 5) {
    case 0: return at % (sizeof(StateHeader) / 8);
    case 1: return offsetof(StateFile, keys) / 8 + at % (sizeof(StateKey) / 8 * 4);
    case 2: return offsetof(StateFile, apps) / 8 + at % (sizeof(StateApp) / 8 * 4);
    case 3: return kStateTables / 8 + at % (kSlots * sizeof(Slot) / 8);
    default: return at % (kBytes / 8);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Image image;
  static const std::string good = ticket(key_of(1, 1)), other = ticket(key_of(1, 2));
  image.make_good();
  auto* const words = reinterpret_cast<uint64_t*>(image.file);
  for (; size >= 6; data += 6, size -= 6) {
    const size_t place = place_of(data[0], static_cast<uint16_t>(data[1] << 8 | data[2]));
    const uint64_t value = data[3] % 3 == 0 ? data[4] : data[3] % 3 == 1 ? ~uint64_t{0} - data[4] : uint64_t{data[4]} << (data[5] % 57);
    std::memcpy(words + place, &value, sizeof value);
  }
  if ((image.file->header.sequence.load() & 1) != 0) image.file->header.sequence.fetch_add(1);  // waiting for its writer is not what is tried here
  const StateReader reader(image.file, kBytes);
  if (!reader.valid()) return 0;
  static Opened opened;
  StateName app_id{}, project{};
  const StateVerdict first = reader.check(good, kBoot, opened, app_id, project);
  if (first.app_id_length > kStateNameMax || first.project_length > kStateNameMax || std::strlen(app_id) > kStateNameMax) std::abort();
  reader.carries("x-own-ticket");
  const StateVerdict second = reader.check(other, kBoot, opened, app_id, project);
  const bool own_key = std::memcmp(image.file->keys[0].bytes, key_of(1, 1).bytes.data(), 32) == 0;
  if (own_key && second.unsure == Unsure::no && second.reason == Reason::none) std::abort();
  return 0;
}
