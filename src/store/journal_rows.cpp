#include "store/journal_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<EventRow>;
template class Held<WebhookRow>;
template class Held<DeliveryRow>;

}  // namespace kaimen::store
