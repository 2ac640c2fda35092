// A SQLite VFS that forgets what was not synced: writes stay in this process's memory until xSync, so that a kill -9 loses what a power cut
// would lose. (A killed process alone loses nothing: the page cache survives it.) Like Linux, it also forgets which writes a failed sync
// concerned: they can still be read, but a later sync does not bring them to the disk.
//
// KAIMEN_CRASH_VFS = unsynced (as told) | nosync (xSync does nothing: the control that must lose data).
// KAIMEN_CRASH_FAULT = a file; while it contains "fsync", syncing fails with SQLITE_IOERR_FSYNC; while it contains "full", writing fails
// with SQLITE_FULL; while it contains "lock", the WAL's locks cannot be had, so that not even a transaction begins.
#pragma once

namespace kaimen::crash {

/// Makes it the default VFS of the process. False: SQLite refused, or KAIMEN_CRASH_VFS has another value.
bool register_unsynced_vfs();

}  // namespace kaimen::crash
