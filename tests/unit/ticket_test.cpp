#include "check/ticket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "base/random.h"
#include "check/base64url.h"
#include "tickets.h"

namespace kaimen::check {
namespace {

Opened opened;

// Made by another implementation (Python): clients store tickets, other processes read them.
TEST(Ticket, the_layout_does_not_change) {
  const Key key = key_of(0x01020304);
  std::array<uint8_t, 12> nonce;
  for (size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<uint8_t>(100 + i);
  Claims claims = claims_of(0);
  for (size_t i = 0; i < 16; ++i) {
    claims.session[i] = static_cast<uint8_t>(i);
    claims.user[i] = static_cast<uint8_t>(16 + i);
  }
  claims.issued_ms = 1'790'000'000'123;
  const std::string text =
      "km1.AQIDBGRlZmdoaWprbG1ub0ga3GV97FCZNmtV49ZoZPJS0xQZn3nlZb_ItlPnvrtXlOlAx02yX1SRiHg_4WLKzxtYmOIgTS5nipTCv4uBo_9d4rJhuEs44C_57Upi_lCAAlRwRNTzQkcPZxKDrNYi4keSnHPO";
  EXPECT_EQ(seal_ticket(key, claims, nonce), text);
  ASSERT_TRUE(open_ticket(key, text, opened));
  expect_equal(opened.claims, claims);
  EXPECT_EQ(opened.claims.env(), Env::trial);
  EXPECT_TRUE(opened.claims.registered());
}

void expect_round_trip(const Claims& claims) {
  const Key key = key_of(0xfffffffe, 9);
  const std::string text = seal_ticket(key, claims, nonce_of(1));
  uint32_t key_id = 0;
  EXPECT_TRUE(ticket_key_id(text, key_id));
  EXPECT_EQ(key_id, key.id);
  ASSERT_TRUE(open_ticket(key, text, opened));
  expect_equal(opened.claims, claims);
}
TEST(Ticket, carries_nothing) { expect_round_trip(Claims{}); }
TEST(Ticket, carries_the_largest_numbers) {
  Claims claims;
  claims.session.fill(0xff);
  claims.user.fill(0xff);
  claims.app = claims.life_s = claims.generation = 0xffffffff;
  claims.issued_ms = 0xffffffffffff;
  claims.flags = static_cast<uint16_t>(~kFlagActor);  // that one says what follows
  expect_round_trip(claims);
  EXPECT_EQ(opened.claims.expires_ms(), 0xffffffffffff + uint64_t{0xffffffff} * 1000);
}
TEST(Ticket, carries_the_longest_strings_in_every_field) {
  const std::string longest(kTicketFieldMax, '\xff');
  for (std::string_view Claims::*field : {&Claims::openid, &Claims::unionid, &Claims::external_id, &Claims::roles}) {
    Claims claims = claims_of(1);
    claims.openid = claims.unionid = claims.external_id = claims.roles = {};
    claims.*field = longest;
    expect_round_trip(claims);
  }
}
TEST(Ticket, carries_every_length) {
  const std::string text(200, 'x');
  for (size_t size = 0; size <= text.size(); ++size) {
    Claims claims = claims_of(1);
    claims.unionid = std::string_view(text).substr(0, size);
    expect_round_trip(claims);
  }
}
TEST(Ticket, strings_longer_than_the_limit_together_are_not_sealed) {
  const std::string half(kTicketFieldMax / 2, 'x');
  Claims claims = claims_of(1);
  claims.openid = claims.roles = half;
  claims.unionid = "x";
  claims.external_id = {};
  EXPECT_EQ(seal_ticket(key_of(1), claims, nonce_of(1)), "");
}
TEST(Ticket, carries_an_actor_beside_the_longest_strings) {
  const std::string longest(kTicketFieldMax, 'x'), name(kTicketActorMax, 'a');
  Claims claims = claims_of(1);
  claims.openid = claims.unionid = claims.external_id = {};
  claims.roles = longest;
  claims.flags |= kFlagActor;
  for (const std::string_view actor : {std::string_view(name), std::string_view(name).substr(0, 1)}) {
    claims.actor = actor;
    expect_round_trip(claims);
    EXPECT_EQ(opened.claims.actor, actor);
  }
}
TEST(Ticket, an_actor_and_its_flag_are_sealed_together_or_not_at_all) {
  const std::string long_name(kTicketActorMax + 1, 'a');
  Claims claims = claims_of(1);
  claims.actor = "anna";
  EXPECT_EQ(seal_ticket(key_of(1), claims, nonce_of(1)), "");
  claims.flags |= kFlagActor;
  EXPECT_NE(seal_ticket(key_of(1), claims, nonce_of(1)), "");
  claims.actor = long_name;
  EXPECT_EQ(seal_ticket(key_of(1), claims, nonce_of(1)), "");
  claims.actor = {};
  EXPECT_EQ(seal_ticket(key_of(1), claims, nonce_of(1)), "");
}
TEST(Ticket, a_time_beyond_48_bits_is_not_sealed) {
  Claims claims = claims_of(1);
  claims.issued_ms = uint64_t{1} << 48;
  EXPECT_EQ(seal_ticket(key_of(1), claims, nonce_of(1)), "");
}

TEST(Ticket, a_million_tickets_are_all_different) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr size_t kTickets = 200'000;
#else
  constexpr size_t kTickets = 1'000'000;
#endif
  SystemRandom random;
  const Key key = key_of(1);
  const Claims claims = claims_of(1);
  std::vector<std::string> tags;
  tags.reserve(kTickets);
  for (size_t i = 0; i < kTickets; ++i) {
    const std::string text = seal_ticket(key, claims, random.bytes<12>().value());
    tags.push_back(text.substr(text.size() - 21));
  }
  std::sort(tags.begin(), tags.end());
  EXPECT_EQ(std::adjacent_find(tags.begin(), tags.end()), tags.end());
}

TEST(TicketKeyId, wants_the_prefix) {
  uint32_t id = 0;
  const std::string text = seal_ticket(key_of(1), claims_of(1), nonce_of(1));
  EXPECT_TRUE(ticket_key_id(text, id));
  EXPECT_FALSE(ticket_key_id("km2." + text.substr(4), id));
  EXPECT_FALSE(ticket_key_id("KM1." + text.substr(4), id));
  EXPECT_FALSE(ticket_key_id("kmr1." + text.substr(4), id));
  EXPECT_FALSE(ticket_key_id("", id));
}
TEST(TicketKeyId, wants_the_alphabet) {
  uint32_t id = 0;
  std::string text = seal_ticket(key_of(1), claims_of(1), nonce_of(1));
  text[5] = '+';
  EXPECT_FALSE(ticket_key_id(text, id));
}
TEST(TicketKeyId, wants_a_ticket_s_length) {
  uint32_t id = 0;
  EXPECT_TRUE(ticket_key_id("km1." + std::string(123, 'A'), id));
  EXPECT_FALSE(ticket_key_id("km1." + std::string(122, 'A'), id));
  EXPECT_TRUE(ticket_key_id("km1." + std::string(kTicketTextMax - 4, 'A'), id));
  EXPECT_FALSE(ticket_key_id("km1." + std::string(kTicketTextMax - 3, 'A'), id));
}

// A thread keeps expanded keys: these tests use more than it keeps, and one id with two meanings.
TEST(TicketKeys, more_keys_than_a_thread_keeps_all_open_in_any_order) {
  constexpr uint32_t kKeys = 30;
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < kKeys; ++i) texts.push_back(seal_ticket(key_of(i, static_cast<uint8_t>(i)), claims_of(i), nonce_of(i)));
  std::mt19937 noise(1);
  for (int i = 0; i < 2000; ++i) {
    const uint32_t at = noise() % kKeys;
    ASSERT_TRUE(open_ticket(key_of(at, static_cast<uint8_t>(at)), texts[at], opened));
    EXPECT_EQ(opened.claims.session, session_of(at));
  }
}
TEST(TicketKeys, an_id_that_comes_again_with_other_bytes_is_another_key) {
  const Key before = key_of(5, 1), after = key_of(5, 2);
  const std::string old_text = seal_ticket(before, claims_of(1), nonce_of(1)), new_text = seal_ticket(after, claims_of(2), nonce_of(1));
  EXPECT_TRUE(open_ticket(before, old_text, opened));
  EXPECT_FALSE(open_ticket(after, old_text, opened));
  EXPECT_TRUE(open_ticket(after, new_text, opened));
  EXPECT_FALSE(open_ticket(before, new_text, opened));
}
TEST(TicketKeys, the_same_bytes_under_another_id_are_another_key) {
  EXPECT_FALSE(open_ticket(key_of(6, 1), seal_ticket(key_of(5, 1), claims_of(1), nonce_of(1)), opened));
}
TEST(TicketKeys, a_good_ticket_opens_after_a_refused_one) {
  const Key key = key_of(1);
  const std::string text = seal_ticket(key, claims_of(1), nonce_of(1));
  std::string changed = text;
  changed[60] = changed[60] == 'A' ? 'B' : 'A';
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(open_ticket(key, changed, opened));
    EXPECT_TRUE(open_ticket(key, text, opened));
  }
}
TEST(TicketKeys, every_thread_opens_with_contexts_of_its_own) {
  const std::string text = seal_ticket(key_of(1), claims_of(1), nonce_of(1));
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Opened own;
      for (int i = 0; i < 5000; ++i) refused += !open_ticket(key_of(1), text, own);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace kaimen::check
