#include "store/entry_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<EntryCodeRow>;
template class Held<EntryCountRow>;
template class Held<EntryPictureRow>;
template class Held<EntryScanRow>;
template class Held<StatsTableRow>;

}  // namespace kaimen::store
