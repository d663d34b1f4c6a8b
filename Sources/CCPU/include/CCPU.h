// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The highest x86-64 level that this processor and its kernel support: 1, 2, 3 or 4; 0 elsewhere.
int ccpu_x86_level(void);
