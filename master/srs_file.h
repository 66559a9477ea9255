/* SPDX-License-Identifier: ISC */
/*
 * srs_file - STATE/srs.secret: what reverse-paths of forwarded mail are made with (SRS). A line a
 * secret, in hex; the first one makes them, all are good. Who knows one can have mail sent from
 * here.
 */
#ifndef POSTERN_MASTER_SRS_FILE_H
#define POSTERN_MASTER_SRS_FILE_H

#include "common/error.h"
#include "common/proto/master_accounts.h"

#define SRS_FILE_NAME "srs.secret"

/*
 * Reads the secrets of the file in the folder STATE; if there is none, makes one (0600). 0, or -1
 * with ERR: then there are none in *SRS.
 */
int srs_file_read(const char *state, struct ma_srs *, struct error *);

/* The text of a file (LENGTH bytes), as above. */
int srs_file_parse(const char *text, size_t length, struct ma_srs *, struct error *);

#endif
