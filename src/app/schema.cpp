#include "app/schema.h"

#include <unistd.h>

#include "store/open.h"

namespace kaimen::app {

OrFail<SchemaState> read_schema(const std::string& store_url, const Clock& clock) {
  const auto dialect = store::dialect_of(store_url).value_or(store::Dialect::sqlite);
  SchemaState state;
  constexpr std::string_view kFile = "sqlite://";
  state.exists = dialect != store::Dialect::sqlite || access(store_url.substr(kFile.size()).c_str(), F_OK) == 0;
  if (!state.exists) {
    for (const store::Migration& migration : store::migrations(dialect)) state.missing.emplace_back(migration.name);
    return state;
  }
  auto engine = store::open_engine(store_url, clock);
  if (!engine) return fail(engine.error().detail);
  auto schema = store::read_schema(*engine.value(), dialect);
  if (!schema) return fail(schema.error().detail);
  state.applied = std::move(schema.value().applied);
  state.missing = std::move(schema.value().missing);
  state.unknown = std::move(schema.value().unknown);
  state.barring = std::move(schema.value().barring);
  return state;
}

}  // namespace kaimen::app
