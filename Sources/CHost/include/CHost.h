// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/// The highest x86-64 level that this processor and its kernel support: 1, 2, 3 or 4; 0 elsewhere.
int chost_x86_level(void);

/// `size` bytes, not filled, aligned for any vector; NULL where there are none. Large ones ask for huge pages.
void *chost_allocate(size_t size);

/// Gives back what `chost_allocate` gave for the same size.
void chost_free(void *memory, size_t size);
