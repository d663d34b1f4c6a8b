// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Whether the file system of an open file or folder is one of this machine's own disks or its memory, by its number
/// in linux/magic.h: 1, or 0, also for those that are not known. C function: `fstatfs`.
int cfiles_is_local(int descriptor);

/// Reads from `offset` what the system has in memory, without waiting for a disk: bytes read, 0 at the end, -1 with
/// the reason in errno, which is EAGAIN where it would have to wait. C function: `preadv2` with RWF_NOWAIT.
ssize_t cfiles_read_now(int descriptor, void *memory, size_t size, off_t offset);

/// Has the disk begin with what was written, without waiting for it. C function: `sync_file_range`.
void cfiles_begin_sync(int descriptor);
