/* SPDX-License-Identifier: ISC */
/* duration - seconds in words: "2 days", "1 hour 30 minutes". */
#ifndef POSTERN_COMMON_DURATION_H
#define POSTERN_COMMON_DURATION_H

#include <stdint.h>

#define DURATION_SIZE 80

/* All of them, none rounded away. SECONDS: 0 or more. Returns OUT. */
const char *duration_text(int64_t seconds, char out[DURATION_SIZE]);

#endif
