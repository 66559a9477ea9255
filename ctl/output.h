/* SPDX-License-Identifier: ISC */
/* output - where a command puts what it was asked for: standard output, or a new file. */
#ifndef POSTERN_CTL_OUTPUT_H
#define POSTERN_CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct output {
	const char *file; /* NULL: standard output */
	int fd;
};

enum output_kind {
	OUTPUT_PUBLIC, /* anybody may read it */
	OUTPUT_SECRET, /* mode 0600, and never to a terminal */
};

/*
 * FILE (NULL: standard output; it stays the caller's) must not be there yet. Returns 0, or -1 with
 * ERR filled.
 */
int output_open(struct output *, const char *file, enum output_kind, struct error *);

/* Returns 0, or -1 with ERR filled. */
int output_write(const struct output *, const void *bytes, size_t length, struct error *);

/* The same as an on_data of struct cert_request (cert.h), whose arg is the struct output. */
int output_data(uint32_t kind, const char *bytes, size_t length, void *output, struct error *);

/*
 * Ends it: a file is on disk, or, if RESULT is -1, is not there. Returns RESULT, or -1 with ERR
 * filled.
 */
int output_close(struct output *, int result, struct error *);

#endif
