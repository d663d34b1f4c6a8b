// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

int cfiles_is_local(int descriptor) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return 0;
    switch ((unsigned int)status.f_type) {
    case 0x0000ef53u:  // ext2, ext3, ext4
    case 0x58465342u:  // xfs
    case 0x9123683eu:  // btrfs
    case 0x2fc12fc1u:  // zfs
    case 0xf2f52010u:  // f2fs
    case 0x01021994u:  // tmpfs
    case 0x794c7630u:  // overlayfs
    case 0x73717368u:  // squashfs
    case 0xe0f5e1e2u:  // erofs
        return 1;
    default: return 0;
    }
}

ssize_t cfiles_read_now(int descriptor, void *memory, size_t size, off_t offset) {
    struct iovec piece = {memory, size};
    return preadv2(descriptor, &piece, 1, offset, RWF_NOWAIT);
}

void cfiles_begin_sync(int descriptor) {
    int before = errno;
    // A hint: whether it was taken shows in the time that the sync takes.
    (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
    errno = before;
}
