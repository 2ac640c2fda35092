// What happened: written by records.cpp with each act; read here.
#include <algorithm>

#include "store/journal.h"

namespace kaimen::store {

using core::EventPage;
using core::EventView;
using core::ListEvents;

namespace {

constexpr int kEventSlice = 500;
constexpr int kEventSlices = 10;  // at most, for one page

constexpr Scan kAll{&kTable<EventRow>, "id < ?", "id DESC", true};
constexpr Scan kNewestOfUser{&kTable<EventRow>, "user_id = ? AND id < ?", "id DESC", true};
constexpr Scan kOfRequest{&kTable<EventRow>, "request_id = ? AND id < ?", "id DESC", true};

EventView view_of(EventRow&& row) {
  EventView view;
  view.id = row.id;
  view.at = row.at;
  view.kind = std::move(row.kind);
  view.app = row.app;
  view.user = row.user;
  view.session = row.session;
  view.reason = row.reason;
  view.project = std::move(row.project);
  view.actor = std::move(row.actor);
  view.ip = std::move(row.ip);
  view.request_id = std::move(row.request_id);
  view.detail = std::move(row.detail);
  return view;
}

bool fits(const EventRow& row, const ListEvents& query) {
  return (!query.user || row.user == query.user) && (!query.session || row.session == query.session) && (!query.app || row.app == query.app) &&
         (query.kind.empty() || row.kind == query.kind) && (query.project.empty() || row.project == query.project) &&
         (query.request_id.empty() || row.request_id == query.request_id) && (!query.since || row.at >= *query.since);
}

Result<std::vector<EventRow>> slice(Rows& rows, const ListEvents& query, const Id& before) {
  if (!query.request_id.empty()) return rows.scan<EventRow>(kOfRequest, query.request_id, before, kEventSlice);
  if (query.user) return rows.scan<EventRow>(kNewestOfUser, *query.user, before, kEventSlice);
  return rows.scan<EventRow>(kAll, before, kEventSlice);
}

}  // namespace

Result<EventPage> list_events(ActContext& context, const ListEvents& query) {
  EventPage page;
  Id before;
  before.bytes.fill(0xff);
  if (query.before) before = *query.before;
  // An id begins with the time of its event: what is older than `since` ends the search.
  for (int i = 0; i < kEventSlices; ++i) {
    TRY(auto found, slice(context.rows, query, before));
    const bool last = found.size() < kEventSlice;
    for (EventRow& row : found) {
      if (query.since && row.at < *query.since) return page;
      before = row.id;
      if (!fits(row, query)) continue;
      page.events.push_back(view_of(std::move(row)));
      if (page.events.size() == query.limit) {
        page.next = before;
        return page;
      }
    }
    if (last) return page;
  }
  page.next = before;
  return page;
}

Result<> write_note(ActContext& context, const core::Note& note) {
  Event event{note.kind, note.app, note.user, note.session, note.reason, note.source, note.project, note.detail};
  // Whoever is deleted must be found by it, and where they are gone, it says no more from where they came.
  if (!event.user && note.session) {
    TRY(const SessionRow* session, context.rows.find<SessionRow>(*note.session));
    if (session) event.user = session->user;
  }
  if (event.user) {
    TRY(const UserRow* user, context.rows.find<UserRow>(*event.user));
    if (!user || user->state == UserState::deleted) event.source.ip.clear();
  }
  return write_event(context, note.now, event);
}

}  // namespace kaimen::store
