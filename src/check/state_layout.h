// The state file: what a node knows to check tickets, published in memory that other processes of the machine map. Stored and read by other
// programs; the layout must not change under this version.
//
//   Header                       one page; the first five words stay where they are in every version
//   keys, scopes, apps           rewritten under the sequence
//   two tables of slots          slots.h, each with its filter behind it (filter.h); readers use one, a rebuild fills the other, then they change
//                                places under the sequence
//
// The file grows in place: room is added behind its end, in which the second of two larger tables is filled; the first of them will lie where
// both old ones are, of which readers are done once the sequence has changed. Whoever maps less than the tables in use maps more (state_source).
//
// A seqlock with one writer: `sequence` is odd while keys, apps or the table in use change, and a reader that saw it change starts again, a
// bounded number of times. All words are atomics, so that a torn read is a wrong value that the sequence betrays, not undefined behaviour.
// Revocations are added to the table in use without it: each is one word that appears (slots.h).
//
// Nothing here is ever sure by itself: a reader answers "unknown" unless the machine has not been booted since (`boot`), now < `good_until_ms`
// ≤ now + 2 · kGoodMs, and no flag is set.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "check/filter.h"
#include "check/slots.h"

namespace kaimen::check {

using Word = std::atomic<uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

inline constexpr uint64_t kStateMagic = 0x3145544154534d4b;  // "KMSTATE1" in memory
inline constexpr uint64_t kStateVersion = 2;

/// How long after the writer's last beat its file may be relied on.
inline constexpr uint64_t kGoodMs = 3000;

inline constexpr size_t kStateKeysMax = 512, kStateScopesMax = 8192, kStateAppsMax = 4096;
inline constexpr size_t kStateNameMax = 64;  ///< appid, project, header; longer ones do not exist (core/apps, app/config_checks).
inline constexpr size_t kStateHeadersMax = 16;
inline constexpr size_t kStateSlotsMin = 1024, kStateSlotsMax = size_t{1} << 26;

/// Header::flags.
inline constexpr uint64_t kStateRetired = 1;   ///< Not written any more; another file may stand under its name.
inline constexpr uint64_t kStateOverflow = 2;  ///< Something did not fit.

struct StateHeader {
  Word magic;          ///< Stored last when a file is made.
  Word version;
  Word file_bytes;     ///< With the room for tables larger than those in use. Only grows.
  Word flags;
  Word boot[2];        ///< The machine's boot id: good_until_ms and node_ahead_ms mean nothing after another boot.
  Word good_until_ms;  ///< CLOCK_BOOTTIME.
  Word node_ahead_ms;  ///< The node's time − CLOCK_BOOTTIME; two's complement.
  Word sequence;
  // Under the sequence:
  Word slots;          ///< Of each table; a power of two. Only grows.
  Word table;          ///< The one in use: 0 or 1.
  Word keys, scopes, apps;
  Word projects;       ///< How many a request may mean that names none: all of the node's, or those of the apps in a file for some.
  // What presents a ticket beside Authorization, X-Kaimen-Ticket and the cookie; changes only with the node's configuration or its apps.
  Word presents;       ///< kStateSkey | how many header_names << kStateHeadersShift.
  Word header_names[kStateHeadersMax][kStateNameMax / 8];  ///< session.ticket_headers, in lower case, NULs behind.
};

/// StateHeader::presents.
inline constexpr uint64_t kStateSkey = 1;  ///< X-WX-Skey.
inline constexpr int kStateHeadersShift = 8;

/// StateKey::id_and_flags, above the id's 32 bits.
inline constexpr uint64_t kStateKeyRetired = uint64_t{1} << 32;
/// The key is not for this file's readers: its bytes are not here. Its tickets are renewed, or nothing is known of them (kStateKeyUnsettled).
inline constexpr uint64_t kStateKeyWithheld = uint64_t{1} << 33;
/// With withheld: an app of this file has no begun key of its own yet, so a renewal would not help.
inline constexpr uint64_t kStateKeyUnsettled = uint64_t{1} << 34;

struct StateKey {
  Word id_and_flags;
  Word scope;     ///< First place in the scopes | how many << 32; none: all apps.
  Word bytes[4];
};

inline constexpr uint64_t kStateAppDisabled = uint64_t{1} << 32;
inline constexpr uint64_t kStateAppWafer = uint64_t{1} << 33;  ///< Its tickets may come as X-WX-Skey.

/// Sorted by number.
struct StateApp {
  Word number_and_flags;
  Word revoked_before_ms;
  Word life_and_lengths;  ///< Life cap in s | length of app_id << 32 | length of project << 40.
  Word app_id[kStateNameMax / 8], project[kStateNameMax / 8];
};

struct StateFile {
  StateHeader header;
  alignas(4096) StateKey keys[kStateKeysMax];
  Word scopes[kStateScopesMax];
  StateApp apps[kStateAppsMax];
  alignas(4096) Slot first_table[1];  // slots of these, then as many of the other table
};

inline constexpr size_t kStateTables = offsetof(StateFile, first_table);
/// From one table to the next, in slots.
constexpr size_t state_stride(size_t slots) { return slots + filter_slots(slots); }
constexpr size_t state_bytes(size_t slots) { return kStateTables + 2 * state_stride(slots) * sizeof(Slot); }
static_assert(sizeof(StateHeader) <= 4096);
/// How many slots the tables of a file of that many bytes, at least kStateTables, can have: a power of two, or 0.
constexpr size_t slots_within(size_t bytes) {
  size_t slots = std::bit_floor((bytes - kStateTables) / (2 * sizeof(Slot)));
  if (slots != 0 && state_bytes(slots) > bytes) slots /= 2;  // the filters are a sixty-fourth of the slots
  return slots;
}

/// Whether tables can have that many slots.
constexpr bool is_slot_count(uint64_t slots) { return slots >= kStateSlotsMin && slots <= kStateSlotsMax && (slots & (slots - 1)) == 0; }

}  // namespace kaimen::check
