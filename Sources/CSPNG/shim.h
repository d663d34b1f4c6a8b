// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <spng.h>
#include <stdlib.h>

/// Frees what `spng_get_png_buffer` returned; it came from malloc.
static inline void pyr_spng_free(void *bytes) { free(bytes); }
