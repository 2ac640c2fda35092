#include "core/webhooks.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostWebhooks = 50;  // of one project
constexpr size_t kSecretBytes = 24;
constexpr auto kSendTime = 5s;
constexpr auto kLease = 20s;  // longer than any sending
constexpr Millis kFirstPause = 10s, kLongestPause = 1h;
constexpr int64_t kMostAttempts = 32;  // with these pauses: a day

Result<> check_url(const std::string& url) {
  const bool printable = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable || url.size() > limits::kUrlBytes || !(url.starts_with("https://") || url.starts_with("http://"))) {
    return make_error(ErrorCode::invalid_request, "url must be an http or https URL of at most 1024 printable ASCII characters");
  }
  return ok();
}

Result<> check_kinds(const std::vector<std::string>& kinds) {
  const auto& known = webhook_kinds();
  for (const auto& kind : kinds) {
    if (std::find(known.begin(), known.end(), kind) == known.end()) {
      return make_error(ErrorCode::invalid_request, "kinds: user.created, user.registered, user.updated, user.merged, user.deleted, session.ended, entry.scanned");
    }
  }
  return ok();
}

}  // namespace

const std::vector<std::string>& webhook_kinds() {
  static const std::vector<std::string> kinds{"user.created", "user.registered", "user.updated", "user.merged", "user.deleted", "session.ended", "entry.scanned"};
  return kinds;
}

std::string webhook_signature(const Secret& secret, Time now, std::string_view body) {
  const std::string seconds = std::to_string(epoch_ms(now) / 1000);
  return "t=" + seconds + ",v1=" + to_hex(crypto::hmac_sha256(secret.reveal(), seconds + "." + std::string(body)));
}

std::optional<Millis> webhook_pause(int64_t attempts) {
  if (attempts >= kMostAttempts) return std::nullopt;
  Millis pause = kFirstPause;
  for (int64_t i = 1; i < attempts && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

Task<Result<std::vector<Webhook>>> Webhooks::list() {
  auto listed = co_await store_.journal().list_webhooks();
  co_return listed;
}

Task<Result<Webhook>> Webhooks::find(Id id) {
  auto listed = co_await list();
  CO_TRY(auto webhooks, std::move(listed));
  for (auto& webhook : webhooks) {
    if (webhook.id == id) co_return std::move(webhook);
  }
  co_return make_error(ErrorCode::not_found, "there is no such webhook");
}

Task<Result<MadeWebhook>> Webhooks::add(NewWebhook wanted) {
  CO_TRY(check_url(wanted.url));
  CO_TRY(check_kinds(wanted.kinds));
  if (!live_.apps.get()->project(wanted.project)) {
    co_return make_error(ErrorCode::invalid_request, "there is no project of that name");
  }
  auto listed = co_await list();
  CO_TRY(const auto there, std::move(listed));
  const auto count = std::count_if(there.begin(), there.end(), [&](const Webhook& one) { return one.project == wanted.project; });
  if (static_cast<size_t>(count) >= kMostWebhooks) co_return make_error(ErrorCode::invalid_request, "a project may have 50 webhooks");

  MadeWebhook made;
  made.row.created_at = live_.clock.now();
  CO_TRY(made.row.id, Id::make(made.row.created_at, random_));
  CO_TRY(const auto secret, random_.bytes<kSecretBytes>());
  made.secret = Secret("whsec_" + to_base64url(std::string(reinterpret_cast<const char*>(secret.data()), secret.size())));
  made.row.project = std::move(wanted.project);
  made.row.url = std::move(wanted.url);
  made.row.kinds = std::move(wanted.kinds);
  made.row.disabled = wanted.disabled;
  made.row.source = std::move(wanted.source);
  CO_TRY(made.row.secret_sealed, vault_.seal("webhook", made.row.id.raw(), made.secret));
  auto added = co_await store_.journal().add_webhook(made.row);
  CO_TRY(std::move(added));
  co_return made;
}

Task<Result<Webhook>> Webhooks::change(ChangeWebhook change) {
  if (change.url) {
    CO_TRY(check_url(*change.url));
  }
  if (change.kinds) {
    CO_TRY(check_kinds(*change.kinds));
  }
  auto changed = co_await store_.journal().change_webhook(std::move(change));
  co_return changed;
}

Task<Result<>> Webhooks::remove(Id id, Source source) {
  auto removed = co_await store_.journal().remove_webhook(id, live_.clock.now(), std::move(source));
  co_return removed;
}

Task<Result<DeliveryPage>> Webhooks::deliveries(ListDeliveries query) {
  auto listed = co_await store_.journal().list_deliveries(std::move(query));
  co_return listed;
}

Task<Result<>> Webhooks::replay(Id webhook, Id delivery, Source source) {
  auto replayed = co_await store_.journal().replay_delivery(webhook, delivery, live_.clock.now(), std::move(source));
  co_return replayed;
}

Task<Result<std::vector<LeasedDelivery>>> Webhooks::lease(std::vector<Id> busy) {
  LeaseDeliveries act;
  act.now = live_.clock.now();
  act.until = act.now + kLease;
  act.busy = std::move(busy);
  auto leased = co_await store_.journal().lease_deliveries(std::move(act));
  co_return leased;
}

Task<Result<>> Webhooks::send(LeasedDelivery leased) {
  const Delivery& delivery = leased.delivery;
  SettleDelivery settled;
  settled.webhook = delivery.webhook;
  settled.id = delivery.id;
  settled.lease_until = leased.lease_until;
  const auto secret = vault_.open("webhook", delivery.webhook.raw(), leased.secret_sealed);
  if (secret.has_error()) {
    settled.error = "its secret cannot be opened";
  } else {
    OutboundRequest request;
    request.url = leased.url;
    request.body = delivery.body;
    request.deadline = deadline_in(kSendTime);
    request.headers = {{"Content-Type", "application/json"},
                       {"X-Kaimen-Delivery", delivery.id.hex()},
                       {"X-Kaimen-Signature", webhook_signature(secret.value(), live_.clock.now(), delivery.body)}};
    auto answered = co_await outbound_.send(std::move(request));
    if (answered.has_value()) settled.status = answered.value().status;
    else settled.error = answered.error().detail;
    settled.delivered = settled.status >= 200 && settled.status < 300;
  }
  settled.now = live_.clock.now();
  if (!settled.delivered) {
    if (const auto pause = webhook_pause(delivery.attempts + 1)) settled.retry_at = settled.now + *pause;
  }
  auto written = co_await store_.journal().settle_delivery(std::move(settled));
  co_return written;
}

}  // namespace kaimen::core
