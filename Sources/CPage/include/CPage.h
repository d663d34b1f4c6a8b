// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/// One file of the page for people, as it lies in `web/`.
struct cpage_file {
    /// The file's own name, without a folder.
    const char *name;
    /// Its media type, with the charset where it is text.
    const char *type;
    const unsigned char *bytes;
    size_t count;
};

/// How many files there are.
size_t cpage_count(void);

/// The file at `index`, which lives as long as the program; no bytes where there is none.
struct cpage_file cpage_at(size_t index);
