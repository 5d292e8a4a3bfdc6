// The tables of a history, and how a file of an older version gets them.
#pragma once

#include <span>
#include <string>

namespace SQLite {
class Database;
}

namespace sigsweep {

// A step from one version of the schema to the next. Step 0 makes version 1 of an empty file. A step
// that was released is never changed: files of its version are about. A new one is added behind it.
struct SchemaStep {
  const char* what;
  const char* sql;
};
std::span<const SchemaStep> schema_steps();

// Takes a file from its version (PRAGMA user_version) to that which `steps` lead to, in one
// transaction: killed at any moment it is of the old version, or of the new one. `path`: for
// messages. Throws Failure(kUsage) for a file of a newer version, and for one of another program;
// SQLite::Exception.
void bring_up_to_date(SQLite::Database* db, const std::string& path,
                      std::span<const SchemaStep> steps);

// Is there nothing for bring_up_to_date() to do? Throws as that does.
bool is_up_to_date(SQLite::Database* db, const std::string& path,
                   std::span<const SchemaStep> steps);

}  // namespace sigsweep
