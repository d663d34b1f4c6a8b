// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

/// Asks for the cache line at `address`. Never faults, so the address may lie behind the memory that is ours.
static inline void cprefetch_line(uintptr_t address) {
    __builtin_prefetch((const void *)address, 0, 3);
}
