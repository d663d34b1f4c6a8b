// SPDX-License-Identifier: Apache-2.0
// All there is is in the header, so that it is inlined; a target needs a source.
#include "CLanes.h"
