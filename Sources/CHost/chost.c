// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CHost.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64, MAPPED_FROM = 4 << 20 };

int chost_x86_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return 4;
    if (__builtin_cpu_supports("x86-64-v3")) return 3;
    if (__builtin_cpu_supports("x86-64-v2")) return 2;
    return 1;
#else
    return 0;
#endif
}

void *chost_allocate(size_t size) {
    void *memory = NULL;
    if (size < MAPPED_FROM) {
        if (posix_memalign(&memory, CACHE_LINE, size ? size : 1) != 0) return NULL;
        return memory;
    }
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
    madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
}

void chost_free(void *memory, size_t size) {
    if (memory == NULL) return;
    if (size < MAPPED_FROM)
        free(memory);
    else
        munmap(memory, size);
}
